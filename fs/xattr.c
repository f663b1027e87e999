#include "fs/xattr.h"

#include <errno.h>
#include <string.h>
#include <sys/xattr.h>

#include "fs/errand.h"
#include "fs/file.h"
#include "fs/seal.h"

#define USER_PREFIX "user."

static enum fault no_data(struct why *why)
{
	errno = ENODATA;
	return why_system(why, "no such attribute");
}

static bool begins_with(const char *name, const char *prefix)
{
	return strncmp(name, prefix, strlen(prefix)) == 0;
}

/* -- the virtual ones --------------------------------------------------------------------------- */

static enum fault append_text(struct bytes *value, const char *text, struct why *why)
{
	return bytes_append(value, text, strlen(text), why);
}

static enum fault show_directory_state(struct tree *tree, struct inode *inode, struct bytes *ret_value,
				       struct why *why)
{
	char text[WHY_TEXT_SIZE];
	bool changed;
	enum fault fault = place_look(tree, inode, &changed, why);

	if (fault)
		return fault;
	AUTO(folder_unref) struct folder *folder = inode_folder(inode);
	if (!folder)
		return append_text(ret_value, "lobby", why);
	folder_state(folder, text);
	return append_text(ret_value, text, why);
}

static enum fault show_file_state(struct tree *tree, struct inode *inode, struct bytes *ret_value,
				  struct why *why)
{
	struct open_file *file;
	bool unclean = false;
	enum fault fault = file_open(tree, inode, 0, &file, why);

	if (fault)
		return fault;
	fault = file_is_unclean(file, &unclean, why);
	enum fault ended = file_end(file, why);
	if (fault || ended)
		return fault ? fault : ended;
	return append_text(ret_value, unclean ? "unclean" : "open", why);
}

static enum fault show_state(struct tree *tree, struct inode *inode, struct bytes *ret_value, struct why *why)
{
	if (inode_type(inode) == S_IFDIR)
		return show_directory_state(tree, inode, ret_value, why);
	if (inode_type(inode) == S_IFREG)
		return show_file_state(tree, inode, ret_value, why);
	return no_data(why);
}

static enum fault show_share(struct tree *tree, struct inode *inode, struct bytes *ret_value, struct why *why)
{
	if (inode_type(inode) != S_IFDIR)
		return no_data(why);
	return append_text(ret_value, share_path(tree->share), why);
}

static enum fault show_stored(struct tree *tree, struct inode *inode, struct bytes *ret_value,
			      struct why *why)
{
	char path[RING_PATH_MAX];

	(void)tree;
	if (inode_type(inode) != S_IFDIR || !inode_path(inode, path))
		return no_data(why);
	return append_text(ret_value, path, why);
}

static const struct {
	const char *name;
	enum fault (*show)(struct tree *tree, struct inode *inode, struct bytes *ret_value, struct why *why);
} virtual_xattrs[] = {
	{FORMAT_XATTR_PREFIX "state", show_state},
	{FORMAT_XATTR_PREFIX "share", show_share},
	{FORMAT_XATTR_PREFIX "stored", show_stored},
};

static enum fault get_virtual(struct tree *tree, struct inode *inode, const char *name,
			      struct bytes *ret_value, struct why *why)
{
	for (size_t i = 0; i < sizeof(virtual_xattrs) / sizeof(virtual_xattrs[0]); i++)
		if (strcmp(virtual_xattrs[i].name, name) == 0)
			return virtual_xattrs[i].show(tree, inode, ret_value, why);
	return no_data(why);
}

/* -- the stored ones -------------------------------------------------------------------------- */

/* A file with its folder entered, and a path for the calls that take no descriptor of ours. */
struct subject {
	struct scope scope;
	struct reach reach;
	char path[REACH_PATH_SIZE];
};
#define SUBJECT_NONE ((struct subject){SCOPE_NONE, REACH_NONE, ""})

