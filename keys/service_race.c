#include "keys/service_race.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

enum lane_state { LANE_WAITS, LANE_RUNS, LANE_ANSWERED, LANE_FAILED };

struct lane {
	enum lane_state state;
	struct runner *runners; /* a part of the race's */
	size_t count;
	size_t begun; /* of the runners */
	int64_t share_ms; /* of the time, for each runner */
	int64_t next_ms; /* when the next runner has its turn */
};

struct race {
	struct service *service;
	const struct race_options *options;
	struct service_line *line;
	struct lane *lanes;
	size_t lane_count;
	size_t begun; /* of the lanes */
	int64_t lane_share_ms;
	int64_t next_lane_ms;
	struct runner *runners;
	size_t runner_count;
	struct curl_waitfd *waits; /* room for every runner */
	size_t good; /* index of the URL that answered last */
	size_t answers;
	bool is_enough;
};

/* A line with a transfer left on it would not be clean: the runners go first. */
static void race_done(struct race *race)
{
	for (size_t i = 0; i < race->runner_count; i++)
		runner_done(&race->runners[i]);
	if (race->line)
		service_line_give(race->service, race->line);
	free(race->lanes);
	free(race->runners);
	free(race->waits);
}
AUTO_VALUE(struct race, race_done);

/* -- the line-up ------------------------------------------------------------------------ */

/* The last good one in the first lane. */
static size_t url_of_lane(const struct race *race, size_t lane)
{
	if (lane == 0)
		return race->good;
	return lane <= race->good ? lane - 1 : lane;
}

static bool may_answer(const struct race *race, size_t lane, size_t index)
{
	const struct race_options *options = race->options;
	const struct member_id id = service_server_id(race->service, index);

	if (options->servers)
		return member_id_is_none(&id) || member_id_equal(&id, &options->servers[lane]);
	return !options->lane_a_url || index == url_of_lane(race, lane);
}

static void add_runner(struct race *race, size_t at, size_t index)
{
	const struct race_options *options = race->options;

	race->lanes[at].count++;
	race->runners[race->runner_count++] = (struct runner){
		.service = race->service,
		.options = options,
		.expected = options->servers ? &options->servers[at] : NULL,
		.multi = race->line->multi,
		.server = index,
		.fault = FAULT_UNREACHABLE,
	};
}

/* The last good one first, then as they were given. */
static void fill_lane(struct race *race, size_t at, int64_t now_ms)
{
	struct service *service = race->service;
	struct lane *lane = &race->lanes[at];

	lane->runners = &race->runners[race->runner_count];
	if (may_answer(race, at, race->good))
		add_runner(race, at, race->good);
	for (size_t i = 0; i < service->server_count; i++)
		if (i != race->good && may_answer(race, at, i))
			add_runner(race, at, i);
	if (lane->count == 0)
		return;
	lane->share_ms = (race->options->call->deadline_ms - now_ms) / (int64_t)lane->count;
	for (size_t i = 0; i < lane->count; i++)
		lane->runners[i].share_ms = lane->share_ms;
}

static enum fault make_room(struct race *race, struct why *why)
{
	size_t servers = race->service->server_count;

	race->lane_count = race->options->servers      ? race->options->server_count
			   : race->options->lane_a_url ? servers
						       : 1;
	race->lanes = calloc(race->lane_count, sizeof *race->lanes);
	race->runners = calloc(race->lane_count * servers, sizeof *race->runners);
	race->waits = calloc(race->lane_count * servers, sizeof *race->waits);
	if (!race->lanes || !race->runners || !race->waits)
		return why_set(why, FAULT_MEMORY, "no memory to ask the key servers");
	return service_line_take(race->service, &race->line, why);
}

static enum fault line_up(struct race *race, int64_t now_ms, struct why *why)
{
	const struct race_options *options = race->options;
	enum fault fault = make_room(race, why);
	if (fault)
		return fault;
	race->good = service_last_good(race->service);
	for (size_t i = 0; i < race->lane_count; i++)
		fill_lane(race, i, now_ms);
	size_t spare = race->lane_count > options->wanted ? race->lane_count - options->wanted : 0;
	race->lane_share_ms = (options->call->deadline_ms - now_ms) / (int64_t)(spare + 1);
	race->next_lane_ms = now_ms + race->lane_share_ms;
	return FAULT_NONE;
}

/* -- running ----------------------------------------------------------------------------- */

static void advance_runners(struct lane *lane, int64_t now_ms)
{
	bool all_failed = true;

	for (size_t i = 0; i < lane->begun; i++) {
		runner_advance(&lane->runners[i], now_ms);
		all_failed = all_failed && lane->runners[i].stage == RUNNER_FAILED;
	}
	while (lane->begun < lane->count && (all_failed || now_ms >= lane->next_ms)) {
		if (lane->begun > 0)
			lane->runners[lane->begun - 1].was_overtaken = true;
		struct runner *next = &lane->runners[lane->begun++];
		lane->next_ms = now_ms + lane->share_ms;
		runner_advance(next, now_ms);
		all_failed = all_failed && next->stage == RUNNER_FAILED;
	}
	if (all_failed && lane->begun == lane->count)
		lane->state = LANE_FAILED;
}

static size_t count_lanes(const struct race *race, enum lane_state state)
{
	size_t count = 0;

	for (size_t i = 0; i < race->lane_count; i++)
		count += race->lanes[i].state == state;
	return count;
}

/* How many may run or have answered by now. */
static size_t allowed(const struct race *race)
{
	size_t answered = count_lanes(race, LANE_ANSWERED);
	size_t wanted = race->options->wanted;

	/* All who were asked have answered, and it was not enough. */
	if (answered >= wanted && count_lanes(race, LANE_RUNS) == 0)
		wanted = answered + 1;
	return wanted;
}

