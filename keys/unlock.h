/* keys/unlock.h - the client's half of a group unlock: blind, send, combine, unblind, compare, blame.
 *
 *     unlock_target_of(file, &group.id, &targets[i], why)      for each folder
 *     unlock_new(&group, targets, count, &unlock, why)        blinds the point of each envelope
 *     unlock_request_of(unlock, &request)                     the same body for every server
 *     unlock_take(unlock, server, &answer, why)               until unlock_is_ready(): t good answers
 *     unlock_finish(unlock, i, &folder_key, why)              for each target
 *
 * A folder key that does not match the signed commitment means that a server lied or an envelope was tampered
 * with. Then who?
 *
 *     unlock_blame(unlock, &request, why)                     the same request again, with a challenge
 *     unlock_judge(unlock, server, &answer, &honest, why)     for each server that had answered
 *     unlock_exclude(unlock, server)                          whoever was not; then take another's answer
 *
 * All honest: it is the envelope. A server that gives other points now than before has lied once. With t = 1
 * this is the same code. No I/O; one thread at a time. Blinds and shared points are wiped. docs/PROTOCOL.md,
 * "Unlock"; Jarecki, Krawczyk, Resch 2019.
 */
#ifndef FSENC_KEYS_UNLOCK_H
#define FSENC_KEYS_UNLOCK_H

#include "keys/folder.h"
#include "keys/message.h"

/* An envelope of a group in an accepted folder file. */
struct unlock_target {
	struct folder_id folder;
	uint32_t generation;
	uint64_t version;
	struct digest head;
	struct wrap wrap;
	struct wrap_context context;
	struct fingerprint fingerprint; /* of the group's entry */
	uint8_t commit[KEY_SIZE]; /* of that generation, from the signed record */
};
/* The target for `group` (or recovery group) in `file`; FAULT_MISSING: it has no entry; FAULT_TAMPERED: an
 * entry without envelope, or one that holds no point. */
MUST_CHECK enum fault unlock_target_of(const struct folder_file *file, const struct member_id *group,
				       struct unlock_target *ret_target, struct why *why);

struct unlock;
/* 1..UNLOCK_ITEMS_MAX targets, copied. FAULT_INVALID: a target of another group than `group`. */
MUST_CHECK enum fault unlock_new(const struct group_descriptor *group, const struct unlock_target *targets,
				 size_t count, struct unlock **ret_unlock, struct why *why);
void unlock_free(struct unlock *unlock);
AUTO_POINTER(struct unlock *, unlock_free);

void unlock_request_of(const struct unlock *unlock, struct unlock_request *ret_request);
/* An answer of a server of the group; a second one takes the place of the first. FAULT_REFUSED: no server of
 * the group, or it answers something else than was asked (another group, count or epoch, bad points). A
 * server that denies is not good, but it has answered. */
MUST_CHECK enum fault unlock_take(struct unlock *unlock, const struct member_id *server,
				  const struct unlock_answer *answer, struct why *why);
/* t servers have given a point for target `index`. */
bool unlock_is_ready(const struct unlock *unlock, size_t index);
/* FAULT_REFUSED when the key does not match the commitment: somebody lied. Not ready: FAULT_DENIED when so
 * many servers deny that t others cannot be found; FAULT_TAMPERED when a server knows a later version of the
 * record (unlock_head_version()); else FAULT_UNREACHABLE. */
MUST_CHECK enum fault unlock_finish(struct unlock *unlock, size_t index, struct wiped_key *ret_folder_key,
				    struct why *why);
/* The highest version of the folder's record that a server says it has seen; 0: none. */
uint64_t unlock_head_version(const struct unlock *unlock, size_t index);
/* A server says that the folder is due for a new generation. */
bool unlock_is_due(const struct unlock *unlock, size_t index);

/* After FAULT_REFUSED of target `index`: the challenge goes out as `check` with the same items. */
MUST_CHECK enum fault unlock_blame(struct unlock *unlock, size_t index, struct unlock_request *ret_request,
				   struct why *why);
/* The answer to it from a server whose point was used: was it honest? FAULT_INVALID without unlock_blame().
 */
MUST_CHECK enum fault unlock_judge(struct unlock *unlock, const struct member_id *server,
				   const struct unlock_answer *answer, bool *ret_honest, struct why *why);
/* Leaves a liar's answers out, now and later. */
void unlock_exclude(struct unlock *unlock, const struct member_id *server);

#endif
