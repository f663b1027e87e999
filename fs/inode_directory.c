#include "fs/inode_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

/* -- the cache of descriptors: a list of those that nobody borrows, by last use --------------------- */

static void list_remove(struct inode_table *table, struct inode *inode)
{
	struct inode_directory *part = inode->directory;

	*(part->newer ? &part->newer->directory->older : &table->newest) = part->older;
	*(part->older ? &part->older->directory->newer : &table->oldest) = part->newer;
	part->newer = part->older = NULL;
}

static void list_add(struct inode_table *table, struct inode *inode)
{
	inode->directory->older = table->newest;
	if (table->newest)
		table->newest->directory->newer = inode;
	else
		table->oldest = inode;
	table->newest = inode;
}

void inode_cache_leave_locked(struct inode *inode)
{
	if (inode->directory->fd < 0)
		return;
	if (inode->directory->lent == 0)
		list_remove(inode->table, inode);
	inode->table->descriptors--;
}

static void drop_oldest_locked(struct inode_table *table)
{
	struct inode *oldest = table->oldest;

	inode_cache_leave_locked(oldest);
	file_close(oldest->directory->fd);
	oldest->directory->fd = -1;
}

void inode_cache_put_locked(struct inode *inode, int fd)
{
	struct inode_table *table = inode->table;

	while (table->descriptors >= table->descriptors_max && table->oldest)
		drop_oldest_locked(table);
	inode->directory->fd = fd;
	table->descriptors++;
	list_add(table, inode);
}

static bool borrow_locked(struct inode *inode, int *ret_fd)
{
	struct inode_directory *part = inode->directory;

	if (part->fd < 0)
		return false;
	if (part->lent++ == 0 && inode != inode->table->root)
		list_remove(inode->table, inode);
	*ret_fd = part->fd;
	return true;
}

static bool borrow(struct inode *inode, int *ret_fd)
{
	(void)pthread_mutex_lock(&inode->table->mutex);
	bool there = borrow_locked(inode, ret_fd);
	(void)pthread_mutex_unlock(&inode->table->mutex);
	return there;
}

static enum fault stale(struct why *why)
{
	errno = ESTALE;
	return why_system(why, "a directory");
}

/* A descriptor of its own: through the parent, or the pin of a directory that has no name any more. */
static enum fault open_anew(struct inode *inode, const struct inode_name *name, int *ret_fd, struct why *why)
{
	AUTO(file_close) int fd = -1;
	struct sight stored;
	int above;

	if (name->gone || !name->parent) {
		errno = ESTALE;
		fd = inode_spare(inode);
	} else {
		enum fault fault = inode_lend(name->parent, &above, why);
		if (fault)
			return fault;
		fd = openat(above, name->entry, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		inode_return(name->parent);
	}
	if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == EACCES))
		return why_system(why, "cannot open a directory again");
	if (fd < 0 || sight_of(fd, &stored) != 0 || !inode_is(inode, &stored))
		return stale(why);
	*ret_fd = fd;
	fd = -1;
	return FAULT_NONE;
}

#define NAME_ATTEMPTS 16

enum fault inode_lend(struct inode *inode, int *ret_fd, struct why *why)
{
	enum fault fault = FAULT_NONE;

	for (unsigned i = 0; i < NAME_ATTEMPTS; i++) {
		AUTO(inode_name_done) struct inode_name name = {.parent = NULL};
		int fd = -1;

		if (borrow(inode, ret_fd))
			return FAULT_NONE;
		inode_name(inode, &name);
		fault = open_anew(inode, &name, &fd, why);
		if (fault && inode_name_is_stale(inode, &name)) {
			inode_name_settle(&name);
			continue;
		}
		if (fault)
			return fault;
		(void)pthread_mutex_lock(&inode->table->mutex);
		if (inode->directory->fd < 0)
			inode_cache_put_locked(inode, fd);
		else
			file_close(fd);
		(void)borrow_locked(inode, ret_fd);
		(void)pthread_mutex_unlock(&inode->table->mutex);
		return FAULT_NONE;
	}
	return fault ? fault : stale(why);
}

void inode_return(struct inode *inode)
{
	struct inode_table *table = inode->table;

	(void)pthread_mutex_lock(&table->mutex);
	if (--inode->directory->lent == 0 && inode != table->root) {
		list_add(table, inode);
		if (table->descriptors > table->descriptors_max)
			drop_oldest_locked(table);
	}
	(void)pthread_mutex_unlock(&table->mutex);
}

