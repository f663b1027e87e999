/* keys/escrow_block.h - a recovery token in escrow (keys/escrow.h) on its way out of a key server: a text
 * block (keys/armor.h) that says whose it is and who can open it.
 *
 * In it lies one JSON object, with the descriptors that the officers' answers are checked by:
 *
 *   {"organisation": JWS, "group": JWS, "user": name, "sealed": b64}
 *
 * `group` is there if and only if the token is sealed to a recovery group. The descriptors are signed by the
 * root; the rest is the server's word until the seal opens. docs/FORMAT.md, section "Sealed files". Any
 * thread.
 */
#ifndef FSENC_KEYS_ESCROW_BLOCK_H
#define FSENC_KEYS_ESCROW_BLOCK_H

#include "keys/armor.h"
#include "keys/escrow.h"

#define ESCROW_BLOCK_LABEL "FSENC ESCROWED TOKEN"

struct escrow_block {
	struct signed_object *organisation;
	struct signed_object *group; /* or NULL: the root opens it */
	char user[DISPLAY_NAME_MAX + 1]; /* as the server's administrator calls him */
	uint8_t sealed[ESCROW_SIZE];
};
#define ESCROW_BLOCK_EMPTY ((struct escrow_block){.organisation = NULL})
void escrow_block_done(struct escrow_block *block);
AUTO_VALUE(struct escrow_block, escrow_block_done);

/* Appends. Refuses what escrow_block_read() would. */
MUST_CHECK enum fault escrow_block_write(const struct escrow_block *block, struct bytes *ret_text,
					 struct why *why);
/* Form only; no signature is verified yet. FAULT_MALFORMED. */
MUST_CHECK enum fault escrow_block_read(const void *text, size_t size, struct escrow_block *ret_block,
					struct why *why);

/* Who opens it together. `expected` is the organisation's fingerprint. FAULT_INVALID: the root opens it, or
 * it is sealed to another group, or an earlier key, than the block's; FAULT_IDENTITY, FAULT_REFUSED,
 * FAULT_MALFORMED as the descriptors' readers say. */
MUST_CHECK enum fault escrow_block_officers(const struct escrow_block *block,
					    const struct fingerprint *expected,
					    struct organisation *ret_organisation,
					    struct group_descriptor *ret_group, struct why *why);

#endif
