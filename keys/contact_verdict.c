#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "keys/client_version.h"
#include "keys/contact_parts.h"

#define HOSTS_MAX 16
#define SAY_AGAIN_MS 60000
#define DEFAULT_RETRY_AFTER_S 900

/* -- may a contact be made? -------------------------------------------------------------- */

/* A command is an operation of its own: it makes one contact, whatever the countdown says. */
bool contact_is_allowed(const struct contacts *held, int64_t now_ms)
{
	if (!held->is_background && !held->has_failed)
		return true;
	return now_ms >= held->no_network_until_ms && countdown_allows(&held->countdown, now_ms);
}

enum fault contact_check_version(const struct contacts *held, struct why *why)
{
	return held->has_policy ? client_version_check(&held->policy, why) : FAULT_NONE;
}

/* Those that did not answer when last asked, or were not asked yet. */
static size_t silent_hosts(const struct contacts *held, char hosts[static HOSTS_MAX][CONTACT_HOST_SIZE])
{
	struct service_state states[HOSTS_MAX];
	size_t count = service_states(held->service, states, HOSTS_MAX);
	size_t silent = 0;

	for (size_t i = 0; i < count; i++)
		if (!states[i].answered)
			(void)snprintf(hosts[silent++], CONTACT_HOST_SIZE, "%s", states[i].host);
	return silent;
}

static const char *silent_host(const struct contacts *held, char hosts[static HOSTS_MAX][CONTACT_HOST_SIZE])
{
	return silent_hosts(held, hosts) > 0 ? hosts[0] : held->organisation_name;
}

void contact_refusal_words(struct contacts *held, int64_t now_ms, struct why *why)
{
	char hosts[HOSTS_MAX][CONTACT_HOST_SIZE];
	unsigned minutes = countdown_minutes(&held->countdown, now_ms);
	int64_t grace_ms = held->countdown.grace_retry_ms - now_ms;

	if (now_ms < held->no_network_until_ms)
		(void)why_set(why, FAULT_UNREACHABLE, "this machine has no network: %s", held->down_why.text);
	else if (minutes > 0)
		(void)why_set(why, FAULT_UNREACHABLE, "key server %s not responding; next try in %u min",
			      silent_host(held, hosts), minutes);
	else if (grace_ms > 0)
		(void)why_set(why, FAULT_UNREACHABLE,
			      "key server %s not responding; next try in %" PRId64 " s",
			      silent_host(held, hosts), (grace_ms + MS_PER_SECOND - 1) / MS_PER_SECOND);
	else if (held->is_down)
		(void)why_set(why, FAULT_UNREACHABLE, "key server %s not responding",
			      silent_host(held, hosts));
	else
		(void)why_set(why, FAULT_UNREACHABLE, "the key servers were not asked yet");
}

/* -- the log ----------------------------------------------------------------------------- */

static void log_waiting(const struct contacts *held, int64_t now_ms, bool just_failed)
{
	char hosts[HOSTS_MAX][CONTACT_HOST_SIZE];
	size_t count = silent_hosts(held, hosts);
	unsigned minutes = countdown_minutes(&held->countdown, now_ms);

	for (size_t i = 0; i < count; i++) {
		if (just_failed)
			log_error("Unable to establish communication with %s", hosts[i]);
		log_warning("Server %s not responding; will wait %u minute(s) before trying again", hosts[i],
			    minutes);
	}
}

void contact_log_minutes(struct contacts *held, int64_t now_ms)
{
	if (countdown_left_ms(&held->countdown, now_ms) == 0 || now_ms < held->said_ms + SAY_AGAIN_MS)
		return;
	held->said_ms = now_ms;
	log_waiting(held, now_ms, false);
}

/* -- the countdown in the keyring ---------------------------------------------------------- */

static void store_countdown(struct contacts *held)
{
	struct countdown_stored stored;
	struct why why = WHY_NONE;

	countdown_store(&held->countdown, held->boot_id, clock_boot_ms(), clock_wall_ms(), &stored);
	enum fault fault = keyring_set_countdown(held->keyring, &stored, &why);
	if (fault) /* it still holds in this process */
		log_warning("The countdown is not kept: %s", why_text(&why, fault));
}

void contact_look_at_keyring(struct contacts *held)
{
	struct countdown_stored stored;
	uint32_t version;

	if (keyring_data_version(held->keyring, &version, NULL) || version == held->data_version)
		return;
	if (keyring_countdown(held->keyring, &stored, NULL))
		return;
	held->data_version = version;
	countdown_load(&held->countdown, &stored, held->boot_id, clock_boot_ms(), clock_wall_ms());
}

/* Other processes have noticed it by themselves, or are commands. */
void contact_network_changed(struct contacts *held, int64_t now_ms)
{
	bool was_running = countdown_left_ms(&held->countdown, now_ms) > 0;

	countdown_network_changed(&held->countdown, now_ms);
	held->no_network_until_ms = 0;
	if (was_running)
		store_countdown(held);
	held->must_probe = held->is_down || was_running;
}

/* -- what a contact has come to ------------------------------------------------------------ */

