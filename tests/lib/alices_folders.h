/* tests/lib/alices_folders.h - folders whose admin is Alice, and what she does with them, in memory.
 *
 *     AUTO(made_done) struct made made = new_folder();
 *     add(&made, &bob, ROLE_WRITER);
 *     ...
 *     cmocka_run_group_tests(tests, meet_people, part);
 */
#ifndef FSENC_TESTS_LIB_ALICES_FOLDERS_H
#define FSENC_TESTS_LIB_ALICES_FOLDERS_H

#include <string.h>

#include "base/array.h"
#include "base/clock.h"
#include "keys/fields.h"
#include "keys/folder_keys.h"
#include "tests/lib/people.h"

static struct person alice; /* admin of every folder here */
static struct person bob;
static struct person carol;
static struct person mallory; /* claims the id of Bob */

/* Sorts behind everybody. */
static const struct member_id last_id = {
	{255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255}};

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

static inline struct made new_folder(void)
{
	struct why why = WHY_NONE;
	struct made made = {NULL, NULL};
	const struct folder_new_options options = {
		.share = {{1}}, .parent = {{2}}, .suite = 1, .creator = alice.certificate};
	assert_works(folder_new(&options, alice.identity, &made.file, &made.keys, &why));
	return made;
}

/* `made` becomes `next`, which must be accepted after it, and opened by Alice. */
static inline void advance(struct made *made, struct folder_file *next)
{
	struct why why = WHY_NONE;
	assert_works(record_follows(made->file->record, next->record, next->object, folder_file_find_key,
				    next, &why));
	folder_file_free(made->file);
	folder_keys_free(made->keys);
	made->file = next;
	made->keys = NULL;
	assert_works(folder_keys_open(next, alice.identity, &made->keys, &why));
}

static inline void add(struct made *made, const struct person *person, enum role role)
{
	struct why why = WHY_NONE;
	struct folder_file *next;
	assert_works(folder_change_add_user(made->file, made->keys, alice.identity, person->certificate, role,
					    &next, &why));
	advance(made, next);
}

static inline void drop(struct made *made, const struct person *person)
{
	struct why why = WHY_NONE;
	struct folder_file *next;
	assert_works(folder_change_remove(made->file, made->keys, alice.identity, person_id(person), 1, &next,
					  &why));
	advance(made, next);
}

static inline void rekey(struct made *made, enum generation_reason reason)
{
	struct why why = WHY_NONE;
	struct folder_file *next;
	assert_works(folder_change_rekey(made->file, made->keys, alice.identity, reason, &next, &why));
	advance(made, next);
}

static inline enum fault open_as(const struct folder_file *file, const struct person *person, struct why *why)
{
	AUTO(folder_keys_free) struct folder_keys *keys = NULL;
	return folder_keys_open(file, person->identity, &keys, why);
}

static inline void copy_of(const struct folder_file *file, struct folder_file **ret_copy)
{
	struct why why = WHY_NONE;
	AUTO(bytes_done) struct bytes text = BYTES_EMPTY;
	assert_works(folder_file_write(file, &text, &why));
	assert_works(folder_file_parse(text.data, text.size, ret_copy, &why));
}

static inline struct keybox_entry *box_of(struct folder_file *file, const struct person *person)
{
	for (size_t i = 0; i < file->keybox_count; i++)
		if (member_id_equal(&file->keybox[i].id, person_id(person)))
			return &file->keybox[i];
	return NULL;
}

static inline int meet_people(void **state)
{
	(void)state;
	assert_true(sodium_init() >= 0);
	alice = person_new("Alice");
	bob = person_new("Bob");
	carol = person_new("Carol");
	mallory = person_new_with_id_of(&bob);
	return 0;
}

static inline int part(void **state)
{
	(void)state;
	person_done(&alice);
	person_done(&bob);
	person_done(&carol);
	person_done(&mallory);
	return 0;
}

#endif
