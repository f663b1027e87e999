/* tests/lib/people.h - people for tests: an identity and its own certificate.
 *
 *     AUTO(person_done) struct person alice = person_new("Alice");
 */
#ifndef FSENC_TESTS_LIB_PEOPLE_H
#define FSENC_TESTS_LIB_PEOPLE_H

#include "keys/certificate.h"
#include "keys/identity.h"
#include "tests/lib/unit.h"

struct person {
	struct identity *identity;
	struct certificate *certificate;
};

static inline void person_done(struct person *person)
{
	certificate_free(person->certificate);
	identity_free(person->identity);
}
AUTO_VALUE(struct person, person_done);

static inline struct person person_of(struct identity *identity)
{
	struct why why = WHY_NONE;
	struct person person = {.identity = identity};
	assert_works(certificate_self_signed(identity, &person.certificate, &why));
	return person;
}

static inline struct person person_new(const char *name)
{
	struct why why = WHY_NONE;
	struct identity *identity = NULL;
	assert_works(identity_new(name, &identity, &why));
	return person_of(identity);
}

/* Somebody who claims the id of `victim` with keys of his own. */
static inline struct person person_new_with_id_of(const struct person *victim)
{
	struct why why = WHY_NONE;
	uint8_t private_bytes[IDENTITY_PRIVATE_SIZE];
	struct identity *identity = NULL;
	randombytes_buf(private_bytes, sizeof private_bytes);
	const struct public_identity *public = identity_public(victim->identity);
	assert_works(identity_restore(&public->id, public->name, private_bytes, &identity, &why));
	return person_of(identity);
}

static inline const struct member_id *person_id(const struct person *person)
{
	return &identity_public(person->identity)->id;
}

static inline struct fingerprint person_fingerprint(const struct person *person)
{
	return public_identity_fingerprint(identity_public(person->identity));
}

#endif
