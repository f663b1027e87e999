/* server_load DIR ADDRESS MODE ... - load on a running key server, and how it bears it. Every answer is
 * checked: its signature, and each point against what the group's share makes of the one that was sent.
 *
 *   unlock --connections N --seconds S --points P [--rate R]   unlocks of P points; as fast as they go, or R
 * a second unlock --connections N --requests N --points P              so many in all idle --connections N
 * --rounds R                             that many clients; each renews a lease R times, then all wait
 *
 * DIR was filled by server_fill. Prints "name value" lines. */
#include <getopt.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "keys/message.h"
#include "server/builtin.h"
#include "server/home.h"
#include "tests/lib/server_link.h"
#include "tests/bench/server_load.h"

#define USERS 400 /* the load comes from these */
#define POINTS 1024 /* that are known, with what they become */
#define US 1000000

struct load {
	unsigned connections, seconds, points, rounds;
	uint64_t requests; /* 0: as many as go into `seconds` */
	double rate; /* 0: no pause */
};

struct worker {
	pthread_t thread;
	unsigned number;
	const struct load *load;
	uint32_t *took_us; /* of each request */
	size_t count, room;
};

static struct home *home;
static struct stored_group group;
static struct identity *users[USERS];
static struct point points[POINTS], products[POINTS];
static atomic_uint_fast64_t started;
static int64_t begin_us;
static pthread_barrier_t connected; /* all are, before the first request counts */

static int64_t now_us(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * US + now.tv_nsec / 1000;
}

static _Noreturn void wrong(const char *what, const uint8_t *body, size_t size)
{
	(void)fprintf(stderr, "server_load: %s: %.*s\n", what, (int)size, (const char *)body);
	_exit(1);
}

/* -- what is known beforehand ------------------------------------------------------------------ */

static void make_points(void)
{
	struct why why = WHY_NONE;
	struct group_share share;

	MUST(master_open_share(home->master, &group, &share, &why));
	for (size_t i = 0; i < POINTS; i++) {
		crypto_core_ristretto255_random(points[i].bytes);
		MUST(group_evaluate(&share, &points[i], &products[i], &why));
	}
	secret_wipe(&share, sizeof share);
}

static void prepare(const char *directory, const char *address)
{
	static char certificate[4096], host[64];
	struct why why = WHY_NONE;
	const char *colon = strrchr(address, ':');

	MUST(secret_start(&why));
	MUST(home_open(directory, &home, &why));
	MUST(store_group_find_name(home->store, LOAD_GROUP, &group, &why));
	make_points();
	for (unsigned i = 0; i < USERS; i++)
		users[i] = load_user(i);
	(void)snprintf(certificate, sizeof certificate, "%s", home->config->tls_cert);
	(void)snprintf(host, sizeof host, "%.*s", colon ? (int)(colon - address) : 0, address);
	struct link_server server = {.host = host,
				     .port = colon ? (unsigned)atoi(colon + 1) : 0,
				     .certificate = certificate,
				     .id = identity_public(home->identity)->id};
	memcpy(server.sign_public, identity_public(home->identity)->sign_public, SIGN_PUBLIC_SIZE);
	link_start(&server);
}

/* -- unlocks --------------------------------------------------------------------------------------- */

static void unlock(struct link *link, const struct identity *user, unsigned count, unsigned seed)
{
	static _Thread_local struct unlock_request request;
	static _Thread_local struct unlock_answer answer;
	AUTO(bytes_done) struct bytes body = BYTES_EMPTY;
	const uint8_t *text;
	size_t size;

	request.group = group.id;
	request.epoch = group.epoch;
	request.item_count = count;
	for (unsigned i = 0; i < count; i++)
		request.items[i] = (struct unlock_item){.folder = {{1, (uint8_t)(seed + i), (uint8_t)i}},
							.generation = 1,
							.version = 1,
							.head = {{1}},
							.point = points[(seed + i) % POINTS]};
	if (unlock_request_write(&request, &body, NULL))
		wrong("cannot write a request", NULL, 0);
	unsigned status = link_ask(link, user, "POST", "/v1/unlock", body.data, body.size, &text, &size);
	if (status != 200 || unlock_answer_read(text, size, &answer, NULL) || answer.item_count != count)
		wrong("an unlock was refused", text, size);
	for (unsigned i = 0; i < count; i++)
		if (memcmp(&answer.items[i].point, &products[(seed + i) % POINTS], sizeof(struct point)) != 0)
			wrong("a point is wrong", text, size);
}

