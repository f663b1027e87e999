#include "fs/inode_parts.h"

#include <string.h>

#include "base/file.h"

void inode_lose_name_locked(struct inode *inode)
{
	if (inode->parent && !inode->gone)
		inode_unindex_entry(inode);
	inode->gone = true;
}

void inode_set_name_locked(struct inode *inode, struct inode *directory, char *entry)
{
	struct inode *before = inode->parent;
	struct inode *other = inode_entry_locked(directory, entry);

	if (other && other != inode)
		inode_lose_name_locked(other);
	if (before && !inode->gone)
		inode_unindex_entry(inode);
	free(inode->entry);
	directory->references++;
	directory->directory->children++;
	if (before)
		before->directory->children--;
	inode->parent = directory;
	inode->entry = entry;
	inode->gone = false;
	inode_index_entry(inode);
	inode_unref_locked(before);
}

uint32_t inode_changes(struct inode *directory)
{
	(void)pthread_mutex_lock(&directory->table->mutex);
	uint32_t changes = directory->directory ? directory->directory->changes : 0;
	(void)pthread_mutex_unlock(&directory->table->mutex);
	return changes;
}

void inode_name_done(struct inode_name *name)
{
	inode_unref(name->parent);
	name->parent = NULL;
}

void inode_name(struct inode *inode, struct inode_name *ret_name)
{
	ret_name->parent = NULL;
	ret_name->entry[0] = '\0';
	ret_name->changes = 0;
	(void)pthread_mutex_lock(&inode->table->mutex);
	ret_name->gone = inode->gone;
	if (inode->parent) {
		inode->parent->references++;
		ret_name->parent = inode->parent;
		ret_name->changes = inode->parent->directory->changes;
		(void)strncpy(ret_name->entry, inode->entry, INODE_ENTRY_SIZE - 1);
		ret_name->entry[INODE_ENTRY_SIZE - 1] = '\0';
	}
	(void)pthread_mutex_unlock(&inode->table->mutex);
}

bool inode_name_is_stale(struct inode *inode, const struct inode_name *name)
{
	bool stale;

	if (!name->parent)
		return false;
	(void)pthread_mutex_lock(&inode->table->mutex);
	stale = inode->parent != name->parent || inode->gone != name->gone ||
		name->parent->directory->changes != name->changes || name->parent->directory->changing > 0;
	(void)pthread_mutex_unlock(&inode->table->mutex);
	return stale;
}

void inode_name_settle(const struct inode_name *name)
{
	if (!name->parent)
		return;
	struct inode_directory *directory = name->parent->directory;
	struct inode_table *table = name->parent->table;
	(void)pthread_mutex_lock(&table->mutex);
	while (directory->changing > 0 && directory->changes == name->changes)
		(void)pthread_cond_wait(&table->settled, &table->mutex);
	(void)pthread_mutex_unlock(&table->mutex);
}

void inode_change_begin(struct inode *directory)
{
	(void)pthread_mutex_lock(&directory->table->mutex);
	directory->directory->changing++;
	(void)pthread_mutex_unlock(&directory->table->mutex);
}

void inode_change_end(struct inode *directory)
{
	(void)pthread_mutex_lock(&directory->table->mutex);
	directory->directory->changing--;
	directory->directory->changes++;
	(void)pthread_cond_broadcast(&directory->table->settled);
	(void)pthread_mutex_unlock(&directory->table->mutex);
}

void inode_removed(struct inode *inode, struct inode *directory, const char *entry, int pin)
{
	AUTO(file_close) int fd = pin;

	if (!inode)
		return;
	(void)pthread_mutex_lock(&inode->table->mutex);
	if (!inode->gone && inode->parent == directory && strcmp(inode->entry, entry) == 0)
		inode_lose_name_locked(inode);
	if (inode->gone && inode->pin < 0) {
		inode->pin = fd;
		fd = -1;
	}
	(void)pthread_mutex_unlock(&inode->table->mutex);
}

void inode_renamed(struct inode *inode, struct inode *directory, const char *entry)
{
	if (!inode)
		return;
	char *copy = strdup(entry);
	(void)pthread_mutex_lock(&inode->table->mutex);
	if (copy)
		inode_set_name_locked(inode, directory, copy);
	else
		inode_lose_name_locked(inode);
	inode_table_unlock(inode->table);
}

/* Written from the end, since the way is known only upwards. */
static char *path_backwards_locked(struct inode *inode, char *end, size_t room)
{
	*--end = '\0';
	for (; inode->parent; inode = inode->parent) {
		size_t length = strlen(inode->entry);
		if (inode->gone || length + 2 > room)
			return NULL;
		if (*end)
			*--end = '/';
		end -= length;
		memcpy(end, inode->entry, length);
		room -= length + 1;
	}
	return end;
}

bool inode_path(struct inode *inode, char path[static RING_PATH_MAX])
{
	char backwards[RING_PATH_MAX];

	(void)pthread_mutex_lock(&inode->table->mutex);
	const char *start = path_backwards_locked(inode, backwards + sizeof(backwards), sizeof(backwards));
	(void)pthread_mutex_unlock(&inode->table->mutex);
	if (start)
		memcpy(path, start, (size_t)(backwards + sizeof(backwards) - start));
	return start != NULL;
}
