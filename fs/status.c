#include "fs/status.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "fs/completion.h"
#include "keys/contact.h"

/* -- a folder's plain path: each component is under the key of the folder it lies in
 * --------------------------- */

struct known {
	char path[RING_PATH_MAX]; /* stored */
	struct folder *folder; /* reference */
};

struct known_list {
	struct known *list;
	size_t count, room;
};

static void known_list_done(struct known_list *known)
{
	for (size_t i = 0; i < known->count; i++)
		folder_unref(known->list[i].folder);
	free(known->list);
}
AUTO_VALUE(struct known_list, known_list_done);

static void note_folder(void *context, struct folder *folder)
{
	struct known_list *known = context;

	if (known->count == known->room) {
		size_t room = known->room ? known->room * 2 : 8;
		struct known *larger = reallocarray(known->list, room, sizeof(*larger));
		if (!larger)
			return;
		known->list = larger;
		known->room = room;
	}
	known->list[known->count].folder = folder_ref(folder);
	folder_path(folder, known->list[known->count].path);
	known->count++;
}

static int compare(const void *one, const void *other)
{
	return strcmp(((const struct known *)one)->path, ((const struct known *)other)->path);
}

static struct folder *folder_at(const struct known_list *known, const char *path)
{
	for (size_t i = 0; i < known->count; i++)
		if (strcmp(known->list[i].path, path) == 0)
			return known->list[i].folder;
	return NULL;
}

static enum fault read_long(struct tree *tree, const char *stored_path, struct bytes *ret_text)
{
	char file[RING_PATH_MAX + sizeof(FORMAT_LONG_SUFFIX)];

	(void)snprintf(file, sizeof(file), "%s" FORMAT_LONG_SUFFIX, stored_path);
	return file_read(share_root(tree->share), file, NAME_LONG_MAX, ret_text, NULL);
}

/* The stored component itself when its folder is locked. */
static void decode(struct tree *tree, struct folder *folder, const char *stored_path, const char *component,
		   char ret_plain[static INODE_ENTRY_SIZE])
{
	AUTO(folder_leave) const struct folder_view *view = NULL;
	AUTO(bytes_done) struct bytes text = BYTES_EMPTY;
	size_t length = strlen(component);

	(void)snprintf(ret_plain, INODE_ENTRY_SIZE, "%s", component);
	if (!folder || folder_enter_as_last_seen(folder, FOLDER_READ, &view, NULL) != FAULT_NONE)
		return;
	if (name_classify(component) == NAME_LONG_ENTRY &&
	    read_long(tree, stored_path, &text) == FAULT_NONE) {
		component = (const char *)text.data;
		length = text.size;
	}
	(void)!name_decode(view->names, component, length, ret_plain, NULL);
}

static void plain_path(struct tree *tree, const struct known_list *known, const char *stored,
		       char plain[static RING_PATH_MAX])
{
	struct folder *folder = folder_at(known, "");
	char walked[RING_PATH_MAX] = "", name[INODE_ENTRY_SIZE], component[INODE_ENTRY_SIZE];
	size_t walked_size = 0, plain_size = 0;

	plain[0] = '\0';
	for (const char *at = stored; *at;) {
		size_t length = strcspn(at, "/");
		(void)snprintf(component, sizeof(component), "%.*s", (int)length, at);
		walked_size += (size_t)snprintf(walked + walked_size, sizeof(walked) - walked_size, "%s%s",
						walked_size ? "/" : "", component);
		decode(tree, folder, walked, component, name);
		plain_size += (size_t)snprintf(plain + plain_size, RING_PATH_MAX - plain_size, "%s%s",
					       plain_size ? "/" : "", name);
		struct folder *own = folder_at(known, walked);
		folder = own ? own : folder;
		at += length + (at[length] == '/');
	}
}

/* -- the answer ------------------------------------------------------------------------------- */

static json_t *lacks_json(struct folder *folder)
{
	struct completion_lacks lacks;
	json_t *names = json_array();

	completion_lacks(folder, &lacks);
	for (size_t i = 0; i < lacks.count; i++)
		(void)json_array_append_new(names, json_string(lacks.names[i]));
	return names;
}

static json_t *folder_json(struct tree *tree, const struct known_list *known, const struct known *one)
{
	static const char locked[] = "locked: ";
	char path[RING_PATH_MAX], state[WHY_TEXT_SIZE];

	plain_path(tree, known, one->path, path);
	folder_state(one->folder, state);
	bool open = strncmp(state, locked, strlen(locked)) != 0;
	return json_pack("{s:s%, s:s, s:s, s:o}", "path", path, strlen(path), "state", open ? "open" : "locked",
			 "reason", open ? "" : state + strlen(locked), "lacks_recovery",
			 lacks_json(one->folder));
}

static json_t *folders_json(struct tree *tree)
{
	AUTO(known_list_done) struct known_list known = {NULL, 0, 0};
	json_t *folders = json_array();

	folder_each(tree->share, note_folder, &known);
	if (known.count > 0)
		qsort(known.list, known.count, sizeof(known.list[0]), compare);
	for (size_t i = 0; i < known.count; i++)
		(void)json_array_append_new(folders, folder_json(tree, &known, &known.list[i]));
	return folders;
}

static void add_lease(void *context, const char *name, int64_t left_ms)
{
	(void)json_array_append_new(context, json_pack("{s:s, s:I}", "group", name, "left_ms", (json_int_t)left_ms));
}

static json_t *organisation_json(struct contacts *contacts)
{
	struct contacts_state state = {.enrolled = false};

	if (contacts)
		contacts_state(contacts, &state);
	if (!state.enrolled)
		return json_null();
	json_t *leases = json_array();
	contacts_each_lease(contacts, add_lease, leases);
	return json_pack("{s:s, s:I, s:I, s:I, s:o}", "name", state.organisation, "policy_version",
			 (json_int_t)state.policy_version, "policy_received", (json_int_t)state.policy_received,
			 "countdown_ms", (json_int_t)state.countdown_left_ms, "leases", leases);
}

json_t *status_of(struct tree *tree, const char *mount_directory)
{
	return json_pack("{s:s, s:s, s:i, s:s, s:s, s:b, s:b, s:o, s:o}", "share", share_path(tree->share), "dir",
			 mount_directory, "pid", (int)getpid(), "mode",
			 tree->options->local ? "local" : "shared", "backing",
			 share_backing_kind(tree->share), "locks_trusted",
			 (int)share_trusts_locks(tree->share), "keeps_writes",
			 (int)share_keeps_writes(tree->share), "folders", folders_json(tree), "organisation",
			 organisation_json(share_contacts(tree->share)));
}
