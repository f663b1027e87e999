#include <assert.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "keys/contact_parts.h"

#define LEAST_MS 1000 /* for a contact that begins late, because the one before took its time */
#define LAST_REPORT_MS 2000

enum job { JOB_NONE, JOB_SYNC, JOB_ASK, JOB_PROBE, JOB_RENEW, JOB_POLICY, JOB_REPORT };

void contact_wake_thread(const struct contacts *contacts)
{
	static const uint64_t one = 1;

	(void)!write(contacts->wake_fd, &one, sizeof one); /* full: it is awake already */
}

/* -- leases that run out ----------------------------------------------------------------- */

static void say_lost(const struct contact_group *group)
{
	log_warning("No key server has renewed the lease of the group '%s': its folders are locked",
		    group->name);
}

/* A lease of zero has no end of its own. */
static bool has_ended(const struct contact_group *group, int64_t now_ms)
{
	return group->lease && !group_has_zero_lease(group) && !group_is_warm(group, now_ms);
}

/* This program has become too old. */
static void close_all(struct contacts *held, const struct why *why, struct contact_news *news)
{
	for (struct contact_group *group = held->groups; group; group = group->next) {
		if (!group->lease)
			continue;
		log_warning("The folders of the group '%s' are closed: %s", group->name, why->text);
		news_end_lease(news, held, group);
	}
}

static void end_leases(struct contacts *held, int64_t now_ms, struct contact_news *news)
{
	unsigned before = held->lost;
	struct why why = WHY_NONE;

	if (contact_check_version(held, &why))
		close_all(held, &why, news);
	for (struct contact_group *group = held->groups; group; group = group->next) {
		if (!has_ended(group, now_ms))
			continue;
		news_end_lease(news, held, group);
		if (!held->is_background)
			continue;
		held->lost++;
		say_lost(group);
	}
	if (before == 0 && held->lost > 0)
		notice_show("Folders of groups are locked", "No key server answers.");
}

/* -- what is next ------------------------------------------------------------------------ */

static bool has_wanted(const struct contacts *held)
{
	for (const struct contact_opening *opening = held->openings; opening; opening = opening->next)
		if (opening->state == OPENING_WANTED)
			return true;
	return false;
}

static bool has_waiting(const struct contacts *held)
{
	for (const struct contact_group *group = held->groups; group; group = group->next)
		if (group->waiting > 0 && group_has_zero_lease(group))
			return true;
	return false;
}

static bool is_renewal_due(const struct contacts *held, int64_t now_ms)
{
	bool is_watched = false;

	for (const struct contact_group *group = held->groups; group; group = group->next) {
		if (group->lease && lease_renewal_is_due(&group->lease->lease, now_ms))
			return true;
		is_watched = is_watched || group->is_watched;
	}
	return is_watched && now_ms >= held->watch_due_ms;
}

static enum job next_job(const struct contacts *held, int64_t now_ms)
{
	if (held->service && held->sync_wanted != held->sync_done)
		return JOB_SYNC;
	if (has_wanted(held) || has_waiting(held))
		return JOB_ASK;
	if (!held->service || !contact_is_allowed(held, now_ms))
		return JOB_NONE;
	if (held->is_background && held->must_probe)
		return JOB_PROBE;
	if (held->is_background && is_renewal_due(held, now_ms))
		return JOB_RENEW;
	if (held->is_background && now_ms >= held->policy_due_ms)
		return JOB_POLICY;
	return contact_has_reports(held, now_ms) ? JOB_REPORT : JOB_NONE;
}

/* The earliest moment after `now` at which something may be due; what is due now was not allowed. */
static void consider(int64_t *next_ms, int64_t at_ms, int64_t now_ms)
{
	if (at_ms > now_ms && at_ms < *next_ms)
		*next_ms = at_ms;
}

static int64_t next_ms(const struct contacts *held, int64_t now_ms)
{
	int64_t next = INT64_MAX;

	for (const struct contact_group *group = held->groups; group; group = group->next) {
		if (!group->lease)
			continue;
		consider(&next, group->lease->lease.renew_at_ms, now_ms);
		consider(&next, atomic_load(&group->lease->lease.valid_until_ms), now_ms);
	}
	consider(&next, held->countdown.end_ms, now_ms);
	consider(&next, held->countdown.grace_retry_ms, now_ms);
	consider(&next, held->no_network_until_ms, now_ms);
	consider(&next, held->policy_due_ms, now_ms);
	consider(&next, held->watch_due_ms, now_ms);
	consider(&next, held->reports_due_ms, now_ms);
	return next;
}

