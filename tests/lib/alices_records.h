/* tests/lib/alices_records.h - signed records of a folder whose admin is Alice, to start a test from.
 *
 *     cmocka_run_group_tests(tests, meet_people, part);
 */
#ifndef FSENC_TESTS_LIB_ALICES_RECORDS_H
#define FSENC_TESTS_LIB_ALICES_RECORDS_H

#include <string.h>

#include "base/array.h"
#include "keys/fields.h"
#include "keys/record.h"
#include "tests/lib/people.h"

static struct person alice; /* admin */
static struct person bob; /* writer */
static struct person carol; /* admin */
static struct person dave; /* not on the list */
static struct person mallory; /* not on the list; has made keys for Alice's id */
static const struct member_id group_id = {{0x80}};
static const struct member_id recovery_id = {{0xff, 1}};

/* -- records to start from ------------------------------------------------------------ */

static inline void put(struct record *record, enum member_kind kind, enum role role,
		       const struct member_id *id, const char *name, struct fingerprint fingerprint)
{
	struct why why = WHY_NONE;
	struct record_entry entry = {.kind = kind, .role = role, .id = *id, .fingerprint = fingerprint};
	(void)snprintf(entry.name, sizeof entry.name, "%s", name);
	assert_works(record_put_entry(record, &entry, &why));
}

static inline void put_person(struct record *record, const struct person *person, enum role role)
{
	put(record, MEMBER_USER, role, person_id(person), identity_public(person->identity)->name,
	    person_fingerprint(person));
}

static inline void add_generation(struct record *record, enum generation_reason reason)
{
	size_t count = record->generation_count + 1;
	record->generations = reallocarray(record->generations, count, sizeof *record->generations);
	assert_non_null(record->generations);
	struct record_generation *fresh = &record->generations[count - 1];
	*fresh = (struct record_generation){.number = (uint32_t)count, .reason = reason};
	randombytes_buf(fresh->commit, sizeof fresh->commit);
	fresh->has_previous = count > 1;
	if (fresh->has_previous)
		randombytes_buf(fresh->previous, sizeof fresh->previous);
	record->generation_count = count;
}

/* Version 1: Alice is admin. */
static inline struct record *first(void)
{
	struct why why = WHY_NONE;
	struct record *record = NULL;
	assert_works(record_new(&record, &why));
	record->organisation = (struct organisation_id){{1}};
	record->share = (struct share_id){{2}};
	record->folder = (struct folder_id){{3}};
	record->parent = (struct folder_id){{4}};
	record->version = 1;
	record->created = 1700000000;
	record->suite = 1;
	record->block = 4096;
	record->name_generation = record->min_write = record->min_read = 1;
	add_generation(record, REASON_CREATED);
	put_person(record, &alice, ROLE_ADMIN);
	return record;
}

/* A later version with one of everything, signed by Alice. */
static inline struct record *later(void)
{
	struct why why = WHY_NONE;
	struct record *record = first();
	record->version = 7;
	randombytes_buf(record->previous.bytes, DIGEST_SIZE);
	add_generation(record, REASON_ROTATION);
	add_generation(record, REASON_REMOVED);
	record->name_generation = 2;
	record->min_read = 2;
	record->min_write = 3;
	put_person(record, &bob, ROLE_WRITER);
	put_person(record, &carol, ROLE_ADMIN);
	put(record, MEMBER_GROUP, ROLE_READER, &group_id, "Finance", (struct fingerprint){{5}});
	put(record, MEMBER_RECOVERY, ROLE_READER, &recovery_id, "Officers", (struct fingerprint){{6}});
	AUTO(signed_free) struct signed_object *object = NULL;
	assert_works(record_sign(record, alice.identity, &object, &why));
	return record;
}

static inline struct record *next_of(const struct record *before)
{
	struct why why = WHY_NONE;
	struct record *next = NULL;
	assert_works(record_copy(before, &next, &why));
	next->version++;
	next->previous = before->digest;
	return next;
}

static inline const struct public_identity *find_key(void *context, const struct fingerprint *fingerprint)
{
	(void)context;
	const struct person *const people[] = {&alice, &bob, &carol, &dave, &mallory};
	for (size_t i = 0; i < COUNT(people); i++) {
		const struct fingerprint found = person_fingerprint(people[i]);
		if (fingerprint_equal(&found, fingerprint))
			return identity_public(people[i]->identity);
	}
	return NULL;
}

static inline const struct public_identity *find_nobody(void *context, const struct fingerprint *fingerprint)
{
	(void)context;
	(void)fingerprint;
	return NULL;
}

static inline const struct public_identity *find_mallory(void *context, const struct fingerprint *fingerprint)
{
	(void)context;
	(void)fingerprint;
	return identity_public(mallory.identity);
}

/* Signs `next`, reads it as another client would, and asks whether it follows. */
static inline enum fault sign_and_follow(const struct record *before, struct record *next,
					 const struct person *signer, record_find_key find,
					 struct why *ret_why)
{
	struct why why = WHY_NONE;
	AUTO(signed_free) struct signed_object *object = NULL;
	AUTO(record_free) struct record *read = NULL;
	assert_works(record_sign(next, signer->identity, &object, &why));
	assert_works(record_read(object, &read, &why));
	return record_follows(before, read, object, find, NULL, ret_why);
}

static inline int meet_people(void **state)
{
	(void)state;
	assert_true(sodium_init() >= 0);
	alice = person_new("Alice");
	bob = person_new("Bob");
	carol = person_new("Carol");
	dave = person_new("Dave");
	mallory = person_new_with_id_of(&alice);
	return 0;
}

static inline int part(void **state)
{
	(void)state;
	person_done(&alice);
	person_done(&bob);
	person_done(&carol);
	person_done(&dave);
	person_done(&mallory);
	return 0;
}

#endif
