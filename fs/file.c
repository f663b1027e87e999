#include "fs/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/file.h"

struct open_file {
	struct handle handle;
	struct tree *tree;
	struct inode *inode; /* reference */
	struct content *content; /* shared by all handles of the inode */
	int fd;
	bool append, writable, news;
	atomic_bool written;
};

int file_descriptor(const struct open_file *file)
{
	return file->fd;
}

bool file_is_writable(const struct open_file *file)
{
	return file->writable;
}

bool file_is_news(const struct open_file *file)
{
	return file->news;
}

struct inode *file_inode(const struct open_file *file)
{
	return file->inode;
}

bool file_may_be_kept(const struct open_file *file)
{
	if (!share_contacts(file->tree->share))
		return true;
	AUTO(inode_unref) struct inode *parent = inode_parent(file->inode);
	AUTO(folder_unref) struct folder *folder = parent ? inode_folder(parent) : NULL;

	return !folder || !folder_confirms_each(folder);
}

/* -- opening and closing -------------------------------------------------------------------------- */

/* Whatever is written has to be read first, so the stored file is opened for both. */
static int stored_flags(int flags)
{
	return (flags & O_ACCMODE) == O_RDONLY && !(flags & O_TRUNC) ? O_RDONLY : O_RDWR;
}

static bool place_for_ring(void *context, char path[static RING_PATH_MAX])
{
	return inode_path(context, path);
}

/* What was written was flushed when the program closed it, or it has been told otherwise. */
static void end(struct handle *handle)
{
	(void)!file_end((struct open_file *)handle, NULL);
}

enum fault file_adopt(struct tree *tree, struct inode *inode, int descriptor, int flags,
		      struct open_file **ret_file, struct why *why)
{
	AUTO(file_close) int fd = descriptor;
	const struct content_options options = {.local = tree->options->local,
						.strict = tree->options->strict,
						.ring = tree->ring,
						.place = place_for_ring,
						.context = inode};
	AUTO(free) struct open_file *file = calloc(1, sizeof(*file));

	if (!file)
		return why_set(why, FAULT_MEMORY, "no memory for an open file");
	enum fault fault = inode_open_content(inode, &options, &file->content, why);
	if (fault)
		return fault;
	file->tree = tree;
	file->inode = inode_ref(inode);
	/* With the writeback cache the kernel keeps the end of the file, and says where bytes go. */
	file->append = flags & O_APPEND && !tree->options->writeback;
	file->writable = stored_flags(flags) == O_RDWR;
	file->fd = fd;
	fd = -1;
	inode_add_handle(inode, file->fd);
	handle_add(&tree->handles, &file->handle, end);
	*ret_file = TAKE(file);
	return FAULT_NONE;
}

static enum fault drop(struct open_file *file, enum fault fault)
{
	(void)!file_end(file, NULL);
	return fault;
}

/* What was opened is perhaps not what the kernel believes: grown since, or another file under the name. */
static enum fault compare(struct open_file *file, const struct folder_view *view, struct reach_file *opened,
			  struct why *why)
{
	struct sight *stored = &opened->stored;

	if (!opened->looked && sight_of(file->fd, stored) != 0)
		return why_system(why, "cannot read attributes");
	if (!inode_is(file->inode, stored) && !inode_become(file->inode, stored)) {
		errno = ESTALE; /* the kernel looks the name up again */
		return why_system(why, "another file stands there now");
	}
	tree_show(file->tree, view, &stored->stat);
	file->news = !inode_was_told(file->inode, &stored->stat);
	return FAULT_NONE;
}

enum fault file_open(struct tree *tree, struct inode *inode, int flags, struct open_file **ret_file,
		     struct why *why)
{
	AUTO(scope_leave) struct scope scope = SCOPE_NONE;
	struct open_file *file;
	int mode = stored_flags(flags);
	/* Another client may have put a new file under the name since it was looked up: opening that one is
	 * right, as long as it shares no state with handles of the old one. */
	bool certain = tree->options->local || !inode_is_open(inode);
	struct reach_file opened;
	enum fault fault = scope_enter_of(tree, inode, mode == O_RDONLY ? PLACE_READ : PLACE_CHANGE, &scope,
					  why);

	if (!fault && !scope.view)
		fault = why_set(why, FAULT_FORBIDDEN, "a lobby holds only directories");
	if (!fault)
		fault = reach_open_file(inode, mode, certain, &opened, why);
	if (!fault)
		fault = file_adopt(tree, inode, opened.fd, flags, &file, why);
	if (fault)
		return fault;
	if (!tree->options->local) {
		content_forget(file->content);
		fault = compare(file, scope.view, &opened, why);
	}
	if (!fault && flags & O_TRUNC)
		fault = content_truncate(file->content, file->fd, &scope.view->terms, 0, why);
	if (fault)
		return drop(file, fault);
	*ret_file = file;
	return FAULT_NONE;
}

enum fault file_end(struct open_file *file, struct why *why)
{
	enum fault fault = FAULT_NONE;

	handle_drop(&file->tree->handles, &file->handle);
	inode_drop_handle(file->inode, file->fd);
	inode_close_content(file->inode);
	if (close(file->fd) != 0)
		fault = why_system(why, "the storage reports at the close");
	inode_unref(file->inode);
	free(file);
	return fault;
}

/* NFS and SMB say at close() what became of writes; closing a duplicate asks without losing the descriptor.
 */