/* -- one contact ------------------------------------------------------------------------- */

static struct contact_run run_of(struct contacts *contacts, struct contact_news *news)
{
	int64_t now_ms = clock_boot_ms();

	return (struct contact_run){
		.contacts = contacts,
		.news = news,
		.begun_ms = now_ms,
		.deadline_ms = now_ms + SERVICE_DEADLINE_MS,
	};
}

/* Nobody waits longer than one deadline from the moment he asked. */
static int64_t earliest_deadline(struct contacts *contacts)
{
	AUTO(contacts_let_go) struct contacts *held = contacts_hold(contacts);
	int64_t now_ms = clock_boot_ms();
	int64_t asked_ms = now_ms;

	for (const struct contact_opening *opening = held->openings; opening; opening = opening->next)
		if (opening->state == OPENING_WANTED && opening->asked_ms < asked_ms)
			asked_ms = opening->asked_ms;
	for (const struct contact_group *group = held->groups; group; group = group->next)
		if (group->waiting > 0 && group->waiting_since_ms < asked_ms)
			asked_ms = group->waiting_since_ms;
	int64_t deadline_ms = asked_ms + SERVICE_DEADLINE_MS;
	return deadline_ms < now_ms + LEAST_MS ? now_ms + LEAST_MS : deadline_ms;
}

static bool wants_renewal(struct contacts *contacts)
{
	AUTO(contacts_let_go) struct contacts *held = contacts_hold(contacts);

	return has_waiting(held) || (held->is_background && is_renewal_due(held, clock_boot_ms()));
}

/* Openings first; then the leases that are due, in the same contact. */
static void do_ask(struct contact_run *run)
{
	run->deadline_ms = earliest_deadline(run->contacts);
	contact_unlock(run);
	if ((run->was_answered || !run->has_failed) && wants_renewal(run->contacts))
		contact_renew(run);
}

static void do_policy(struct contact_run *run)
{
	char host[CONTACT_HOST_SIZE];
	struct why why = WHY_NONE;
	enum fault fault = contact_synchronise(run, false, host, &why);

	if (fault && fault != FAULT_UNREACHABLE)
		log_warning("The policy could not be fetched: %s", why_text(&why, fault));
	AUTO(contacts_let_go) struct contacts *held = contacts_hold(run->contacts);
	held->policy_due_ms = clock_boot_ms() + POLICY_KEPT_MS;
}

/* It counts as one of the repeated contacts after a change of the network. */
static void do_probe(struct contact_run *run)
{
	run->somebody_waits = true;
	do_policy(run);
	AUTO(contacts_let_go) struct contacts *held = contacts_hold(run->contacts);
	held->must_probe = run->has_failed && !run->was_answered;
}

static void do_sync(struct contact_run *run)
{
	char host[CONTACT_HOST_SIZE] = "";
	struct why why = WHY_NONE;

	run->somebody_waits = true;
	enum fault fault = contact_synchronise(run, true, host, &why);
	if (!fault) {
		run->deadline_ms = clock_boot_ms() + SERVICE_DEADLINE_MS;
		contact_renew(run);
	}
	AUTO(contacts_let_go) struct contacts *held = contacts_hold(run->contacts);
	if (!fault)
		contacts_forget_refusals(held);
	held->sync_fault = fault;
	held->sync_why = why;
	memcpy(held->sync_host, host, sizeof held->sync_host);
	held->policy_due_ms = clock_boot_ms() + POLICY_KEPT_MS;
}

/* Once the countdown knows of it. */
static void end_sync(struct contacts *contacts, unsigned call)
{
	AUTO(contacts_let_go) struct contacts *held = contacts_hold(contacts);

	held->sync_done = call;
}

static unsigned sync_call(struct contacts *contacts)
{
	AUTO(contacts_let_go) struct contacts *held = contacts_hold(contacts);

	return held->sync_wanted;
}

