/* fsenc status */
#include "base/secret.h"
#include "base/answer.h"
#include "base/clock.h"
#include "cli/commands.h"
#include "cli/input.h"
#include "cli/session_open.h"
#include "base/table.h"
#include "fs/control.h"
#include "fs/share.h"
#include "keys/fields.h"
#include "keys/keyring_service.h"
#include "keys/session.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

/* -- the keyring ---------------------------------------------------------------------- */

static const char *keyring_state(const char *path)
{
	AUTO(secret_free) struct secret *master = NULL;

	if (access(path, F_OK) != 0)
		return "missing";
	return session_load(path, &master, NULL) ? "locked" : "unlocked";
}

/* -- one PATH only -------------------------------------------------------------------- */

static bool is_at_or_below(const char *path, const char *directory)
{
	size_t length = strlen(directory);

	return !strncmp(path, directory, length) && (path[length] == '/' || !path[length]);
}

/* Mounts that PATH lies in, or that show the share that it lies in. */
static enum fault keep_about(const char *path, json_t *mounts, struct why *why)
{
	AUTO(free) char *share = NULL;
	AUTO(free) char *stored = NULL;
	AUTO(free) char *real = NULL;
	enum fault fault = share_locate(path, &share, &stored, why);

	if (!fault)
		fault = input_real_path(path, &real, why);
	for (size_t i = json_array_size(mounts); !fault && i > 0; i--) {
		const json_t *mount = json_array_get(mounts, i - 1);

		if (strcmp(text_of(mount, "share"), share) != 0 &&
		    !is_at_or_below(real, text_of(mount, "dir")))
			(void)json_array_remove(mounts, i - 1);
	}
	return fault;
}

/* -- the organisation, for what is told of it --------------------------------------------- */

static int64_t countdown_left(const struct countdown_stored *stored)
{
	struct countdown countdown = {.end_ms = 0};
	uint8_t boot_id[COUNTDOWN_BOOT_ID_SIZE] = {0};

	if (boot_id_read(boot_id, NULL))
		return 0;
	countdown_load(&countdown, stored, boot_id, clock_boot_ms(), clock_wall_ms());
	return countdown_left_ms(&countdown, clock_boot_ms());
}

static enum fault count_one(void *context, const struct deferred *deferred, struct why *why)
{
	(void)deferred;
	(void)why;
	++*(size_t *)context;
	return FAULT_NONE;
}

static size_t deferred_count(struct keyring *keyring)
{
	size_t count = 0;

	(void)!keyring_each_deferred(keyring, count_one, &count, NULL);
	return count;
}

/* -- the organisation ------------------------------------------------------------------ */

/* What the keyring knows by itself, so that it is shown without a mount, too: null when not enrolled. */
static json_t *organisation_of(struct call *call)
{
	AUTO(keyring_close) struct keyring *keyring = NULL;
	AUTO(keyring_organisation_done) struct keyring_organisation own = {.object = NULL};
	struct keyring_policy policy = {.received = 0};
	struct countdown_stored stored;
	json_t *servers = json_array();

	if (session_locked(call, &keyring, NULL) || keyring_organisation(keyring, &own, NULL)) {
		json_decref(servers);
		call->hint[0] = '\0';
		return json_null();
	}
	for (size_t i = 0; i < own.server_count; i++)
		(void)json_array_append_new(servers, json_string(own.servers[i].url));
	(void)!keyring_policy(keyring, &policy, NULL);
	if (keyring_countdown(keyring, &stored, NULL))
		stored = (struct countdown_stored){.length_ms = 0};
	return json_pack("{s:s, s:o, s:I, s:I, s:I, s:I}", "name", own.organisation.root.name, "servers",
			 servers, "policy_version", (json_int_t)policy.policy.version, "policy_received",
			 (json_int_t)policy.received, "countdown_ms", (json_int_t)countdown_left(&stored),
			 "deferred", (json_int_t)deferred_count(keyring));
}

/* "3 minutes", "2 hours", "5 days" */
static void age_text(int64_t seconds, char text[static 32])
{
	static const struct {
		int64_t seconds;
		const char *word;
	} units[] = {{86400, "day"}, {3600, "hour"}, {60, "minute"}, {1, "second"}};
	size_t i = 0;

	while (i < 3 && seconds < units[i].seconds)
		i++;
	long long count = seconds > 0 ? seconds / units[i].seconds : 0;
	(void)snprintf(text, 32, "%lld %s%s", count, units[i].word, count == 1 ? "" : "s");
}

