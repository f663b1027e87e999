#include "base/clock.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

static atomic_bool faked;
static _Atomic int64_t fake_boot_ms;
static _Atomic int64_t fake_wall_ms;

static int64_t read_ms(clockid_t which)
{
	struct timespec now;

	(void)clock_gettime(which, &now);
	return (int64_t)now.tv_sec * MS_PER_SECOND + now.tv_nsec / 1000000;
}

int64_t clock_boot_ms(void)
{
	return atomic_load(&faked) ? atomic_load(&fake_boot_ms) : read_ms(CLOCK_BOOTTIME);
}

int64_t clock_wall_ms(void)
{
	return atomic_load(&faked) ? atomic_load(&fake_wall_ms) : read_ms(CLOCK_REALTIME);
}

int64_t clock_span_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void clock_set_fake(int64_t boot_ms, int64_t wall_ms)
{
	atomic_store(&fake_boot_ms, boot_ms);
	atomic_store(&fake_wall_ms, wall_ms);
	atomic_store(&faked, true);
}

void clock_set_real(void)
{
	atomic_store(&faked, false);
}
