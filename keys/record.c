#include "keys/record.h"

#include <assert.h>

/* -- life ----------------------------------------------------------------------------- */

enum fault record_new(struct record **ret_record, struct why *why)
{
	struct record *record = calloc(1, sizeof *record);
	if (!record)
		return why_set(why, FAULT_MEMORY, "no memory for a record");
	*ret_record = record;
	return FAULT_NONE;
}

void record_free(struct record *record)
{
	if (!record)
		return;
	free(record->generations);
	free(record->entries);
	free(record);
}

/* A heap copy of `count` elements; room for none gives NULL and is no failure. */
static enum fault copy_array(const void *from, size_t count, size_t size, void *ret_array, struct why *why)
{
	if (count == 0)
		return FAULT_NONE;
	void *copy = reallocarray(NULL, count, size);
	if (!copy)
		return why_set(why, FAULT_MEMORY, "no memory for a record");
	memcpy(copy, from, count * size);
	*(void **)ret_array = copy;
	return FAULT_NONE;
}

enum fault record_copy(const struct record *record, struct record **ret_copy, struct why *why)
{
	AUTO(record_free) struct record *copy = NULL;
	enum fault fault = record_new(&copy, why);
	if (fault)
		return fault;
	*copy = *record;
	copy->generations = NULL;
	copy->entries = NULL;
	fault = copy_array(record->generations, record->generation_count, sizeof *record->generations,
			   &copy->generations, why);
	if (!fault)
		fault = copy_array(record->entries, record->entry_count, sizeof *record->entries,
				   &copy->entries, why);
	if (!fault)
		*ret_copy = TAKE(copy);
	return fault;
}

/* -- members -------------------------------------------------------------------------- */

/* Where `id` stands, or would stand. */
static size_t entry_place(const struct record *record, const struct member_id *id, bool *ret_found)
{
	size_t low = 0;
	size_t high = record->entry_count;

	*ret_found = false;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = memcmp(record->entries[middle].id.bytes, id->bytes, ID_SIZE);
		if (order == 0) {
			*ret_found = true;
			return middle;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct record_entry *record_find(const struct record *record, const struct member_id *id)
{
	bool found;
	size_t at = entry_place(record, id, &found);

	return found ? &record->entries[at] : NULL;
}

const struct record_generation *record_newest(const struct record *record)
{
	assert(record->generation_count > 0);
	return &record->generations[record->generation_count - 1];
}

enum fault record_put_entry(struct record *record, const struct record_entry *entry, struct why *why)
{
	bool found;
	size_t at = entry_place(record, &entry->id, &found);
	if (!found) {
		if (record->entry_count >= RECORD_MEMBERS_MAX)
			return why_set(why, FAULT_INVALID, "a folder has at most %d members",
				       RECORD_MEMBERS_MAX);
		struct record_entry *entries = reallocarray(record->entries, record->entry_count + 1,
							    sizeof *entries);
		if (!entries)
			return why_set(why, FAULT_MEMORY, "no memory for a record");
		record->entries = entries;
		memmove(&entries[at + 1], &entries[at], (record->entry_count - at) * sizeof *entries);
		record->entry_count++;
	}
	record->entries[at] = *entry;
	return FAULT_NONE;
}

enum fault record_drop_entry(struct record *record, const struct member_id *id, struct why *why)
{
	bool found;
	size_t at = entry_place(record, id, &found);
	if (!found)
		return why_set(why, FAULT_MISSING, "there is no such member");
	record->entry_count--;
	memmove(&record->entries[at], &record->entries[at + 1],
		(record->entry_count - at) * sizeof *record->entries);
	return FAULT_NONE;
}
