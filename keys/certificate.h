/* keys/certificate.h - whose keys these are, signed.
 *
 * `typ` "fsenc-user+v1". Payload: id, name, sign and enc (b64 public keys), serial (1, 2, ...),
 * previous (fingerprint of the key before, or absent), created, expires (unix seconds, 0 =
 * never), organisation (absent when self-signed). A certificate made by `fsenc key export` is
 * self-signed: signed by the key in it. It proves possession, not who somebody is;
 * that is what trust in the keyring is for. An organisation-signed one carries the organisation's id and
 * is signed by a server's key; certificate_verify_by() is the door for it.
 */
#ifndef FSENC_KEYS_CERTIFICATE_H
#define FSENC_KEYS_CERTIFICATE_H

#include "keys/signed.h"

struct certificate;

MUST_CHECK enum fault certificate_self_signed(const struct identity *identity,
					      struct certificate **ret_certificate, struct why *why);
/* Parses, and verifies a self-signed one. FAULT_MALFORMED or FAULT_REFUSED. */
MUST_CHECK enum fault certificate_parse(const json_t *object, struct certificate **ret_certificate,
					struct why *why);
MUST_CHECK enum fault certificate_parse_text(const char *text, size_t size,
					     struct certificate **ret_certificate, struct why *why);
/* For one signed by an organisation's server. */
MUST_CHECK enum fault certificate_verify_by(const struct certificate *certificate,
					    const uint8_t sign_public[static SIGN_PUBLIC_SIZE],
					    struct why *why);
MUST_CHECK enum fault certificate_copy(const struct certificate *certificate, struct certificate **ret_copy,
				       struct why *why);
void certificate_free(struct certificate *certificate);
AUTO_POINTER(struct certificate *, certificate_free);

const struct public_identity *certificate_identity(const struct certificate *certificate);
struct fingerprint certificate_fingerprint(const struct certificate *certificate);
uint64_t certificate_serial(const struct certificate *certificate);
bool certificate_is_self_signed(const struct certificate *certificate);
bool certificate_is_expired(const struct certificate *certificate, int64_t now_ms);
const struct signed_object *certificate_signed(const struct certificate *certificate);

#endif
