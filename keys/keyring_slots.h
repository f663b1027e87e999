/* keys/keyring_slots.h - ways to the master key.
 *
 *   passphrase  KEK = Argon2id(passphrase, salt, passes, MiB)            RFC 9106
 *   token       KEK = kdf(token 20 || zeros 12, "recovery-token", salt)   160 random bits need no stretching
 *   context     le32 kind || le32 passes || le32 MiB || salt 16 || id of the owner 16
 *
 * What stands in the file is not believed: a cost below the floor would help a guesser, one
 * above the ceiling would hang us. Pure functions but for slot_read() and slot_write().
 */
#ifndef FSENC_KEYS_KEYRING_SLOTS_H
#define FSENC_KEYS_KEYRING_SLOTS_H

#include "keys/keyring_seal.h"
#include "keys/keyring_store.h"

#define SLOT_SALT_SIZE 16
#define SLOT_PASSES 3
#define SLOT_PASSES_MAX 16
#define SLOT_MIB_MAX 4096

/* Later: a FIDO2 token, a PKCS#11 card. */
enum slot_kind { SLOT_PASSPHRASE = 1, SLOT_TOKEN = 2 };

struct slot_cost {
	uint32_t passes;
	uint32_t mib;
};

struct slot {
	enum slot_kind kind;
	struct slot_cost cost; /* zeros in a token's slot */
	uint8_t salt[SLOT_SALT_SIZE];
	uint8_t sealed[SEALED_SIZE(KEY_SIZE)];
};

/* What people type or keep: the passphrase as it is, or the 20 bytes of the token. */
struct slot_opener {
	const void *bytes;
	size_t size;
};

/* `mib` 0 is the default; FAULT_INVALID outside floor and ceiling. */
MUST_CHECK enum fault slot_cost_of(unsigned mib, struct slot_cost *ret_cost, struct why *why);
MUST_CHECK bool slot_cost_is_sound(const struct slot_cost *cost);
/* FAULT_PASSPHRASE_EMPTY, FAULT_INVALID when it is too long. */
MUST_CHECK enum fault slot_passphrase(const struct secret *passphrase, struct slot_opener *ret_opener,
				      struct why *why);
/* The KEK of a passphrase, of a slot or a backup. Takes its time: not while the keyring is held. */
MUST_CHECK enum fault slot_stretch(const struct slot_opener *passphrase, const struct slot_cost *cost,
				   const uint8_t salt[static SLOT_SALT_SIZE], struct wiped_key *ret_kek,
				   struct why *why);

/* Fills salt and seal of a slot whose kind and cost are set. */
MUST_CHECK enum fault slot_make(struct slot *slot, const struct slot_opener *opener,
				const struct member_id *owner, const struct secret *master, struct why *why);
/* FAULT_PASSPHRASE when it is another's. */
MUST_CHECK enum fault slot_open(const struct slot *slot, const struct slot_opener *opener,
				const struct member_id *owner, struct secret **ret_master, struct why *why);

/* FAULT_MISSING; FAULT_KEYRING_READ when the row cannot be ours. */
MUST_CHECK enum fault slot_read(struct keyring *held, enum slot_kind kind, struct slot *ret_slot,
				struct why *why);
/* In place of the slot of that kind. */
MUST_CHECK enum fault slot_write(struct keyring *held, const struct slot *slot, struct why *why);

#endif
