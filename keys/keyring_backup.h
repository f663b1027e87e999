/* keys/keyring_backup.h - the text of `fsenc key backup`: own keys under a passphrase alone.
 *
 * One JSON object: type "fsenc-key-backup+v1", the own certificate, cost and salt of the
 * passphrase hash, and the private bytes sealed (keys/keyring_seal.h) under its KEK with the context
 *
 *   le32 passes || le32 MiB || salt 16 || digest of the certificate 32
 */
#ifndef FSENC_KEYS_KEYRING_BACKUP_H
#define FSENC_KEYS_KEYRING_BACKUP_H

#include "keys/keyring_slots.h"

#define BACKUP_SEALED_SIZE SEALED_SIZE(IDENTITY_PRIVATE_SIZE)

struct backup {
	uint32_t type;
	struct slot_cost cost;
	uint8_t salt[SLOT_SALT_SIZE];
	uint8_t sealed[BACKUP_SEALED_SIZE];
	struct certificate *certificate; /* owned */
};
void backup_done(struct backup *backup);
AUTO_VALUE(struct backup, backup_done);

/* FAULT_MALFORMED or FAULT_REFUSED: not such a text, or one with a cost that nobody should pay. */
MUST_CHECK enum fault backup_read(const void *text, size_t size, struct backup *ret_backup, struct why *why);

#endif
