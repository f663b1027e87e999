/* server/health.h - is the server up, and is it ready: for load balancers and service managers.
 *
 * Up (`/healthz`): it answers. Ready (`/readyz`): the store can be written and the directory has answered
 * lately. (The keys are unsealed, or the server does not run.) Nobody has to sign these questions, so what
 * they cost is bounded: the store is tried once a second at most. Any thread.
 */
#ifndef FSENC_SERVER_HEALTH_H
#define FSENC_SERVER_HEALTH_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/why.h"

#define HEALTH_STORE_MS 1000

struct server;

struct health {
	pthread_mutex_t lock;
	int64_t tried_ms; /* the store; 0: never */
	bool store_works;
	bool was_ready; /* what was logged last */
};

/* false with the reason. */
bool health_is_ready(struct server *server, struct why *why);

#endif