void run_note(struct contact_run *run, enum fault fault, const struct service_answer *last,
	      const struct why *why)
{
	if (!fault) {
		run->was_answered = true;
		return;
	}
	if (!run->has_failed || fault == FAULT_IDENTITY)
		run->why = *why;
	run->has_failed = true;
	if (fault == FAULT_UNREACHABLE || fault == FAULT_IDENTITY) /* else it is a failure of ours */
		run->has_reached = run->has_reached || !last->no_network;
}

/* What it would be to wait for the answer again is known now. */
static bool release_openings(struct contacts *held)
{
	bool any = false;

	for (struct contact_opening *opening = held->openings; opening; opening = opening->next)
		if (opening->state == OPENING_WANTED) {
			opening->state = OPENING_IDLE;
			any = true;
		}
	for (struct contact_group *group = held->groups; group; group = group->next) {
		any = any || group->waiting > 0;
		group->waiting = 0;
	}
	return any;
}

/* Others were answered: so it is not the countdown's business, but not for every access to try either. */
static void refuse_unanswered(struct contacts *held, const struct contact_run *run)
{
	for (struct contact_group *group = held->groups; group; group = group->next) {
		if (group->is_unanswered && run->was_answered)
			refuse_for(&group->refusal, FAULT_UNREACHABLE, clock_boot_ms(), UNAVAILABLE_KEPT_MS,
				   &run->why);
		group->is_unanswered = false;
	}
}

static void tell_of_return(struct contacts *held)
{
	if (held->lost == 0)
		return;
	held->lost = 0;
	log_info("Folders of groups can be opened again");
	if (held->is_background)
		notice_show("Folders of groups are back", "The key server answers again.");
}

static void succeed(struct contacts *held)
{
	int64_t now_ms = clock_boot_ms();
	bool was_running = countdown_left_ms(&held->countdown, now_ms) > 0;

	countdown_succeeded(&held->countdown);
	held->no_network_until_ms = 0;
	held->said_ms = 0;
	held->must_probe = false;
	if (was_running)
		store_countdown(held);
	if (held->is_down || was_running || held->policy_due_ms == INT64_MAX)
		held->policy_due_ms = now_ms; /* it may have changed while nobody could tell us */
	held->is_down = held->has_failed = false;
	tell_of_return(held);
}

/* Who came while it was under way shares it. */
static void fail(struct contacts *held, const struct contact_run *run)
{
	int64_t now_ms = clock_boot_ms();
	uint32_t seconds = held->has_policy ? held->policy.retry_after : DEFAULT_RETRY_AFTER_S;
	bool somebody_waits = release_openings(held) || run->somebody_waits;

	log_debug("no key server answers: %s", run->why.text);
	held->down_why = run->why;
	held->is_down = true;
	if (!run->has_reached) {
		held->no_network_until_ms = now_ms + NO_NETWORK_KEPT_MS;
		held->has_failed = held->has_failed || somebody_waits;
		held->must_probe = false; /* the network will say when it comes */
		return;
	}
	if (!somebody_waits)
		return;
	held->has_failed = true;
	if (!countdown_failed(&held->countdown, now_ms, (int64_t)seconds * MS_PER_SECOND))
		return;
	held->said_ms = now_ms;
	held->must_probe = false;
	store_countdown(held);
	log_waiting(held, now_ms, true);
}

void run_conclude(struct contact_run *run)
{
	AUTO(contacts_let_go) struct contacts *held = contacts_hold(run->contacts);

	if (run->was_answered)
		succeed(held);
	else if (run->has_failed)
		fail(held, run);
	refuse_unanswered(held, run);
	run->news->settled = true;
}

/* -- problems ------------------------------------------------------------------------------ */

static const struct problem_meaning meanings[PROBLEM_COUNT] = {
	[PROBLEM_MALFORMED] = {FAULT_FAILED, UNAVAILABLE_KEPT_MS, false},
	[PROBLEM_FRAMING] = {FAULT_FAILED, UNAVAILABLE_KEPT_MS, false},
	[PROBLEM_CLOCK] = {FAULT_DENIED, DENIAL_KEPT_MS, true},
	[PROBLEM_REPLAY] = {FAULT_DENIED, DENIAL_KEPT_MS, true},
	[PROBLEM_UNKNOWN_KEY] = {FAULT_DENIED, DENIAL_KEPT_MS, true},
	[PROBLEM_SIGNATURE] = {FAULT_DENIED, DENIAL_KEPT_MS, true},
	[PROBLEM_OTHER_SERVER] = {FAULT_IDENTITY, DENIAL_KEPT_MS, false},
	[PROBLEM_DENIED] = {FAULT_DENIED, DENIAL_KEPT_MS, true},
	[PROBLEM_DISABLED] = {FAULT_DENIED, DENIAL_KEPT_MS, true},
	[PROBLEM_CODE] = {FAULT_DENIED, DENIAL_KEPT_MS, true},
	[PROBLEM_APPROVAL] = {FAULT_DENIED, DENIAL_KEPT_MS, true},
	[PROBLEM_MISSING] = {FAULT_DENIED, DENIAL_KEPT_MS, true},
	[PROBLEM_METHOD] = {FAULT_FAILED, UNAVAILABLE_KEPT_MS, false},
	[PROBLEM_CONFLICT] = {FAULT_FAILED, UNAVAILABLE_KEPT_MS, false},
	[PROBLEM_TOO_LARGE] = {FAULT_FAILED, UNAVAILABLE_KEPT_MS, false},
	[PROBLEM_LIMIT] = {FAULT_DENIED, DENIAL_KEPT_MS, true},
	[PROBLEM_INTERNAL] = {FAULT_FAILED, UNAVAILABLE_KEPT_MS, false},
	[PROBLEM_DIRECTORY] = {FAULT_UNREACHABLE, UNAVAILABLE_KEPT_MS, false},
	[PROBLEM_AUDIT] = {FAULT_UNREACHABLE, UNAVAILABLE_KEPT_MS, false},
};

