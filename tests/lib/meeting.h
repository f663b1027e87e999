/* tests/lib/meeting.h - contacts of a user with key servers of this process, by a clock that the test moves.
 *
 *     meeting_begin(&meeting, &(struct meeting_options){.servers = 1, .background = true});
 *     struct made folder = meeting_folder(&meeting, &finance, ROLE_WRITER);
 *     assert_fault(FAULT_NONE, meeting_open(&meeting, folder.file, &opened, &why));   asks and waits
 *     meeting_pass(&meeting, 41 * SECOND);                                            time goes by
 *     meeting_end(&meeting);
 *
 * What is logged is caught: meeting_log() has it since the last call.
 */
#ifndef FSENC_TESTS_LIB_MEETING_H
#define FSENC_TESTS_LIB_MEETING_H

#include <sys/mman.h>

#include "base/clock.h"
#include "base/log.h"
#include "keys/contact_parts.h"
#include "tests/lib/enrolled.h"
#include "tests/lib/folders.h"
#include "tests/lib/key_server.h"

#define SECOND 1000
#define MINUTE (60 * SECOND)
#define MEETING_SERVERS 3
#define MEETING_BEGIN_MS 100000000
#define MEETING_WALL_MS 1700000000000

struct meeting_options {
	size_t servers; /* of the company, each with a URL */
	bool background;
	const char *urls[MEETING_SERVERS]; /* in place of the servers' own */
	bool knows_nothing; /* not enrolled */
	const struct policy *policy; /* in the keyring */
};

struct meeting {
	struct meeting_options options;
	struct company company;
	struct person admin; /* of all folders */
	struct key_server servers[MEETING_SERVERS];
	struct company_group finance; /* 1 of 1, on the first server */
	struct keyring *keyring;
	struct contacts *contacts;
	int64_t now_ms;
	atomic_uint settled, ended, due;
	char name[64];
};

/* -- the log ------------------------------------------------------------------------------ */

static int meeting_stderr = -1, meeting_caught = -1;
static off_t meeting_log_at;

static inline void meeting_catch_log(void)
{
	meeting_stderr = dup(STDERR_FILENO);
	meeting_caught = memfd_create("log", MFD_CLOEXEC);
	assert_true(meeting_stderr >= 0 && meeting_caught >= 0);
	assert_true(dup2(meeting_caught, STDERR_FILENO) >= 0);
	meeting_log_at = 0;
}

static inline void meeting_release_log(void)
{
	assert_true(dup2(meeting_stderr, STDERR_FILENO) >= 0);
	file_close(meeting_stderr);
	file_close(meeting_caught);
}

/* What was logged since the last call. */
static inline const char *meeting_log(void)
{
	static char text[16384];
	ssize_t size = pread(meeting_caught, text, sizeof text - 1, meeting_log_at);

	assert_true(size >= 0);
	text[size] = 0;
	meeting_log_at += size;
	return text;
}

static inline unsigned meeting_lines(const char *log, const char *words)
{
	unsigned count = 0;

	for (const char *at = strstr(log, words); at; at = strstr(at + 1, words))
		count++;
	return count;
}

/* -- what listeners hear ------------------------------------------------------------------- */

static inline void meeting_settled(void *context)
{
	atomic_fetch_add(&((struct meeting *)context)->settled, 1);
}

static inline void meeting_lease_ended(void *context, struct group_lease *lease)
{
	assert_false(lease_is_valid(&lease->lease, clock_boot_ms()));
	atomic_fetch_add(&((struct meeting *)context)->ended, 1);
}

static inline void meeting_rotation_due(void *context, const struct member_id *group)
{
	(void)group;
	atomic_fetch_add(&((struct meeting *)context)->due, 1);
}

/* -- beginning ----------------------------------------------------------------------------- */

static inline struct contacts *meeting_contacts(struct meeting *meeting, struct keyring *keyring,
						bool background)
{
	struct why why = WHY_NONE;
	struct contacts *contacts = NULL;
	const struct contacts_options options = {.keyring = keyring, .background = background};
	const struct contacts_listener listener = {.settled = meeting_settled,
						   .lease_ended = meeting_lease_ended,
						   .rotation_due = meeting_rotation_due,
						   .context = meeting};

	assert_works(contacts_new(&options, &contacts, &why));
	contacts_listen(contacts, &listener);
	return contacts;
}

/* The same keyring in another process, unlocked. */
static inline struct keyring *meeting_keyring_again(const struct meeting *meeting)
{
	struct why why = WHY_NONE;
	struct keyring *keyring = keyring_again(meeting->name);

	assert_works(keyring_unlock_by(keyring, WORDS, &why));
	return keyring;
}

static inline void meeting_enrol(struct meeting *meeting)
{
	struct keyring_server urls[MEETING_SERVERS] = {0};

	for (size_t i = 0; i < meeting->options.servers; i++) {
		const char *url = meeting->options.urls[i] ? meeting->options.urls[i]
							   : meeting->servers[i].url;
		(void)snprintf(urls[i].url, sizeof urls[i].url, "%s", url);
		urls[i].id = meeting->company.organisation.servers[i].id;
	}
	enrol(meeting->keyring, &meeting->company, urls, meeting->options.servers);
	if (meeting->options.policy)
		keep_policy(meeting->keyring, &meeting->company, meeting->options.policy);
}

static inline void meeting_begin_servers(struct meeting *meeting)
{
	struct why why = WHY_NONE;
	const struct identity *user = NULL;

	assert_works(keyring_identity(meeting->keyring, &user, &why));
	for (size_t i = 0; i < meeting->options.servers; i++) {
		meeting->servers[i] = (struct key_server){
			.company = &meeting->company, .index = i, .user = identity_public(user)};
		key_server_start(&meeting->servers[i]);
	}
	meeting->finance = company_group_new(&meeting->company, "finance", 1, 1);
	key_server_add_group(&meeting->servers[0], &meeting->finance);
}

