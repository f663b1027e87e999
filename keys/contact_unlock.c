#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "keys/contact_parts.h"

/* Up to UNLOCK_ITEMS_MAX folders of one group, and what its servers say. Only the contacts' thread has one.
 */
struct unlocking {
	struct contact_run *run;
	struct group_descriptor group;
	const struct unlock_target *targets; /* borrowed */
	size_t count;
	struct unlock *unlock;
	struct unlock_request *request;
	struct unlock_answer *answer; /* room for one */
	bool is_judging;
	struct member_id asked[GROUP_SERVERS_MAX]; /* has answered, whatever */
	size_t asked_count;
	unsigned denials;
	bool is_conflict; /* our descriptor is of another epoch */
	bool has_liar;
	bool is_unsure; /* somebody lied, but not all could be asked who */
	enum fault fault; /* of the last problem; NONE */
	int64_t kept_ms;
	struct why why; /* of the last problem, or of the liar */
	uint32_t lease; /* the shortest of the answers */
	int64_t sent_ms; /* the earliest */
};

static void unlocking_done(struct unlocking *unlocking)
{
	unlock_free(unlocking->unlock);
	free(unlocking->request);
	free(unlocking->answer);
}
AUTO_VALUE(struct unlocking, unlocking_done);

/* -- what one server says ---------------------------------------------------------------- */

static void take_problem(struct unlocking *unlocking, const struct service_answer *answer)
{
	const struct problem_meaning meaning = problem_meaning(answer->problem.type);

	unlocking->denials += meaning.is_denial;
	unlocking->is_conflict = unlocking->is_conflict || answer->problem.type == PROBLEM_CONFLICT;
	unlocking->fault = meaning.fault;
	unlocking->kept_ms = meaning.kept_ms;
	problem_words(answer, &unlocking->why);
}

static void blame(struct unlocking *unlocking, const struct member_id *server, const char *what)
{
	char name[DISPLAY_NAME_MAX + 1];

	service_server_name(unlocking->run->contacts->service, server, name);
	(void)why_set(&unlocking->why, FAULT_IDENTITY,
		      "key server '%s' gives a wrong answer for the group '%s': %s", name,
		      unlocking->group.name, what);
	log_error("%s; it is left out", unlocking->why.text);
	unlock_exclude(unlocking->unlock, server);
	unlocking->has_liar = true;
	AUTO(contacts_let_go) struct contacts *held = contacts_hold(unlocking->run->contacts);
	contact_exclude(held, server, clock_boot_ms());
}

/* The lease is as short as the shortest, and runs from the earliest request. */
static void take_lease(struct unlocking *unlocking, const struct service_answer *answer)
{
	if (unlocking->sent_ms == 0 || answer->sent_ms < unlocking->sent_ms)
		unlocking->sent_ms = answer->sent_ms;
	if (unlocking->answer->lease < unlocking->lease)
		unlocking->lease = unlocking->answer->lease;
}

static void take_points(struct unlocking *unlocking, const struct service_answer *answer)
{
	struct why why = WHY_NONE;
	enum fault fault = unlock_answer_read(answer->body.data, answer->body.size, unlocking->answer, &why);

	if (!fault)
		fault = unlock_take(unlocking->unlock, &answer->server, unlocking->answer, &why);
	if (fault == FAULT_MALFORMED || fault == FAULT_REFUSED)
		blame(unlocking, &answer->server, why_text(&why, fault));
	else if (!fault)
		take_lease(unlocking, answer);
}

static void judge(struct unlocking *unlocking, const struct service_answer *answer)
{
	struct why why = WHY_NONE;
	bool honest = true;

	if (unlock_answer_read(answer->body.data, answer->body.size, unlocking->answer, &why))
		honest = false;
	else if (unlock_judge(unlocking->unlock, &answer->server, unlocking->answer, &honest, &why))
		return; /* nothing of it is in question, or it gives no point any more */
	if (!honest)
		blame(unlocking, &answer->server, "its point is not of its share of the key");
}

/* So many say no that t others cannot be found. */
static bool is_denied(const struct unlocking *unlocking)
{
	return unlocking->denials + unlocking->group.threshold > unlocking->group.server_count;
}

static bool needs_more(const struct unlocking *unlocking)
{
	if (unlocking->is_conflict || is_denied(unlocking))
		return false;
	for (size_t i = 0; i < unlocking->count; i++)
		if (!unlock_is_ready(unlocking->unlock, i))
			return true;
	return false;
}