struct problem_meaning problem_meaning(enum problem_type type)
{
	return meanings[type];
}

void problem_words(const struct service_answer *answer, struct why *why)
{
	const struct problem *problem = &answer->problem;

	(void)why_set(why, FAULT_FAILED, "key server %s: %s%s%s", answer->host, problem_text(problem->type),
		      problem->detail[0] ? ": " : "", problem->detail);
}

/* -- servers that lie ------------------------------------------------------------------------ */

bool contact_is_liar(const struct contacts *held, const struct member_id *server, int64_t now_ms)
{
	for (size_t i = 0; i < held->liar_count; i++)
		if (member_id_equal(&held->liars[i].server, server) && now_ms < held->liars[i].until_ms)
			return true;
	return false;
}

void contact_exclude(struct contacts *held, const struct member_id *server, int64_t now_ms)
{
	size_t at = 0;

	while (at < held->liar_count && !member_id_equal(&held->liars[at].server, server))
		at++;
	if (at == GROUP_SERVERS_MAX)
		return; /* as many as one group can have: what they answer is found out again */
	held->liars[at] = (struct contact_liar){*server, now_ms + LIAR_KEPT_MS};
	if (at == held->liar_count)
		held->liar_count++;
}

size_t contact_servers(struct contacts *contacts, const struct group_descriptor *group,
		       struct member_id servers[static GROUP_SERVERS_MAX])
{
	AUTO(contacts_let_go) struct contacts *held = contacts_hold(contacts);
	int64_t now_ms = clock_boot_ms();
	size_t count = 0;

	for (size_t i = 0; i < group->server_count; i++)
		if (!contact_is_liar(held, &group->servers[i].id, now_ms))
			servers[count++] = group->servers[i].id;
	service_prefer(held->service, servers, count);
	return count;
}

static bool has_url(const struct service_state *states, size_t count, const struct member_id *server)
{
	for (size_t i = 0; i < count; i++)
		if (member_id_is_none(&states[i].id) || member_id_equal(&states[i].id, server))
			return true;
	return false;
}

/* Our servers, as far as a URL may lead to them. */
size_t contact_all_servers(struct service *service, struct member_id servers[static GROUP_SERVERS_MAX])
{
	const struct organisation *organisation = service_organisation_of(service);
	struct service_state states[GROUP_SERVERS_MAX];
	size_t urls = service_states(service, states, GROUP_SERVERS_MAX);
	size_t count = 0;

	for (size_t i = 0; i < organisation->server_count; i++)
		if (has_url(states, urls, &organisation->servers[i].id))
			servers[count++] = organisation->servers[i].id;
	service_prefer(service, servers, count);
	return count;
}

static bool was_silent(const struct service_state *states, size_t count, const struct member_id *server,
		       int64_t since_ms)
{
	bool is_known = false;

	for (size_t i = 0; i < count; i++) {
		if (!member_id_equal(&states[i].id, server))
			continue;
		if (states[i].answered || states[i].asked_ms < since_ms)
			return false;
		is_known = true;
	}
	return is_known;
}

bool contact_is_hopeless(const struct contact_run *run, const struct member_id *servers, size_t server_count,
			 size_t wanted)
{
	struct service_state states[GROUP_SERVERS_MAX];
	size_t count = service_states(run->contacts->service, states, GROUP_SERVERS_MAX);
	size_t silent = 0;

	for (size_t i = 0; i < server_count; i++)
		silent += was_silent(states, count, &servers[i], run->begun_ms);
	return run->has_failed && silent + wanted > server_count;
}

uint32_t contact_lease_seconds(const struct contacts *held, uint32_t answered)
{
	if (!held->has_policy || answered < held->policy.lease)
		return answered;
	return held->policy.lease;
}

int64_t contact_watch_ms(const struct contacts *held)
{
	int64_t third_ms = (int64_t)held->policy.lease * MS_PER_SECOND / 3;

	if (!held->has_policy || third_ms == 0 || third_ms > WATCH_MOST_MS)
		return WATCH_MOST_MS;
	return third_ms < WATCH_LEAST_MS ? WATCH_LEAST_MS : third_ms;
}
