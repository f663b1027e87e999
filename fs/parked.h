/* fs/parked.h - requests of the kernel that wait for an answer from elsewhere.
 *
 * A parked request is the bytes that the kernel sent, kept until somebody takes them to do the operation once
 * more from its beginning. Each belongs to the number by which the kernel knows it (`unique`).
 *
 *     parked_add(list, bytes, size, round, &entry)   listed, but nobody may take it yet
 *     parked_offer(list, entry)                       now it waits
 *     entry = parked_take(list)                       one that is due, waits for it; NULL at the end
 *     parked_offer(list, entry)                       it met the same again: waits on until its time is up
 *     parked_drop(list, entry)                        it was answered
 *
 * Due is what was parked in an earlier round than the present one (parked_next_round()), or longer ago than
 * the patience; the latter is `final` then: it must be answered this time. What waits for its `turn` is due
 * every PARKED_PAUSE_MS (sooner at first) for as long as it takes; until the patience is over it is not
 * interrupted either, as programs expect no EINTR of a file.
 *
 * At most PARKED_MAX requests and PARKED_BYTES_MAX bytes. Any thread. Bytes are wiped: writes hold plaintext.
 */
#ifndef FSENC_FS_PARKED_H
#define FSENC_FS_PARKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/why.h"

#define PARKED_MAX 1024
#define PARKED_PAUSE_MS 100
#define PARKED_BYTES_MAX (32 * 1024 * 1024)

struct parked_list;

struct parked {
	struct parked *next;
	uint64_t unique;
	uint64_t round; /* in which it met that there is no answer yet */
	int64_t until_ms; /* boot time */
	bool taken; /* somebody is at it */
	bool interrupted; /* meanwhile */
	bool final;
	bool turn; /* set by whoever offers it */
	int64_t pause_ms, again_ms; /* for its turn: boot time */
	size_t size;
	_Alignas(8) uint8_t bytes[];
};

MUST_CHECK enum fault parked_list_new(int64_t patience_ms, struct parked_list **ret_list, struct why *why);
/* Everything was answered by now. */
void parked_list_free(struct parked_list *list);
AUTO_POINTER(struct parked_list *, parked_list_free);

uint64_t parked_round(struct parked_list *list);
/* Whatever was awaited may be there now. */
void parked_next_round(struct parked_list *list);

/* Copies; taken by the caller. False: too many, or no memory. */
MUST_CHECK bool parked_add(struct parked_list *list, uint64_t unique, const void *bytes, size_t size,
			   struct parked **ret_entry);
/* False when it was interrupted meanwhile, or by now: the caller answers and drops it. */
MUST_CHECK bool parked_offer(struct parked_list *list, struct parked *entry, uint64_t round, bool interrupted);
struct parked *parked_take(struct parked_list *list);
void parked_drop(struct parked_list *list, struct parked *entry);
enum parked_interrupt {
	PARKED_UNKNOWN, /* nobody knows it, or somebody is at it and learns of it when he offers it again */
	PARKED_GONE, /* it waited; the caller answers */
	PARKED_LATER /* when its patience is over */
};
enum parked_interrupt parked_interrupt(struct parked_list *list, uint64_t unique);

/* No parked_take() waits any more. */
void parked_end(struct parked_list *list);
/* After the end, when nobody is at any: the number of one that is dropped, 0 when there is none. */
uint64_t parked_drop_any(struct parked_list *list);
size_t parked_count(struct parked_list *list);

#endif