static bool take_answer(void *context, const struct service_answer *answer)
{
	struct unlocking *unlocking = context;

	if (answer->is_problem)
		take_problem(unlocking, answer);
	else if (unlocking->is_judging)
		judge(unlocking, answer);
	else
		take_points(unlocking, answer);
	if (unlocking->is_judging)
		return true; /* each has his say */
	if (unlocking->asked_count < GROUP_SERVERS_MAX)
		unlocking->asked[unlocking->asked_count++] = answer->server;
	return needs_more(unlocking);
}

/* -- asking ------------------------------------------------------------------------------ */

static bool was_asked(const struct unlocking *unlocking, const struct member_id *server)
{
	for (size_t i = 0; i < unlocking->asked_count; i++)
		if (member_id_equal(&unlocking->asked[i], server))
			return true;
	return false;
}

/* Servers that have not answered yet (or, judging, those that have), without the liars. */
static size_t servers_left(const struct unlocking *unlocking, struct member_id *servers)
{
	size_t count = contact_servers(unlocking->run->contacts, &unlocking->group, servers);
	size_t left = 0;

	for (size_t i = 0; i < count; i++)
		if (was_asked(unlocking, &servers[i]) == unlocking->is_judging)
			servers[left++] = servers[i];
	return left;
}

static enum fault ask(struct unlocking *unlocking, size_t wanted, struct service_answer *last,
		      struct why *why)
{
	struct member_id servers[GROUP_SERVERS_MAX];
	AUTO(bytes_done) struct bytes body = BYTES_EMPTY;
	size_t count = servers_left(unlocking, servers);
	enum fault fault = unlock_request_write(unlocking->request, &body, why);
	if (fault)
		return fault;
	const struct service_call call = {
		.method = "POST",
		.target = "/v1/unlock",
		.body = body.data,
		.body_size = body.size,
		.deadline_ms = unlocking->run->deadline_ms,
	};
	if (unlocking->is_judging)
		wanted = count;
	return service_ask_all(unlocking->run->contacts->service, &call, servers, count, wanted, take_answer,
			       unlocking, last, why);
}

static bool has_refused(struct unlocking *unlocking, size_t *ret_index)
{
	for (size_t i = 0; i < unlocking->count; i++) {
		AUTO(wiped_key) struct wiped_key key;
		if (unlock_is_ready(unlocking->unlock, i) &&
		    unlock_finish(unlocking->unlock, i, &key, NULL) == FAULT_REFUSED) {
			*ret_index = i;
			return true;
		}
	}
	return false;
}

/* Who of those that have answered has lied about target `index`? false: nobody. */
static bool find_liar(struct unlocking *unlocking, size_t index)
{
	struct service_answer last;
	struct why why = WHY_NONE;
	bool had_liar = unlocking->has_liar;

	if (unlock_blame(unlocking->unlock, index, unlocking->request, &why))
		return false;
	unlocking->is_judging = true;
	unlocking->has_liar = false;
	enum fault fault = ask(unlocking, 0, &last, &why);
	unlocking->is_judging = false;
	unlocking->is_unsure = fault && !unlocking->has_liar;
	if (unlocking->is_unsure)
		log_warning("Cannot find out which key server gave a wrong answer: %s",
			    why_text(&why, fault));
	bool found = unlocking->has_liar;
	unlocking->has_liar = found || had_liar;
	unlock_request_of(unlocking->unlock, unlocking->request);
	return found;
}

/* Rounds of: ask as many as are missing; if what they say does not fit, find out who lied, and ask others. */
static enum fault ask_until_it_fits(struct unlocking *unlocking, struct service_answer *last, struct why *why)
{
	size_t wanted = unlocking->group.threshold;
	size_t index;

	for (size_t round = 0; round < unlocking->group.server_count; round++) {
		enum fault fault = ask(unlocking, wanted, last, why);
		if (fault)
			return fault;
		if (!has_refused(unlocking, &index) || !find_liar(unlocking, index))
			return FAULT_NONE;
		wanted = 1;
	}
	return FAULT_NONE;
}

/* -- what it came to ----------------------------------------------------------------------- */

static void open_with(struct contact_opening *opening, const struct wiped_key *key)
{
	struct why why = WHY_NONE;
	struct secret *copy = NULL;
	enum fault fault = secret_copy(key->bytes, KEY_SIZE, &copy, &why);

	if (fault) {
		refuse_for(&opening->refusal, fault, clock_boot_ms(), NO_NETWORK_KEPT_MS, &why);
		return;
	}
	secret_free(opening->key);
	opening->key = copy;
	opening->state = OPENING_OPEN;
	opening->refusal = (struct refusal){.fault = FAULT_NONE};
	opening->head_version = 0;
}

