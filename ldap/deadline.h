/* ldap/deadline.h - what is left of a deadline, in the units of those who wait.
 *
 * Deadlines are absolute, in milliseconds of clock_boot_ms().
 */
#ifndef FSENC_LDAP_DEADLINE_H
#define FSENC_LDAP_DEADLINE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/time.h>

#include "base/clock.h"

#define DEADLINE_WAIT_MAX_MS 3600000 /* one wait; whoever waits looks at the clock again */

/* 0 when it has passed. */
static inline int deadline_left_ms(int64_t deadline)
{
	int64_t left = deadline - clock_boot_ms();

	if (left <= 0)
		return 0;
	return left > DEADLINE_WAIT_MAX_MS ? DEADLINE_WAIT_MAX_MS : (int)left;
}

static inline bool deadline_has_passed(int64_t deadline)
{
	return clock_boot_ms() >= deadline;
}

static inline struct timeval deadline_timeval(int64_t deadline)
{
	int left = deadline_left_ms(deadline);

	return (struct timeval){.tv_sec = left / 1000, .tv_usec = left % 1000 * 1000};
}

static inline int64_t deadline_earlier(int64_t one, int64_t other)
{
	return one < other ? one : other;
}

/* The first of `parts` equal parts of what is left. */
static inline int64_t deadline_share(int64_t deadline, unsigned parts)
{
	return parts <= 1 ? deadline : clock_boot_ms() + deadline_left_ms(deadline) / (int64_t)parts;
}

#endif
