/* keys/folder_draft.h - a version of an access list in the making: what keys/folder*.c share. Not for others.
 *
 *     AUTO(draft_done) struct draft draft = {0};
 *     fault = draft_begin(&draft, file, keys, identity, why);     // the next version, by an admin
 *     ... changes to draft.record ...
 *     fault = draft_publish(&draft, ret_next, why);               // signed, wrapped to everybody, checked
 */
#ifndef FSENC_KEYS_FOLDER_DRAFT_H
#define FSENC_KEYS_FOLDER_DRAFT_H

#include "keys/folder_keys.h"

struct draft {
	const struct folder_file *present; /* NULL for a new folder */
	const struct identity *identity;
	const struct certificate *added; /* or NULL */
	const struct signed_object *const *added_groups; /* descriptors to take in, verified; or NULL */
	size_t added_group_count;
	const struct organisation *organisation; /* of added_groups */
	struct record *record;
	struct wiped_key folder_key; /* of the newest generation in `record` */
};
void draft_done(struct draft *draft);
AUTO_VALUE(struct draft, draft_done);

/* FAULT_DENIED unless `identity` is an admin; FAULT_INVALID: other keys, or a closed folder. */
MUST_CHECK enum fault draft_begin(struct draft *draft, const struct folder_file *file,
				  const struct folder_keys *keys, const struct identity *identity,
				  struct why *why);
/* A fresh folder key, with min_write at it. */
MUST_CHECK enum fault draft_add_generation(struct draft *draft, enum generation_reason reason,
					   struct why *why);
MUST_CHECK enum fault draft_publish(struct draft *draft, struct folder_file **ret_file, struct why *why);

struct record_entry folder_user_entry(const struct certificate *certificate, enum role role);
struct record_entry folder_group_entry(const struct group_descriptor *group, enum role role);
MUST_CHECK enum fault folder_check_role(const struct record_entry *entry, enum role role, struct why *why);

/* -- keys/folder_groups.c -------------------------------------------------------------------- */

void folder_group_done(struct folder_group *group);
/* Takes the object over, also on failure. FAULT_MALFORMED: it does not say which group it describes. */
MUST_CHECK enum fault folder_file_keep_group(struct folder_file *file, struct signed_object *object,
					     struct why *why);
/* What of `present` the next version needs: for each group in file->record the newest verified descriptor,
 * or, where none is verified, those there are. */
MUST_CHECK enum fault folder_file_inherit_groups(struct folder_file *file, const struct folder_file *present,
						 struct why *why);
/* Puts an entry into `record`, the draft after `present`, for each required recovery group that it lacks. An id that
 * the list has for something else stays that: taking it out would be a removal. */
MUST_CHECK enum fault folder_file_let_in_required(const struct folder_file *present, struct record *record,
						  struct why *why);

#endif
