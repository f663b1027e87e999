#include "fs/header.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

#include "base/bytes.h"
#include "keys/kdf.h"

#define OLD_PAIR_SIZE (ID_SIZE + SEED_SIZE)
#define OLD_FIELD_SIZE (HEADER_SIZE - HEADER_OFF_OLD)

void header_wipe(struct header *header)
{
	sodium_memzero(header, sizeof *header);
}

/* -- Making -- */

void header_new(struct header *header, enum suite suite, unsigned block_log2, const struct folder_id *folder,
		uint32_t generation)
{
	*header = (struct header){
		.suite = suite,
		.block_log2 = block_log2,
		.folder = *folder,
		.generation = generation,
		.seed_generation = generation,
	};
	file_id_random(&header->file);
	randombytes_buf(header->seed, SEED_SIZE);
}

void header_turn_mixed(struct header *header, uint32_t generation)
{
	assert(!(header->flags & HEADER_MIXED)); /* a third pair would have no place */
	header->flags |= HEADER_MIXED;
	header->generation = generation;
	header->seed_generation = generation;
	header->old_file = header->file;
	memcpy(header->old_seed, header->seed, SEED_SIZE);
	file_id_random(&header->file);
	randombytes_buf(header->seed, SEED_SIZE);
}

/* -- Keys -- */

static void public_part_key(const uint8_t *hdr, const uint8_t *header_key, enum kdf_label label,
			    struct wiped_key *ret_key)
{
	kdf(ret_key->bytes, KEY_SIZE, header_key, label, hdr, HEADER_PUBLIC_SIZE);
}

/* The key of one sealed field: it seals this one thing, so the nonce is zeros. */
static void field_key(const uint8_t *hdr, const uint8_t *header_key, enum kdf_label label,
		      struct cipher_key *ret_key)
{
	AUTO(wiped_key) struct wiped_key bytes;

	public_part_key(hdr, header_key, label, &bytes);
	cipher_key_init(ret_key, (enum suite)hdr[HEADER_OFF_SUITE], bytes.bytes);
}

static void content_key(const struct header *header, const uint8_t *seed, const struct file_id *file,
			struct cipher_key *ret_key)
{
	AUTO(wiped_key) struct wiped_key bytes;

	kdf(bytes.bytes, KEY_SIZE, seed, KDF_BLOCKS, file->bytes, ID_SIZE);
	cipher_key_init(ret_key, header->suite, bytes.bytes);
}

void header_content_key(const struct header *header, struct cipher_key *ret_key)
{
	content_key(header, header->seed, &header->file, ret_key);
}

void header_old_content_key(const struct header *header, struct cipher_key *ret_key)
{
	assert(header->flags & HEADER_MIXED);
	content_key(header, header->old_seed, &header->old_file, ret_key);
}

/* -- Sealing -- */

static void put_public_part(const struct header *header, uint8_t *out)
{
	memcpy(out + HEADER_OFF_MAGIC, HEADER_MAGIC, 4);
	out[HEADER_OFF_VERSION] = HEADER_VERSION;
	out[HEADER_OFF_SUITE] = (uint8_t)header->suite;
	out[HEADER_OFF_BLOCK_LOG2] = (uint8_t)header->block_log2;
	out[HEADER_OFF_FLAGS] = (uint8_t)header->flags;
	memcpy(out + HEADER_OFF_FOLDER, header->folder.bytes, ID_SIZE);
	le32_put(out + HEADER_OFF_GENERATION, header->generation);
	le32_put(out + HEADER_OFF_SEED_GENERATION, header->seed_generation);
	memcpy(out + HEADER_OFF_FILE_ID, header->file.bytes, ID_SIZE);
}

static void put_old_pair(const struct header *header, const uint8_t *header_key, uint8_t *out)
{
	AUTO(cipher_key_wipe) struct cipher_key key;
	uint8_t pair[OLD_PAIR_SIZE];

	memcpy(pair, header->old_file.bytes, ID_SIZE);
	memcpy(pair + ID_SIZE, header->old_seed, SEED_SIZE);
	field_key(out, header_key, KDF_HEADER_OLD_SEED, &key);
	cipher_seal_once(&key, out, HEADER_OFF_OLD, pair, sizeof pair, out + HEADER_OFF_OLD);
	sodium_memzero(pair, sizeof pair);
}