/* The share may lag behind: since when does it? */
static void note_stale(struct contact_opening *opening, uint64_t head_version)
{
	if (opening->head_version == 0)
		opening->stale_since_ms = clock_boot_ms();
	opening->head_version = head_version;
}

/* Why target `index` is not open. */
static void refuse_opening(const struct unlocking *unlocking, struct contact_opening *opening, size_t index,
			   enum fault fault, const struct why *why)
{
	uint64_t head_version = unlock_head_version(unlocking->unlock, index);
	int64_t now_ms = clock_boot_ms();

	if (fault == FAULT_REFUSED && unlocking->is_unsure)
		refuse_for(&opening->refusal, FAULT_UNREACHABLE, now_ms, UNAVAILABLE_KEPT_MS, why);
	else if (unlocking->has_liar)
		refuse_for(&opening->refusal, FAULT_IDENTITY, now_ms, DENIAL_KEPT_MS, &unlocking->why);
	else if (fault == FAULT_REFUSED) /* nobody lied: it is the envelope */
		refuse_for(&opening->refusal, FAULT_TAMPERED, now_ms, DENIAL_KEPT_MS, why);
	else if (fault != FAULT_DENIED && head_version > unlocking->targets[index].version)
		note_stale(opening, head_version);
	else
		refuse_for(&opening->refusal, fault, now_ms,
			   fault == FAULT_DENIED ? DENIAL_KEPT_MS : UNAVAILABLE_KEPT_MS, why);
}

/* true: it is open. An access list that has changed meanwhile is asked for anew. */
static bool settle_opening(struct unlocking *unlocking, struct contacts *held, struct contact_group *group,
			   size_t index)
{
	AUTO(wiped_key) struct wiped_key key;
	struct why why = WHY_NONE;
	struct contact_opening *opening = opening_find(held, group, &unlocking->targets[index]);
	enum fault fault = unlock_finish(unlocking->unlock, index, &key, &why);

	if (!fault && unlock_is_due(unlocking->unlock, index))
		news_rotation(unlocking->run->news, &group->id);
	if (opening && !fault)
		open_with(opening, &key);
	else if (opening)
		refuse_opening(unlocking, opening, index, fault, &why);
	return !fault;
}

/* A denial is of the whole group, and ends a lease that is running. One server's word against others is none.
 */
static void refuse_group(struct unlocking *unlocking, struct contacts *held, struct contact_group *group)
{
	struct why why = WHY_NONE;
	enum fault fault = unlocking->fault;

	(void)why_set(&why, fault, "group '%s': %s", unlocking->group.name, unlocking->why.text);
	if (is_denied(unlocking))
		fault = FAULT_DENIED;
	else if (fault == FAULT_DENIED)
		fault = FAULT_UNREACHABLE;
	refuse_for(&group->refusal, fault, clock_boot_ms(), unlocking->kept_ms, &why);
	if (fault == FAULT_DENIED && group->lease)
		news_end_lease(unlocking->run->news, held, group);
}

static bool is_any_ready(const struct unlocking *unlocking)
{
	for (size_t i = 0; i < unlocking->count; i++)
		if (unlock_is_ready(unlocking->unlock, i))
			return true;
	return false;
}

static void settle(struct unlocking *unlocking)
{
	AUTO(contacts_let_go) struct contacts *held = contacts_hold(unlocking->run->contacts);
	struct contact_group *group = group_get(held, &unlocking->group.id, unlocking->group.name);
	bool any = false;

	if (!group)
		return;
	if (is_denied(unlocking) || (unlocking->fault && !unlocking->has_liar && !is_any_ready(unlocking))) {
		refuse_group(unlocking, held, group);
		return;
	}
	for (size_t i = 0; i < unlocking->count; i++)
		any = settle_opening(unlocking, held, group, i) || any;
	if (any && !group_grant(held, group, unlocking->sent_ms, unlocking->lease))
		group_forget_keys(held, group);
}

/* Too few have answered: the run decides whether that is everybody's failure. A failure of ours is this
 * group's. */
