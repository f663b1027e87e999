/* fsenc status */
#include "base/secret.h"
#include "base/answer.h"
#include "cli/commands.h"
#include "cli/input.h"
#include "cli/session_open.h"
#include "base/table.h"
#include "fs/control.h"
#include "fs/share.h"
#include "keys/fields.h"
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

/* -- as text -------------------------------------------------------------------------- */

static void add_mount(struct table *table, const json_t *mount)
{
	const json_t *folder;
	size_t i;

	table_add(table, (const char *[]){text_of(mount, "dir"), text_of(mount, "share"),
					  text_of(mount, "mode"), text_of(mount, "backing")});
	json_array_foreach(json_object_get(mount, "folders"), i, folder)
	{
		char place[512];
		const char *path = text_of(folder, "path");

		(void)snprintf(place, sizeof(place), "  /%s", path + (*path == '/'));
		table_add(table,
			  (const char *[]){place, text_of(folder, "state"), text_of(folder, "reason"), ""});
	}
}

static enum fault status_text(const char *keyring, const json_t *mounts, struct why *why)
{
	AUTO(table_done) struct table table = TABLE(4);
	const json_t *mount;
	size_t i;

	table_add(&table, (const char *[]){"keyring", keyring, keyring_state(keyring), ""});
	if (!json_array_size(mounts))
		table_add(&table, (const char *[]){"no mounts", "", "", ""});
	json_array_foreach(mounts, i, mount) add_mount(&table, mount);
	return table_print(&table, stdout, why);
}

enum fault cmd_status(struct call *call, struct why *why)
{
	AUTO(free) char *keyring = NULL;
	AUTO(json_decref) json_t *mounts = NULL;
	enum fault fault = session_keyring_path(call, &keyring, why);

	if (!fault)
		fault = control_ask_all(&mounts, why);
	if (!fault && call->argument_count)
		fault = keep_about(call->arguments[0], mounts, why);
	if (fault)
		return fault;
	if (call->options->json)
		return answer_print(json_pack("{s:{s:s, s:s}, s:O}", "keyring", "path", keyring, "state",
					      keyring_state(keyring), "mounts", mounts),
				    why);
	return status_text(keyring, mounts, why);
}
