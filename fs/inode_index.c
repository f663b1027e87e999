#include "fs/inode_parts.h"

#include <stdlib.h>

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

static uint64_t hash_entry(const struct inode *parent, const char *entry)
{
	uint64_t hash = mix((uint64_t)(uintptr_t)parent);

	for (const char *at = entry; *at; at++)
		hash = (hash ^ (uint8_t)*at) * 0x100000001b3ULL;
	return mix(hash);
}

struct inode **inode_node_slot(struct inode_table *table, uint64_t node)
{
	return &table->nodes.slots[mix(node) & table->nodes.mask];
}

struct inode **inode_stored_slot(struct inode_table *table, dev_t device, ino_t number)
{
	return &table->stored.slots[hash_stored(device, number) & table->stored.mask];
}

struct inode **inode_entry_slot(const struct inode *parent, const char *entry)
{
	struct inode_index *index = &parent->table->entries;
	return &index->slots[hash_entry(parent, entry) & index->mask];
}

void inode_index_entry(struct inode *inode)
{
	struct inode **slot = inode_entry_slot(inode->parent, inode->entry);

	inode->next_entry = *slot;
	*slot = inode;
}

void inode_unindex_entry(struct inode *inode)
{
	struct inode **at = inode_entry_slot(inode->parent, inode->entry);

	while (*at != inode)
		at = &(*at)->next_entry;
	*at = inode->next_entry;
	inode->next_entry = NULL;
}

void inode_index_stored(struct inode *inode)
{
	struct inode **slot = inode_stored_slot(inode->table, inode->device, inode->number);

	inode->next_stored = *slot;
	*slot = inode;
}

void inode_unindex_stored(struct inode *inode)
{
	struct inode **at = inode_stored_slot(inode->table, inode->device, inode->number);

	if (inode->unindexed)
		return;
	while (*at != inode)
		at = &(*at)->next_stored;
	*at = inode->next_stored;
	inode->unindexed = true;
}

void inode_index_node(struct inode *inode)
{
	struct inode **slot = inode_node_slot(inode->table, inode->node);

	inode->next_node = *slot;
	*slot = inode;
}

void inode_unindex_node(struct inode *inode)
{
	struct inode **at = inode_node_slot(inode->table, inode->node);

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

bool inode_indexes_new(struct inode_table *table)
{
	struct inode_index indexes[3];

	if (!indexes_new(indexes, INDEX_START))
		return false;
	table->nodes = indexes[0];
	table->stored = indexes[1];
	table->entries = indexes[2];
	return true;
}

void inode_indexes_free(struct inode_table *table)
{
	free(table->nodes.slots);
	free(table->stored.slots);
	free(table->entries.slots);
}

/* Larger indexes that are not to be had are no failure: chains grow longer. */
void inode_indexes_grow(struct inode_table *table)
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
			inode_index_node(inode);
			if (!inode->unindexed)
				inode_index_stored(inode);
			if (inode->parent && !inode->gone)
				inode_index_entry(inode);
		}
	}
	free(old.slots);
}
