/* keys/certificate.h - whose keys these are, signed.
 *
 * `typ` "fsenc-user+v1". Payload: id, name, sign and enc (b64 public keys), serial (1, 2, ...),
 * previous (fingerprint of the key before, or absent), created, expires (unix seconds, 0 =
 * never); from a server also organisation, account (the directory's immutable id) and proof.
 *
 * A certificate made by `fsenc key export` is self-signed: signed by the key in it. It proves possession,
 * not who somebody is; that is what trust in the keyring is for. A server's certificate says that an account
 * of the directory has this key, under the directory's name for it. Parsing proves nothing of that:
 * certificate_verify_in() does. The proof in it is made by the key's holder for this account and this
 * server, so that a server cannot certify a key for an account that its holder never offered it for.
 */
#ifndef FSENC_KEYS_CERTIFICATE_H
#define FSENC_KEYS_CERTIFICATE_H

#include "keys/organisation.h"

struct certificate;

MUST_CHECK enum fault certificate_self_signed(const struct identity *identity,
					      struct certificate **ret_certificate, struct why *why);
/* Parses, and verifies a self-signed one; a server's is not proved yet. FAULT_MALFORMED or FAULT_REFUSED. */
MUST_CHECK enum fault certificate_parse(const json_t *object, struct certificate **ret_certificate,
					struct why *why);
MUST_CHECK enum fault certificate_parse_text(const char *text, size_t size,
					     struct certificate **ret_certificate, struct why *why);
/* Only the signature of one that a server signed. */
MUST_CHECK enum fault certificate_verify_by(const struct certificate *certificate,
					    const uint8_t sign_public[static SIGN_PUBLIC_SIZE],
					    struct why *why);
/* All of it: signed by a server of the organisation, for this organisation, with the holder's proof for that
 * server. FAULT_REFUSED. Dates are the caller's question. */
MUST_CHECK enum fault certificate_verify_in(const struct certificate *certificate,
					    const struct organisation *organisation, struct why *why);

/* What a server puts into a certificate beside the keys. */
struct certificate_grant {
	struct organisation_id organisation;
	struct member_id account;
	const char *name; /* the directory's; 1..DISPLAY_NAME_MAX bytes */
	uint8_t proof[SIGNATURE_SIZE];
	uint64_t serial; /* 1, 2, ... */
	struct fingerprint previous; /* of the account's key before, or none */
	int64_t expires; /* unix seconds; 0: never */
};
/* A server's certificate for the id and keys of a self-signed one, created now. FAULT_REFUSED when the proof
 * is not for this account, name and server. */
MUST_CHECK enum fault certificate_sign_for(const struct certificate *self_signed,
					   const struct certificate_grant *grant,
					   const struct identity *server,
					   struct certificate **ret_certificate, struct why *why);

/* The proof: a signature with the key to be certified over this text. `user` is the directory's name. */
#define ENROL_PROOF_SIZE 320
size_t enrol_proof_text(const struct organisation_id *organisation, const char *user,
			const struct fingerprint *key, const struct member_id *server,
			char text[static ENROL_PROOF_SIZE]);
void enrol_proof_sign(const struct organisation_id *organisation, const char *user,
		      const struct identity *identity, const struct member_id *server,
		      uint8_t ret_proof[static SIGNATURE_SIZE]);
/* FAULT_REFUSED. */
MUST_CHECK enum fault enrol_proof_verify(const struct organisation_id *organisation, const char *user,
					 const struct public_identity *key, const struct member_id *server,
					 const uint8_t proof[static SIGNATURE_SIZE], struct why *why);

MUST_CHECK enum fault certificate_copy(const struct certificate *certificate, struct certificate **ret_copy,
				       struct why *why);
void certificate_free(struct certificate *certificate);
AUTO_POINTER(struct certificate *, certificate_free);

const struct public_identity *certificate_identity(const struct certificate *certificate);
struct fingerprint certificate_fingerprint(const struct certificate *certificate);
uint64_t certificate_serial(const struct certificate *certificate);
bool certificate_is_self_signed(const struct certificate *certificate);
/* None in a self-signed one, or where there was no key before. */
struct organisation_id certificate_organisation(const struct certificate *certificate);
struct member_id certificate_account(const struct certificate *certificate);
struct fingerprint certificate_previous(const struct certificate *certificate);
int64_t certificate_created(const struct certificate *certificate); /* unix seconds */
int64_t certificate_expires(const struct certificate *certificate); /* unix seconds; 0 never */
bool certificate_is_expired(const struct certificate *certificate, int64_t now_ms);
const struct signed_object *certificate_signed(const struct certificate *certificate);

#endif
