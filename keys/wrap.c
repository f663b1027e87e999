#include "keys/wrap.h"

#include <sodium.h>

#include "base/bytes.h"
#include "keys/group.h"
#include "keys/kdf.h"

#define CONTEXT_SIZE (ID_SIZE + 4 + 1 + ID_SIZE)
#define PUBLIC_PART 32
#define SEALED_PART (WRAP_SIZE - PUBLIC_PART)

_Static_assert(sizeof(struct point) == POINT_SIZE, "points have no padding");
_Static_assert(SEALED_PART == KEY_SIZE + crypto_aead_xchacha20poly1305_ietf_ABYTES, "docs/FORMAT.md: Keybox");

static const uint8_t nonce_zero[crypto_aead_xchacha20poly1305_ietf_NPUBBYTES];

static void context_bytes(const struct wrap_context *context, uint8_t out[static CONTEXT_SIZE])
{
	memcpy(out, context->folder.bytes, ID_SIZE);
	le32_put(out + ID_SIZE, context->generation);
	out[ID_SIZE + 4] = (uint8_t)context->kind;
	memcpy(out + ID_SIZE + 5, context->member.bytes, ID_SIZE);
}

static void seal(const struct wiped_key *kek, const uint8_t aad[static CONTEXT_SIZE],
		 const uint8_t folder_key[static KEY_SIZE], struct wrap *wrap)
{
	(void)crypto_aead_xchacha20poly1305_ietf_encrypt(wrap->bytes + PUBLIC_PART, NULL, folder_key,
							 KEY_SIZE, aad, CONTEXT_SIZE, NULL, nonce_zero,
							 kek->bytes);
}

static enum fault open_sealed(const struct wrap *wrap, const struct wiped_key *kek,
			      const uint8_t aad[static CONTEXT_SIZE], struct wiped_key *ret_folder_key,
			      struct why *why)
{
	AUTO(wiped_key) struct wiped_key opened;

	if (crypto_aead_xchacha20poly1305_ietf_decrypt(opened.bytes, NULL, NULL, wrap->bytes + PUBLIC_PART,
						       SEALED_PART, aad, CONTEXT_SIZE, nonce_zero,
						       kek->bytes) != 0)
		return why_set(why, FAULT_REFUSED, "the envelope is not for this key, folder and generation");
	*ret_folder_key = opened;
	return FAULT_NONE;
}

/* KEK = kdf(shared, "wrap/user", epk || enc || ctx) */
static void user_kek(const struct wiped_key *shared, const uint8_t ephemeral[static PUBLIC_PART],
		     const uint8_t recipient[static ENCRYPT_PUBLIC_SIZE],
		     const uint8_t context[static CONTEXT_SIZE], struct wiped_key *kek)
{
	uint8_t input[PUBLIC_PART + ENCRYPT_PUBLIC_SIZE + CONTEXT_SIZE];

	memcpy(input, ephemeral, PUBLIC_PART);
	memcpy(input + PUBLIC_PART, recipient, ENCRYPT_PUBLIC_SIZE);
	memcpy(input + PUBLIC_PART + ENCRYPT_PUBLIC_SIZE, context, CONTEXT_SIZE);
	kdf(kek->bytes, KEY_SIZE, shared->bytes, KDF_WRAP_USER, input, sizeof input);
}

enum fault wrap_to_user(const struct wrap_context *context, const uint8_t folder_key[static KEY_SIZE],
			const uint8_t encrypt_public[static ENCRYPT_PUBLIC_SIZE], struct wrap *ret_wrap,
			struct why *why)
{
	AUTO(wiped_key) struct wiped_key ephemeral;
	AUTO(wiped_key) struct wiped_key shared;
	AUTO(wiped_key) struct wiped_key kek;
	uint8_t aad[CONTEXT_SIZE];
	struct wrap wrap;

	randombytes_buf(ephemeral.bytes, sizeof ephemeral.bytes);
	(void)crypto_scalarmult_base(wrap.bytes, ephemeral.bytes);
	if (crypto_scalarmult(shared.bytes, ephemeral.bytes, encrypt_public) != 0)
		return why_set(why, FAULT_REFUSED, "the recipient's key gives no shared secret");
	context_bytes(context, aad);
	user_kek(&shared, wrap.bytes, encrypt_public, aad, &kek);
	seal(&kek, aad, folder_key, &wrap);
	*ret_wrap = wrap;
	return FAULT_NONE;
}

enum fault wrap_open_user(const struct wrap *wrap, const struct wrap_context *context,
			  const struct identity *identity, struct wiped_key *ret_folder_key, struct why *why)
{
	AUTO(wiped_key) struct wiped_key shared;
	AUTO(wiped_key) struct wiped_key kek;
	uint8_t aad[CONTEXT_SIZE];

	enum fault fault = identity_agree(identity, wrap->bytes, &shared, why);
	if (fault)
		return fault;
	context_bytes(context, aad);
	user_kek(&shared, wrap->bytes, identity_public(identity)->encrypt_public, aad, &kek);
	return open_sealed(wrap, &kek, aad, ret_folder_key, why);
}

static enum fault check_point(const uint8_t bytes[static POINT_SIZE], const char *whose, struct why *why)
{
	return why_in(why, group_check_point((const struct point *)(const void *)bytes, why), "%s", whose);
}

enum fault wrap_to_group(const struct wrap_context *context, const uint8_t folder_key[static KEY_SIZE],
			 const uint8_t group_public[static POINT_SIZE], struct wrap *ret_wrap,
			 struct why *why)
{
	AUTO(wiped_key) struct wiped_key r;
	AUTO(wiped_key) struct wiped_key shared;
	AUTO(wiped_key) struct wiped_key kek;
	uint8_t aad[CONTEXT_SIZE];
	struct wrap wrap;

	enum fault fault = check_point(group_public, "the group's public key", why);
	if (fault)
		return fault;
	crypto_core_ristretto255_scalar_random(r.bytes);
	if (crypto_scalarmult_ristretto255_base(wrap.bytes, r.bytes) != 0 ||
	    crypto_scalarmult_ristretto255(shared.bytes, r.bytes, group_public) != 0)
		return why_set(why, FAULT_REFUSED, "the group's public key gives no shared secret");
	context_bytes(context, aad);
	kdf(kek.bytes, KEY_SIZE, shared.bytes, KDF_WRAP_GROUP, aad, sizeof aad);
	seal(&kek, aad, folder_key, &wrap);
	*ret_wrap = wrap;
	return FAULT_NONE;
}

enum fault wrap_open_group(const struct wrap *wrap, const struct wrap_context *context,
			   const uint8_t shared[static POINT_SIZE], struct wiped_key *ret_folder_key,
			   struct why *why)
{
	AUTO(wiped_key) struct wiped_key kek;
	uint8_t aad[CONTEXT_SIZE];

	enum fault fault = check_point(wrap->bytes, "the point of the envelope", why);
	if (!fault)
		fault = check_point(shared, "the shared point", why);
	if (fault)
		return fault;
	context_bytes(context, aad);
	kdf(kek.bytes, KEY_SIZE, shared, KDF_WRAP_GROUP, aad, sizeof aad);
	return open_sealed(wrap, &kek, aad, ret_folder_key, why);
}

const uint8_t *wrap_point(const struct wrap *wrap)
{
	return wrap->bytes;
}
