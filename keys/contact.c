#include "keys/contact_parts.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/boot_id.h"
#include "base/clock.h"
#include "base/condition.h"
#include "base/file.h"
#include "base/log.h"

struct contacts *contacts_hold(struct contacts *contacts)
{
	int failed = pthread_mutex_lock(&contacts->mutex);

	assert(!failed);
	(void)failed;
	return contacts;
}

void contacts_let_go(struct contacts *contacts)
{
	(void)pthread_mutex_unlock(&contacts->mutex);
}

/* -- making -------------------------------------------------------------------------------- */

static enum fault begin(struct contacts *contacts, struct why *why)
{

	(void)pthread_mutex_init(&contacts->mutex, NULL);
	condition_init(&contacts->idle);
	contacts->policy_due_ms = INT64_MAX; /* after the first success */
	contacts->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (contacts->wake_fd < 0)
		return why_system(why, "cannot make the thread that talks to key servers");
	enum fault fault = boot_id_read(contacts->boot_id, why);
	if (!fault)
		fault = service_global_start(why);
	return fault ? fault : contact_load(contacts, why);
}

/* Without it a countdown just takes its time. */
static void watch_network(struct contacts *contacts)
{
	struct why why = WHY_NONE;
	enum fault fault = contacts->is_background ? network_open(&contacts->network, &why) : FAULT_NONE;

	if (fault)
		log_warning("Changes of the network are not noticed: %s", why_text(&why, fault));
}

/* Signals are for the threads that expect them. */
static enum fault begin_thread(struct contacts *contacts, struct why *why)
{
	sigset_t all, before;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	int failed = pthread_create(&contacts->thread, NULL, contact_thread, contacts);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	contacts->has_thread = !failed;
	if (!failed)
		return FAULT_NONE;
	errno = failed;
	return why_system(why, "cannot make the thread that talks to key servers");
}

enum fault contacts_new(const struct contacts_options *options, struct contacts **ret_contacts,
			struct why *why)
{
	AUTO(contacts_free) struct contacts *contacts = calloc(1, sizeof *contacts);
	if (!contacts)
		return why_set(why, FAULT_MEMORY, "no memory for the key servers");
	contacts->keyring = options->keyring;
	contacts->is_background = options->background;
	enum fault fault = begin(contacts, why);
	if (fault)
		return fault;
	contact_look_at_keyring(contacts);
	watch_network(contacts);
	fault = begin_thread(contacts, why);
	if (!fault)
		*ret_contacts = TAKE(contacts);
	return fault;
}

static void end_thread(struct contacts *contacts)
{
	contacts_hold(contacts)->must_stop = true;
	contacts_let_go(contacts);
	contact_wake_thread(contacts);
	(void)pthread_join(contacts->thread, NULL);
}

void contacts_free(struct contacts *contacts)
{
	if (!contacts)
		return;
	if (contacts->has_thread)
		end_thread(contacts);
	contacts_forget_all(contacts);
	contact_reports_free(contacts);
	network_close(contacts->network);
	service_free(contacts->service);
	for (size_t i = 0; i < contacts->retired_count; i++)
		service_free(contacts->retired[i]);
	free(contacts->retired);
	file_close(contacts->wake_fd);
	(void)pthread_cond_destroy(&contacts->idle);
	(void)pthread_mutex_destroy(&contacts->mutex);
	free(contacts);
}

void contacts_listen(struct contacts *contacts, const struct contacts_listener *listener)
{
	AUTO(contacts_let_go) struct contacts *held = contacts_hold(contacts);

	held->listener = listener ? *listener : (struct contacts_listener){.context = NULL};
	while (held->is_telling && !pthread_equal(pthread_self(), held->thread))
		(void)pthread_cond_wait(&held->idle, &held->mutex);
}

/* -- waiting ------------------------------------------------------------------------------- */

static bool is_idle(const struct contacts *held)
{
	if (held->is_busy)
		return false;
	for (const struct contact_opening *opening = held->openings; opening; opening = opening->next)
		if (opening->state == OPENING_WANTED)
			return false;
	return true;
}

void contacts_wait(struct contacts *contacts, int64_t deadline_ms)
{
	AUTO(contacts_let_go) struct contacts *held = contacts_hold(contacts);

	if (deadline_ms <= clock_boot_ms())
		return;
	/* The condition's clock goes on even where the test's stands still. */
	const struct timespec end = condition_in_ms(deadline_ms - clock_boot_ms());
	while (!is_idle(held))
		if (pthread_cond_timedwait(&held->idle, &held->mutex, &end) == ETIMEDOUT)
			return;
}

static bool is_done(const struct contacts *held, unsigned call)
{
	return (int)(held->sync_done - call) >= 0; /* they may wrap around */
}

enum fault contacts_sync(struct contacts *contacts, char ret_host[static CONTACT_HOST_SIZE], struct why *why)
{
	AUTO(contacts_let_go) struct contacts *held = contacts_hold(contacts);

	ret_host[0] = 0;
	if (!held->service)
		return why_set(why, FAULT_LOCKED, "you are not enrolled with a key server");
	unsigned call = ++held->sync_wanted;
	contact_wake_thread(held);
	while (!is_done(held, call))
		(void)pthread_cond_wait(&held->idle, &held->mutex);
	memcpy(ret_host, held->sync_host, CONTACT_HOST_SIZE);
	return held->sync_fault ? why_set(why, held->sync_fault, "%s", held->sync_why.text) : FAULT_NONE;
}

void contacts_wake(struct contacts *contacts)
{
	AUTO(contacts_let_go) struct contacts *held = contacts_hold(contacts);

	held->was_woken = true;
	if (held->watch_due_ms != 0)
		held->watch_due_ms = clock_boot_ms();
	contact_wake_thread(held);
}

/* -- looking ------------------------------------------------------------------------------- */

void contacts_watch(struct contacts *contacts, const struct member_id *id)
{
	AUTO(contacts_let_go) struct contacts *held = contacts_hold(contacts);
	struct contact_group *group = group_get(held, id, NULL);

	if (!group || group->is_watched)
		return;
	group->is_watched = true;
	if (held->watch_due_ms == 0)
		held->watch_due_ms = clock_boot_ms() + contact_watch_ms(held);
	contact_wake_thread(held);
}

struct service *contacts_service(struct contacts *contacts)
{
	AUTO(contacts_let_go) struct contacts *held = contacts_hold(contacts);

	return held->service;
}

void contacts_state(struct contacts *contacts, struct contacts_state *ret_state)
{
	AUTO(contacts_let_go) struct contacts *held = contacts_hold(contacts);

	contact_look_at_keyring(held);
	*ret_state = (struct contacts_state){
		.enrolled = held->service != NULL,
		.policy_received = held->policy_received,
		.policy_version = held->has_policy ? held->policy.version : 0,
		.countdown_left_ms = countdown_left_ms(&held->countdown, clock_boot_ms()),
	};
	memcpy(ret_state->organisation, held->organisation_name, sizeof ret_state->organisation);
}

void contacts_each_lease(struct contacts *contacts,
			 void (*each)(void *context, const char *name, int64_t left_ms), void *context)
{
	AUTO(contacts_let_go) struct contacts *held = contacts_hold(contacts);
	int64_t now_ms = clock_boot_ms();

	for (const struct contact_group *group = held->groups; group; group = group->next)
		if (group_is_warm(group, now_ms))
			each(context, group->name, atomic_load(&group->lease->lease.valid_until_ms) - now_ms);
		else if (group_has_zero_lease(group))
			each(context, group->name, 0);
}
