#include "keys/identity.h"

#include <assert.h>
#include <sodium.h>

#include "keys/kdf.h"

#define SIGN_SEED_SIZE 32

/* The guarded part: what is stored, and the form libsodium signs with. */
struct private_keys {
	uint8_t stored[IDENTITY_PRIVATE_SIZE]; /* Ed25519 seed, X25519 scalar */
	uint8_t sign_secret[crypto_sign_SECRETKEYBYTES];
};

struct identity {
	struct public_identity public;
	struct secret *private; /* a struct private_keys */
};

static struct private_keys *keys_to_fill(struct identity *identity)
{
	return (struct private_keys *)(void *)secret_bytes_to_fill(identity->private);
}

static const struct private_keys *keys_of(const struct identity *identity)
{
	return (const struct private_keys *)(const void *)secret_bytes(identity->private);
}

/* The length of the UTF-8 sequence at `text`, or 0 when it is none (RFC 3629). */
static size_t utf8_sequence(const uint8_t *text)
{
	static const struct {
		uint8_t mask, lead, low, high; /* lead byte pattern; range of the second byte */
		size_t length;
	} forms[] = {
		{0x80, 0x00, 0, 0, 1},	     {0xe0, 0xc0, 0x80, 0xbf, 2}, {0xff, 0xe0, 0xa0, 0xbf, 3},
		{0xff, 0xed, 0x80, 0x9f, 3}, {0xf0, 0xe0, 0x80, 0xbf, 3}, {0xff, 0xf0, 0x90, 0xbf, 4},
		{0xff, 0xf4, 0x80, 0x8f, 4}, {0xf8, 0xf0, 0x80, 0xbf, 4},
	};
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		if ((text[0] & forms[i].mask) != forms[i].lead)
			continue;
		if (forms[i].length > 1 && (text[1] < forms[i].low || text[1] > forms[i].high))
			return 0;
		for (size_t at = 2; at < forms[i].length; at++)
			if ((text[at] & 0xc0) != 0x80)
				return 0;
		return (text[0] == 0xc0 || text[0] == 0xc1 || text[0] > 0xf4) ? 0 : forms[i].length;
	}
	return 0;
}

/* C0, DEL and C1 (U+0080..U+009F), which a terminal obeys. */
static bool is_control(const uint8_t *text)
{
	return text[0] < 0x20 || text[0] == 0x7f || (text[0] == 0xc2 && text[1] >= 0x80 && text[1] < 0xa0);
}

enum fault identity_check_name(const char *name, struct why *why)
{
	size_t size = strlen(name);
	if (size == 0 || size > DISPLAY_NAME_MAX)
		return why_set(why, FAULT_INVALID, "a display name has 1 to %d bytes", DISPLAY_NAME_MAX);
	if (name[0] == ' ' || name[size - 1] == ' ')
		return why_set(why, FAULT_INVALID, "a display name has no blank at its ends");
	for (size_t at = 0; at < size;) {
		const uint8_t *text = (const uint8_t *)name + at;
		if (is_control(text) || *text == '/')
			return why_set(why, FAULT_INVALID,
				       "a display name has no control character and no '/'");
		size_t step = utf8_sequence(text);
		if (step == 0)
			return why_set(why, FAULT_INVALID, "a display name is UTF-8");
		at += step;
	}
	return FAULT_NONE;
}

static enum fault identity_room(const struct member_id *id, const char *name, struct identity **ret_identity,
				struct why *why)
{
	enum fault fault = identity_check_name(name, why);
	if (fault)
		return fault;
	AUTO(identity_free) struct identity *identity = calloc(1, sizeof *identity);
	if (!identity)
		return why_set(why, FAULT_MEMORY, "no memory for an identity");
	fault = secret_new(sizeof(struct private_keys), &identity->private, why);
	if (fault)
		return fault;
	identity->public.id = *id;
	memcpy(identity->public.name, name, strlen(name) + 1);
	*ret_identity = TAKE(identity);
	return FAULT_NONE;
}

static void compute_public_halves(struct identity *identity)
{
	struct private_keys *keys = keys_to_fill(identity);

	(void)crypto_sign_seed_keypair(identity->public.sign_public, keys->sign_secret, keys->stored);
	(void)crypto_scalarmult_base(identity->public.encrypt_public, keys->stored + SIGN_SEED_SIZE);
}

enum fault identity_new(const char *name, struct identity **ret_identity, struct why *why)
{
	struct member_id id;
	member_id_random(&id);
	struct identity *identity;
	enum fault fault = identity_room(&id, name, &identity, why);
	if (fault)
		return fault;
	randombytes_buf(keys_to_fill(identity)->stored, IDENTITY_PRIVATE_SIZE);
	compute_public_halves(identity);
	*ret_identity = identity;
	return FAULT_NONE;
}

enum fault identity_restore(const struct member_id *id, const char *name,
			    const uint8_t private_bytes[static IDENTITY_PRIVATE_SIZE],
			    struct identity **ret_identity, struct why *why)
{
	struct identity *identity;
	enum fault fault = identity_room(id, name, &identity, why);
	if (fault)
		return fault;
	memcpy(keys_to_fill(identity)->stored, private_bytes, IDENTITY_PRIVATE_SIZE);
	compute_public_halves(identity);
	*ret_identity = identity;
	return FAULT_NONE;
}

void identity_free(struct identity *identity)
{
	if (!identity)
		return;
	secret_free(identity->private);
	free(identity);
}

const struct public_identity *identity_public(const struct identity *identity)
{
	return &identity->public;
}

const uint8_t *identity_private_bytes(const struct identity *identity)
{
	return keys_of(identity)->stored;
}

void identity_sign(const struct identity *identity, const void *message, size_t size,
		   uint8_t signature[static SIGNATURE_SIZE])
{
	int failed = crypto_sign_detached(signature, NULL, message, size, keys_of(identity)->sign_secret);

	assert(!failed);
	(void)failed;
}

enum fault identity_agree(const struct identity *identity, const uint8_t theirs[static ENCRYPT_PUBLIC_SIZE],
			  struct wiped_key *ret_shared, struct why *why)
{
	AUTO(wiped_key) struct wiped_key shared;

	/* libsodium fails exactly when the result is all zero: a point of small order. */
	if (crypto_scalarmult(shared.bytes, keys_of(identity)->stored + SIGN_SEED_SIZE, theirs) != 0)
		return why_set(why, FAULT_REFUSED, "the other key gives no shared secret");
	*ret_shared = shared;
	return FAULT_NONE;
}

struct fingerprint public_identity_fingerprint(const struct public_identity *identity)
{
	uint8_t keys[SIGN_PUBLIC_SIZE + ENCRYPT_PUBLIC_SIZE];
	memcpy(keys, identity->sign_public, SIGN_PUBLIC_SIZE);
	memcpy(keys + SIGN_PUBLIC_SIZE, identity->encrypt_public, ENCRYPT_PUBLIC_SIZE);
	struct digest digest = kdf_hash(KDF_FINGERPRINT_USER, keys, sizeof keys);
	struct fingerprint fingerprint;
	memcpy(fingerprint.bytes, digest.bytes, sizeof fingerprint.bytes);
	return fingerprint;
}