enum fault file_flush(struct open_file *file, struct why *why)
{
	enum fault fault = file_bring_through(file, why);

	if (fault)
		return fault;
	if (!atomic_exchange(&file->written, false))
		return FAULT_NONE;
	int copy = fcntl(file->fd, F_DUPFD_CLOEXEC, 3);
	if (copy < 0 || close(copy) != 0)
		return why_system(why, "the storage reports at the close");
	return FAULT_NONE;
}

/* -- using it ---------------------------------------------------------------------------------- */

static enum fault enter(struct open_file *file, enum place_want want, struct scope *ret_scope,
			struct why *why)
{
	enum fault fault = scope_enter_of(file->tree, file->inode, want, ret_scope, why);

	if (!fault && !ret_scope->view)
		return why_set(why, FAULT_FORBIDDEN, "a lobby holds only directories");
	return fault;
}

enum fault file_bring_through(struct open_file *file, struct why *why)
{
	AUTO(scope_leave) struct scope scope = SCOPE_NONE;

	if (!file->writable || !content_has_pending(file->content))
		return FAULT_NONE;
	enum fault fault;
	do {
		fault = enter(file, PLACE_CHANGE, &scope, why);
		if (!fault)
			fault = content_flush(file->content, file->fd, &scope.view->terms, why);
	} while (scope_was_behind(&scope, &fault));
	return fault;
}

enum fault file_attributes(struct open_file *file, struct stat *ret_shown, struct why *why)
{
	AUTO(scope_leave) struct scope scope = SCOPE_NONE;
	struct stat stored;
	enum fault fault = enter(file, PLACE_READ, &scope, why);

	if (fault)
		return fault;
	if (fstat(file->fd, &stored) != 0)
		return why_system(why, "cannot read attributes");
	tree_show(file->tree, scope.view, &stored);
	*ret_shown = stored;
	return FAULT_NONE;
}

enum fault file_read_at(struct open_file *file, int64_t offset, size_t size, uint8_t *buffer,
			size_t *ret_size, struct why *why)
{
	AUTO(scope_leave) struct scope scope = SCOPE_NONE;
	enum fault fault;

	do {
		fault = enter(file, PLACE_READ, &scope, why);
		if (!fault)
			fault = content_read(file->content, file->fd, &scope.view->terms, offset, size,
					     buffer, ret_size, why);
	} while (scope_was_behind(&scope, &fault));
	return fault;
}

static enum fault write_bytes(struct open_file *file, const struct file_bytes *bytes, enum place_want want,
			      struct why *why)
{
	AUTO(scope_leave) struct scope scope = SCOPE_NONE;
	bool append = want == PLACE_CHANGE && file->append;
	enum fault fault;

	do {
		fault = enter(file, want, &scope, why);
		if (!fault)
			fault = content_write(file->content, file->fd, &scope.view->terms, bytes->offset,
					      append, bytes->bytes, bytes->size, why);
	} while (scope_was_behind(&scope, &fault));
	atomic_store(&file->written, true);
	return fault;
}

enum fault file_write_at(struct open_file *file, const struct file_bytes *bytes, struct why *why)
{
	return write_bytes(file, bytes, PLACE_CHANGE, why);
}

enum fault file_write_page(struct open_file *file, const struct file_bytes *bytes, struct why *why)
{
	return write_bytes(file, bytes, PLACE_WRITE_BACK, why);
}

enum fault file_truncate(struct open_file *file, int64_t size, struct why *why)
{
	AUTO(scope_leave) struct scope scope = SCOPE_NONE;
	enum fault fault;

	do {
		fault = enter(file, PLACE_CHANGE, &scope, why);
		if (!fault)
			fault = content_truncate(file->content, file->fd, &scope.view->terms, size, why);
	} while (scope_was_behind(&scope, &fault));
	atomic_store(&file->written, true);
	return fault;
}

enum fault file_allocate(struct open_file *file, int mode, int64_t offset, int64_t length, struct why *why)
{
	AUTO(scope_leave) struct scope scope = SCOPE_NONE;
	enum fault fault;

	do {
		fault = enter(file, PLACE_CHANGE, &scope, why);
		if (!fault)
			fault = content_allocate(file->content, file->fd, &scope.view->terms, mode, offset,
						 length, why);
	} while (scope_was_behind(&scope, &fault));
	atomic_store(&file->written, true);
	return fault;
}

enum fault file_seek(struct open_file *file, int64_t offset, int whence, int64_t *ret_offset, struct why *why)
{
	AUTO(scope_leave) struct scope scope = SCOPE_NONE;
	enum fault fault;

	do {
		fault = enter(file, PLACE_READ, &scope, why);
		if (!fault)
			fault = content_seek(file->content, file->fd, &scope.view->terms, offset, whence,
					     ret_offset, why);
	} while (scope_was_behind(&scope, &fault));
	return fault;
}

enum fault file_is_unclean(struct open_file *file, bool *ret_unclean, struct why *why)
{
	AUTO(scope_leave) struct scope scope = SCOPE_NONE;
	enum fault fault;

	do {
		fault = enter(file, PLACE_READ, &scope, why);
		if (!fault)
			fault = content_is_unclean(file->content, file->fd, &scope.view->terms, ret_unclean,
						   why);
	} while (scope_was_behind(&scope, &fault));
	return fault;
}
