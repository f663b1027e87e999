#include "cli/member.h"

#include <string.h>

static bool is_meant(const struct record_entry *entry, const char *words)
{
	char id[ID_TEXT_SIZE], fingerprint[DIGEST_TEXT_SIZE];

	member_id_text(&entry->id, id);
	fingerprint_text(&entry->fingerprint, fingerprint);
	return !strcmp(entry->name, words) || !strcmp(id, words) || !strcmp(fingerprint, words);
}

enum fault member_find(const struct record *record, const char *words, const struct record_entry **ret_entry,
		       struct why *why)
{
	const struct record_entry *found = NULL;

	for (size_t i = 0; i < record->entry_count; i++) {
		if (!is_meant(&record->entries[i], words))
			continue;
		if (found)
			return why_set(why, FAULT_INVALID, "two members are called '%s'; give the id instead",
				       words);
		found = &record->entries[i];
	}
	if (!found)
		return why_set(why, FAULT_MISSING, "'%s' is no member of this folder", words);
	*ret_entry = found;
	return FAULT_NONE;
}