static void note(struct worker *worker, int64_t took_us)
{
	if (worker->count == worker->room) {
		worker->room = worker->room ? 2 * worker->room : 4096;
		worker->took_us = reallocarray(worker->took_us, worker->room, sizeof *worker->took_us);
		if (!worker->took_us)
			wrong("no memory", NULL, 0);
	}
	worker->took_us[worker->count++] = (uint32_t)took_us;
}

/* With a rate, request n is due at a time of its own, and its delay counts from then: a server that falls
 * behind is not asked more slowly. */
static int64_t wait_until_due(const struct load *load, uint64_t number)
{
	if (load->rate <= 0)
		return now_us();
	const int64_t due_us = begin_us + (int64_t)((double)number * US / load->rate);
	const int64_t pause_us = due_us - now_us();
	if (pause_us > 0) {
		const struct timespec pause = {.tv_sec = pause_us / US, .tv_nsec = pause_us % US * 1000};
		(void)nanosleep(&pause, NULL);
	}
	return due_us;
}

static void *work(void *context)
{
	struct worker *worker = context;
	const struct load *load = worker->load;
	struct link *link = link_open();

	unlock(link, users[worker->number % USERS], 1, worker->number);
	(void)pthread_barrier_wait(&connected);
	(void)pthread_barrier_wait(&connected);
	const int64_t end_us = begin_us + (int64_t)load->seconds * US;
	for (;;) {
		const uint64_t number = atomic_fetch_add(&started, 1);
		if (load->requests && number >= load->requests)
			break;
		const int64_t from_us = wait_until_due(load, number);
		if (!load->requests && from_us >= end_us)
			break;
		unlock(link, users[number % USERS], load->points, (unsigned)number);
		note(worker, now_us() - from_us);
	}
	link_close(link);
	return NULL;
}

static int compare(const void *one, const void *other)
{
	const uint32_t a = *(const uint32_t *)one, b = *(const uint32_t *)other;

	return (a > b) - (a < b);
}

static void tell(struct worker *workers, const struct load *load, double seconds)
{
	size_t count = 0, at = 0;
	struct rusage usage;

	for (unsigned i = 0; i < load->connections; i++)
		count += workers[i].count;
	uint32_t *all = calloc(count + 1, sizeof *all);
	if (!all)
		wrong("no memory", NULL, 0);
	for (unsigned i = 0; i < load->connections; i++) {
		if (workers[i].count)
			memcpy(all + at, workers[i].took_us, workers[i].count * sizeof *all);
		at += workers[i].count;
	}
	qsort(all, count, sizeof *all, compare);
	(void)getrusage(RUSAGE_SELF, &usage);
	(void)printf("requests %zu\nseconds %.1f\nrequests_per_second %.0f\npoints_per_second %.0f\n", count,
		     seconds, (double)count / seconds, (double)count * load->points / seconds);
	(void)printf("p50_ms %.2f\np99_ms %.2f\nmax_ms %.2f\nclient_cpu_s %.1f\n", all[count / 2] / 1e3,
		     all[count * 99 / 100] / 1e3, all[count ? count - 1 : 0] / 1e3,
		     (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec));
	free(all);
}

