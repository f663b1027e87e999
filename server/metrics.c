#include "server/metrics.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "server/handlers.h"
#include "server/server.h"

#define SECONDS_OF_US 1e-6

/* Upper ends of the buckets, microseconds. */
static const int64_t bucket_us[METRICS_BUCKETS] = {500,	  1000,	  2000,	  5000,	   10000,   20000,
						   50000, 100000, 250000, 1000000, 3000000, 5000000};

static const struct {
	const char *name, *help;
} counts[METRICS_COUNT_COUNT] = {
#define X(name, word, help) [METRICS_##name] = {word, help},
	METRICS_COUNT_LIST(X)
#undef X
};

static unsigned long long value_of(atomic_ullong *count)
{
	return atomic_load_explicit(count, memory_order_relaxed);
}

static void add_one(atomic_ullong *count)
{
	(void)atomic_fetch_add_explicit(count, 1, memory_order_relaxed);
}

void metrics_request(struct metrics *metrics, size_t route, unsigned status, int64_t took_us)
{
	size_t bucket = 0;

	while (bucket < METRICS_BUCKETS && took_us > bucket_us[bucket])
		bucket++;
	add_one(&metrics->took[bucket]);
	(void)atomic_fetch_add_explicit(&metrics->took_us, (unsigned long long)took_us, memory_order_relaxed);
	add_one(&metrics->requests[route][status / 100 % METRICS_STATUS_CLASSES]);
}

void metrics_problem(struct metrics *metrics, enum problem_type problem)
{
	add_one(&metrics->problems[problem]);
}

/* -- text ----------------------------------------------------------------------------------------- */

static enum fault line(struct bytes *text, struct why *why, const char *format, ...) PRINTF_LIKE(3, 4);
static enum fault line(struct bytes *text, struct why *why, const char *format, ...)
{
	char words[256];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(words, sizeof words, format, arguments);
	va_end(arguments);
	return bytes_append_text(text, words, why);
}

static enum fault head(struct bytes *text, const char *name, const char *type, const char *help,
		       struct why *why)
{
	return line(text, why, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static enum fault write_counts(struct metrics *metrics, struct bytes *text, struct why *why)
{
	enum fault fault = FAULT_NONE;

	for (size_t i = 0; !fault && i < METRICS_COUNT_COUNT; i++) {
		fault = head(text, counts[i].name, "counter", counts[i].help, why);
		if (!fault)
			fault = line(text, why, "%s %llu\n", counts[i].name, value_of(&metrics->counts[i]));
	}
	return fault;
}

static enum fault write_requests(struct metrics *metrics, struct bytes *text, struct why *why)
{
	enum fault fault = head(text, "fsenc_requests_total", "counter", "requests answered", why);

	for (size_t route = 0; !fault && route <= ROUTE_COUNT; route++)
		for (unsigned class = 1; !fault && class < METRICS_STATUS_CLASSES; class ++) {
			unsigned long long value = value_of(&metrics->requests[route][class]);
			if (value)
				fault = line(
					text, why,
					"fsenc_requests_total{method=\"%s\",route=\"%s\",status=\"%uxx\"} "
					"%llu\n",
					route < ROUTE_COUNT ? routes[route].method : "",
					route < ROUTE_COUNT ? routes[route].pattern : "none", class, value);
		}
	return fault;
}

static enum fault write_problems(struct metrics *metrics, struct bytes *text, struct why *why)
{
	enum fault fault = head(text, "fsenc_problems_total", "counter", "requests refused, by reason", why);

	for (int i = 0; !fault && i < PROBLEM_COUNT; i++)
		fault = line(text, why, "fsenc_problems_total{type=\"%s\"} %llu\n",
			     problem_text((enum problem_type)i), value_of(&metrics->problems[i]));
	return fault;
}

static enum fault write_times(struct metrics *metrics, struct bytes *text, struct why *why)
{
	static const char name[] = "fsenc_request_seconds";
	unsigned long long below = 0;
	enum fault fault = head(text, name, "histogram", "how long answers took", why);

	for (size_t i = 0; !fault && i < METRICS_BUCKETS; i++) {
		below += value_of(&metrics->took[i]);
		fault = line(text, why, "%s_bucket{le=\"%g\"} %llu\n", name,
			     (double)bucket_us[i] * SECONDS_OF_US, below);
	}
	below += value_of(&metrics->took[METRICS_BUCKETS]);
	if (!fault)
		fault = line(text, why, "%s_bucket{le=\"+Inf\"} %llu\n%s_sum %g\n%s_count %llu\n", name,
			     below, name, (double)value_of(&metrics->took_us) * SECONDS_OF_US, name, below);
	return fault;
}

enum fault metrics_write(struct metrics *metrics, const struct metrics_gauge *gauges, size_t gauge_count,
			 struct bytes *text, struct why *why)
{
	enum fault fault = write_counts(metrics, text, why);

	if (!fault)
		fault = write_requests(metrics, text, why);
	if (!fault)
		fault = write_problems(metrics, text, why);
	if (!fault)
		fault = write_times(metrics, text, why);
	for (size_t i = 0; !fault && i < gauge_count; i++) {
		fault = head(text, gauges[i].name, "gauge", gauges[i].help, why);
		if (!fault)
			fault = line(text, why, "%s %.15g\n", gauges[i].name, gauges[i].value);
	}
	return fault;
}

/* -- the route -------------------------------------------------------------------------------------- */

enum fault handle_metrics(struct exchange *exchange, struct why *why)
{
	struct server *server = exchange->server;
	struct directory_state directory;

	membership_state(server->membership, &directory);
	const struct metrics_gauge gauges[] = {
		{"fsenc_connections", "connections open now", atomic_load(&server->connections)},
		{"fsenc_nonces", "nonces remembered", (double)nonces_count(server->nonces)},
		{"fsenc_directory_up", "the last contact with the directory got an answer",
		 directory.answered},
		{"fsenc_directory_questions", "questions put to the directory", (double)directory.asked},
		{"fsenc_directory_remembered", "questions answered from memory",
		 (double)directory.remembered},
		{"fsenc_tls_certificate_expiry_seconds", "until when the certificate is good, unix time",
		 (double)server->tls_expires},
	};
	exchange->type = "text/plain; version=0.0.4";
	return metrics_write(&server->metrics, gauges, sizeof gauges / sizeof *gauges, &exchange->body, why);
}
