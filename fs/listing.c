#include "fs/listing.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>

#include "fs/stored_list.h"
#include "fs/strangers.h"

struct listing {
	struct handle handle;
	struct tree *tree;
	struct inode *directory; /* reference */
	bool read;
	struct stored_list names; /* plain */
};

void listing_close(struct listing *listing)
{
	if (!listing)
		return;
	handle_drop(&listing->tree->handles, &listing->handle);
	stored_list_done(&listing->names);
	inode_unref(listing->directory);
	free(listing);
}

static void end(struct handle *handle)
{
	listing_close((struct listing *)handle);
}

struct inode *listing_directory(const struct listing *listing)
{
	return listing->directory;
}

void listing_rewind(struct listing *listing)
{
	listing->read = false;
}

enum fault listing_enter(struct listing *listing, struct why *why)
{
	AUTO(scope_leave) struct scope scope = SCOPE_NONE;

	return scope_enter(listing->tree, listing->directory, PLACE_SEEN, &scope, why);
}

enum fault listing_open(struct tree *tree, struct inode *directory, struct listing **ret_listing,
			struct why *why)
{
	AUTO(place_leave) struct place place = PLACE_NONE;
	enum fault fault = place_enter(tree, directory, PLACE_READ, &place, why);

	if (fault)
		return fault;
	struct listing *listing = calloc(1, sizeof(*listing));
	if (!listing)
		return why_set(why, FAULT_MEMORY, "no memory for a listing");
	*listing = (struct listing){
		.tree = tree, .directory = inode_ref(directory), .names = STORED_LIST_EMPTY};
	handle_add(&tree->handles, &listing->handle, end);
	*ret_listing = listing;
	return FAULT_NONE;
}

/* -- reading ------------------------------------------------------------------------------------- */

static bool holds_folder_file(const struct stored_list *stored)
{
	for (size_t i = 0; i < stored->count; i++)
		if (strcmp(stored_list_name(stored, i), FORMAT_FOLDER_FILE) == 0)
			return true;
	return false;
}

static bool is_directory(const struct place *place, const struct stored_list *stored, size_t at)
{
	struct stat found;

	if (stored->entries[at].type != DT_UNKNOWN)
		return stored->entries[at].type == DT_DIR;
	return fstatat(place->fd, stored_list_name(stored, at), &found, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISDIR(found.st_mode);
}

static enum fault add_plain(const struct place *place, const struct stored_list *stored, size_t at,
			    struct stored_list *plain, struct why *why)
{
	char name[INODE_ENTRY_SIZE];
	const struct stored_entry *entry = &stored->entries[at];

	if (place_is_lobby(place) && !is_directory(place, stored, at))
		return FAULT_NONE;
	/* What cannot be shown is not listed: verify tells of it. */
	if (place_plain(place, stored_list_name(stored, at), name, why) != FAULT_NONE) {
		if (stranger_may_be(stored_list_name(stored, at)))
			place_doubt(place);
		return FAULT_NONE;
	}
	return stored_list_add(plain, name, entry->number, entry->type, why);
}

static int compare(const void *one, const void *other, void *names)
{
	const struct stored_entry *a = one, *b = other;

	return strcmp((const char *)names + a->name, (const char *)names + b->name);
}

/* Only while two name keys are in use can a name stand there twice. */
static void drop_doubles(struct stored_list *plain)
{
	size_t kept = 0;

	if (plain->count == 0)
		return;
	qsort_r(plain->entries, plain->count, sizeof(*plain->entries), compare, plain->names.data);
	for (size_t i = 1; i < plain->count; i++)
		if (strcmp(stored_list_name(plain, kept), stored_list_name(plain, i)) != 0)
			plain->entries[++kept] = plain->entries[i];
	plain->count = kept + 1;
}

static enum fault make_plain(const struct place *place, const struct stored_list *stored,
			     struct stored_list *plain, struct why *why)
{
	enum fault fault = FAULT_NONE;

	for (size_t i = 0; !fault && i < stored->count; i++)
		fault = add_plain(place, stored, i, plain, why);
	if (!fault && !place_is_lobby(place) && place->scope.view->names_from)
		drop_doubles(plain);
	return fault;
}

/* The listing itself shows whether the directory is a folder; if so, its names are under another key. */
static enum fault read_names(struct tree *tree, struct inode *directory, bool *ret_again,
			     struct stored_list *plain, struct why *why)
{
	AUTO(place_leave) struct place place = PLACE_NONE;
	AUTO(stored_list_done) struct stored_list stored = STORED_LIST_EMPTY;
	enum fault fault = place_enter(tree, directory, PLACE_SEEN, &place, why);

	*ret_again = false;
	if (!fault)
		fault = stored_list_read(place.fd, &stored, why);
	if (!fault)
		fault = place_seen(tree, directory, holds_folder_file(&stored), ret_again, why);
	if (fault || *ret_again)
		return fault;
	return make_plain(&place, &stored, plain, why);
}

static enum fault read_anew(struct listing *listing, struct why *why)
{
	bool again;

	stored_list_done(&listing->names);
	enum fault fault = read_names(listing->tree, listing->directory, &again, &listing->names, why);
	if (!fault && again)
		fault = read_names(listing->tree, listing->directory, &again, &listing->names, why);
	listing->read = !fault;
	return fault;
}

enum fault listing_read(struct listing *listing, size_t position, bool *ret_found,
			struct listing_entry *ret_entry, struct why *why)
{
	if (!listing->read) {
		enum fault fault = read_anew(listing, why);
		if (fault)
			return fault;
	}
	*ret_found = position < listing->names.count;
	if (*ret_found) {
		const struct stored_entry *entry = &listing->names.entries[position];
		*ret_entry = (struct listing_entry){stored_list_name(&listing->names, position),
						    entry->number, entry->type};
	}
	return FAULT_NONE;
}
