/* Any text as an escrowed token's block, and any JSON in a block: what was read can be written and read
 * again, says who opens it, and opens for nobody by chance. */
#include "keys/escrow_block.h"
#include "tests/fuzz/fixed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void open_it(const struct escrow_block *block)
{
	const struct fingerprint fingerprint = public_identity_fingerprint(identity_public(fixed_identity()));
	struct organisation organisation;
	struct group_descriptor group;
	struct escrow escrow;
	struct point point;
	char text[TOKEN_TEXT_SIZE];

	MUST(!escrow_read(block->sealed, sizeof block->sealed, &escrow, NULL));
	MUST((escrow.recipient == ESCROW_GROUP) == (block->group != NULL));
	if (!escrow_block_officers(block, &fingerprint, &organisation, &group, NULL))
		MUST(group.recovery && group.epoch == escrow.epoch);
	if (!escrow_point(block->sealed, sizeof block->sealed, &point, NULL))
		MUST(escrow_open_group(block->sealed, sizeof block->sealed, &point, text, NULL));
}

static void fuzz_block(const void *data, size_t size)
{
	AUTO(escrow_block_done) struct escrow_block block = ESCROW_BLOCK_EMPTY;
	AUTO(escrow_block_done) struct escrow_block again = ESCROW_BLOCK_EMPTY;
	AUTO(bytes_done) struct bytes text = BYTES_EMPTY;

	if (escrow_block_read(data, size, &block, NULL))
		return;
	MUST(block.organisation);
	open_it(&block);
	MUST(!escrow_block_write(&block, &text, NULL));
	MUST(!escrow_block_read(text.data, text.size, &again, NULL));
	MUST(!memcmp(again.sealed, block.sealed, sizeof block.sealed));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(bytes_done) struct bytes block = BYTES_EMPTY;

	fuzz_block(data, size);
	if (size == 0 || size > ARMOR_MAX / 2)
		return 0;
	MUST(!armor_write(ESCROW_BLOCK_LABEL, data, size, &block, NULL));
	fuzz_block(block.data, block.size);
	return 0;
}
