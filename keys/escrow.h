/* keys/escrow.h - a recovery token in the keeping of key servers, which cannot read it.
 *
 * Sealed (keys/sealed.h) to the recovery group that the organisation's policy names, whose officers open it
 * together; where the policy names none, to the organisation's root key. Binary, ESCROW_SIZE bytes:
 *
 *   "FSET" || u8 1 || u8 recipient (1 root, 2 group) || recipient id 16 || le32 epoch || user id 16 || sealed
 *
 * The seal's context is all before `sealed`; what is sealed is the token as text. docs/FORMAT.md, section
 * "Sealed files". Any thread.
 */
#ifndef FSENC_KEYS_ESCROW_H
#define FSENC_KEYS_ESCROW_H

#include "keys/organisation.h"
#include "keys/sealed.h"
#include "keys/token.h"

#define ESCROW_HEADER_SIZE (4 + 1 + 1 + ID_SIZE + 4 + ID_SIZE)
#define ESCROW_SIZE (ESCROW_HEADER_SIZE + SEALED_OVERHEAD + TOKEN_TEXT_SIZE)

enum escrow_recipient { ESCROW_ROOT = 1, ESCROW_GROUP = 2 };

struct escrow {
	enum escrow_recipient recipient;
	struct member_id id; /* of the root, or the group */
	uint32_t epoch; /* of the group's key; 0 for the root */
	struct member_id user;
};

/* Appends to *ret_sealed. `group` is a recovery group, or NULL: the root. */
MUST_CHECK enum fault escrow_seal(const struct token *token, const struct member_id *user,
				  const struct organisation *organisation,
				  const struct group_descriptor *group, struct bytes *ret_sealed,
				  struct why *why);
/* Whose it is and who may open it. FAULT_MALFORMED. */
MUST_CHECK enum fault escrow_read(const void *bytes, size_t size, struct escrow *ret_escrow, struct why *why);
/* The token as text, to be wiped. FAULT_REFUSED: another root, another shared point, or changed. */
MUST_CHECK enum fault escrow_open_root(const void *bytes, size_t size, const struct identity *root,
				       char ret_text[static TOKEN_TEXT_SIZE], struct why *why);
/* `shared` is S = k*R of escrow_point(). */
MUST_CHECK enum fault escrow_point(const void *bytes, size_t size, struct point *ret_point, struct why *why);
MUST_CHECK enum fault escrow_open_group(const void *bytes, size_t size, const struct point *shared,
					char ret_text[static TOKEN_TEXT_SIZE], struct why *why);

#endif