static void subject_done(struct subject *subject)
{
	scope_leave(&subject->scope);
	reach_close(&subject->reach);
}
AUTO_VALUE(struct subject, subject_done);

/* Attributes of a directory belong to what is inside it: those of a folder's root are sealed with its own
 * key. */
static enum fault enter(struct tree *tree, struct inode *inode, enum place_want want, struct scope *ret_scope,
			struct why *why)
{
	bool changed;

	if (inode_type(inode) != S_IFDIR)
		return scope_enter_of(tree, inode, want, ret_scope, why);
	enum fault fault = place_look(tree, inode, &changed, why);
	return fault ? fault : scope_enter(tree, inode, want, ret_scope, why);
}

static enum fault subject_open(struct tree *tree, struct inode *inode, enum place_want want,
			       struct subject *ret_subject, struct why *why)
{
	if (inode_type(inode) != S_IFDIR && inode_type(inode) != S_IFREG)
		return why_set(why, FAULT_UNSUPPORTED, "only files and directories have attributes");
	enum fault fault = enter(tree, inode, want, &ret_subject->scope, why);
	if (!fault && !ret_subject->scope.view)
		return why_set(why, FAULT_UNSUPPORTED, "a lobby has no attributes");
	if (!fault)
		fault = reach_open(inode, &ret_subject->reach, why);
	if (!fault)
		reach_path(ret_subject->reach.fd, ret_subject->path);
	return fault;
}

static enum fault stored_name_of(const struct subject *subject, const char *name, char ret_stored[static 256],
				 struct why *why)
{
	return name_encode_xattr(subject->scope.view->xattr_names, name + strlen(USER_PREFIX), ret_stored,
				 why);
}

static enum fault check_name(const char *name, struct why *why)
{
	if (!begins_with(name, USER_PREFIX))
		return why_set(why, FAULT_UNSUPPORTED, "only user.* attributes are kept");
	return FAULT_NONE;
}

static enum fault check_name_to_change(const char *name, struct why *why)
{
	if (begins_with(name, FORMAT_XATTR_PREFIX))
		return why_set(why, FAULT_FORBIDDEN, FORMAT_XATTR_PREFIX "* cannot be changed");
	return check_name(name, why);
}

static enum fault get_sealed(const char *path, const char *stored, struct bytes *ret_sealed, struct why *why)
{
	enum fault fault = bytes_reserve(ret_sealed, XATTR_VALUE_MAX, why);

	if (fault)
		return fault;
	ssize_t got = getxattr(path, stored, ret_sealed->data, XATTR_VALUE_MAX);
	if (got < 0)
		return why_system(why, "cannot read an attribute");
	ret_sealed->size = (size_t)got;
	return FAULT_NONE;
}

/* The subject is open afterwards. */
static enum fault get_stored(struct tree *tree, struct inode *inode, const char *name,
			     struct subject *subject, struct bytes *ret_value, struct why *why)
{
	AUTO(bytes_done) struct bytes sealed = BYTES_EMPTY;
	char stored[256];
	enum fault fault = subject_open(tree, inode, PLACE_SEEN, subject, why);

	if (!fault && stored_name_of(subject, name, stored, why) != FAULT_NONE)
		return no_data(why); /* a name that cannot be set is not there */
	if (!fault)
		fault = get_sealed(subject->path, stored, &sealed, why);
	if (!fault)
		fault = seal_open_xattr(subject->scope.view->terms.keys, subject->scope.view->terms.min_read,
					name + strlen(USER_PREFIX), sealed.data, sealed.size, ret_value, why);
	return fault;
}

enum fault xattr_get(struct tree *tree, struct inode *inode, const char *name, struct bytes *ret_value,
		     struct why *why)
{
	AUTO(subject_done) struct subject subject = SUBJECT_NONE;
	enum fault fault = check_name(name, why);

