/* keys/record.h - the signed access list of a folder.
 *
 * A struct record is an open, plain value that says who may do what and which generations
 * of the folder key exist. Signed as a JWS of `typ` "fsenc-folder+v1" it becomes a link of
 * a chain: version n+1 carries the digest of version n and is signed by an admin of n.
 *
 * This module knows the *rules*: record_follows() and record_is_first() are the acceptance
 * rules of docs/FORMAT.md, section "When a record is accepted". What was seen before (pins) and
 * where the bytes lie is the caller's business. Any thread.
 */
#ifndef FSENC_KEYS_RECORD_H
#define FSENC_KEYS_RECORD_H

#include "keys/certificate.h"
#include "keys/wrap.h"

#define RECORD_TYPE "fsenc-folder+v1"
#define RECORD_MEMBERS_MAX 4096
#define RECORD_GENERATIONS_MAX 65536
#define SEALED_KEY_SIZE (24 + KEY_SIZE + 16) /* nonce, FK_{g-1}, tag: XChaCha20-Poly1305 */

enum role { ROLE_READER = 1, ROLE_WRITER = 2, ROLE_ADMIN = 3 };
enum generation_reason { REASON_CREATED = 1, REASON_REMOVED = 2, REASON_REKEY = 3, REASON_ROTATION = 4 };

const char *role_text(enum role role); /* "reader", "writer", "admin" */
MUST_CHECK bool role_from_text(const char *text, enum role *ret_role);
const char *member_kind_text(enum member_kind kind); /* "user", "group", "recovery" */
extern const char *const member_kind_words[]; /* the same as a table for keys/fields.h */

struct record_entry {
	enum member_kind kind;
	enum role role;
	struct member_id id;
	char name[DISPLAY_NAME_MAX + 1];
	struct fingerprint fingerprint;
};

struct record_generation {
	uint32_t number;
	uint8_t commit[32];
	bool has_previous; /* false only in generation 1 */
	uint8_t previous[SEALED_KEY_SIZE];
	enum generation_reason reason;
};

struct record {
	struct organisation_id organisation; /* none in a share without one */
	struct share_id share;
	struct folder_id folder;
	struct folder_id parent; /* none at a share's root and in a lobby */
	uint64_t version;
	struct digest previous; /* zeros in version 1 */
	int64_t created; /* unix seconds */
	uint8_t suite;
	uint32_t block; /* bytes, power of two, 4096..65536 */
	bool names_clear; /* "names": "siv32" or "clear" */
	uint32_t name_generation;
	uint32_t names_from; /* 0 = absent */
	uint32_t min_write;
	uint32_t min_read;
	struct record_generation *generations; /* ascending from 1, never empty */
	size_t generation_count;
	struct record_entry *entries; /* sorted by id */
	size_t entry_count;
	bool closed;
	struct member_id signer;
	struct fingerprint signer_fingerprint; /* from the JWS header */
	struct digest digest; /* of this record once it is signed, else zeros */
};

MUST_CHECK enum fault record_new(struct record **ret_record, struct why *why);
MUST_CHECK enum fault record_copy(const struct record *record, struct record **ret_copy, struct why *why);
void record_free(struct record *record);
AUTO_POINTER(struct record *, record_free);

/* Reads and checks the payload (form, order, ranges), not who signed it. A member that is not
 * in the table is refused: a record with more to say gets another `typ`, so that no client
 * ever obeys half of an access list. FAULT_MALFORMED. */
MUST_CHECK enum fault record_read(const struct signed_object *object, struct record **ret_record,
				  struct why *why);
/* Signs `record`; fills in its signer and digest. */
MUST_CHECK enum fault record_sign(struct record *record, const struct identity *signer,
				  struct signed_object **ret_signed, struct why *why);

const struct record_entry *record_find(const struct record *record, const struct member_id *id);
/* The generation in force; the last one. */
const struct record_generation *record_newest(const struct record *record);
MUST_CHECK enum fault record_put_entry(struct record *record, const struct record_entry *entry,
				       struct why *why);
MUST_CHECK enum fault record_drop_entry(struct record *record, const struct member_id *id, struct why *why);

/* The public key behind a fingerprint, or NULL: looked for in the certificates that came with the
 * record and in the keyring. The key is borrowed until the next call. */
typedef const struct public_identity *(*record_find_key)(void *context,
							 const struct fingerprint *fingerprint);

/* Version 1: signed by an admin entry in it. Whether that admin is trusted is the caller's
 * question. FAULT_TAMPERED with the reason otherwise. */
MUST_CHECK enum fault record_is_first(const struct record *record, const struct signed_object *object,
				      record_find_key find_key, void *context, struct why *why);
/* May `next` stand after `before`? FAULT_TAMPERED with the reason if not. Signed by the key whose
 * fingerprint stands in an admin entry of `before`; the digest chain holds; ids, parent, share,
 * organisation, block and the form of names are unchanged; old generations are unchanged and
 * at most one is new; min_* never lower; names move one generation at a time; no recovery
 * group dropped; who is taken out, or gets another key, brings a new generation with min_write
 * at it; nothing follows a closed record. `created` is not looked at. */
MUST_CHECK enum fault record_follows(const struct record *before, const struct record *next,
				     const struct signed_object *object, record_find_key find_key,
				     void *context, struct why *why);

#endif
