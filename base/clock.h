/* base/clock.h - what time it is, for code that must be testable.
 *
 * Boot time counts suspend and never steps (CLOCK_BOOTTIME); wall time is what people
 * read. Milliseconds since boot or since 1970-01-01 UTC. A test sets a fake clock with
 * clock_set_fake(); there is one clock a process.
 */
#ifndef FSENC_BASE_CLOCK_H
#define FSENC_BASE_CLOCK_H

#include <stdint.h>

#define MS_PER_SECOND 1000

int64_t clock_boot_ms(void);
int64_t clock_wall_ms(void);
/* Nanoseconds since some moment, never faked: for spans of a fraction of a second. */
int64_t clock_span_ns(void);

/* Both clocks stand still at these values until the next call. */
void clock_set_fake(int64_t boot_ms, int64_t wall_ms);
void clock_set_real(void);

#endif
