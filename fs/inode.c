#include "fs/inode_parts.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mutex.h"

#define TRIM_FROM 8192

/* Without the mutex: what is closed and wiped here may ask the share. */
static void parts_free(struct inode *inode)
{
	if (inode->directory) {
		if (inode != inode->table->root)
			file_close(inode->directory->fd);
		folder_unref(inode->directory->own);
	}
	if (inode->file) {
		content_free(inode->file->content);
		free(inode->file->handles);
	}
	file_close(inode->pin);
	free(inode->directory);
	free(inode->file);
	free(inode->entry);
	free(inode);
}

static void die_locked(struct inode *inode)
{
	struct inode_table *table = inode->table;

	if (inode->parent && !inode->gone)
		inode_unindex_entry(inode);
	inode_unindex_node(inode);
	inode_unindex_stored(inode);
	if (inode->directory) {
		if (inode->directory->made != inode->directory->synced)
			table->forgot_made = true;
		inode_cache_leave_locked(inode);
	}
	table->count--;
	inode->next_node = table->dead;
	table->dead = inode;
}

/* The C library keeps what is freed for what comes: after a walk over many files that is most of the process. */
static bool trim_is_due_locked(struct inode_table *table)
{
	if (table->most < TRIM_FROM || table->count > table->most / 2)
		return false;
	table->most = table->count;
	return true;
}

void inode_unref_locked(struct inode *inode)
{
	while (inode && --inode->references == 0) {
		struct inode *parent = inode->parent;

		die_locked(inode);
		if (parent)
			parent->directory->children--;
		inode = parent;
	}
}

void inode_table_unlock(struct inode_table *table)
{
	struct inode *dead = TAKE(table->dead);
	bool trim = trim_is_due_locked(table);

	(void)pthread_mutex_unlock(&table->mutex);
	while (dead) {
		struct inode *next = dead->next_node;

		parts_free(dead);
		dead = next;
	}
	if (trim)
		(void)malloc_trim(0);
}

static struct inode *inode_make(struct inode_table *table, const struct sight *stored)
{
	struct inode *inode = calloc(1, sizeof(*inode));

	if (!inode)
		return NULL;
	if (S_ISDIR(stored->stat.st_mode))
		inode->directory = calloc(1, sizeof(*inode->directory));
	if (S_ISDIR(stored->stat.st_mode) && !inode->directory) {
		free(inode);
		return NULL;
	}
	if (inode->directory) {
		inode->directory->fd = -1;
		inode->directory->made = table->forgot_made;
	}
	inode->table = table;
	inode->type = (uint16_t)(stored->stat.st_mode & S_IFMT);
	inode->device = stored->stat.st_dev;
	inode->number = stored->stat.st_ino;
	inode->birth = stored->birth;
	inode->references = 1;
	inode->pin = -1;
	inode->node = table->next_node++;
	if (table->count > table->nodes.mask)
		inode_indexes_grow(table);
	inode_index_node(inode);
	inode_index_stored(inode);
	if (++table->count > table->most)
		table->most = table->count;
	return inode;
}

enum fault inode_table_new(int root, const struct sight *stored, unsigned descriptors,
			   struct inode_table **ret_table, struct why *why)
{
	struct inode_table *table = calloc(1, sizeof(*table));

	if (!table || !inode_indexes_new(table)) {
		free(table);
		return why_set(why, FAULT_MEMORY, "no memory for the inodes");
	}
	table->next_node = INODE_ROOT;
	table->descriptors_max = descriptors;
	mutex_init_brief(&table->mutex);
	(void)pthread_cond_init(&table->settled, NULL);
	table->root = inode_make(table, stored);
	if (!table->root || !table->root->directory) {
		inode_table_free(table);
		return why_set(why, FAULT_MEMORY, "the root is no directory, or there is no memory");
	}
	table->root->directory->fd = root;
	table->root->lookups = 1;
	*ret_table = table;
	return FAULT_NONE;
}

/* The kernel does not forget every inode before the end; only its own counts are left then. */
void inode_table_free(struct inode_table *table)
{
	if (!table)
		return;
	for (size_t i = 0; i <= table->nodes.mask; i++) {
		for (struct inode *inode = table->nodes.slots[i], *next; inode; inode = next) {
			next = inode->next_node;
			parts_free(inode);
		}
	}
	inode_indexes_free(table);
	(void)pthread_mutex_destroy(&table->mutex);
	(void)pthread_cond_destroy(&table->settled);
	free(table);
}

size_t inode_count(struct inode_table *table)
{
	(void)pthread_mutex_lock(&table->mutex);
	size_t count = table->count;
	(void)pthread_mutex_unlock(&table->mutex);
	return count;
}

struct inode *inode_ref(struct inode *inode)
{
	(void)pthread_mutex_lock(&inode->table->mutex);
	inode->references++;
	(void)pthread_mutex_unlock(&inode->table->mutex);
	return inode;
}

void inode_unref(struct inode *inode)
{
	if (!inode)
		return;
	struct inode_table *table = inode->table;
	(void)pthread_mutex_lock(&table->mutex);
	inode_unref_locked(inode);
	inode_table_unlock(table);
}

struct inode *inode_find(struct inode_table *table, uint64_t node)
{
	(void)pthread_mutex_lock(&table->mutex);
	struct inode *inode = *inode_node_slot(table, node);
	while (inode && inode->node != node)
		inode = inode->next_node;
	if (inode)
		inode->references++;
	(void)pthread_mutex_unlock(&table->mutex);
	return inode;
}