static void settle_failure(struct contact_run *run, const struct member_id *id, enum fault fault,
			   const struct why *why)
{
	AUTO(contacts_let_go) struct contacts *held = contacts_hold(run->contacts);
	struct contact_group *group = group_find(held, id);

	if (!group)
		return;
	if (fault == FAULT_UNREACHABLE || fault == FAULT_IDENTITY)
		group->is_unanswered = true;
	else
		refuse_for(&group->refusal, fault, clock_boot_ms(),
			   fault == FAULT_DENIED ? DENIAL_KEPT_MS : UNAVAILABLE_KEPT_MS, why);
}

/* -- a batch --------------------------------------------------------------------------------- */

struct batch {
	struct member_id group;
	size_t count;
	struct unlock_target targets[UNLOCK_ITEMS_MAX];
};

static enum fault prepare(struct unlocking *unlocking, struct why *why)
{
	unlocking->lease = LEASE_SECONDS_MAX;
	unlocking->request = calloc(1, sizeof *unlocking->request);
	unlocking->answer = calloc(1, sizeof *unlocking->answer);
	if (!unlocking->request || !unlocking->answer)
		return why_set(why, FAULT_MEMORY, "no memory to open folders");
	enum fault fault = unlock_new(&unlocking->group, unlocking->targets, unlocking->count,
				      &unlocking->unlock, why);
	if (!fault)
		unlock_request_of(unlocking->unlock, unlocking->request);
	return fault;
}

/* Others of its servers' groups have been asked for in vain. */
static bool is_hopeless(const struct unlocking *unlocking)
{
	struct member_id servers[GROUP_SERVERS_MAX];
	size_t count = contact_servers(unlocking->run->contacts, &unlocking->group, servers);

	return contact_is_hopeless(unlocking->run, servers, count, unlocking->group.threshold);
}

/* `fresh`: with a descriptor that was asked for just now. true: the servers have another one. */
static bool unlock_batch(struct contact_run *run, const struct batch *batch, bool fresh)
{
	AUTO(unlocking_done)
	struct unlocking unlocking = {.run = run, .targets = batch->targets, .count = batch->count};
	struct service_answer last = {.no_network = false};
	struct why why = WHY_NONE;
	enum fault fault = contact_descriptor(run, &batch->group, fresh, &unlocking.group, &why);
	if (!fault)
		fault = prepare(&unlocking, &why);
	if (fault) {
		settle_failure(run, &batch->group, fault, &why);
		return false;
	}
	if (is_hopeless(&unlocking)) {
		settle_failure(run, &batch->group, FAULT_UNREACHABLE, &run->why);
		return false;
	}
	fault = ask_until_it_fits(&unlocking, &last, &why);
	if (unlocking.is_conflict && !fresh)
		return true;
	if (fault && !is_denied(&unlocking) && !unlocking.has_liar) {
		run_note(run, fault, &last, &why);
		settle_failure(run, &batch->group, fault, &why);
		return false;
	}
	run->was_answered = true;
	settle(&unlocking);
	return false;
}

/* Up to UNLOCK_ITEMS_MAX wanted openings of one group. */
static bool gather(struct contacts *contacts, struct batch *batch)
{
	AUTO(contacts_let_go) struct contacts *held = contacts_hold(contacts);
	const struct contact_group *group = NULL;

	batch->count = 0;
	for (const struct contact_opening *opening = held->openings; opening; opening = opening->next) {
		if (opening->state != OPENING_WANTED || (group && opening->group != group) ||
		    batch->count == UNLOCK_ITEMS_MAX)
			continue;
		group = opening->group;
		batch->group = group->id;
		batch->targets[batch->count++] = opening->target;
	}
	return batch->count > 0;
}

/* Whatever it came to, they are not waited for any more. */
static void release(struct contacts *contacts, const struct batch *batch)
{
	AUTO(contacts_let_go) struct contacts *held = contacts_hold(contacts);
	struct contact_group *group = group_find(held, &batch->group);

	for (size_t i = 0; group && i < batch->count; i++) {
		struct contact_opening *opening = opening_find(held, group, &batch->targets[i]);
		if (opening && opening->state == OPENING_WANTED)
			opening->state = OPENING_IDLE;
	}
	if (group)
		group->waiting = 0;
}

void contact_unlock(struct contact_run *run)
{
	AUTO(free) struct batch *batch = malloc(sizeof *batch);

	if (!batch)
		run_note(run, FAULT_MEMORY, NULL, &(struct why){.text = "no memory to open folders"});
	while (batch && clock_boot_ms() < run->deadline_ms && gather(run->contacts, batch)) {
		run->somebody_waits = true;
		if (unlock_batch(run, batch, false))
			(void)unlock_batch(run, batch, true);
		release(run->contacts, batch);
	}
}
