#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "keys/contact_parts.h"

/* What the servers of one group say of the user. */
struct tally {
	struct member_id group;
	struct group_descriptor descriptor;
	unsigned members, denials, unknowns;
	bool is_due; /* one of them says: for a new generation */
	bool is_taken; /* into a question */
	bool was_answered; /* by t servers */
	bool is_watched_alone; /* nobody opened anything by it */
	bool is_waited_for; /* under a lease of zero */
	uint32_t lease;
	int64_t sent_ms;
	struct why why;
};

/* One question: the groups that have the same servers. */
struct renewal {
	struct contact_run *run;
	struct tally **groups;
	size_t count;
	struct lease_answer *answer; /* room for one */
};

/* -- what one server says ---------------------------------------------------------------- */

static bool is_decided(const struct tally *tally)
{
	const struct group_descriptor *group = &tally->descriptor;

	return tally->members >= group->threshold || tally->denials + group->threshold > group->server_count;
}

static bool needs_more(const struct renewal *renewal)
{
	for (size_t i = 0; i < renewal->count; i++)
		if (!is_decided(renewal->groups[i]))
			return true;
	return false;
}

static void count_state(struct tally *tally, const struct lease_answer_group *said, uint32_t lease,
			const struct service_answer *answer)
{
	tally->is_due = tally->is_due || said->rotate;
	switch ((enum lease_state)said->state) {
	case LEASE_MEMBER:
		tally->members++;
		if (lease < tally->lease)
			tally->lease = lease;
		if (tally->sent_ms == 0 || answer->sent_ms < tally->sent_ms)
			tally->sent_ms = answer->sent_ms;
		break;
	case LEASE_DENIED:
		tally->denials++;
		(void)why_set(&tally->why, FAULT_DENIED, "key server %s: you are not a member", answer->host);
		break;
	case LEASE_UNKNOWN:
		tally->unknowns++;
		(void)why_set(&tally->why, FAULT_UNREACHABLE, "key server %s: the directory does not answer",
			      answer->host);
		break;
	}
}

/* About the user as a whole: disabled, an unknown key; or about none: the directory is away. */
static void count_problem(struct renewal *renewal, const struct service_answer *answer)
{
	const struct problem_meaning meaning = problem_meaning(answer->problem.type);

	for (size_t i = 0; i < renewal->count; i++) {
		renewal->groups[i]->denials += meaning.is_denial;
		renewal->groups[i]->unknowns += !meaning.is_denial;
		problem_words(answer, &renewal->groups[i]->why);
	}
}

static bool take_answer(void *context, const struct service_answer *answer)
{
	struct renewal *renewal = context;
	struct lease_answer *said = renewal->answer;

	if (answer->is_problem) {
		count_problem(renewal, answer);
		return needs_more(renewal);
	}
	if (lease_answer_read(answer->body.data, answer->body.size, said, NULL)) {
		log_error("key server %s: its answer to a lease request is malformed", answer->host);
		return true;
	}
	for (size_t i = 0; i < renewal->count; i++)
		for (size_t j = 0; j < said->group_count; j++)
			if (member_id_equal(&said->groups[j].id, &renewal->groups[i]->group))
				count_state(renewal->groups[i], &said->groups[j], said->lease, answer);
	return needs_more(renewal);
}

/* -- asking ------------------------------------------------------------------------------ */

static enum fault write_question(const struct renewal *renewal, struct bytes *ret_body, struct why *why)
{
	AUTO(free) struct lease_request *request = calloc(1, sizeof *request);
	if (!request)
		return why_set(why, FAULT_MEMORY, "no memory to renew leases");
	request->group_count = renewal->count;
	for (size_t i = 0; i < renewal->count; i++)
		request->groups[i] = renewal->groups[i]->group;
	return lease_request_write(request, ret_body, why);
}

static void ask(struct renewal *renewal)
{
	struct contacts *contacts = renewal->run->contacts;
	const struct group_descriptor *group = &renewal->groups[0]->descriptor;
	struct member_id servers[GROUP_SERVERS_MAX];
	AUTO(bytes_done) struct bytes body = BYTES_EMPTY;
	struct service_answer last = {.no_network = false};
	struct why why = WHY_NONE;
	size_t count = contact_servers(contacts, group, servers);
	enum fault fault = write_question(renewal, &body, &why);
	const struct service_call call = {
		.method = "POST",
		.target = "/v1/lease",
		.body = body.data,
		.body_size = body.size,
		.deadline_ms = renewal->run->deadline_ms,
	};
	if (!fault)
		fault = service_ask_all(contacts->service, &call, servers, count, group->threshold,
					take_answer, renewal, &last, &why);
	run_note(renewal->run, fault, &last, &why);
	for (size_t i = 0; i < renewal->count; i++)
		renewal->groups[i]->was_answered = !fault;
}

static bool has_same_servers(const struct group_descriptor *one, const struct group_descriptor *other)
{
	if (one->threshold != other->threshold || one->server_count != other->server_count)
		return false;
	for (size_t i = 0; i < one->server_count; i++)
		if (!member_id_equal(&one->servers[i].id, &other->servers[i].id))
			return false;
	return true;
}

