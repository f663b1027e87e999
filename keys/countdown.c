#include "keys/countdown.h"

#include <string.h>

#include "base/clock.h"

#define MS_PER_MINUTE (60 * MS_PER_SECOND)

/* After each failed contact in the grace, how long until the next: 52 s in all. */
static const int64_t grace_delays_ms[] = {2000, 5000, 15000, 30000};
#define GRACE_STEPS (sizeof grace_delays_ms / sizeof *grace_delays_ms)

static int64_t smaller(int64_t one, int64_t other)
{
	return one < other ? one : other;
}

/* -- in the keyring ------------------------------------------------------------------- */

static bool is_stored(const struct countdown_stored *stored)
{
	return stored->boot_end_ms > 0 && stored->length_ms > 0;
}

/* Boot time of this boot says exactly what is left. Wall time may have been set in between: then the
 * countdown is never longer than it was when it began. */
static int64_t stored_left_ms(const struct countdown_stored *stored,
			      const uint8_t boot_id[static COUNTDOWN_BOOT_ID_SIZE], int64_t boot_ms,
			      int64_t wall_ms)
{
	bool is_this_boot = memcmp(stored->boot_id, boot_id, COUNTDOWN_BOOT_ID_SIZE) == 0;
	int64_t end_ms = is_this_boot ? stored->boot_end_ms : stored->wall_end_ms;
	int64_t now_ms = is_this_boot ? boot_ms : wall_ms;

	return end_ms <= now_ms ? 0 : smaller(end_ms - now_ms, stored->length_ms);
}

void countdown_load(struct countdown *countdown, const struct countdown_stored *stored,
		    const uint8_t boot_id[static COUNTDOWN_BOOT_ID_SIZE], int64_t boot_ms, int64_t wall_ms)
{
	int64_t left_ms = is_stored(stored) ? stored_left_ms(stored, boot_id, boot_ms, wall_ms) : 0;

	countdown->end_ms = left_ms > 0 ? boot_ms + left_ms : 0;
	countdown->length_ms = left_ms > 0 ? stored->length_ms : 0;
}

void countdown_store(const struct countdown *countdown, const uint8_t boot_id[static COUNTDOWN_BOOT_ID_SIZE],
		     int64_t boot_ms, int64_t wall_ms, struct countdown_stored *ret_stored)
{
	*ret_stored = (struct countdown_stored){.length_ms = 0};
	if (countdown->end_ms == 0)
		return;
	memcpy(ret_stored->boot_id, boot_id, COUNTDOWN_BOOT_ID_SIZE);
	ret_stored->boot_end_ms = countdown->end_ms;
	ret_stored->wall_end_ms = wall_ms + (countdown->end_ms - boot_ms);
	ret_stored->length_ms = countdown->length_ms;
}

/* -- what happens --------------------------------------------------------------------- */

static bool is_in_grace(const struct countdown *countdown, int64_t now_ms)
{
	return countdown->grace_end_ms != 0 && now_ms <= countdown->grace_end_ms;
}

static void end_grace(struct countdown *countdown)
{
	countdown->grace_end_ms = countdown->grace_retry_ms = 0;
	countdown->grace_step = 0;
}

bool countdown_failed(struct countdown *countdown, int64_t now_ms, int64_t length_ms)
{
	if (is_in_grace(countdown, now_ms) && now_ms < countdown->grace_end_ms &&
	    countdown->grace_step < GRACE_STEPS) {
		/* A retry that would come too late is the last one, at the end of the grace. */
		int64_t retry_ms = now_ms + grace_delays_ms[countdown->grace_step++];
		countdown->grace_retry_ms = smaller(retry_ms, countdown->grace_end_ms);
		return false;
	}
	end_grace(countdown);
	countdown->end_ms = now_ms + length_ms;
	countdown->length_ms = length_ms;
	return true;
}

void countdown_succeeded(struct countdown *countdown)
{
	*countdown = (struct countdown){.end_ms = 0};
}

void countdown_network_changed(struct countdown *countdown, int64_t now_ms)
{
	*countdown = (struct countdown){.grace_end_ms = now_ms + COUNTDOWN_GRACE_MS,
					.grace_retry_ms = now_ms};
}

/* -- what is asked -------------------------------------------------------------------- */

/* The grace comes first: another process may have started a countdown, but the network is new to us too. */
bool countdown_allows(const struct countdown *countdown, int64_t now_ms)
{
	if (is_in_grace(countdown, now_ms))
		return now_ms >= countdown->grace_retry_ms;
	return now_ms >= countdown->end_ms;
}

int64_t countdown_left_ms(const struct countdown *countdown, int64_t now_ms)
{
	return countdown->end_ms > now_ms ? countdown->end_ms - now_ms : 0;
}

unsigned countdown_minutes(const struct countdown *countdown, int64_t now_ms)
{
	int64_t left_ms = countdown_left_ms(countdown, now_ms);

	return (unsigned)((left_ms + MS_PER_MINUTE - 1) / MS_PER_MINUTE);
}
