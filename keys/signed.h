/* keys/signed.h - a signed JSON object: JWS, flattened JSON serialisation (RFC 7515).
 *
 *     {"payload": b64, "protected": b64, "signature": b64}
 *
 * The protected header is exactly {"alg":"EdDSA","kid":FINGERPRINT,"typ":TYPE}. `typ` keeps
 * the kinds of object apart; "crit", "jwk", "jku", "none" and every other member are
 * refused. What is verified are the received bytes; nothing is ever serialised again to be
 * verified. Payloads are at most SIGNED_PAYLOAD_MAX bytes, duplicate JSON keys refused.
 *
 * Life cycle: signed_parse() or signed_make(), signed_verify() with the signer's public
 * key, then signed_payload(). Parsing alone proves nothing.
 */
#ifndef FSENC_KEYS_SIGNED_H
#define FSENC_KEYS_SIGNED_H

#include <jansson.h>

#include "keys/identity.h"

#define SIGNED_PAYLOAD_MAX (1024 * 1024)

struct signed_object;

/* Refuses bad form with FAULT_MALFORMED and another `typ` than `type` with FAULT_REFUSED. */
MUST_CHECK enum fault signed_parse(const json_t *object, const char *type, struct signed_object **ret_signed,
				   struct why *why);
MUST_CHECK enum fault signed_parse_text(const char *text, size_t size, const char *type,
					struct signed_object **ret_signed, struct why *why);
/* `payload` is serialised compact with sorted keys. */
MUST_CHECK enum fault signed_make(const json_t *payload, const char *type, const struct identity *signer,
				  struct signed_object **ret_signed, struct why *why);
MUST_CHECK enum fault signed_copy(const struct signed_object *object, struct signed_object **ret_copy,
				  struct why *why);
void signed_free(struct signed_object *object);
AUTO_POINTER(struct signed_object *, signed_free);

/* FAULT_REFUSED unless `sign_public` made the signature. */
MUST_CHECK enum fault signed_verify(const struct signed_object *object,
				    const uint8_t sign_public[static SIGN_PUBLIC_SIZE], struct why *why);

/* The fingerprint of the signer that the header names: a hint which key to verify with. */
struct fingerprint signed_signer(const struct signed_object *object);
/* Borrowed from the object. */
const json_t *signed_payload(const struct signed_object *object);
/* hash("record", protected '.' payload '.' signature) over the received base64url text. */
struct digest signed_digest(const struct signed_object *object);
/* The three members again, compact on one line, as text the caller frees. */
MUST_CHECK enum fault signed_text(const struct signed_object *object, char **ret_text, struct why *why);
/* A new reference to a JSON object with the three members. */
json_t *signed_json(const struct signed_object *object);

#endif