void header_seal(const struct header *header, const uint8_t header_key[static KEY_SIZE],
		 uint8_t out[static HEADER_SIZE])
{
	AUTO(wiped_key) struct wiped_key commit;
	AUTO(cipher_key_wipe) struct cipher_key key;

	put_public_part(header, out);
	public_part_key(out, header_key, KDF_HEADER_COMMIT, &commit);
	memcpy(out + HEADER_OFF_COMMIT, commit.bytes, KEY_SIZE);
	field_key(out, header_key, KDF_HEADER_WRAP, &key);
	cipher_seal_once(&key, out, HEADER_OFF_SEED, header->seed, SEED_SIZE, out + HEADER_OFF_SEED);
	if (header->flags & HEADER_MIXED)
		put_old_pair(header, header_key, out);
	else
		memset(out + HEADER_OFF_OLD, 0, OLD_FIELD_SIZE);
}

/* -- Opening -- */

static const char *first_mistake(const uint8_t *in, const struct header *header)
{
	if (memcmp(in + HEADER_OFF_MAGIC, HEADER_MAGIC, 4) != 0)
		return "it is no file of fsenc";
	if (in[HEADER_OFF_VERSION] != HEADER_VERSION)
		return "its version is unknown";
	if (!suite_is_known(in[HEADER_OFF_SUITE]))
		return "its cipher suite is unknown";
	if (header->block_log2 < BLOCK_LOG2_DEFAULT || header->block_log2 > BLOCK_LOG2_MAX)
		return "its block size is impossible";
	if (header->flags & ~(HEADER_SPARSE | HEADER_MIXED))
		return "it has an unknown flag";
	if (header->seed_generation == 0 || header->seed_generation > header->generation)
		return "its generations are impossible";
	if (!(header->flags & HEADER_MIXED) && !sodium_is_zero(in + HEADER_OFF_OLD, OLD_FIELD_SIZE))
		return "its reserved field is not zero";
	return NULL;
}

enum fault header_peek(const uint8_t in[static HEADER_SIZE], struct header *ret_header, struct why *why)
{
	struct header header = {
		.suite = (enum suite)in[HEADER_OFF_SUITE],
		.block_log2 = in[HEADER_OFF_BLOCK_LOG2],
		.flags = in[HEADER_OFF_FLAGS],
		.generation = le32_get(in + HEADER_OFF_GENERATION),
		.seed_generation = le32_get(in + HEADER_OFF_SEED_GENERATION),
	};
	const char *mistake = first_mistake(in, &header);
	if (mistake)
		return why_set(why, FAULT_MALFORMED, "the header: %s", mistake);
	memcpy(header.folder.bytes, in + HEADER_OFF_FOLDER, ID_SIZE);
	memcpy(header.file.bytes, in + HEADER_OFF_FILE_ID, ID_SIZE);
	*ret_header = header;
	return FAULT_NONE;
}

static bool commit_matches(const uint8_t *in, const uint8_t *header_key)
{
	AUTO(wiped_key) struct wiped_key commit;

	public_part_key(in, header_key, KDF_HEADER_COMMIT, &commit);
	return sodium_memcmp(in + HEADER_OFF_COMMIT, commit.bytes, KEY_SIZE) == 0;
}

static bool open_seed(const uint8_t *in, const uint8_t *header_key, struct header *header)
{
	AUTO(cipher_key_wipe) struct cipher_key key;

	field_key(in, header_key, KDF_HEADER_WRAP, &key);
	return cipher_open_once(&key, in, HEADER_OFF_SEED, in + HEADER_OFF_SEED, SEED_SIZE + TAG_SIZE,
				header->seed);
}

static bool open_old_pair(const uint8_t *in, const uint8_t *header_key, struct header *header)
{
	AUTO(cipher_key_wipe) struct cipher_key key;
	uint8_t pair[OLD_PAIR_SIZE];

	field_key(in, header_key, KDF_HEADER_OLD_SEED, &key);
	if (!cipher_open_once(&key, in, HEADER_OFF_OLD, in + HEADER_OFF_OLD, OLD_FIELD_SIZE, pair))
		return false;
	memcpy(header->old_file.bytes, pair, ID_SIZE);
	memcpy(header->old_seed, pair + ID_SIZE, SEED_SIZE);
	sodium_memzero(pair, sizeof pair);
	return true;
}

enum fault header_open(const uint8_t in[static HEADER_SIZE], const uint8_t header_key[static KEY_SIZE],
		       struct header *ret_header, struct why *why)
{
	AUTO(header_wipe) struct header header;
	enum fault fault = header_peek(in, &header, why);
	if (fault)
		return fault;
	if (!commit_matches(in, header_key))
		return why_set(why, FAULT_REFUSED, "the header is not of this folder and generation");
	if (!open_seed(in, header_key, &header))
		return why_set(why, FAULT_REFUSED, "the header's seed does not authenticate");
	if (header.flags & HEADER_MIXED && !open_old_pair(in, header_key, &header))
		return why_set(why, FAULT_REFUSED, "the header's old seed does not authenticate");
	*ret_header = header;
	return FAULT_NONE;
}
