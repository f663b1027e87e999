/* scripted_mount DIR - a real mount whose key servers are a script, so that a test says when a lease ends.
 *
 * Makes in DIR the keyrings of alice and bob and a lobby with three folders: "Finance" (alice, and a group
 * that bob is in), "Both" (the same group as writer, and bob as reader) and "Private" (bob himself), and
 * mounts it for bob at DIR/mnt. Words on standard input change the script, one line each, answered with a
 * line:
 *
 *     open FAULT      what asking for a folder gives from now on: NONE, PENDING, UNREACHABLE, DENIED
 *     confirm FAULT   what becomes of a lease that has ended
 *     lease SECONDS   of what is opened from now on
 *     settle          whoever waits may ask again
 *     end             the present lease ends now
 *     opens           how often a folder was asked for
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "fs/mount.h"
#include "tests/lib/enrolled.h"
#include "tests/lib/fake_contacts.h"
#include "tests/lib/world.h"

static struct company company;
static struct company_group finance;

static void die(const char *what)
{
	(void)fprintf(stderr, "scripted_mount: %s\n", what);
	exit(1);
}

/* -- the world ------------------------------------------------------------------------------- */

static const struct identity *identity_of(struct keyring *keyring)
{
	struct why why = WHY_NONE;
	const struct identity *identity = NULL;

	assert_works(keyring_identity(keyring, &identity, &why));
	return identity;
}

static enum fault add_group(void *context, const struct folder_file *present, const struct folder_keys *keys,
			    struct folder_file **ret_next, struct why *why)
{
	(void)context;
	return folder_change_add_group(present, keys, identity_of(alice), finance.object,
				       &company.organisation, ROLE_WRITER, ret_next, why);
}

static enum fault add_bob(void *context, const struct folder_file *present, const struct folder_keys *keys,
			  struct folder_file **ret_next, struct why *why)
{
	AUTO(certificate_free) struct certificate *certificate = NULL;
	enum fault fault = keyring_own_certificate(bob, &certificate, why);

	return fault ? fault
		     : folder_change_add_user(present, keys, identity_of(alice), certificate,
					      *(enum role *)context, ret_next, why);
}

static void make_folder(struct share *share, const char *name, access_edit edit, enum role role)
{
	struct why why = WHY_NONE;
	AUTO(folder_unref) struct folder *folder = NULL;
	AUTO(folder_file_free) struct folder_file *file = NULL;
	AUTO(file_close) int directory = -1;
	bool own;

	assert_int_equal(mkdir(world_path("share/%s", name), 0755), 0);
	assert_works(folder_protect(share, name, &why));
	assert_works(folder_walk(share, name, &folder, &own, &directory, &why));
	const struct access_place place = {.share = share, .directory = directory, .path = name};
	assert_works(access_change(&place, edit, &role, &file, &why));
}

static void make_both(struct share *share)
{
	struct why why = WHY_NONE;
	AUTO(folder_unref) struct folder *folder = NULL;
	AUTO(folder_file_free) struct folder_file *file = NULL;
	AUTO(file_close) int directory = -1;
	bool own;

	make_folder(share, "Both", add_bob, ROLE_READER);
	assert_works(folder_walk(share, "Both", &folder, &own, &directory, &why));
	const struct access_place place = {.share = share, .directory = directory, .path = "Both"};
	assert_works(access_change(&place, add_group, NULL, &file, &why));
}

static void make_world(const char *directory)
{
	static struct keyring_server server = {.url = "http://127.0.0.1:1"};
	struct why why = WHY_NONE;

	assert_works(secret_start(&why));
	(void)snprintf(world, sizeof(world), "%s", directory);
	(void)mkdir(world_path("alice"), 0700);
	(void)mkdir(world_path("bob"), 0700);
	alice = world_person("alice");
	bob = world_person("bob");
	world_introduce(alice, bob, true);
	world_introduce(bob, alice, true);
	company = company_new(1);
	finance = company_group_new(&company, "finance", 1, 1);
	enrol(alice, &company, &server, 1);
	enrol(bob, &company, &server, 1);
	AUTO(share_close) struct share *share = world_share("share", true);
	make_folder(share, "Finance", add_group, ROLE_WRITER);
	make_folder(share, "Private", add_bob, ROLE_WRITER);
	make_both(share);
}

/* -- the script ------------------------------------------------------------------------------ */

static enum fault fault_of(const char *word)
{
	for (int fault = 0; fault < FAULT_COUNT; fault++)
		if (strcmp(fault_name((enum fault)fault), word) == 0)
			return (enum fault)fault;
	die("no such fault");
	return FAULT_FAILED;
}

static void obey(const char *verb, const char *word)
{
	(void)pthread_mutex_lock(&fake_mutex);
	struct contacts_listener listener = fake.listener;
	struct group_lease *lease = fake.lease ? group_lease_ref(fake.lease) : NULL;
	if (strcmp(verb, "open") == 0)
		fake.open = fault_of(word);
	if (strcmp(verb, "confirm") == 0)
		fake.confirm = fault_of(word);
	if (strcmp(verb, "lease") == 0)
		fake.lease_seconds = (uint32_t)strtoul(word, NULL, 10);
	unsigned opens = fake.opens;
	(void)pthread_mutex_unlock(&fake_mutex);
	if (strcmp(verb, "settle") == 0 && listener.settled)
		listener.settled(listener.context);
	if (strcmp(verb, "end") == 0 && lease) {
		lease_end(&lease->lease);
		listener.lease_ended(listener.context, lease);
	}
	group_lease_unref(lease);
	(void)printf("%u\n", opens);
}

static void *listen(void *context)
{
	char line[128], verb[32], word[32];

	while (fgets(line, sizeof(line), stdin)) {
		word[0] = '\0';
		if (sscanf(line, "%31s %31s", verb, word) < 1)
			die("an empty line");
		obey(verb, word);
	}
	(void)kill(getpid(), SIGTERM); /* the test is gone */
	return context;
}

static void ready(void *context)
{
	(void)context;
	(void)printf("ready\n");
}

int main(int count, char **words)
{
	struct mount_options options = MOUNT_OPTIONS_DEFAULT;
	struct why why = WHY_NONE;
	pthread_t thread;
	sigset_t blocked;

	if (count < 2 || (count > 2 && mount_options_parse(words[2], &options, &why)))
		die("scripted_mount DIR [OPTIONS]");
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	make_world(words[1]);
	log_set_level(LOG_LEVEL_INFO);
	fake = (struct fake_contacts){.opener = identity_of(alice),
				      .role = ROLE_WRITER,
				      .lease_seconds = 120,
				      .confirm = FAULT_UNREACHABLE};
	(void)sigemptyset(&blocked);
	(void)sigaddset(&blocked, SIGTERM);
	(void)pthread_sigmask(SIG_BLOCK, &blocked, NULL);
	(void)pthread_create(&thread, NULL, listen, NULL);
	(void)pthread_detach(thread);
	const struct mount_request request = {.share_path = world_path("share"),
					      .directory = world_path("mnt"),
					      .options = &options,
					      .keyring = bob,
					      .ready = ready};
	enum fault fault = mount_run(&request, &why);
	if (fault)
		die(why_text(&why, fault));
	return 0;
}
