#include "keys/sealed.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

#include "keys/kdf.h"

#define PUBLIC_PART 32
#define TAG_SIZE crypto_aead_xchacha20poly1305_ietf_ABYTES
#define INPUT_MAX (1 + 2 * PUBLIC_PART + SEALED_CONTEXT_MAX)

_Static_assert(SEALED_OVERHEAD == PUBLIC_PART + TAG_SIZE, "docs/FORMAT.md: Sealed files");
_Static_assert(sizeof(struct point) == PUBLIC_PART, "points have no padding");

enum sealed_kind { SEALED_TO_IDENTITY = 1, SEALED_TO_GROUP = 2 };

static const uint8_t nonce_zero[crypto_aead_xchacha20poly1305_ietf_NPUBBYTES];

/* What the key depends on besides the shared secret. */
struct key_input {
	uint8_t bytes[INPUT_MAX];
	size_t size;
};

static void add(struct key_input *input, const void *bytes, size_t size)
{
	assert(input->size + size <= sizeof input->bytes);
	memcpy(input->bytes + input->size, bytes, size);
	input->size += size;
}

/* `ephemeral` and `recipient` are NULL for a group. */
static void derive(const uint8_t shared[static KEY_SIZE], enum sealed_kind kind, const uint8_t *ephemeral,
		   const uint8_t *recipient, const struct sealed_context *context, struct wiped_key *ret_key)
{
	struct key_input input = {.bytes = {(uint8_t)kind}, .size = 1};

	assert(context->size <= SEALED_CONTEXT_MAX);
	if (kind == SEALED_TO_IDENTITY) {
		add(&input, ephemeral, PUBLIC_PART);
		add(&input, recipient, PUBLIC_PART);
	}
	add(&input, context->bytes, context->size);
	kdf(ret_key->bytes, KEY_SIZE, shared, KDF_SEALED_TO, input.bytes, input.size);
}

/* -- sealing --------------------------------------------------------------------------------- */

static enum fault check_data(size_t size, struct why *why)
{
	if (size > SEALED_DATA_MAX)
		return why_set(why, FAULT_INVALID, "more than %d bytes cannot be sealed", SEALED_DATA_MAX);
	return FAULT_NONE;
}

static enum fault append_sealed(const uint8_t public[static PUBLIC_PART], const struct wiped_key *key,
				const struct sealed_context *context, const void *data, size_t size,
				struct bytes *sealed, struct why *why)
{
	enum fault fault = bytes_reserve(sealed, sealed->size + SEALED_OVERHEAD + size, why);
	if (fault)
		return fault;
	uint8_t *place = sealed->data + sealed->size;
	memcpy(place, public, PUBLIC_PART);
	(void)crypto_aead_xchacha20poly1305_ietf_encrypt(place + PUBLIC_PART, NULL, data, size,
							 context->bytes, context->size, NULL, nonce_zero,
							 key->bytes);
	sealed->size += SEALED_OVERHEAD + size;
	sealed->data[sealed->size] = 0;
	return FAULT_NONE;
}

enum fault sealed_to_identity(const struct public_identity *recipient, const struct sealed_context *context,
			      const void *data, size_t size, struct bytes *ret_sealed, struct why *why)
{
	AUTO(wiped_key) struct wiped_key ephemeral;
	AUTO(wiped_key) struct wiped_key shared;
	AUTO(wiped_key) struct wiped_key key;
	uint8_t public[PUBLIC_PART];
	enum fault fault = check_data(size, why);
	if (fault)
		return fault;
	randombytes_buf(ephemeral.bytes, sizeof ephemeral.bytes);
	(void)crypto_scalarmult_base(public, ephemeral.bytes);
	if (crypto_scalarmult(shared.bytes, ephemeral.bytes, recipient->encrypt_public) != 0)
		return why_set(why, FAULT_REFUSED, "the key of '%s' gives no shared secret", recipient->name);
	derive(shared.bytes, SEALED_TO_IDENTITY, public, recipient->encrypt_public, context, &key);
	return append_sealed(public, &key, context, data, size, ret_sealed, why);
}