/* -- what it came to ----------------------------------------------------------------------- */

static void try_again(struct contact_group *group)
{
	int64_t jitter_ms = (int64_t)randombytes_uniform(2 * LEASE_JITTER_MS + 1) - LEASE_JITTER_MS;

	if (group->lease)
		lease_renewal_failed(&group->lease->lease, clock_boot_ms(), jitter_ms);
}

static void deny(struct contact_news *news, struct contacts *held, struct contact_group *group,
		 const struct tally *tally)
{
	struct why why = WHY_NONE;

	(void)why_set(&why, FAULT_DENIED, "group '%s': %s", group->name, tally->why.text);
	refuse_for(&group->refusal, FAULT_DENIED, clock_boot_ms(), DENIAL_KEPT_MS, &why);
	if (!group->lease)
		return;
	log_warning("%s; its folders are closed", why.text);
	news_end_lease(news, held, group);
}

/* Not known: a lease runs on, and whoever waits for an answer under a lease of zero is refused for a while.
 */
static void leave_open(struct contact_group *group, const struct tally *tally)
{
	struct why why = WHY_NONE;

	try_again(group);
	if (!tally->is_waited_for || !tally->was_answered)
		return;
	(void)why_set(&why, FAULT_UNREACHABLE, "group '%s': %s", group->name, tally->why.text);
	refuse_for(&group->refusal, FAULT_UNREACHABLE, clock_boot_ms(), UNAVAILABLE_KEPT_MS, &why);
	group->waiting = 0;
}

static void settle(struct contact_run *run, const struct tally *tally)
{
	AUTO(contacts_let_go) struct contacts *held = contacts_hold(run->contacts);
	struct contact_group *group = group_find(held, &tally->group);

	if (!group)
		return;
	if (tally->is_due)
		news_rotation(run->news, &tally->group);
	if (tally->is_watched_alone || !group->lease)
		return;
	if (tally->was_answered && tally->members >= tally->descriptor.threshold)
		(void)group_grant(held, group, tally->sent_ms, tally->lease);
	else if (tally->was_answered && is_decided(tally))
		deny(run->news, held, group, tally);
	else
		leave_open(group, tally);
}

/* -- which groups ---------------------------------------------------------------------------- */

struct tallies {
	struct tally *list;
	size_t count;
};

static void tallies_done(struct tallies *tallies)
{
	free(tallies->list);
}
AUTO_VALUE(struct tallies, tallies_done);

static size_t count_groups(const struct contacts *held)
{
	size_t count = 0;

	for (const struct contact_group *group = held->groups; group; group = group->next)
		count++;
	return count;
}

static void gather(struct contact_run *run, struct tallies *tallies)
{
	AUTO(contacts_let_go) struct contacts *held = contacts_hold(run->contacts);

	tallies->list = calloc(count_groups(held) + 1, sizeof *tallies->list);
	if (!tallies->list)
		return;
	for (struct contact_group *group = held->groups; group; group = group->next) {
		if (!group->lease && !group->is_watched)
			continue;
		tallies->list[tallies->count++] = (struct tally){
			.group = group->id,
			.is_watched_alone = !group->lease,
			.is_waited_for = group->waiting > 0,
			.lease = LEASE_SECONDS_MAX,
		};
		run->somebody_waits = run->somebody_waits || group->waiting > 0;
	}
	held->watch_due_ms = clock_boot_ms() + contact_watch_ms(held);
}

/* Groups whose descriptor cannot be had are left out; a lease of them is tried again. */
static void find_descriptors(struct contact_run *run, struct tallies *tallies)
{
	for (size_t i = 0; i < tallies->count; i++) {
		struct tally *tally = &tallies->list[i];
		struct why why = WHY_NONE;
		if (contact_descriptor(run, &tally->group, false, &tally->descriptor, &why))
			tally->is_taken = true;
	}
}

/* The next question; 0 groups: there is none. */
static void take_question(struct tallies *tallies, struct renewal *renewal)
{
	renewal->count = 0;
	for (size_t i = 0; i < tallies->count && renewal->count < LEASE_GROUPS_MAX; i++) {
		struct tally *tally = &tallies->list[i];
		if (tally->is_taken ||
		    (renewal->count > 0 &&
		     !has_same_servers(&renewal->groups[0]->descriptor, &tally->descriptor)))
			continue;
		tally->is_taken = true;
		renewal->groups[renewal->count++] = tally;
	}
}

void contact_renew(struct contact_run *run)
{
	AUTO(tallies_done) struct tallies tallies = {.count = 0};
	AUTO(free) struct lease_answer *answer = calloc(1, sizeof *answer);
	struct renewal renewal = {.run = run, .answer = answer};

	gather(run, &tallies);
	AUTO(free) struct tally **groups = calloc(tallies.count + 1, sizeof(struct tally *));
	renewal.groups = groups;
	if (answer && tallies.list && groups) {
		find_descriptors(run, &tallies);
		for (take_question(&tallies, &renewal); renewal.count > 0; take_question(&tallies, &renewal))
			ask(&renewal);
	}
	for (size_t i = 0; i < tallies.count; i++)
		settle(run, &tallies.list[i]);
}
