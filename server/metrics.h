/* server/metrics.h - numbers for whoever watches the server: Prometheus' text format 0.0.4.
 *
 * Labels are routes of the table, problem types and states: never a user's, group's or folder's name, id or
 * address. Counting is one atomic addition. Any thread.
 */
#ifndef FSENC_SERVER_METRICS_H
#define FSENC_SERVER_METRICS_H

#include <stdatomic.h>

#include "base/bytes.h"
#include "keys/message.h"
#include "server/route.h"

/* Counters without labels: name, help. */
#define METRICS_COUNT_LIST(X) \
	X(POINTS, "fsenc_points_unlocked_total", "points that were multiplied by a share of a group key") \
	X(POINTS_STALE, "fsenc_points_stale_total", "points refused because a newer record is known") \
	X(DENIALS, "fsenc_denials_total", "unlocks and leases denied because the directory says no") \
	X(UNKNOWNS, "fsenc_unknowns_total", "unlocks and leases without an answer of the directory") \
	X(LEASES, "fsenc_leases_total", "leases granted or renewed") \
	X(ENROLMENTS, "fsenc_enrolments_total", "keys certified") \
	X(FORKS, "fsenc_forks_total", "records seen that contradict a known one") \
	X(BURSTS, "fsenc_bursts_total", "users whose unlocks rose suddenly") \
	X(LEAVERS, "fsenc_leavers_total", "users who left a group after they had unlocked something") \
	X(AUDIT_FAILURES, "fsenc_audit_failures_total", "audit rows that could not be written") \
	X(UNAUDITED, "fsenc_refusals_unaudited_total", "refusals beyond the rate at which they are audited")

enum metrics_count {
#define X(name, word, help) METRICS_##name,
	METRICS_COUNT_LIST(X)
#undef X
		METRICS_COUNT_COUNT
};

#define METRICS_STATUS_CLASSES 6 /* 1xx to 5xx at 1 to 5 */
#define METRICS_BUCKETS 12

struct metrics {
	atomic_ullong counts[METRICS_COUNT_COUNT];
	atomic_ullong requests[ROUTE_COUNT + 1][METRICS_STATUS_CLASSES]; /* the last row: no route */
	atomic_ullong problems[PROBLEM_COUNT];
	atomic_ullong took[METRICS_BUCKETS + 1], took_us; /* requests by time; the last is longer than all */
};

static inline void metrics_add(struct metrics *metrics, enum metrics_count count, unsigned long long amount)
{
	(void)atomic_fetch_add_explicit(&metrics->counts[count], amount, memory_order_relaxed);
}
/* A request was answered; `route` is its row or ROUTE_COUNT. */
void metrics_request(struct metrics *metrics, size_t route, unsigned status, int64_t took_us);
void metrics_problem(struct metrics *metrics, enum problem_type problem);

/* What is not counted but is so at the moment. */
struct metrics_gauge {
	const char *name, *help;
	double value;
};
MUST_CHECK enum fault metrics_write(struct metrics *metrics, const struct metrics_gauge *gauges,
				    size_t gauge_count, struct bytes *text, struct why *why);

#endif
