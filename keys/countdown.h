/* keys/countdown.h - after a failed contact: when the client may contact key servers again by itself.
 *
 * A pure state machine. A failed contact (with every configured server, that an access or a command had to
 * wait for) starts the countdown; until it ends the client makes no contact by itself. A new operation of the
 * user may make one contact all the same, and success ends the countdown. After a change of the network or a
 * resume: for 60 s, failed contacts are repeated after 2, 5, 15, 30 s, and only then the countdown starts. No
 * network at all: no contact was made, no countdown. Stored as boot id, boot time and wall time: in the same
 * boot, boot time decides; in another, wall time, clamped to 0..length. product.md, rules 5 and 6.
 * The caller serialises.
 */
#ifndef FSENC_KEYS_COUNTDOWN_H
#define FSENC_KEYS_COUNTDOWN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/boot_id.h"

#define COUNTDOWN_BOOT_ID_SIZE BOOT_ID_SIZE
#define COUNTDOWN_GRACE_MS 60000

/* As it lies in the keyring; all zeros: none runs. */
struct countdown_stored {
	uint8_t boot_id[COUNTDOWN_BOOT_ID_SIZE];
	int64_t boot_end_ms;
	int64_t wall_end_ms;
	int64_t length_ms;
};

struct countdown {
	int64_t end_ms; /* since boot; 0: none runs */
	int64_t length_ms;
	int64_t grace_end_ms; /* 0: no grace */
	int64_t grace_retry_ms; /* next contact in the grace */
	unsigned grace_step;
};

/* From the keyring, at start or when another process has changed it. */
void countdown_load(struct countdown *countdown, const struct countdown_stored *stored,
		    const uint8_t boot_id[static COUNTDOWN_BOOT_ID_SIZE], int64_t boot_ms, int64_t wall_ms);
void countdown_store(const struct countdown *countdown, const uint8_t boot_id[static COUNTDOWN_BOOT_ID_SIZE],
		     int64_t boot_ms, int64_t wall_ms, struct countdown_stored *ret_stored);

/* A contact failed. true when the countdown has started now (the caller logs and stores it). */
bool countdown_failed(struct countdown *countdown, int64_t now_ms, int64_t length_ms);
void countdown_succeeded(struct countdown *countdown);
/* The network came, or the machine woke: the countdown ends and the grace begins. */
void countdown_network_changed(struct countdown *countdown, int64_t now_ms);

/* May the client make a contact by itself now? */
bool countdown_allows(const struct countdown *countdown, int64_t now_ms);
/* What is left, rounded up to minutes; 0 when none runs. */
unsigned countdown_minutes(const struct countdown *countdown, int64_t now_ms);
int64_t countdown_left_ms(const struct countdown *countdown, int64_t now_ms);

#endif
