#include "fs/ops.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>

#include "fs/durable.h"

/* Positions as the kernel keeps them: 0 is ".", 1 is "..", then the listing. */
#define DOTS 2

void ops_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	AUTO(inode_unref) struct inode *inode = ops_inode(req, ino);
	AUTO(listing_close) struct listing *listing = NULL;
	struct why why = WHY_NONE;

	if (!inode)
		return;
	enum fault fault = listing_open(ops_tree(req), inode, &listing, &why);
	if (fault) {
		ops_end(req, fault, &why);
		return;
	}
	fi->fh = (uintptr_t)listing;
	/* Once answered, the kernel may release it at any moment. */
	struct listing *given = TAKE(listing);
	if (fuse_reply_open(req, fi) != 0)
		listing_close(given);
}

void ops_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;
	listing_close(ops_listing(fi));
	(void)fuse_reply_err(req, 0);
}

void ops_fsyncdir(fuse_req_t req, fuse_ino_t ino, int data_only, struct fuse_file_info *fi)
{
	AUTO(inode_unref) struct inode *inode = ops_inode(req, ino);
	struct why why = WHY_NONE;

	(void)data_only;
	(void)fi;
	if (inode)
		ops_end(req, durable_directory(inode, &why), &why);
}

/* -- reading ------------------------------------------------------------------------------------ */

struct reply {
	fuse_req_t req;
	struct tree *tree;
	struct listing *listing;
	char *buffer;
	size_t size, used;
	bool plus; /* with attributes, each a look-up */
};

static bool entry_at(struct reply *reply, size_t position, struct listing_entry *ret_entry, enum fault *fault,
		     struct why *why)
{
	bool found = true;

	if (position < DOTS)
		*ret_entry = (struct listing_entry){position == 0 ? "." : "..", 0, DT_DIR};
	else
		*fault = listing_read(reply->listing, position - DOTS, &found, ret_entry, why);
	if (!*fault && found && ret_entry->number == 0)
		ret_entry->number = 1; /* programs pass over entries with number 0 */
	return !*fault && found;
}

/* False when there is no more room. */
static bool add_plain(struct reply *reply, const struct listing_entry *entry, size_t position)
{
	const struct stat shown = {.st_ino = entry->number, .st_mode = DTTOIF(entry->type)};
	size_t room = reply->size - reply->used;
	size_t needed = fuse_add_direntry(reply->req, reply->buffer + reply->used, room, entry->name, &shown,
					  (off_t)position + 1);

	if (needed > room)
		return false;
	reply->used += needed;
	return true;
}

/* An entry that cannot be looked up is listed without attributes; the kernel asks again when it needs them.
 */
static bool add_plus(struct reply *reply, const struct listing_entry *entry, size_t position)
{
	AUTO(tree_entry_done) struct tree_entry found = {.inode = NULL};
	struct fuse_entry_param param = {.attr = {.st_ino = entry->number, .st_mode = DTTOIF(entry->type)}};
	char *at = reply->buffer + reply->used;
	size_t room = reply->size - reply->used;
	struct why why = WHY_NONE;

	if (fuse_add_direntry_plus(reply->req, NULL, 0, entry->name, NULL, 0) > room)
		return false;
	if (position >= DOTS && tree_lookup(reply->tree, listing_directory(reply->listing), entry->name,
					    &found, &why) == FAULT_NONE)
		ops_fill_entry(reply->tree, &found, &param);
	reply->used += fuse_add_direntry_plus(reply->req, at, room, entry->name, &param, (off_t)position + 1);
	return true;
}

static enum fault fill(struct reply *reply, size_t position, struct why *why)
{
	struct listing_entry entry;
	enum fault fault = listing_enter(reply->listing, why);

	if (!fault && position == 0)
		listing_rewind(reply->listing);
	for (; !fault && entry_at(reply, position, &entry, &fault, why); position++)
		if (!(reply->plus ? add_plus : add_plain)(reply, &entry, position))
			break;
	/* What is already in the reply counts; the failure comes back at the next request. */
	return reply->used > 0 ? FAULT_NONE : fault;
}

static void read_directory(fuse_req_t req, size_t size, off_t offset, struct fuse_file_info *fi, bool plus)
{
	AUTO(free) char *buffer = malloc(size);
	struct reply reply = {.req = req,
			      .tree = ops_tree(req),
			      .listing = ops_listing(fi),
			      .buffer = buffer,
			      .size = size,
			      .plus = plus};
	struct why why = WHY_NONE;

	if (!buffer) {
		(void)fuse_reply_err(req, ENOMEM);
		return;
	}
	enum fault fault = fill(&reply, (size_t)offset, &why);
	if (fault)
		ops_end(req, fault, &why);
	else
		(void)fuse_reply_buf(req, buffer, reply.used);
}

void ops_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi)
{
	(void)ino;
	read_directory(req, size, offset, fi, false);
}

void ops_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi)
{
	(void)ino;
	read_directory(req, size, offset, fi, true);
}
