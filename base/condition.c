#include "base/condition.h"

#include "base/clock.h"

#define NS_PER_SECOND 1000000000L
#define NS_PER_MS 1000000L

void condition_init(pthread_cond_t *condition)
{
	pthread_condattr_t attributes;

	(void)pthread_condattr_init(&attributes);
	(void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	(void)pthread_cond_init(condition, &attributes);
	(void)pthread_condattr_destroy(&attributes);
}

struct timespec condition_in_ms(int64_t ms)
{
	struct timespec at;

	(void)clock_gettime(CLOCK_MONOTONIC, &at);
	at.tv_sec += ms / MS_PER_SECOND;
	at.tv_nsec += ms % MS_PER_SECOND * NS_PER_MS;
	at.tv_sec += at.tv_nsec / NS_PER_SECOND;
	at.tv_nsec %= NS_PER_SECOND;
	return at;
}
