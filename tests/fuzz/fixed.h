/* tests/fuzz/fixed.h - the same person, folder key and access list in every run.
 *
 * A signature stops a fuzzer at the door. So the targets also take their input as what is
 * *inside*, sign it themselves, and see how the rules behind the signature bear it. The
 * corpus is made by tests/fuzz/make_corpus.c from the same values.
 */
#ifndef FSENC_TESTS_FUZZ_FIXED_H
#define FSENC_TESTS_FUZZ_FIXED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keys/fields.h"
#include "keys/folder_keys.h"

#define CERTIFICATE_TYPE "fsenc-user+v1"

/* A claim of this test's own; unlike assert() it is there in every build. */
#define MUST(claim)                                                                                          \
	do {                                                                                                 \
		if (!(claim)) {                                                                              \
			(void)fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #claim);            \
			abort();                                                                             \
		}                                                                                            \
	} while (0)

static const uint8_t fixed_private[IDENTITY_PRIVATE_SIZE] = {1, 2, 3, [32] = 4, 5, 6};
static const uint8_t fixed_folder_key[KEY_SIZE] = {7, 8, 9};
static const struct member_id fixed_id = {{0x10, 0x20}};
static const struct folder_id fixed_folder = {{0x30, 0x40}};

static inline const struct identity *fixed_identity(void)
{
	static struct identity *identity;

	if (!identity) {
		MUST(sodium_init() >= 0);
		MUST(!identity_restore(&fixed_id, "Alice", fixed_private, &identity, NULL));
	}
	return identity;
}

/* The payload of her certificate, whose date does not move. */
static inline json_t *fixed_certificate_payload(void)
{
	char id[ID_TEXT_SIZE];
	char sign[DIGEST_TEXT_SIZE];
	char encrypt[DIGEST_TEXT_SIZE];
	const struct public_identity *public = identity_public(fixed_identity());

	member_id_text(&public->id, id);
	text_base64(sign, public->sign_public, SIGN_PUBLIC_SIZE);
	text_base64(encrypt, public->encrypt_public, ENCRYPT_PUBLIC_SIZE);
	return json_pack("{s:s, s:s, s:s, s:s, s:i, s:i, s:i}", "id", id, "name", public->name, "sign", sign,
			 "enc", encrypt, "serial", 1, "created", 1700000000, "expires", 0);
}

/* Signed by her; NULL when it is too large to be signed. */
static inline struct signed_object *fixed_sign(const json_t *payload, const char *type)
{
	struct signed_object *object = NULL;

	return signed_make(payload, type, fixed_identity(), &object, NULL) ? NULL : object;
}

static inline json_t *fixed_certificate(void)
{
	AUTO(json_decref) json_t *payload = fixed_certificate_payload();
	AUTO(signed_free) struct signed_object *object = fixed_sign(payload, CERTIFICATE_TYPE);

	MUST(object);
	return signed_json(object);
}

/* Version 1 of a folder of hers, signed. */
static inline struct record *fixed_record(struct signed_object **ret_signed)
{
	struct record *record = NULL;
	struct record_entry entry = {
		.kind = MEMBER_USER, .role = ROLE_ADMIN, .id = fixed_id, .name = "Alice"};

	entry.fingerprint = public_identity_fingerprint(identity_public(fixed_identity()));
	MUST(!record_new(&record, NULL));
	record->share = (struct share_id){{0x50}};
	record->folder = fixed_folder;
	record->version = 1;
	record->created = 1700000000;
	record->suite = 1;
	record->block = 4096;
	record->name_generation = record->min_write = record->min_read = 1;
	record->generations = calloc(1, sizeof *record->generations);
	MUST(record->generations);
	record->generation_count = 1;
	record->generations[0] = (struct record_generation){.number = 1, .reason = REASON_CREATED};
	folder_key_commit(fixed_folder_key, &fixed_folder, 1, record->generations[0].commit);
	MUST(!record_put_entry(record, &entry, NULL));
	MUST(!record_sign(record, fixed_identity(), ret_signed, NULL));
	return record;
}

static inline const struct public_identity *fixed_find_key(void *context,
							   const struct fingerprint *fingerprint)
{
	const struct public_identity *public = identity_public(fixed_identity());
	const struct fingerprint own = public_identity_fingerprint(public);

	(void)context;
	return fingerprint_equal(&own, fingerprint) ? public : NULL;
}

#endif