static void advance(struct race *race, int64_t now_ms)
{
	size_t extra = 0;

	for (size_t i = 0; i < race->begun; i++)
		if (race->lanes[i].state == LANE_RUNS)
			advance_runners(&race->lanes[i], now_ms);
	if (race->begun > 0 && now_ms >= race->next_lane_ms) {
		race->next_lane_ms = now_ms + race->lane_share_ms;
		extra = 1;
	}
	while (race->begun < race->lane_count) {
		size_t counted = race->begun - count_lanes(race, LANE_FAILED);
		if (counted >= allowed(race) + extra)
			break;
		struct lane *lane = &race->lanes[race->begun++];
		lane->state = LANE_RUNS;
		advance_runners(lane, now_ms);
	}
}

static void take_answer(struct race *race, struct lane *lane, const struct service_answer *answer)
{
	lane->state = LANE_ANSWERED;
	for (size_t i = 0; i < lane->begun; i++)
		if (lane->runners[i].was_overtaken)
			runner_give_up(&lane->runners[i]);
	race->answers++;
	race->is_enough = !race->options->each(race->options->context, answer);
}

static void take_message(struct race *race, const CURLMsg *message)
{
	AUTO(service_answer_done) struct service_answer answer = {.body = BYTES_EMPTY};
	bool answered = false;

	for (size_t i = 0; i < race->begun; i++)
		for (size_t j = 0; j < race->lanes[i].begun; j++) {
			struct lane *lane = &race->lanes[i];
			if (!runner_take(&lane->runners[j], message, &answered, &answer))
				continue;
			if (answered && lane->state == LANE_RUNS)
				take_answer(race, lane, &answer);
			return;
		}
}

static void take_messages(struct race *race)
{
	int running, left;
	CURLMsg *message;

	(void)curl_multi_perform(race->line->multi, &running);
	while (!race->is_enough && (message = curl_multi_info_read(race->line->multi, &left)))
		if (message->msg == CURLMSG_DONE)
			take_message(race, message);
}

static bool is_over(const struct race *race)
{
	return race->is_enough || (race->begun == race->lane_count && count_lanes(race, LANE_RUNS) == 0);
}

static int64_t earlier(int64_t one, int64_t other)
{
	return one < other ? one : other;
}

static int64_t next_ms(const struct race *race)
{
	int64_t next = race->options->call->deadline_ms;

	if (race->begun < race->lane_count)
		next = earlier(next, race->next_lane_ms);
	for (size_t i = 0; i < race->begun; i++) {
		const struct lane *lane = &race->lanes[i];
		if (lane->state != LANE_RUNS)
			continue;
		if (lane->begun < lane->count)
			next = earlier(next, lane->next_ms);
		for (size_t j = 0; j < lane->begun; j++)
			next = earlier(next, runner_next_ms(&lane->runners[j]));
	}
	return next;
}

static void wait_for_more(struct race *race, int64_t now_ms)
{
	unsigned count = 0;
	int64_t wait_ms = next_ms(race) - now_ms;

	for (size_t i = 0; i < race->runner_count; i++)
		if (race->runners[i].query)
			race->waits[count++] = (struct curl_waitfd){
				.fd = name_query_fd(race->runners[i].query), .events = CURL_WAIT_POLLIN};
	(void)curl_multi_poll(race->line->multi, race->waits, count, wait_ms > 0 ? (int)wait_ms : 0, NULL);
}

/* The time is over for those who still run. */
static void give_up(struct race *race)
{
	for (size_t i = 0; i < race->begun; i++)
		for (size_t j = 0; race->lanes[i].state == LANE_RUNS && j < race->lanes[i].begun; j++)
			runner_give_up(&race->lanes[i].runners[j]);
}

/* -- the end ----------------------------------------------------------------------------- */

/* Whom to speak of: who is not who he should be, else the first who was reached, else the first. */
static int weight(const struct runner *runner)
{
	if (runner->stage != RUNNER_FAILED)
		return 0;
	return runner->fault == FAULT_IDENTITY ? 3 : runner->was_reached ? 2 : 1;
}

static void sum_up(const struct race *race, struct race_end *end)
{
	const struct runner *spokesman = NULL;

	*end = (struct race_end){
		.answers = race->answers, .is_enough = race->is_enough, .fault = FAULT_UNREACHABLE};
	for (size_t i = 0; i < race->runner_count; i++) {
		const struct runner *runner = &race->runners[i];
		if (weight(runner) > 0 && (!spokesman || weight(runner) > weight(spokesman)))
			spokesman = runner;
	}
	if (!spokesman) {
		(void)why_set(&end->why, FAULT_UNREACHABLE, "no URL of it is known");
		return;
	}
	const struct service_server *server = &race->service->servers[spokesman->server];
	end->no_network = race->answers == 0 && weight(spokesman) == 1;
	end->fault = spokesman->fault;
	end->why = spokesman->why;
	memcpy(end->host, server->url.shown, sizeof end->host);
}

enum fault service_race(struct service *service, const struct race_options *options, struct race_end *ret_end,
			struct why *why)
{
	AUTO(race_done) struct race race = {.service = service, .options = options};
	int64_t now_ms = clock_boot_ms();
	enum fault fault = line_up(&race, now_ms, why);
	if (fault)
		return fault;
	for (;; now_ms = clock_boot_ms()) {
		advance(&race, now_ms);
		take_messages(&race);
		advance(&race, now_ms);
		if (is_over(&race) || now_ms >= options->call->deadline_ms)
			break;
		wait_for_more(&race, now_ms);
	}
	if (!race.is_enough)
		give_up(&race);
	sum_up(&race, ret_end);
	return FAULT_NONE;
}
