/* base/condition.h - condition variables whose waits end by a clock that never steps.
 *
 * pthread_cond_init() alone waits by the wall clock, which people set. The waits here are by CLOCK_MONOTONIC,
 * never faked: the clock of base/clock.h may stand still in a test, the wait ends all the same.
 * pthread_cond_wait(3).
 */
#ifndef FSENC_BASE_CONDITION_H
#define FSENC_BASE_CONDITION_H

#include <pthread.h>
#include <stdint.h>
#include <time.h>

void condition_init(pthread_cond_t *condition);
/* `ms` from now, not negative: for pthread_cond_timedwait(). */
struct timespec condition_in_ms(int64_t ms);

#endif