struct inode *inode_entry_locked(struct inode *directory, const char *entry)
{
	struct inode *inode = *inode_entry_slot(directory, entry);

	while (inode && (inode->parent != directory || strcmp(inode->entry, entry) != 0))
		inode = inode->next_entry;
	return inode;
}

struct inode *inode_find_entry(struct inode *directory, const char *entry)
{
	(void)pthread_mutex_lock(&directory->table->mutex);
	struct inode *inode = inode_entry_locked(directory, entry);
	if (inode)
		inode->references++;
	(void)pthread_mutex_unlock(&directory->table->mutex);
	return inode;
}

void inode_count_lookup(struct inode *inode)
{
	(void)pthread_mutex_lock(&inode->table->mutex);
	if (inode->lookups++ == 0)
		inode->references++;
	(void)pthread_mutex_unlock(&inode->table->mutex);
}

void inode_forget(struct inode_table *table, uint64_t node, uint64_t lookups)
{
	(void)pthread_mutex_lock(&table->mutex);
	struct inode *inode = *inode_node_slot(table, node);
	while (inode && inode->node != node)
		inode = inode->next_node;
	if (inode && inode != table->root && inode->lookups > 0) {
		inode->lookups -= lookups < inode->lookups ? lookups : inode->lookups;
		if (inode->lookups == 0)
			inode_unref_locked(inode);
	}
	inode_table_unlock(table);
}

void inode_each(struct inode_table *table, void (*each)(void *context, struct inode *inode), void *context)
{
	size_t count = 0;

	(void)pthread_mutex_lock(&table->mutex);
	struct inode **all = calloc(table->count, sizeof(struct inode *));
	for (size_t i = 0; all && i <= table->nodes.mask; i++) {
		for (struct inode *inode = table->nodes.slots[i]; inode; inode = inode->next_node) {
			inode->references++;
			all[count++] = inode;
		}
	}
	(void)pthread_mutex_unlock(&table->mutex);
	for (size_t i = 0; i < count; i++) {
		each(context, all[i]);
		inode_unref(all[i]);
	}
	free(all);
}

/* What stands in the index under that device and number, if it is the same file. A file system reuses
 * numbers: another birth or kind means another file, and the one before leaves the index. */
static struct inode *stored_locked(struct inode_table *table, const struct sight *stored)
{
	struct inode *inode = *inode_stored_slot(table, stored->stat.st_dev, stored->stat.st_ino);

	while (inode && (inode->number != stored->stat.st_ino || inode->device != stored->stat.st_dev))
		inode = inode->next_stored;
	if (inode && !inode_is(inode, stored)) {
		inode_unindex_stored(inode);
		return NULL;
	}
	return inode;
}

/* A directory that lies below itself (bind mounts, a server that lies) would tie the chain of parents to a
 * ring. */
static bool inode_is_above_locked(const struct inode *inode, const struct inode *directory)
{
	while (directory && directory != inode)
		directory = directory->parent;
	return directory != NULL;
}

static struct inode *meet_locked(struct inode *directory, const char *entry, const struct sight *stored)
{
	struct inode_table *table = directory->table;
	struct inode *inode = stored_locked(table, stored);
	struct inode *other = inode_entry_locked(directory, entry);

	if (inode && inode == other) {
		inode->references++;
		return inode;
	}
	if (inode && inode_is_above_locked(inode, directory)) {
		errno = ELOOP;
		return NULL;
	}
	errno = ENOMEM;
	char *copy = strdup(entry);
	if (!copy)
		return NULL;
	if (inode) {
		inode->references++;
		inode->many_names = true;
	} else {
		inode = inode_make(table, stored);
	}
	if (inode)
		inode_set_name_locked(inode, directory, copy);
	else
		free(copy);
	return inode;
}

enum fault inode_meet(struct inode *directory, const char *entry, uint32_t changes, const struct sight *stored,
		      int descriptor, struct inode **ret_inode, struct why *why)
{
	AUTO(file_close) int fd = descriptor;
	struct inode_table *table = directory->table;

	(void)pthread_mutex_lock(&table->mutex);
	if (directory->directory->changes != changes) {
		inode_table_unlock(table);
		*ret_inode = NULL;
		return FAULT_NONE;
	}
	struct inode *inode = meet_locked(directory, entry, stored);
	int error = errno;
	if (inode && inode->lookups++ == 0)
		inode->references++;
	if (inode && inode->directory && inode->directory->fd < 0 && fd >= 0) {
		inode_cache_put_locked(inode, fd);
		fd = -1;
	}
	inode_table_unlock(table);
	errno = error;
	if (!inode)
		return why_system(why, "cannot keep what was found");
	*ret_inode = inode;
	return FAULT_NONE;
}

uint64_t inode_node(const struct inode *inode)
{
	return inode->node;
}

mode_t inode_type(const struct inode *inode)
{
	return inode->type;
}

bool inode_is(const struct inode *inode, const struct sight *stored)
{
	return inode->number == stored->stat.st_ino && inode->device == stored->stat.st_dev &&
	       inode->birth == stored->birth && inode->type == (stored->stat.st_mode & S_IFMT);
}

bool inode_is_root(const struct inode *inode)
{
	return inode == inode->table->root;
}

struct inode *inode_parent(struct inode *inode)
{
	(void)pthread_mutex_lock(&inode->table->mutex);
	struct inode *parent = inode->parent;
	if (parent)
		parent->references++;
	(void)pthread_mutex_unlock(&inode->table->mutex);
	return parent;
}
