/* keys/succession.h - the old key's word for a new key of the same user.
 *
 * `typ` "fsenc-succession+v1", signed by the old key. Payload: organisation, id (of the user), previous and
 * next (fingerprints). A key server binds the first key it sees for an account, and takes another one with
 * this or with an administrator's approval. For one organisation and one pair of keys, so that it says
 * nothing anywhere else. Any thread.
 */
#ifndef FSENC_KEYS_SUCCESSION_H
#define FSENC_KEYS_SUCCESSION_H

#include "keys/signed.h"

#define SUCCESSION_TYPE "fsenc-succession+v1"

MUST_CHECK enum fault succession_sign(const struct organisation_id *organisation,
				      const struct fingerprint *next, const struct identity *old_key,
				      struct signed_object **ret_signed, struct why *why);
/* FAULT_MALFORMED; FAULT_REFUSED unless `old_key` hands over to `next` in this organisation. */
MUST_CHECK enum fault succession_verify(const struct signed_object *object,
					const struct organisation_id *organisation,
					const struct public_identity *old_key, const struct fingerprint *next,
					struct why *why);

#endif
