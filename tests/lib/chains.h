/* tests/lib/chains.h - a folder's records, one after the other, for tests of who looks at them.
 *
 *     AUTO(chain_done) struct chain chain = chain_new(&organisation, &folder, &alice);
 *     chain_next(&chain);                            // version 2, by Alice
 *     chain.objects[1]
 */
#ifndef FSENC_TESTS_LIB_CHAINS_H
#define FSENC_TESTS_LIB_CHAINS_H

#include <string.h>

#include "keys/record.h"
#include "tests/lib/people.h"

#define CHAIN_MAX 16

struct chain {
	const struct person *admin;
	struct record *records[CHAIN_MAX];
	struct signed_object *objects[CHAIN_MAX];
	size_t count;
};

static inline void chain_done(struct chain *chain)
{
	for (size_t i = 0; i < chain->count; i++) {
		record_free(chain->records[i]);
		signed_free(chain->objects[i]);
	}
	*chain = (struct chain){0};
}
AUTO_VALUE(struct chain, chain_done);

static inline void chain_put(struct record *record, enum member_kind kind, enum role role,
			     const struct member_id *id, const char *name, struct fingerprint fingerprint)
{
	struct why why = WHY_NONE;
	struct record_entry entry = {.kind = kind, .role = role, .id = *id, .fingerprint = fingerprint};

	(void)snprintf(entry.name, sizeof entry.name, "%s", name);
	assert_works(record_put_entry(record, &entry, &why));
}

static inline void chain_add_generation(struct record *record, enum generation_reason reason)
{
	const size_t count = record->generation_count + 1;
	struct record_generation *list = reallocarray(record->generations, count, sizeof *list);

	assert_non_null(list);
	list[count - 1] = (struct record_generation){
		.number = (uint32_t)count, .reason = reason, .has_previous = count > 1};
	randombytes_buf(list[count - 1].commit, sizeof list[count - 1].commit);
	if (count > 1)
		randombytes_buf(list[count - 1].previous, sizeof list[count - 1].previous);
	record->generations = list;
	record->generation_count = count;
}

/* Signs the record and appends it; takes it over. */
static inline void chain_add(struct chain *chain, struct record *record)
{
	struct why why = WHY_NONE;

	assert_true(chain->count < CHAIN_MAX);
	chain->records[chain->count] = record;
	assert_works(record_sign(record, chain->admin->identity, &chain->objects[chain->count++], &why));
}

static inline struct chain chain_new(const struct organisation_id *organisation,
				     const struct folder_id *folder, const struct person *admin)
{
	struct why why = WHY_NONE;
	struct chain chain = {.admin = admin};
	struct record *record = NULL;

	assert_works(record_new(&record, &why));
	record->organisation = *organisation;
	record->share = (struct share_id){{2}};
	record->folder = *folder;
	record->version = 1;
	record->created = 1700000000;
	record->suite = 1;
	record->block = 4096;
	record->name_generation = record->min_write = record->min_read = 1;
	chain_add_generation(record, REASON_CREATED);
	chain_put(record, MEMBER_USER, ROLE_ADMIN, person_id(admin), identity_public(admin->identity)->name,
		  person_fingerprint(admin));
	chain_add(&chain, record);
	return chain;
}

/* The next version, unsigned, to be changed and given to chain_add(). */
static inline struct record *chain_copy(const struct chain *chain)
{
	struct why why = WHY_NONE;
	struct record *next = NULL;
	const struct record *last = chain->records[chain->count - 1];

	assert_works(record_copy(last, &next, &why));
	next->version++;
	next->previous = last->digest;
	return next;
}

static inline void chain_next(struct chain *chain)
{
	chain_add(chain, chain_copy(chain));
}

#endif