static inline void meeting_begin(struct meeting *meeting, const struct meeting_options *options)
{
	static unsigned number;

	*meeting = (struct meeting){.options = *options, .now_ms = MEETING_BEGIN_MS};
	(void)snprintf(meeting->name, sizeof meeting->name, "meeting %u", ++number);
	clock_set_fake(meeting->now_ms, MEETING_WALL_MS);
	meeting->company = company_new(options->servers);
	meeting->admin = person_new("admin");
	meeting->keyring = keyring_of(meeting->name);
	meeting_begin_servers(meeting);
	if (!options->knows_nothing)
		meeting_enrol(meeting);
	meeting_catch_log();
	meeting->contacts = meeting_contacts(meeting, meeting->keyring, options->background);
}

static inline void meeting_end(struct meeting *meeting)
{
	contacts_free(meeting->contacts);
	meeting_release_log();
	for (size_t i = 0; i < meeting->options.servers; i++)
		key_server_stop(&meeting->servers[i]);
	keyring_close(meeting->keyring);
	company_group_done(&meeting->finance);
	person_done(&meeting->admin);
	company_done(&meeting->company);
	clock_set_real();
}

/* -- folders ------------------------------------------------------------------------------- */

/* Of the company, with the admin alone. */
static inline struct made meeting_lonely_folder(const struct meeting *meeting)
{
	struct why why = WHY_NONE;
	struct made made = {NULL, NULL};
	const struct folder_new_options options = {
		.organisation = company_id(&meeting->company),
		.share = {{1}},
		.suite = 1,
		.creator = meeting->admin.certificate,
	};
	assert_works(folder_new(&options, meeting->admin.identity, &made.file, &made.keys, &why));
	return made;
}

static inline struct made meeting_folder(const struct meeting *meeting, const struct company_group *group,
					 enum role role)
{
	struct made made = meeting_lonely_folder(meeting);

	made_add_group(&made, &meeting->admin, &meeting->company, group, role);
	return made;
}

/* The next version: the same, with another user on the list. */
static inline void meeting_next_version(const struct meeting *meeting, struct made *made)
{
	struct why why = WHY_NONE;
	AUTO(person_done) struct person other = person_new("other");
	struct folder_file *next = NULL;

	assert_works(folder_change_add_user(made->file, made->keys, meeting->admin.identity,
					    other.certificate, ROLE_READER, &next, &why));
	made_advance(made, &meeting->admin, next);
}

/* The same keys as the admin's. */
static inline void assert_opens(const struct made *made, const struct contact_opened *opened)
{
	AUTO(wiped_key) struct wiped_key ours;
	AUTO(wiped_key) struct wiped_key theirs;
	uint32_t newest = folder_keys_newest(made->keys);

	assert_int_equal(folder_keys_newest(opened->keys), newest);
	assert_true(folder_keys_subkey(made->keys, newest, KDF_FILE_HEADER, &ours));
	assert_true(folder_keys_subkey(opened->keys, newest, KDF_FILE_HEADER, &theirs));
	assert_memory_equal(ours.bytes, theirs.bytes, KEY_SIZE);
}

/* -- time and waiting ------------------------------------------------------------------------ */

/* Until the thread has seen the present time and done what it does then. */
static inline void meeting_let_it_look(struct contacts *contacts)
{
	AUTO(contacts_let_go) struct contacts *held = contacts_hold(contacts);
	uint64_t before = held->rounds;

	contact_wake_thread(held);
	while (held->rounds == before || held->is_busy || held->is_telling)
		(void)pthread_cond_wait(&held->idle, &held->mutex);
}

static inline void meeting_pass(struct meeting *meeting, int64_t ms)
{
	meeting->now_ms += ms;
	clock_set_fake(meeting->now_ms, MEETING_WALL_MS + meeting->now_ms - MEETING_BEGIN_MS);
	meeting_let_it_look(meeting->contacts);
}

#define MEETING_PATIENCE_MS 20000

/* Asks, waits while it is pending, and says what it came to. */
static inline enum fault meeting_open_by(struct contacts *contacts, const struct folder_file *file,
					 struct contact_opened *ret_opened, struct why *why)
{
	enum fault fault;

	while ((fault = contacts_open(contacts, file, ret_opened, why)) == FAULT_PENDING)
		contacts_wait(contacts, clock_boot_ms() + MEETING_PATIENCE_MS);
	return fault;
}

static inline enum fault meeting_open(struct meeting *meeting, const struct folder_file *file,
				      struct contact_opened *ret_opened, struct why *why)
{
	return meeting_open_by(meeting->contacts, file, ret_opened, why);
}

/* Opens it and gives it up again. */
static inline enum fault meeting_try(struct meeting *meeting, const struct made *made, struct why *why)
{
	AUTO(contact_opened_done) struct contact_opened opened = {.keys = NULL};
	enum fault fault = meeting_open(meeting, made->file, &opened, why);

	if (!fault)
		assert_opens(made, &opened);
	return fault;
}

static inline void meeting_script(struct meeting *meeting, size_t server,
				  const struct key_server_script *script)
{
	AUTO(key_server_let_go) struct key_server *held = key_server_hold(&meeting->servers[server]);

	held->script = *script;
	if (held->script.lease == 0)
		held->script.lease = 120;
}

static inline unsigned meeting_count(struct meeting *meeting, enum key_server_route route)
{
	return key_server_count(&meeting->servers[0], route);
}

#endif
