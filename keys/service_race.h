/* keys/service_race.h - one call to one server or several, with one deadline, for keys/service*.c alone.
 *
 * A race has lanes. A lane ends with one answer: that of a certain server, or (one lane) that of any. It has
 * a runner for each URL that may give it. The next runner of a lane starts when the one before has failed, or
 * has had its share of the time (all of it, divided by the number of runners): then both run on, and the
 * first answer counts. In the same way a runner goes through the addresses of its name. So nobody who is mute
 * delays by more than his share, and nobody who is slow is given up before the deadline.
 *
 * `wanted` lanes start at once; a further one when a lane has failed, when all have answered and `each` wants
 * more, or when their share of the time is over.
 */
#ifndef FSENC_KEYS_SERVICE_RACE_H
#define FSENC_KEYS_SERVICE_RACE_H

#include "keys/request.h"
#include "keys/service_parts.h"

struct race_options {
	const struct service_call *call;
	bool is_signed;
	const struct member_id *servers; /* one lane each; NULL: one lane with every URL */
	size_t server_count;
	bool lane_a_url; /* `servers` is NULL: a lane for each URL */
	size_t wanted;
	bool (*each)(void *context, const struct service_answer *answer); /* false: that is enough */
	void *context;
};
struct race_end {
	size_t answers;
	bool is_enough; /* `each` said so */
	bool no_network; /* nobody was reached at all */
	enum fault fault; /* of whom the words are about: FAULT_IDENTITY, else FAULT_UNREACHABLE */
	char host[SERVICE_HOST_SIZE];
	struct why why;
};
/* A failure of ours; what the servers did is in `ret_end`. */
MUST_CHECK enum fault service_race(struct service *service, const struct race_options *options,
				   struct race_end *ret_end, struct why *why);

/* -- runners --------------------------------------------------------------------------- */

struct attempt {
	struct transfer *transfer; /* NULL: it is over */
	struct service_address address;
	bool is_question; /* asks the server only who it is */
	struct member_id server;
	struct digest request;
	int64_t sent_ms;
};

enum runner_stage { RUNNER_WAITS, RUNNER_LOOKS_UP, RUNNER_TRIES, RUNNER_FAILED };

struct runner {
	struct service *service;
	const struct race_options *options;
	const struct member_id *expected; /* whose answer it must be; NULL: any of the organisation */
	CURLM *multi;
	size_t server; /* index of its URL */
	enum runner_stage stage;
	int64_t share_ms; /* of the time, for all its addresses */
	struct name_query *query;
	struct service_addresses addresses;
	struct attempt attempts[SERVICE_ADDRESSES_MAX]; /* one an address, in order */
	size_t attempt_count; /* begun */
	int64_t next_ms; /* when the next address has its turn */
	bool was_reached; /* something left this machine */
	bool was_overtaken; /* its share is over and others run */
	enum fault fault;
	struct why why;
};
void runner_done(struct runner *runner);
/* Does what there is to do now. Failures are the runner's. */
void runner_advance(struct runner *runner, int64_t now_ms);
/* A transfer has ended: false when it is none of this runner's. true and `*ret_answered`: `ret_answer` is
 * filled in. */
bool runner_take(struct runner *runner, const CURLMsg *message, bool *ret_answered,
		 struct service_answer *ret_answer);
/* The time is over. */
void runner_give_up(struct runner *runner);
/* When it wants to be advanced; INT64_MAX: when something happens. */
int64_t runner_next_ms(const struct runner *runner);

#endif
