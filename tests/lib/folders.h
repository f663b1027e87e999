/* tests/lib/folders.h - a folder of one admin, for tests of what may be done with it in memory.
 *
 *     AUTO(made_done) struct made made = made_new(&alice);
 *     made_add_group(&made, &alice, &company, &finance, ROLE_READER);
 */
#ifndef FSENC_TESTS_LIB_FOLDERS_H
#define FSENC_TESTS_LIB_FOLDERS_H

#include "keys/folder.h"
#include "tests/lib/organisations.h"

struct made {
	struct folder_file *file;
	struct folder_keys *keys;
};

static inline void made_done(struct made *made)
{
	folder_file_free(made->file);
	folder_keys_free(made->keys);
}
AUTO_VALUE(struct made, made_done);

static inline struct made made_new(const struct person *admin)
{
	struct why why = WHY_NONE;
	struct made made = {NULL, NULL};
	const struct folder_new_options options = {
		.share = {{1}}, .parent = {{2}}, .suite = 1, .creator = admin->certificate};

	assert_works(folder_new(&options, admin->identity, &made.file, &made.keys, &why));
	return made;
}

/* `made` becomes `next`, which must be accepted after it, survive the share, and be opened by the admin. */
static inline void made_advance(struct made *made, const struct person *admin, struct folder_file *next)
{
	struct why why = WHY_NONE;
	AUTO(bytes_done) struct bytes text = BYTES_EMPTY;
	struct folder_file *stored;

	assert_works(folder_file_write(next, &text, &why));
	assert_works(folder_file_parse(text.data, text.size, &stored, &why));
	folder_file_free(next);
	assert_works(record_follows(made->file->record, stored->record, stored->object, folder_file_find_key,
				    stored, &why));
	made_done(made);
	made->file = stored;
	made->keys = NULL;
	assert_works(folder_keys_open(stored, admin->identity, &made->keys, &why));
}

static inline void made_add_group(struct made *made, const struct person *admin,
				  const struct company *company, const struct company_group *group,
				  enum role role)
{
	struct why why = WHY_NONE;
	struct folder_file *next;

	assert_works(folder_change_add_group(made->file, made->keys, admin->identity, group->object,
					     &company->organisation, role, &next, &why));
	made_advance(made, admin, next);
}

#endif
