/* keys/parcel.h - what the holder of the root key sends to one server or officer: signed documents, and a
 * sealed share.
 *
 * When a group key is dealt, k is in the memory of one process once. Each share leaves it sealed to its
 * holder (keys/sealed.h), with the descriptor that says what it must fit; the file may be carried or sent by
 * whatever means. The context of the seal is
 *
 *   group id 16 || le32 epoch || le32 index || holder id 16 || u8 is an addition
 *
 * The documents are signed by the root; the share is nobody's word, so parcel_open_share() believes it only
 * if it fits the signed commitments. The text is one JSON object:
 *
 *   {"organisation": JWS, "policy": JWS, "group": JWS, "holder": id, "index": n, "share": b64, "addition":
 * bool}
 *
 * `policy` may be absent, and `holder`, `index` and `share` together, and `group` with them. Any thread.
 */
#ifndef FSENC_KEYS_PARCEL_H
#define FSENC_KEYS_PARCEL_H

#include "keys/organisation.h"
#include "keys/sealed.h"

#define PARCEL_MAX (256 * 1024) /* bytes of text */
#define PARCEL_SHARE_SIZE (SEALED_OVERHEAD + SCALAR_SIZE)

struct parcel {
	struct signed_object *organisation;
	struct signed_object *policy; /* or NULL */
	struct signed_object *group; /* or NULL */
	struct member_id holder; /* of the share; none: there is no share */
	unsigned index;
	bool addition; /* refreshing: to be added to the share that the holder has */
	uint8_t share[PARCEL_SHARE_SIZE];
};
#define PARCEL_EMPTY ((struct parcel){0})
void parcel_done(struct parcel *parcel);
AUTO_VALUE(struct parcel, parcel_done);

/* The text is appended. */
MUST_CHECK enum fault parcel_write(const struct parcel *parcel, struct bytes *text, struct why *why);
/* Form only; nothing is verified yet. FAULT_MALFORMED. */
MUST_CHECK enum fault parcel_read(const void *text, size_t size, struct parcel *ret_parcel, struct why *why);

/* Puts the share in, sealed to its holder. FAULT_REFUSED when the holder's key is no good one. */
MUST_CHECK enum fault parcel_seal_share(struct parcel *parcel, const struct group_descriptor *group,
					const struct public_identity *holder, const struct group_share *share,
					bool addition, struct why *why);
/* The holder's share under `group`, which is verified: `present` is the one he has, for an addition (else it
 * is not looked at and may be NULL). FAULT_REFUSED when it is not for him or does not fit the commitments. */
MUST_CHECK enum fault parcel_open_share(const struct parcel *parcel, const struct group_descriptor *group,
					const struct identity *holder, const struct group_share *present,
					struct group_share *ret_share, struct why *why);

#endif
