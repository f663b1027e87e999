/* keys/folder_keys.h - the folder keys themselves, for those who make access lists.
 *
 * Only keys/folder_change*.c and keys/unlock.c need this; everybody else uses the subkeys of keys/folder.h.
 *
 *   commit_g = kdf(FK_g, "commit",   folder id || le32 g)     public, in the signed record
 *   link_g   = kdf(FK_g, "previous", folder id || le32 g)     seals FK_{g-1} in the record
 *   sealed   = nonce24 || XChaCha20-Poly1305-IETF(link_g, nonce, aad folder id || le32 g, FK_{g-1})
 *
 * docs/FORMAT.md, section "Folder keys". Any thread.
 */
#ifndef FSENC_KEYS_FOLDER_KEYS_H
#define FSENC_KEYS_FOLDER_KEYS_H

#include "keys/folder.h"

/* FK_generation, borrowed; NULL for a generation that does not exist. */
const uint8_t *folder_keys_folder_key(const struct folder_keys *keys, uint32_t generation);

void folder_key_commit(const uint8_t folder_key[static KEY_SIZE], const struct folder_id *folder,
		       uint32_t generation, uint8_t ret_commit[static KEY_SIZE]);
/* Is it the key that `record` committed to as its generation `generation`? */
bool folder_key_is_committed(const struct record *record, uint32_t generation,
			     const uint8_t folder_key[static KEY_SIZE]);

/* Seals the key of generation - 1 under that of `generation`. */
void folder_key_seal_previous(const uint8_t folder_key[static KEY_SIZE], const struct folder_id *folder,
			      uint32_t generation, const uint8_t previous[static KEY_SIZE],
			      uint8_t ret_sealed[static SEALED_KEY_SIZE]);

/* The envelope for an entry in the newest generation, borrowed; NULL: there is none. */
const struct keybox_entry *folder_file_find_wrap(const struct folder_file *file,
						 const struct record_entry *entry);

#endif