int inode_spare(struct inode *inode)
{
	int fd = -1;

	(void)pthread_mutex_lock(&inode->table->mutex);
	if (inode->pin >= 0)
		fd = inode->pin;
	else if (inode->file && inode->file->handle_count > 0)
		fd = inode->file->handles[0];
	if (fd >= 0)
		fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	(void)pthread_mutex_unlock(&inode->table->mutex);
	return fd;
}

/* -- folder -------------------------------------------------------------------------------- */

struct folder *inode_folder(struct inode *directory)
{
	struct folder *folder = NULL;

	(void)pthread_mutex_lock(&directory->table->mutex);
	for (const struct inode *at = directory; at && !folder; at = at->parent)
		folder = at->directory->own;
	if (folder)
		folder_ref(folder);
	(void)pthread_mutex_unlock(&directory->table->mutex);
	return folder;
}

bool inode_owns_folder(struct inode *directory)
{
	(void)pthread_mutex_lock(&directory->table->mutex);
	bool owns = directory->directory && directory->directory->own;
	(void)pthread_mutex_unlock(&directory->table->mutex);
	return owns;
}

/* Under its name, unless something else is known there. */
static void move_child_up_locked(struct inode *inode, struct inode *above)
{
	if (!inode->gone && inode_entry_locked(above, inode->entry))
		inode_lose_name_locked(inode);
	if (!inode->gone)
		inode_unindex_entry(inode);
	above->references++;
	above->directory->children++;
	inode->parent->directory->children--;
	inode_unref_locked(inode->parent);
	inode->parent = above;
	if (!inode->gone)
		inode_index_entry(inode);
}

static void move_children_up_locked(struct inode *directory)
{
	struct inode_table *table = directory->table;

	for (size_t i = 0; directory->directory->children > 0 && i <= table->nodes.mask; i++)
		for (struct inode *inode = table->nodes.slots[i]; inode; inode = inode->next_node)
			if (inode->parent == directory)
				move_child_up_locked(inode, directory->parent);
}

void inode_set_folder(struct inode *directory, struct folder *own)
{
	(void)folder_ref(own);
	(void)pthread_mutex_lock(&directory->table->mutex);
	struct folder *before = directory->directory->own;
	directory->directory->own = own;
	if (!before && directory->parent) {
		/* What is just being met there has to be looked at again. */
		directory->directory->changes += directory->directory->looked != 0 ||
						 directory->directory->children > 0;
		move_children_up_locked(directory);
	}
	(void)pthread_mutex_unlock(&directory->table->mutex);
	folder_unref(before);
}

bool inode_disown(struct inode *directory, const struct folder *folder)
{
	struct folder *dropped = NULL;

	(void)pthread_mutex_lock(&directory->table->mutex);
	struct inode *at = directory;
	while (at->parent && at->directory->own != folder)
		at = at->parent;
	if (at->parent) {
		dropped = TAKE(at->directory->own);
		at->directory->looked = 0;
	}
	(void)pthread_mutex_unlock(&directory->table->mutex);
	folder_unref(dropped);
	return dropped != NULL;
}

int64_t inode_looked(struct inode *directory)
{
	(void)pthread_mutex_lock(&directory->table->mutex);
	int64_t looked = directory->directory->looked;
	(void)pthread_mutex_unlock(&directory->table->mutex);
	return looked;
}

void inode_set_looked(struct inode *directory, int64_t boot_ms)
{
	(void)pthread_mutex_lock(&directory->table->mutex);
	directory->directory->looked = boot_ms;
	(void)pthread_mutex_unlock(&directory->table->mutex);
}

/* -- names not yet synced ------------------------------------------------------------------- */

void inode_set_made(struct inode *directory)
{
	(void)pthread_mutex_lock(&directory->table->mutex);
	if (++directory->directory->made == directory->directory->synced)
		directory->directory->made++;
	(void)pthread_mutex_unlock(&directory->table->mutex);
}

uint32_t inode_made(struct inode *directory)
{
	(void)pthread_mutex_lock(&directory->table->mutex);
	const struct inode_directory *part = directory->directory;
	uint32_t made = part->made == part->synced ? 0 : part->made;
	(void)pthread_mutex_unlock(&directory->table->mutex);
	return made;
}

void inode_set_synced(struct inode *directory, uint32_t made)
{
	(void)pthread_mutex_lock(&directory->table->mutex);
	if ((int32_t)(made - directory->directory->synced) > 0)
		directory->directory->synced = made;
	(void)pthread_mutex_unlock(&directory->table->mutex);
}