static void do_job(enum job job, struct contact_run *run)
{
	unsigned call = sync_call(run->contacts); /* who calls later gets a contact of his own */

	switch (job) {
	case JOB_SYNC:
		do_sync(run);
		break;
	case JOB_ASK:
		run->somebody_waits = true;
		do_ask(run);
		break;
	case JOB_PROBE:
		do_probe(run);
		break;
	case JOB_RENEW:
		contact_renew(run);
		break;
	case JOB_POLICY:
		do_policy(run);
		break;
	case JOB_REPORT:
		contact_send_reports(run);
		break;
	case JOB_NONE:
		return;
	}
	run_conclude(run);
	if (job == JOB_SYNC)
		end_sync(run->contacts, call);
}

/* -- the loop ------------------------------------------------------------------------------ */

/* Another process has synchronised: what was refused may be open now, and somebody may have left. */
static void take_wake(struct contacts *held, int64_t now_ms, struct contact_news *news)
{
	struct why why = WHY_NONE;

	if (!held->was_woken)
		return;
	held->was_woken = false;
	enum fault fault = contact_load(held, &why);
	if (fault)
		log_warning("The organisation in the keyring cannot be read: %s", why_text(&why, fault));
	contacts_forget_refusals(held);
	if (held->watch_due_ms > now_ms)
		held->watch_due_ms = now_ms;
	news->settled = true;
}

static void take_network(struct contacts *held, int64_t now_ms, struct contact_news *news)
{
	if (!held->network || !network_has_changed(held->network))
		return;
	log_debug("the network has changed, or the machine woke");
	contact_network_changed(held, now_ms);
	news->settled = true;
}

static bool has_news(const struct contact_news *news)
{
	return news->settled || news->ended_count > 0 || news->due_count > 0;
}

/* Which contact is next; gathers what has happened by itself. */
static enum job look_around(struct contacts *contacts, struct contact_news *news, int64_t *ret_wait_ms)
{
	AUTO(contacts_let_go) struct contacts *held = contacts_hold(contacts);
	int64_t now_ms = clock_boot_ms();

	contact_look_at_keyring(held);
	take_wake(held, now_ms, news);
	take_network(held, now_ms, news);
	end_leases(held, now_ms, news);
	enum job job = next_job(held, now_ms);
	held->is_busy = job != JOB_NONE;
	held->is_telling = has_news(news);
	held->rounds++;
	(void)pthread_cond_broadcast(&held->idle);
	int64_t at_ms = next_ms(held, now_ms);
	*ret_wait_ms = at_ms == INT64_MAX ? -1 : at_ms - now_ms;
	return job;
}

static void wait_for_more(const struct contacts *contacts, int64_t wait_ms)
{
	const struct network_fds fds = contacts->network ? network_fds(contacts->network)
							 : (struct network_fds){-1, -1};
	struct pollfd polls[] = {
		{.fd = contacts->wake_fd, .events = POLLIN},
		{.fd = fds.routes, .events = POLLIN},
		{.fd = fds.timer, .events = POLLIN},
	};
	uint64_t count;

	(void)poll(polls, sizeof polls / sizeof *polls, wait_ms > INT32_MAX ? INT32_MAX : (int)wait_ms);
	(void)!read(contacts->wake_fd, &count, sizeof count);
}

static bool must_stop(struct contacts *contacts)
{
	AUTO(contacts_let_go) struct contacts *held = contacts_hold(contacts);

	return held->must_stop;
}

/* A command has written an access list and is about to end. */
static void send_last_reports(struct contacts *contacts)
{
	AUTO(contact_news_done) struct contact_news news = {.settled = false};
	struct contact_run run = run_of(contacts, &news);
	bool wanted = contact_has_reports(contacts_hold(contacts), clock_boot_ms()) &&
		      countdown_allows(&contacts->countdown, clock_boot_ms());

	contacts_let_go(contacts);
	run.deadline_ms = clock_boot_ms() + LAST_REPORT_MS;
	if (wanted)
		contact_send_reports(&run);
}

void *contact_thread(void *context)
{
	struct contacts *contacts = context;

	while (!must_stop(contacts)) {
		AUTO(contact_news_done) struct contact_news news = {.settled = false};
		struct contact_run run = run_of(contacts, &news);
		int64_t wait_ms = -1;
		enum job job = look_around(contacts, &news, &wait_ms);
		do_job(job, &run);
		if (has_news(&news))
			news_tell(contacts, &news);
		else if (job == JOB_NONE)
			wait_for_more(contacts, wait_ms);
	}
	send_last_reports(contacts);
	return NULL;
}
