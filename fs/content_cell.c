#include "fs/content_state.h"

#define CELL_AAD_SIZE 9

const uint8_t zero_block[BLOCK_SIZE_MAX];

/* Position and end are part of what is authenticated: a block that was moved, doubled or made the last
 * one by cutting the file does not open. */
static void cell_aad(uint8_t aad[static CELL_AAD_SIZE], uint64_t index, bool final)
{
	le64_put(aad, index);
	aad[8] = final;
}

void cell_seal(const struct head *head, uint64_t index, bool final, const uint8_t *plain, size_t size,
	       uint8_t *cell)
{
	uint8_t aad[CELL_AAD_SIZE];

	cell_aad(aad, index, final);
	cipher_seal(&head->key, aad, sizeof aad, plain, size, cell);
}

static bool opens(const struct head *head, uint64_t index, bool final, const uint8_t *cell, size_t size,
		  uint8_t *plain)
{
	uint8_t aad[CELL_AAD_SIZE];

	cell_aad(aad, index, final);
	if (cipher_open(&head->key, aad, sizeof aad, cell, size, plain))
		return true;
	return (head->header.flags & HEADER_MIXED) &&
	       cipher_open(&head->old_key, aad, sizeof aad, cell, size, plain);
}

enum cell cell_open(const struct head *head, uint64_t index, bool final, const uint8_t *cell, size_t size,
		    uint8_t *plain)
{
	if (size <= SEAL_OVERHEAD)
		return CELL_BAD;
	if (!final && head_is_sparse(head) && bytes_are_zero(cell, size)) {
		memset(plain, 0, size - SEAL_OVERHEAD);
		return CELL_HOLE;
	}
	if (opens(head, index, final, cell, size, plain))
		return CELL_REAL;
	return final && opens(head, index, false, cell, size, plain) ? CELL_UNCLEAN : CELL_BAD;
}

/* Almost every cell that is no hole shows it in its nonce. */
bool bytes_are_zero(const uint8_t *bytes, size_t size)
{
	return size == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0);
}

/* ---- heads ---- */

static enum fault damaged_head(struct why *why, const char *words)
{
	return why_set(why, FAULT_DAMAGED, "the header of a stored file %s", words);
}

/* What the public part may say; it is authenticated afterwards. */
static enum fault check_public(const struct content_terms *terms, const struct header *header,
			       struct why *why)
{
	if (!folder_id_equal(&header->folder, &terms->folder))
		return damaged_head(why, "belongs to another folder");
	if (header->block_log2 != terms->block_log2)
		return damaged_head(why, "has another block size than its folder");
	if (header->generation < terms->min_read)
		return damaged_head(why, "is of a generation that nobody may use any more");
	if (header->generation > terms->generation)
		return why_set(why, FAULT_LOCKED,
			       "a stored file is of generation %u, newer than the keys here",
			       header->generation);
	return FAULT_NONE;
}

static enum fault header_key_of(const struct content_terms *terms, uint32_t generation,
				struct wiped_key *ret_key, struct why *why)
{
	if (folder_keys_subkey(terms->keys, generation, KDF_FILE_HEADER, ret_key))
		return FAULT_NONE;
	return why_set(why, FAULT_LOCKED, "there is no key of generation %u", generation);
}

static enum fault head_new(const struct header *header, const uint8_t raw[static HEADER_SIZE],
			   struct head **ret_head, struct why *why)
{
	struct head *head = calloc(1, sizeof *head);
	if (!head)
		return why_set(why, FAULT_MEMORY, "no memory for a header");
	atomic_init(&head->references, 1);
	memcpy(head->raw, raw, HEADER_SIZE);
	head->header = *header;
	header_content_key(header, &head->key);
	if (header->flags & HEADER_MIXED)
		header_old_content_key(header, &head->old_key);
	*ret_head = head;
	return FAULT_NONE;
}

enum fault head_open(const struct content_terms *terms, const uint8_t raw[static HEADER_SIZE],
		     struct head **ret_head, struct why *why)
{
	AUTO(header_wipe) struct header header = {.flags = 0};
	AUTO(wiped_key) struct wiped_key key = {.bytes = {0}};
	enum fault fault = header_peek(raw, &header, why);
	if (fault)
		return damaged_head(why, "is no header");
	fault = check_public(terms, &header, why);
	if (!fault)
		fault = header_key_of(terms, header.generation, &key, why);
	if (fault)
		return fault;
	if (header_open(raw, key.bytes, &header, NULL))
		return damaged_head(why, "does not authenticate");
	return head_new(&header, raw, ret_head, why);
}

enum fault head_make(const struct content_terms *terms, const struct header *header, struct head **ret_head,
		     struct why *why)
{
	uint8_t raw[HEADER_SIZE];
	AUTO(wiped_key) struct wiped_key key = {.bytes = {0}};
	enum fault fault = header_key_of(terms, header->generation, &key, why);
	if (fault)
		return fault;
	header_seal(header, key.bytes, raw);
	return head_new(header, raw, ret_head, why);
}

void head_drop(struct head *head)
{
	if (!head || atomic_fetch_sub(&head->references, 1) != 1)
		return;
	header_wipe(&head->header);
	cipher_key_wipe(&head->key);
	cipher_key_wipe(&head->old_key);
	free(head);
}
