#include "fs/inode_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

#define INDEX_START 1024

static uint64_t mix(uint64_t value)
{
	value ^= value >> 33;
	value *= 0xff51afd7ed558ccdULL;
	value ^= value >> 33;
	value *= 0xc4ceb9fe1a85ec53ULL;
	return value ^ value >> 33;
}

static uint64_t hash_stored(dev_t device, ino_t number)
{
	return mix((uint64_t)number ^ mix((uint64_t)device));
}

uint64_t inode_hash_entry(const struct inode *parent, const char *entry)
{
	uint64_t hash = mix((uint64_t)(uintptr_t)parent);

	for (const char *at = entry; *at; at++)
		hash = (hash ^ (uint8_t)*at) * 0x100000001b3ULL;
	return mix(hash);
}

static struct inode **node_slot(struct inode_table *table, uint64_t node)
{
	return &table->nodes.slots[mix(node) & table->nodes.mask];
}

static struct inode **stored_slot(struct inode_table *table, dev_t device, ino_t number)
{
	return &table->stored.slots[hash_stored(device, number) & table->stored.mask];
}

static struct inode **entry_slot(const struct inode *parent, const char *entry)
{
	struct inode_index *index = &parent->table->entries;
	return &index->slots[inode_hash_entry(parent, entry) & index->mask];
}

void inode_index_entry(struct inode *inode)
{
	struct inode **slot = entry_slot(inode->parent, inode->entry);

	inode->next_entry = *slot;
	*slot = inode;
}

void inode_unindex_entry(struct inode *inode)
{
	struct inode **at = entry_slot(inode->parent, inode->entry);

	while (*at != inode)
		at = &(*at)->next_entry;
	*at = inode->next_entry;
	inode->next_entry = NULL;
}

static void index_stored(struct inode *inode)
{
	struct inode **slot = stored_slot(inode->table, inode->device, inode->number);

	inode->next_stored = *slot;
	*slot = inode;
}

void inode_unindex_stored(struct inode *inode)
{
	struct inode **at = stored_slot(inode->table, inode->device, inode->number);

	if (inode->unindexed)
		return;
	while (*at != inode)
		at = &(*at)->next_stored;
	*at = inode->next_stored;
	inode->unindexed = true;
}

static void index_node(struct inode *inode)
{
	struct inode **slot = node_slot(inode->table, inode->node);

	inode->next_node = *slot;
	*slot = inode;
}

static void unindex_node(struct inode *inode)
{
	struct inode **at = node_slot(inode->table, inode->node);

	while (*at != inode)
		at = &(*at)->next_node;
	*at = inode->next_node;
}

static bool index_new(struct inode_index *index, size_t size)
{
	index->slots = calloc(size, sizeof(struct inode *));
	index->mask = size - 1;
	return index->slots != NULL;
}

static bool indexes_new(struct inode_index indexes[3], size_t size)
{
	bool made = true;

	for (size_t i = 0; i < 3; i++)
		if (!index_new(&indexes[i], size))
			made = false;
	for (size_t i = 0; i < 3 && !made; i++)
		free(indexes[i].slots);
	return made;
}

/* Larger indexes that are not to be had are no failure: chains grow longer. */
static void grow(struct inode_table *table)
{
	struct inode_index old = table->nodes;
	struct inode_index larger[3];

	if (!indexes_new(larger, (old.mask + 1) * 2))
		return;
	free(table->stored.slots);
	free(table->entries.slots);
	table->nodes = larger[0];
	table->stored = larger[1];
	table->entries = larger[2];
	for (size_t i = 0; i <= old.mask; i++) {
		for (struct inode *inode = old.slots[i], *next; inode; inode = next) {
			next = inode->next_node;
			index_node(inode);
			if (!inode->unindexed)
				index_stored(inode);
			if (inode->parent && !inode->gone)
				inode_index_entry(inode);
		}
	}
	free(old.slots);
}

static void parts_free(struct inode *inode)
{
	if (inode->directory) {
		if (inode->directory->made != inode->directory->synced)
			inode->table->forgot_made = true;
		if (inode != inode->table->root)
			inode_cache_drop_locked(inode);
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

void inode_unref_locked(struct inode *inode)
{
	while (inode && --inode->references == 0) {
		struct inode *parent = inode->parent;

		if (parent && !inode->gone)
			inode_unindex_entry(inode);
		unindex_node(inode);
		inode_unindex_stored(inode);
		inode->table->count--;
		parts_free(inode);
		inode = parent;
	}
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
		grow(table);
	index_node(inode);
	index_stored(inode);
	table->count++;
	return inode;
}

enum fault inode_table_new(int root, const struct sight *stored, unsigned descriptors,
			   struct inode_table **ret_table, struct why *why)
{
	struct inode_table *table = calloc(1, sizeof(*table));
	struct inode_index indexes[3];

	if (!table || !indexes_new(indexes, INDEX_START)) {
		free(table);
		return why_set(why, FAULT_MEMORY, "no memory for the inodes");
	}
	table->nodes = indexes[0];
	table->stored = indexes[1];
	table->entries = indexes[2];
	table->next_node = INODE_ROOT;
	table->descriptors_max = descriptors;
	(void)pthread_mutex_init(&table->mutex, NULL);
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
	free(table->nodes.slots);
	free(table->stored.slots);
	free(table->entries.slots);
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
	(void)pthread_mutex_unlock(&table->mutex);
}

struct inode *inode_find(struct inode_table *table, uint64_t node)
{
	(void)pthread_mutex_lock(&table->mutex);
	struct inode *inode = *node_slot(table, node);
	while (inode && inode->node != node)
		inode = inode->next_node;
	if (inode)
		inode->references++;
	(void)pthread_mutex_unlock(&table->mutex);
	return inode;
}

struct inode *inode_entry_locked(struct inode *directory, const char *entry)
{
	struct inode *inode = *entry_slot(directory, entry);

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
	struct inode *inode = *node_slot(table, node);
	while (inode && inode->node != node)
		inode = inode->next_node;
	if (inode && inode != table->root && inode->lookups > 0) {
		inode->lookups -= lookups < inode->lookups ? lookups : inode->lookups;
		if (inode->lookups == 0)
			inode_unref_locked(inode);
	}
	(void)pthread_mutex_unlock(&table->mutex);
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
	struct inode *inode = *stored_slot(table, stored->stat.st_dev, stored->stat.st_ino);

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
		(void)pthread_mutex_unlock(&table->mutex);
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
	(void)pthread_mutex_unlock(&table->mutex);
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