static void add_organisation(struct table *table, const json_t *organisation)
{
	char policy[96], age[32], countdown[64] = "";
	int64_t received = json_integer_value(json_object_get(organisation, "policy_received"));
	int64_t left = json_integer_value(json_object_get(organisation, "countdown_ms"));
	int64_t waiting = json_integer_value(json_object_get(organisation, "deferred"));

	if (!json_is_object(organisation))
		return;
	age_text(clock_wall_ms() / MS_PER_SECOND - received, age);
	(void)snprintf(policy, sizeof(policy), received ? "policy %lld, %s old" : "no policy yet",
		       (long long)json_integer_value(json_object_get(organisation, "policy_version")), age);
	if (left > 0)
		(void)snprintf(countdown, sizeof(countdown), "not responding; next try in %lld min",
			       (long long)((left + 60 * MS_PER_SECOND - 1) / (60 * MS_PER_SECOND)));
	table_add(table, (const char *[]){"organisation", text_of(organisation, "name"), policy, countdown});
	if (waiting > 0)
		table_add(table, (const char *[]){"", "changes wait for a key server", "fsenc deferred", ""});
}

static void add_leases(struct table *table, const json_t *mount)
{
	const json_t *lease;
	size_t i;

	json_array_foreach(json_object_get(json_object_get(mount, "organisation"), "leases"), i, lease)
	{
		char group[160], left[32];
		age_text(json_integer_value(json_object_get(lease, "left_ms")) / MS_PER_SECOND, left);
		(void)snprintf(group, sizeof(group), "  group %s", text_of(lease, "group"));
		table_add(table, (const char *[]){group, "lease", left, ""});
	}
}

/* -- as text -------------------------------------------------------------------------- */

/* "lacks the recovery group rescue, which the policy requires" */
static void lacks_words(const json_t *folder, char *text, size_t size)
{
	const json_t *lacks = json_object_get(folder, "lacks_recovery");
	const json_t *name;
	size_t i, at = 0;

	text[0] = '\0';
	json_array_foreach(lacks, i, name) if (at < size)
		at += (size_t)snprintf(text + at, size - at, "%s '%s'",
				       i ? "," : "lacks what the policy requires: recovery group",
				       json_string_value(name));
}

static void add_mount(struct table *table, const json_t *mount)
{
	const json_t *folder;
	size_t i;

	table_add(table, (const char *[]){text_of(mount, "dir"), text_of(mount, "share"),
					  text_of(mount, "mode"), text_of(mount, "backing")});
	json_array_foreach(json_object_get(mount, "folders"), i, folder)
	{
		char place[512], lacks[512];
		const char *path = text_of(folder, "path");

		(void)snprintf(place, sizeof(place), "  /%s", path + (*path == '/'));
		lacks_words(folder, lacks, sizeof(lacks));
		table_add(table, (const char *[]){place, text_of(folder, "state"), text_of(folder, "reason"),
						  lacks});
	}
	add_leases(table, mount);
}

static enum fault status_text(const char *keyring, const json_t *organisation, const json_t *mounts,
			      struct why *why)
{
	AUTO(table_done) struct table table = TABLE(4);
	const json_t *mount;
	size_t i;

	table_add(&table, (const char *[]){"keyring", keyring, keyring_state(keyring), ""});
	add_organisation(&table, organisation);
	if (!json_array_size(mounts))
		table_add(&table, (const char *[]){"no mounts", "", "", ""});
	json_array_foreach(mounts, i, mount) add_mount(&table, mount);
	return table_print(&table, stdout, why);
}

enum fault cmd_status(struct call *call, struct why *why)
{
	AUTO(free) char *keyring = NULL;
	AUTO(json_decref) json_t *mounts = NULL;
	AUTO(json_decref) json_t *organisation = NULL;
	enum fault fault = session_keyring_path(call, &keyring, why);

	if (!fault)
		fault = control_ask_all(&mounts, why);
	if (!fault && call->argument_count)
		fault = keep_about(call->arguments[0], mounts, why);
	if (fault)
		return fault;
	organisation = organisation_of(call);
	if (call->options->json)
		return answer_print(json_pack("{s:{s:s, s:s}, s:O, s:O}", "keyring", "path", keyring, "state",
					      keyring_state(keyring), "organisation", organisation, "mounts",
					      mounts),
				    why);
	return status_text(keyring, organisation, mounts, why);
}