static void run_unlocks(const struct load *load)
{
	struct worker *workers = calloc(load->connections, sizeof *workers);

	if (!workers)
		wrong("no memory", NULL, 0);
	(void)pthread_barrier_init(&connected, NULL, load->connections + 1);
	for (unsigned i = 0; i < load->connections; i++) {
		workers[i].number = i;
		workers[i].load = load;
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0)
			wrong("no thread", NULL, 0);
	}
	(void)pthread_barrier_wait(&connected);
	begin_us = now_us();
	(void)pthread_barrier_wait(&connected);
	for (unsigned i = 0; i < load->connections; i++)
		(void)pthread_join(workers[i].thread, NULL);
	tell(workers, load, (double)(now_us() - begin_us) / US);
	for (unsigned i = 0; i < load->connections; i++)
		free(workers[i].took_us);
	free(workers);
}

/* -- idle clients -------------------------------------------------------------------------------------- */

static void renew(struct link *link, const struct identity *user)
{
	AUTO(bytes_done) struct bytes body = BYTES_EMPTY;
	struct lease_request request = {.groups = {group.id}, .group_count = 1};
	struct lease_answer answer;
	const uint8_t *text;
	size_t size;

	if (lease_request_write(&request, &body, NULL))
		wrong("cannot write a request", NULL, 0);
	unsigned status = link_ask(link, user, "POST", "/v1/lease", body.data, body.size, &text, &size);
	if (status != 200 || lease_answer_read(text, size, &answer, NULL) || answer.group_count != 1 ||
	    answer.groups[0].state != LEASE_MEMBER)
		wrong("a lease was refused", text, size);
}

/* Stays until its standard input ends, so that who started it can look at the server meanwhile. */
static void run_idle(const struct load *load)
{
	struct link **links = calloc(load->connections, sizeof(struct link *));

	if (!links)
		wrong("no memory", NULL, 0);
	for (unsigned i = 0; i < load->connections; i++)
		links[i] = link_open();
	begin_us = now_us();
	for (unsigned round = 0; round < load->rounds; round++)
		for (unsigned i = 0; i < load->connections; i++)
			renew(links[i], users[i % USERS]);
	(void)printf("idle %u\nrenewals_per_second %.0f\n", load->connections,
		     (double)load->rounds * load->connections * US / (double)(now_us() - begin_us));
	(void)fflush(stdout);
	while (getchar() != EOF)
		continue;
	for (unsigned i = 0; i < load->connections; i++)
		link_close(links[i]);
	free(links);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"connections", required_argument, NULL, 'c'},
		{"seconds", required_argument, NULL, 's'},
		{"points", required_argument, NULL, 'p'},
		{"requests", required_argument, NULL, 'n'},
		{"rate", required_argument, NULL, 'r'},
		{"rounds", required_argument, NULL, 'o'},
		{NULL, 0, NULL, 0},
	};
	struct load load = {.connections = 32, .seconds = 10, .points = 1, .rounds = 1};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			load.connections = (unsigned)atoi(optarg);
			break;
		case 's':
			load.seconds = (unsigned)atoi(optarg);
			break;
		case 'p':
			load.points = (unsigned)atoi(optarg);
			break;
		case 'n':
			load.requests = strtoull(optarg, NULL, 10);
			break;
		case 'r':
			load.rate = atof(optarg);
			break;
		case 'o':
			load.rounds = (unsigned)atoi(optarg);
			break;
		default:
			return 2;
		}
	}
	if (argc - optind != 3 || load.connections == 0 || load.points == 0 ||
	    load.points > UNLOCK_ITEMS_MAX) {
		(void)fprintf(stderr, "usage: server_load DIR ADDRESS unlock|idle [OPTION...]\n");
		return 2;
	}
	log_set_level(LOG_LEVEL_WARNING);
	prepare(argv[optind], argv[optind + 1]);
	if (strcmp(argv[optind + 2], "idle") == 0)
		run_idle(&load);
	else
		run_unlocks(&load);
	home_close(home);
	return 0;
}
