/* keys/keyring_service_parts.h - signed objects in the keyring's rows, for the files of
 * keys/keyring_service.h.
 *
 * A row holds the object as text, its version and its digest; what was seen never goes back.
 */
#ifndef FSENC_KEYS_KEYRING_SERVICE_PARTS_H
#define FSENC_KEYS_KEYRING_SERVICE_PARTS_H

#include "keys/keyring_seen.h"
#include "keys/keyring_service.h"
#include "keys/keyring_store.h"

struct stored_object {
	struct bytes text;
	uint64_t version;
	struct digest digest;
};
void stored_object_done(struct stored_object *stored);
AUTO_VALUE(struct stored_object, stored_object_done);

/* Of "object, version, digest". */
#define STORED_OBJECT_COLUMNS(type, member) \
	{COLUMN_WORDS, COLUMN_AT(type, member.text)}, \
		{COLUMN_INTEGER, COLUMN_AT(type, member.version), .least = VERSION_LEAST, \
		 .most = VERSION_MOST}, \
	{ \
		COLUMN_EXACT, COLUMN_AT(type, member.digest) \
	}

/* Not yet verified by its signer's key. FAULT_KEYRING_READ. */
MUST_CHECK enum fault stored_object_parse(const struct keyring *held, const struct stored_object *stored,
					  const char *type, struct signed_object **ret_object,
					  struct why *why);
/* What an object is stored as; `ret_stored->text` is its text. */
MUST_CHECK enum fault stored_object_of(const struct signed_object *object, uint64_t version,
				       struct stored_object *ret_stored, struct why *why);
/* `known` selects "version, digest" of the row that `now` will replace. FAULT_TAMPERED; `what` is for people.
 */
MUST_CHECK enum fault stored_object_follows(struct keyring *held, const struct query *known,
					    const struct stored_object *now, const char *what,
					    struct why *why);
/* What reading a row's object said, as a fault of the keyring. */
enum fault stored_object_damaged(const struct keyring *held, enum fault fault, const char *what,
				 struct why *why);

/* The organisation that signed what the rows hold. FAULT_MISSING: not enrolled. */
MUST_CHECK enum fault keyring_signer(struct keyring *held, struct organisation *ret_organisation,
				     struct why *why);

#endif
