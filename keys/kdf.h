/* keys/kdf.h - every key that is derived, and every hash, from one table of labels.
 *
 * BLAKE2b (RFC 7693): kdf = keyed with the parent key, over "fsenc/v1/" label 0x00 context;
 * hash = without a key, over the same. A label serves one purpose only, so no two uses of
 * one key can meet. docs/FORMAT.md, section "Derived keys". No state; any thread.
 */
#ifndef FSENC_KEYS_KDF_H
#define FSENC_KEYS_KDF_H

#include <stddef.h>
#include <stdint.h>

#include "keys/id.h"

#define KDF_LABEL_LIST(X) \
	/* of a folder key FK_g; context: folder id, le32 g */ \
	X(COMMIT, "commit") \
	X(FILE_HEADER, "file-header") \
	X(PREVIOUS, "previous") \
	X(XATTR, "xattr") \
	X(SYMLINK, "symlink") \
	/* of a folder key; context: folder id; 64 bytes */ \
	X(NAMES, "names") \
	X(XATTR_NAMES, "xattr-names") \
	/* of a file-header key; context: hdr[0..47] */ \
	X(HEADER_COMMIT, "header-commit") \
	X(HEADER_WRAP, "header-wrap") \
	X(HEADER_OLD_SEED, "header-old-seed") \
	/* of a file's seed; context: file id */ \
	X(BLOCKS, "blocks") \
	/* of a shared secret; context as in keys/wrap.h */ \
	X(WRAP_USER, "wrap/user") \
	X(WRAP_GROUP, "wrap/group") \
	/* of keys in the keyring */ \
	X(SLOT_COMMIT, "slot-commit") \
	X(SLOT_WRAP, "slot-wrap") \
	X(IDENTITY_SEAL, "identity-seal") \
	X(TOKEN, "recovery-token") \
	X(BACKUP, "key-backup") \
	/* hashes */ \
	X(HASH_RECORD, "record") \
	X(HASH_LONG_NAME, "long-name") \
	X(FINGERPRINT_USER, "fingerprint/user") \
	X(FINGERPRINT_GROUP, "fingerprint/group") \
	X(SESSION, "session-name") \
	/* of the protocol between clients and key servers */ \
	X(REQUEST, "request") \
	X(REQUEST_BODY, "request-body") \
	X(ANSWER_BODY, "answer-body") \
	/* of a key server's master key, and of secrets sealed to a server or officer */ \
	X(SERVER_SEAL, "server-seal") \
	X(SEALED_TO, "sealed-to") \
	/* of the asker's Ed25519 seed; context: nonce, R; 64 bytes */ \
	X(RECOVERY_BLIND, "recovery-blind") \
	X(TOKEN_BLIND, "token-blind") \
	X(HASH_GROUP_PROOF, "group-proof") \
	X(HASH_AUDIT, "audit") \
	X(HASH_ENROL_CODE, "enrol-code") \
	X(HASH_BUILTIN_ID, "builtin-id")

enum kdf_label {
#define X(name, text) KDF_##name,
	KDF_LABEL_LIST(X)
#undef X
		KDF_LABEL_COUNT
};

const char *kdf_label_text(enum kdf_label label);

/* `size` is 32 or 64; a wrong one aborts. */
void kdf(uint8_t *out, size_t size, const uint8_t key[static 32], enum kdf_label label, const void *context,
	 size_t context_size);

struct digest kdf_hash(enum kdf_label label, const void *data, size_t size);

/* The context most folder subkeys use: folder id, le32 generation. */
#define KDF_FOLDER_CONTEXT_SIZE 20
void kdf_folder_context(uint8_t out[static KDF_FOLDER_CONTEXT_SIZE], const struct folder_id *folder,
			uint32_t generation);

#endif