	if (fault)
		return fault;
	if (begins_with(name, FORMAT_XATTR_PREFIX))
		return get_virtual(tree, inode, name, ret_value, why);
	do {
		subject_done(&subject);
		fault = get_stored(tree, inode, name, &subject, ret_value, why);
	} while (scope_was_behind(&subject.scope, &fault));
	return fault;
}

enum fault xattr_set(struct tree *tree, struct inode *inode, const char *name,
		     const struct xattr_value *value, struct why *why)
{
	AUTO(subject_done) struct subject subject = SUBJECT_NONE;
	AUTO(bytes_done) struct bytes sealed = BYTES_EMPTY;
	char stored[256];
	enum fault fault = check_name_to_change(name, why);

	if (!fault)
		fault = subject_open(tree, inode, PLACE_CHANGE, &subject, why);
	if (!fault)
		fault = stored_name_of(&subject, name, stored, why);
	if (!fault)
		fault = seal_xattr(subject.scope.view->terms.keys, name + strlen(USER_PREFIX), value->bytes,
				   value->size, &sealed, why);
	if (!fault && setxattr(subject.path, stored, sealed.data, sealed.size, value->flags) != 0)
		fault = why_system(why, "cannot set an attribute");
	return fault;
}

enum fault xattr_remove(struct tree *tree, struct inode *inode, const char *name, struct why *why)
{
	AUTO(subject_done) struct subject subject = SUBJECT_NONE;
	char stored[256];
	enum fault fault = check_name_to_change(name, why);

	if (!fault)
		fault = subject_open(tree, inode, PLACE_CHANGE, &subject, why);
	if (!fault && stored_name_of(&subject, name, stored, why) != FAULT_NONE)
		return no_data(why);
	if (!fault && removexattr(subject.path, stored) != 0)
		fault = why_system(why, "cannot remove an attribute");
	return fault;
}

/* -- listing ---------------------------------------------------------------------------------- */

static enum fault list_stored(const char *path, struct bytes *ret_names, struct why *why)
{
	enum fault fault = bytes_reserve(ret_names, XATTR_VALUE_MAX, why);

	if (fault)
		return fault;
	ssize_t got = listxattr(path, (char *)ret_names->data, XATTR_VALUE_MAX);
	if (got < 0)
		return why_system(why, "cannot list attributes");
	ret_names->size = (size_t)got;
	return FAULT_NONE;
}

static enum fault append_plain(struct tree *tree, struct inode *inode, const struct subject *subject,
			       const char *stored, struct bytes *ret_names, struct why *why)
{
	char plain[sizeof(USER_PREFIX) + XATTR_NAME_MAX_PLAIN];

	(void)strcpy(plain, USER_PREFIX);
	if (name_decode_xattr(subject->scope.view->xattr_names, stored, plain + strlen(USER_PREFIX), why) !=
	    FAULT_NONE) {
		if (inode_type(inode) == S_IFDIR && inode_owns_folder(inode))
			errands_settle_strangers(tree->errands, subject->scope.folder);
		return FAULT_NONE;
	}
	return bytes_append(ret_names, plain, strlen(plain) + 1, why);
}

enum fault xattr_list(struct tree *tree, struct inode *inode, struct bytes *ret_names, struct why *why)
{
	AUTO(subject_done) struct subject subject = SUBJECT_NONE;
	AUTO(bytes_done) struct bytes stored = BYTES_EMPTY;
	enum fault fault = subject_open(tree, inode, PLACE_SEEN, &subject, why);

	if (fault == FAULT_UNSUPPORTED)
		return FAULT_NONE;
	if (!fault)
		fault = list_stored(subject.path, &stored, why);
	for (size_t at = 0; !fault && at < stored.size;) {
		const char *name = (const char *)stored.data + at;
		at += strlen(name) + 1;
		if (begins_with(name, FORMAT_XATTR_PREFIX))
			fault = append_plain(tree, inode, &subject, name, ret_names, why);
	}
	return fault;
}
