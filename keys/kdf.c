#include "keys/kdf.h"

#include <sodium.h>
#include <stdlib.h>

#include "base/bytes.h"

#define PREFIX "fsenc/v1/"

static const char *const labels[] = {
#define X(name, text) [KDF_##name] = text,
	KDF_LABEL_LIST(X)
#undef X
};

const char *kdf_label_text(enum kdf_label label)
{
	if ((unsigned)label >= KDF_LABEL_COUNT)
		abort();
	return labels[label];
}

static void derive(uint8_t *out, size_t size, const uint8_t *key, enum kdf_label label, const void *context,
		   size_t context_size)
{
	const char *text = kdf_label_text(label);
	crypto_generichash_state state;

	crypto_generichash_init(&state, key, key ? 32 : 0, size);
	crypto_generichash_update(&state, (const uint8_t *)PREFIX, sizeof PREFIX - 1);
	crypto_generichash_update(&state, (const uint8_t *)text, strlen(text) + 1);
	crypto_generichash_update(&state, context, context_size);
	crypto_generichash_final(&state, out, size);
	sodium_memzero(&state, sizeof state);
}

void kdf(uint8_t *out, size_t size, const uint8_t key[static 32], enum kdf_label label, const void *context,
	 size_t context_size)
{
	if (size != 32 && size != 64)
		abort();
	derive(out, size, key, label, context, context_size);
}

struct digest kdf_hash(enum kdf_label label, const void *data, size_t size)
{
	struct digest digest;

	derive(digest.bytes, sizeof digest.bytes, NULL, label, data, size);
	return digest;
}

void kdf_folder_context(uint8_t out[static KDF_FOLDER_CONTEXT_SIZE], const struct folder_id *folder,
			uint32_t generation)
{
	memcpy(out, folder->bytes, ID_SIZE);
	le32_put(out + ID_SIZE, generation);
}
