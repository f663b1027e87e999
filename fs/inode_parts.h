/* fs/inode_parts.h - the insides of the inode table, for inode*.c alone.
 *
 * Everything here is guarded by table->mutex, except what never changes after an inode is made: table, node,
 * type, and the pointers to the parts; device, number and birth, which inode_become() alone changes, may be read by
 * anybody.
 */
#ifndef FSENC_FS_INODE_PARTS_H
#define FSENC_FS_INODE_PARTS_H

#include <pthread.h>
#include <stdatomic.h>

#include "fs/inode.h"

/* What only directories have. */
struct inode_directory {
	struct inode *newer, *older; /* the cache of descriptors, by last use */
	int fd;
	unsigned lent;
	uint32_t changes; /* of names, ended */
	uint32_t changing; /* under way */
	uint32_t made, synced;
	uint32_t children; /* inodes that have it as their parent */
	struct folder *own;
	int64_t looked;
};

/* What only a file has that is open. */
struct inode_file {
	struct content *content;
	unsigned opens;
	int *handles;
	size_t handle_count, handle_room;
};

struct inode {
	struct inode_table *table;
	struct inode *next_node, *next_stored, *next_entry;
	struct inode *parent;
	char *entry;
	struct inode_directory *directory;
	struct inode_file *file;
	uint64_t node;
	uint64_t lookups;
	_Atomic uint64_t told; /* a digest of the attributes that the kernel was last told */
	_Atomic dev_t device;
	_Atomic ino_t number;
	_Atomic uint64_t birth;
	uint32_t references; /* the kernel's look-ups count as one */
	int pin;
	uint16_t type; /* S_IFMT bits */
	bool gone, unindexed;
	bool many_names; /* the kernel may know it by another than `entry`, too */
};

struct inode_index {
	struct inode **slots;
	size_t mask;
};

struct inode_table {
	pthread_mutex_t mutex;
	pthread_cond_t settled;
	struct inode_index nodes, stored, entries;
	size_t count, most; /* inodes: now, and since memory was last given back */
	uint64_t next_node;
	struct inode *root;
	struct inode *dead; /* by next_node: unreferenced, to be freed by inode_table_unlock() */
	struct inode *newest, *oldest; /* directories with a descriptor that nobody borrows */
	unsigned descriptors, descriptors_max;
	bool forgot_made; /* a directory was forgotten with names not yet synced: those met later count as
			     such */
};

/* The indexes (inode_index.c), with the mutex held: where a chain begins, what is put into it, and taken out. */
bool inode_indexes_new(struct inode_table *table);
void inode_indexes_free(struct inode_table *table);
void inode_indexes_grow(struct inode_table *table);
struct inode **inode_node_slot(struct inode_table *table, uint64_t node);
struct inode **inode_stored_slot(struct inode_table *table, dev_t device, ino_t number);
struct inode **inode_entry_slot(const struct inode *parent, const char *entry);
void inode_index_node(struct inode *inode);
void inode_unindex_node(struct inode *inode);
void inode_index_stored(struct inode *inode);
void inode_unindex_stored(struct inode *inode);
void inode_index_entry(struct inode *inode);
void inode_unindex_entry(struct inode *inode);
/* In place of a plain unlock wherever references may have ended: frees those inodes after it. */
void inode_table_unlock(struct inode_table *table);
/* With the mutex held. */
struct inode *inode_entry_locked(struct inode *directory, const char *entry);
void inode_set_name_locked(struct inode *inode, struct inode *directory, char *entry);
/* The name leaves the index; the inode keeps its parent, for its folder. */
void inode_lose_name_locked(struct inode *inode);
void inode_unref_locked(struct inode *inode);
/* The cache of descriptors. */
void inode_cache_put_locked(struct inode *directory, int fd);
/* Takes a directory out of it; its descriptor stays open, for whoever frees the directory. */
void inode_cache_leave_locked(struct inode *directory);

#endif
