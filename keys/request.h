/* keys/request.h - signed requests to a key server, and its signed answers.
 *
 * No passwords and no bearer tokens: each request is signed for one server, one target and one body, so that
 * nobody who sees it (another server, a proxy) can use it again. An answer is signed for one request. What is
 * not so signed is no answer. Nonces and clocks are the caller's business: request_parse() gives
 * them. docs/PROTOCOL.md, "Signed requests and answers". Pure functions; any thread.
 */
#ifndef FSENC_KEYS_REQUEST_H
#define FSENC_KEYS_REQUEST_H

#include "keys/identity.h"

#define REQUEST_HEADER "Fsenc-Auth"
#define ANSWER_HEADER "Fsenc-Signature"
#define REQUEST_NONCE_SIZE 16
#define REQUEST_HEADER_SIZE 320 /* the value, with its closing zero */
#define ANSWER_HEADER_SIZE 128
#define REQUEST_CLOCK_MS 300000 /* how far clocks may be apart */

struct request_subject {
	const char *method; /* "GET" */
	const char *target; /* with query, as sent */
	struct member_id server;
	const void *body; /* or NULL */
	size_t body_size;
};

/* What the header of a request says; nothing of it is proved before request_verify(). */
struct request_claim {
	struct member_id user;
	struct fingerprint fingerprint;
	int64_t time_ms;
	uint8_t nonce[REQUEST_NONCE_SIZE];
	uint8_t signature[SIGNATURE_SIZE];
};

/* A fresh nonce and `now_ms`. `ret_digest` is what the answer must be signed for. FAULT_INVALID: a method or
 * target with blanks or line ends. */
MUST_CHECK enum fault request_sign(const struct request_subject *subject, const struct identity *user,
				   int64_t now_ms, char ret_header[static REQUEST_HEADER_SIZE],
				   struct digest *ret_digest, struct why *why);
/* The same with a nonce of the caller's, for worked examples: a nonce used twice is refused by the server. */
MUST_CHECK enum fault request_sign_as(const struct request_subject *subject, const struct identity *user,
				      int64_t now_ms, const uint8_t nonce[static REQUEST_NONCE_SIZE],
				      char ret_header[static REQUEST_HEADER_SIZE], struct digest *ret_digest,
				      struct why *why);
/* FAULT_MALFORMED. Exactly one space between the parts; nothing after them. */
MUST_CHECK enum fault request_parse(const char *header, struct request_claim *ret_claim, struct why *why);
/* FAULT_REFUSED unless the key made the signature, for this subject. */
MUST_CHECK enum fault request_verify(const struct request_claim *claim, const struct request_subject *subject,
				     const uint8_t sign_public[static SIGN_PUBLIC_SIZE], struct why *why);
/* hash("request", signature) */
struct digest request_digest(const struct request_claim *claim);

struct answer_subject {
	unsigned status; /* of HTTP */
	struct digest request;
	const void *body;
	size_t body_size;
};
void answer_sign(const struct answer_subject *subject, const struct identity *server,
		 char ret_header[static ANSWER_HEADER_SIZE]);
/* FAULT_MALFORMED or FAULT_REFUSED. */
MUST_CHECK enum fault answer_verify(const char *header, const struct answer_subject *subject,
				    const uint8_t sign_public[static SIGN_PUBLIC_SIZE], struct why *why);

#endif
