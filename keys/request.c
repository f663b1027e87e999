#include "keys/request.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/bytes.h"
#include "keys/kdf.h"

#define VERSION "v1"
#define REQUEST_NAME "fsenc/v1/request"
#define ANSWER_NAME "fsenc/v1/answer"
#define ANSWER_TEXT_MAX 256
#define NONCE_TEXT_SIZE (BASE64_LENGTH(REQUEST_NONCE_SIZE) + 1)
#define SIGNATURE_TEXT_SIZE (BASE64_LENGTH(SIGNATURE_SIZE) + 1)
#define TIME_DIGITS_MAX 15 /* the year 33658: far below what an int64_t holds */
#define TIME_TEXT_SIZE (TIME_DIGITS_MAX + 1)

/* -- requests: what is signed ---------------------------------------------------------------- */

/* A method or target with a blank or a line end in it would make other lines of the same text. */
static bool is_one_word(const char *text)
{
	if (text[0] == 0)
		return false;
	for (const unsigned char *at = (const unsigned char *)text; *at; at++)
		if (*at <= 0x20 || *at >= 0x7f)
			return false;
	return true;
}

static void body_digest_text(enum kdf_label label, const void *body, size_t size,
			     char text[static DIGEST_TEXT_SIZE])
{
	const struct digest digest = kdf_hash(label, body ? body : "", size);

	digest_text(&digest, text);
}

static enum fault request_text(const struct request_claim *claim, const struct request_subject *subject,
			       struct bytes *ret_text, struct why *why)
{
	char server[ID_TEXT_SIZE], user[ID_TEXT_SIZE], fingerprint[DIGEST_TEXT_SIZE], body[DIGEST_TEXT_SIZE];
	char nonce[NONCE_TEXT_SIZE], time[24];

	if (!is_one_word(subject->method) || !is_one_word(subject->target))
		return why_set(why, FAULT_INVALID, "a method or target with blanks cannot be signed");
	member_id_text(&subject->server, server);
	member_id_text(&claim->user, user);
	fingerprint_text(&claim->fingerprint, fingerprint);
	text_base64(nonce, claim->nonce, REQUEST_NONCE_SIZE);
	(void)snprintf(time, sizeof time, "%" PRId64, claim->time_ms);
	body_digest_text(KDF_REQUEST_BODY, subject->body, subject->body_size, body);
	const char *const lines[] = {
		REQUEST_NAME, subject->method, subject->target, server, user, fingerprint, time, nonce, body};
	enum fault fault = FAULT_NONE;
	for (size_t i = 0; i < sizeof lines / sizeof *lines && !fault; i++) {
		if (i > 0)
			fault = bytes_append(ret_text, "\n", 1, why);
		if (!fault)
			fault = bytes_append_text(ret_text, lines[i], why);
	}
	return fault;
}

static void write_claim(const struct request_claim *claim, char header[static REQUEST_HEADER_SIZE])
{
	char user[ID_TEXT_SIZE], fingerprint[DIGEST_TEXT_SIZE], nonce[NONCE_TEXT_SIZE];
	char signature[SIGNATURE_TEXT_SIZE];

	member_id_text(&claim->user, user);
	fingerprint_text(&claim->fingerprint, fingerprint);
	text_base64(nonce, claim->nonce, REQUEST_NONCE_SIZE);
	text_base64(signature, claim->signature, SIGNATURE_SIZE);
	int size = snprintf(header, REQUEST_HEADER_SIZE, VERSION " %s %s %" PRId64 " %s %s", user,
			    fingerprint, claim->time_ms, nonce, signature);
	assert(size > 0 && size < REQUEST_HEADER_SIZE);
	(void)size;
}

enum fault request_sign_as(const struct request_subject *subject, const struct identity *user, int64_t now_ms,
			   const uint8_t nonce[static REQUEST_NONCE_SIZE],
			   char ret_header[static REQUEST_HEADER_SIZE], struct digest *ret_digest,
			   struct why *why)
{
	struct request_claim claim = {
		.user = identity_public(user)->id,
		.fingerprint = public_identity_fingerprint(identity_public(user)),
		.time_ms = now_ms,
	};
	AUTO(bytes_done) struct bytes text = BYTES_EMPTY;
	memcpy(claim.nonce, nonce, REQUEST_NONCE_SIZE);
	enum fault fault = request_text(&claim, subject, &text, why);
	if (fault)
		return fault;
	identity_sign(user, text.data, text.size, claim.signature);
	write_claim(&claim, ret_header);
	*ret_digest = request_digest(&claim);
	return FAULT_NONE;
}

enum fault request_sign(const struct request_subject *subject, const struct identity *user, int64_t now_ms,
			char ret_header[static REQUEST_HEADER_SIZE], struct digest *ret_digest,
			struct why *why)
{
	uint8_t nonce[REQUEST_NONCE_SIZE];

	randombytes_buf(nonce, sizeof nonce);
	return request_sign_as(subject, user, now_ms, nonce, ret_header, ret_digest, why);
}

/* -- requests: what is read ------------------------------------------------------------------ */