enum fault sealed_to_group(const struct point *group_public, const struct sealed_context *context,
			   const void *data, size_t size, struct bytes *ret_sealed, struct why *why)
{
	AUTO(wiped_key) struct wiped_key r;
	AUTO(wiped_key) struct wiped_key shared;
	AUTO(wiped_key) struct wiped_key key;
	uint8_t public[PUBLIC_PART];
	enum fault fault = check_data(size, why);
	if (!fault)
		fault = why_in(why, group_check_point(group_public, why), "the group's public key");
	if (fault)
		return fault;
	crypto_core_ristretto255_scalar_random(r.bytes);
	if (crypto_scalarmult_ristretto255_base(public, r.bytes) != 0 ||
	    crypto_scalarmult_ristretto255(shared.bytes, r.bytes, group_public->bytes) != 0)
		return why_set(why, FAULT_REFUSED, "the group's public key gives no shared secret");
	derive(shared.bytes, SEALED_TO_GROUP, NULL, NULL, context, &key);
	return append_sealed(public, &key, context, data, size, ret_sealed, why);
}

/* -- opening --------------------------------------------------------------------------------- */

static enum fault check_size(size_t size, struct why *why)
{
	if (size < SEALED_OVERHEAD || size > SEALED_OVERHEAD + SEALED_DATA_MAX)
		return why_set(why, FAULT_MALFORMED, "%zu bytes are nothing that was sealed", size);
	return FAULT_NONE;
}

static enum fault open_with(const uint8_t *sealed, size_t size, const struct wiped_key *key,
			    const struct sealed_context *context, struct secret **ret_data, struct why *why)
{
	AUTO(secret_free) struct secret *data = NULL;
	/* Empty data is data too, but no empty allocation is guarded. */
	const size_t data_size = size - SEALED_OVERHEAD;
	enum fault fault = secret_new(data_size ? data_size : 1, &data, why);
	if (fault)
		return fault;
	if (crypto_aead_xchacha20poly1305_ietf_decrypt(
		    secret_bytes_to_fill(data), NULL, NULL, sealed + PUBLIC_PART, size - PUBLIC_PART,
		    context->bytes, context->size, nonce_zero, key->bytes) != 0)
		return why_set(why, FAULT_REFUSED, "it is sealed for another key or purpose, or was changed");
	*ret_data = TAKE(data);
	return FAULT_NONE;
}

enum fault sealed_open(const void *sealed, size_t size, const struct sealed_context *context,
		       const struct identity *recipient, struct secret **ret_data, struct why *why)
{
	AUTO(wiped_key) struct wiped_key shared;
	AUTO(wiped_key) struct wiped_key key;
	enum fault fault = check_size(size, why);
	if (!fault)
		fault = identity_agree(recipient, sealed, &shared, why);
	if (fault)
		return fault;
	derive(shared.bytes, SEALED_TO_IDENTITY, sealed, identity_public(recipient)->encrypt_public, context,
	       &key);
	return open_with(sealed, size, &key, context, ret_data, why);
}

enum fault sealed_open_group(const void *sealed, size_t size, const struct sealed_context *context,
			     const struct point *shared, struct secret **ret_data, struct why *why)
{
	AUTO(wiped_key) struct wiped_key key;
	enum fault fault = check_size(size, why);
	if (!fault)
		fault = group_check_point(shared, why);
	if (fault)
		return fault;
	derive(shared->bytes, SEALED_TO_GROUP, NULL, NULL, context, &key);
	return open_with(sealed, size, &key, context, ret_data, why);
}

enum fault sealed_point(const void *sealed, size_t size, struct point *ret_point, struct why *why)
{
	struct point point;
	enum fault fault = check_size(size, why);
	if (fault)
		return fault;
	memcpy(point.bytes, sealed, sizeof point.bytes);
	if (group_check_point(&point, why))
		return why_in(why, FAULT_MALFORMED, "what was sealed");
	*ret_point = point;
	return FAULT_NONE;
}