/* The next word of at most `room` - 1 letters, and exactly one blank after it unless it is the last. */
static bool take_word(const char **text, char *word, size_t room, bool last)
{
	const size_t length = strcspn(*text, " ");

	if (length == 0 || length >= room || (*text)[length] != (last ? 0 : ' '))
		return false;
	memcpy(word, *text, length);
	word[length] = 0;
	*text += length + (last ? 0 : 1);
	return true;
}

static bool time_from_text(const char *text, int64_t *ret_ms)
{
	const size_t length = strlen(text);

	if (length == 0 || length > TIME_DIGITS_MAX || strspn(text, "0123456789") != length ||
	    (text[0] == '0' && length > 1))
		return false;
	*ret_ms = strtoll(text, NULL, 10);
	return true;
}

static bool read_claim(const char *text, struct request_claim *claim)
{
	char version[sizeof VERSION], user[ID_TEXT_SIZE], fingerprint[DIGEST_TEXT_SIZE], time[TIME_TEXT_SIZE];
	char nonce[NONCE_TEXT_SIZE], signature[SIGNATURE_TEXT_SIZE];

	return take_word(&text, version, sizeof version, false) && strcmp(version, VERSION) == 0 &&
	       take_word(&text, user, sizeof user, false) && member_id_from_text(user, &claim->user) &&
	       take_word(&text, fingerprint, sizeof fingerprint, false) &&
	       fingerprint_from_text(fingerprint, &claim->fingerprint) &&
	       take_word(&text, time, sizeof time, false) && time_from_text(time, &claim->time_ms) &&
	       take_word(&text, nonce, sizeof nonce, false) &&
	       text_from_base64_exact(nonce, claim->nonce, REQUEST_NONCE_SIZE) &&
	       take_word(&text, signature, sizeof signature, true) &&
	       text_from_base64_exact(signature, claim->signature, SIGNATURE_SIZE);
}

enum fault request_parse(const char *header, struct request_claim *ret_claim, struct why *why)
{
	struct request_claim claim;

	if (!read_claim(header, &claim))
		return why_set(why, FAULT_MALFORMED, "the header " REQUEST_HEADER " is not of our form");
	*ret_claim = claim;
	return FAULT_NONE;
}

enum fault request_verify(const struct request_claim *claim, const struct request_subject *subject,
			  const uint8_t sign_public[static SIGN_PUBLIC_SIZE], struct why *why)
{
	AUTO(bytes_done) struct bytes text = BYTES_EMPTY;
	enum fault fault = request_text(claim, subject, &text, why);
	if (fault == FAULT_MEMORY)
		return fault;
	if (fault || crypto_sign_verify_detached(claim->signature, text.data, text.size, sign_public) != 0)
		return why_set(why, FAULT_REFUSED, "the request is not signed by the key it names");
	return FAULT_NONE;
}

struct digest request_digest(const struct request_claim *claim)
{
	return kdf_hash(KDF_REQUEST, claim->signature, SIGNATURE_SIZE);
}

/* -- answers --------------------------------------------------------------------------------- */

static size_t answer_text(const struct answer_subject *subject, char text[static ANSWER_TEXT_MAX])
{
	char request[DIGEST_TEXT_SIZE], body[DIGEST_TEXT_SIZE];

	digest_text(&subject->request, request);
	body_digest_text(KDF_ANSWER_BODY, subject->body, subject->body_size, body);
	int size = snprintf(text, ANSWER_TEXT_MAX, ANSWER_NAME "\n%u\n%s\n%s", subject->status, request,
			    body);
	assert(size > 0 && size < ANSWER_TEXT_MAX);
	return (size_t)size;
}

void answer_sign(const struct answer_subject *subject, const struct identity *server,
		 char ret_header[static ANSWER_HEADER_SIZE])
{
	char text[ANSWER_TEXT_MAX];
	uint8_t signature[SIGNATURE_SIZE];

	_Static_assert(sizeof VERSION + SIGNATURE_TEXT_SIZE <= ANSWER_HEADER_SIZE,
		       "v1, a blank, a signature");
	identity_sign(server, text, answer_text(subject, text), signature);
	memcpy(ret_header, VERSION " ", sizeof VERSION);
	text_base64(ret_header + sizeof VERSION, signature, SIGNATURE_SIZE);
}

enum fault answer_verify(const char *header, const struct answer_subject *subject,
			 const uint8_t sign_public[static SIGN_PUBLIC_SIZE], struct why *why)
{
	char text[ANSWER_TEXT_MAX];
	uint8_t signature[SIGNATURE_SIZE];

	if (strncmp(header, VERSION " ", sizeof VERSION) != 0 ||
	    !text_from_base64_exact(header + sizeof VERSION, signature, SIGNATURE_SIZE))
		return why_set(why, FAULT_MALFORMED, "the header " ANSWER_HEADER " is not of our form");
	if (crypto_sign_verify_detached(signature, (const uint8_t *)text, answer_text(subject, text),
					sign_public) != 0)
		return why_set(why, FAULT_REFUSED, "the answer is not signed by the server for this request");
	return FAULT_NONE;
}
