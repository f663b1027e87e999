/* keys/keyring.h - the local database: own keys (locked), certificates, trust, pins.
 *
 * sqlite3, 0600, WAL, synchronous FULL, STRICT tables, user_version migrations, BEGIN
 * IMMEDIATE with a busy timeout: several processes may use one keyring at once. The private
 * keys are sealed under a master key; slots wrap the master key (Argon2id passphrase, recovery token, kernel
 * session). Each slot and the seal carry a commitment. Folder keys are never stored.
 *
 * A struct keyring is one connection behind a mutex: any thread may call. Answers that are
 * pointers belong to the caller unless said otherwise.
 */
#ifndef FSENC_KEYS_KEYRING_H
#define FSENC_KEYS_KEYRING_H

#include "base/bytes.h"
#include "keys/certificate.h"

#define KEYRING_KDF_MIB_DEFAULT 256
#define KEYRING_KDF_MIB_FLOOR 64
#define PASSPHRASE_MAX 4096

struct keyring;

/* `path` NULL: $XDG_DATA_HOME/fsenc/keyring.db (or ~/.local/share/...). `ret_path` is heap. */
MUST_CHECK enum fault keyring_default_path(char **ret_path, struct why *why);

struct keyring_new_options {
	const char *path;
	const char *name; /* display name of the user */
	const struct secret *passphrase;
	unsigned kdf_mib; /* 0 = default; less than the floor is FAULT_INVALID */
};
/* FAULT_EXISTS when there is a keyring; FAULT_KEYRING_WRITE. Leaves it unlocked, with the own
 * certificate in it, trusted. Nobody ever sees half a keyring: the file gets its name last. */
MUST_CHECK enum fault keyring_create(const struct keyring_new_options *options, struct keyring **ret_keyring,
				     struct why *why);
/* FAULT_MISSING when there is none ("run 'fsenc setup' first"); FAULT_KEYRING_READ: not a
 * keyring, too new, readable by others. Locked. */
MUST_CHECK enum fault keyring_open(const char *path, struct keyring **ret_keyring, struct why *why);
void keyring_close(struct keyring *keyring);
AUTO_POINTER(struct keyring *, keyring_close);
const char *keyring_path(const struct keyring *keyring);

/* -- own keys ------------------------------------------------------------------------- */

/* FAULT_PASSPHRASE; FAULT_PASSPHRASE_EMPTY. Once unlocked it stays so: a second call only checks. */
MUST_CHECK enum fault keyring_unlock(struct keyring *keyring, const struct secret *passphrase,
				     struct why *why);
/* With the 32-byte master key cached by keys/session.h. FAULT_PASSPHRASE when it is another keyring's. */
MUST_CHECK enum fault keyring_unlock_with_master(struct keyring *keyring, const struct secret *master,
						 struct why *why);
/* FAULT_PASSPHRASE: wrong or mistyped (the words name the group); FAULT_MISSING: no token was made. */
MUST_CHECK enum fault keyring_unlock_with_token(struct keyring *keyring, const char *token, struct why *why);
bool keyring_is_unlocked(struct keyring *keyring);
/* Borrowed until keyring_close(); FAULT_LOCKED while locked. */
MUST_CHECK enum fault keyring_identity(struct keyring *keyring, const struct identity **ret_identity,
				       struct why *why);
MUST_CHECK enum fault keyring_master(struct keyring *keyring, const struct secret **ret_master,
				     struct why *why);
/* What may be known without unlocking. */
MUST_CHECK enum fault keyring_own_certificate(struct keyring *keyring, struct certificate **ret_certificate,
					      struct why *why);
/* Must be unlocked. */
MUST_CHECK enum fault keyring_change_passphrase(struct keyring *keyring, const struct secret *passphrase,
						unsigned kdf_mib, struct why *why);
/* A fresh one-time recovery token (160 bits, groups with a checksum) replaces the one before; heap text. */
MUST_CHECK enum fault keyring_new_token(struct keyring *keyring, char **ret_token, struct why *why);
/* The same with a token that is known already, because it was put in escrow first. Must be unlocked. */
struct token;
MUST_CHECK enum fault keyring_set_token(struct keyring *keyring, const struct token *token, struct why *why);
bool keyring_has_token(struct keyring *keyring);
/* A token that was used stays valid until a key server keeps a new one; keyring_set_token() ends that. */
MUST_CHECK enum fault keyring_note_token_use(struct keyring *keyring, struct why *why);
bool keyring_token_was_used(struct keyring *keyring);

/* -- other people --------------------------------------------------------------------- */

struct keyring_person {
	struct certificate *certificate;
	bool own;
	bool trusted;
	int64_t added; /* unix seconds */
};
struct keyring_people {
	struct keyring_person *list;
	size_t count;
};
void keyring_people_done(struct keyring_people *people);
AUTO_VALUE(struct keyring_people, keyring_people_done);

/* Another certificate for a known id is FAULT_EXISTS unless it is the same key. `trusted` never turns trust
 * off. A newer one for the same key replaces the older; with another name in it only if `trusted`. One that
 * is not self-signed has been verified by the caller (keys/keyring_certified.h); it replaces one that is. */
MUST_CHECK enum fault keyring_add_certificate(struct keyring *keyring, const struct certificate *certificate,
					      bool trusted, struct why *why);
MUST_CHECK enum fault keyring_trust(struct keyring *keyring, const struct fingerprint *fingerprint,
				    struct why *why);
bool keyring_trusts(struct keyring *keyring, const struct fingerprint *fingerprint);
MUST_CHECK enum fault keyring_people(struct keyring *keyring, struct keyring_people *ret_people,
				     struct why *why);
/* By display name, id in hex or fingerprint; words in the form of an id or fingerprint are never a name.
 * FAULT_KEY_MISSING names it; two people of one name: FAULT_INVALID. `ret_trusted` may be NULL. */
MUST_CHECK enum fault keyring_find_person(struct keyring *keyring, const char *words,
					  struct certificate **ret_certificate, bool *ret_trusted,
					  struct why *why);
MUST_CHECK enum fault keyring_find_certificate(struct keyring *keyring, const struct fingerprint *fingerprint,
					       struct certificate **ret_certificate, struct why *why);

/* -- pins ----------------------------------------------------------------------------- */

/* What was last accepted at a place. `path` of a folder is its stored path below the
 * share's root, "" for the root. */
struct pin_share {
	struct share_id share;
	uint64_t version;
	struct digest digest;
};
struct pin_folder {
	struct folder_id folder;
	uint64_t version;
	struct digest digest;
	struct bytes file; /* the last good `.fsenc` */
};
void pin_folder_done(struct pin_folder *pin);
AUTO_VALUE(struct pin_folder, pin_folder_done);

/* FAULT_MISSING when there is no pin. `share_path` is the real path of the share's root. */
MUST_CHECK enum fault keyring_share_pin(struct keyring *keyring, const char *share_path,
					struct pin_share *ret_pin, struct why *why);
/* Never goes back: a lower version than the pinned one of the same share is FAULT_TAMPERED, and so is another
 * record of the same version. Another share's pin is replaced: whoever calls has compared, or makes a new
 * share. */
MUST_CHECK enum fault keyring_set_share_pin(struct keyring *keyring, const char *share_path,
					    const struct pin_share *pin, struct why *why);
/* Comes before keyring_set_share_pin() where the user accepts by hand what that refuses. */
MUST_CHECK enum fault keyring_drop_share_pin(struct keyring *keyring, const char *share_path,
					     struct why *why);
MUST_CHECK enum fault keyring_folder_pin(struct keyring *keyring, const struct share_id *share,
					 const char *path, struct pin_folder *ret_pin, struct why *why);
/* By id: for a folder met at another path; `ret_path` is heap. */
MUST_CHECK enum fault keyring_folder_pin_by_id(struct keyring *keyring, const struct share_id *share,
					       const struct folder_id *folder, struct pin_folder *ret_pin,
					       char **ret_path, struct why *why);
/* Never goes back: a lower version than the pinned one of the same folder is FAULT_TAMPERED, and so is
 * another record of the same version. A pin of the same folder at another path moves here, and a known folder
 * that stood here keeps its pin, to be found by id alone. A folder never seen at the place of a pinned one is
 * FAULT_TAMPERED: keyring_drop_folder_pin() first, where a closing record or the user says so. */
MUST_CHECK enum fault keyring_set_folder_pin(struct keyring *keyring, const struct share_id *share,
					     const char *path, const struct pin_folder *pin, struct why *why);
MUST_CHECK enum fault keyring_drop_folder_pin(struct keyring *keyring, const struct share_id *share,
					      const struct folder_id *folder, struct why *why);
/* Every pinned path of a share: called with each until it returns false. `each` may use the keyring. */
MUST_CHECK enum fault keyring_each_folder_pin(struct keyring *keyring, const struct share_id *share,
					      bool (*each)(void *context, const char *path,
							   const struct pin_folder *pin),
					      void *context, struct why *why);
/* A directory was renamed: pins at and below `from` move to and below `to`. */
MUST_CHECK enum fault keyring_move_pins(struct keyring *keyring, const struct share_id *share,
					const char *from, const char *to, struct why *why);

/* -- backup --------------------------------------------------------------------------- */

/* A text with the private keys, sealed under `passphrase` (Argon2id) alone, appended to *ret_text. */
MUST_CHECK enum fault keyring_backup(struct keyring *keyring, const struct secret *passphrase,
				     struct bytes *ret_text, struct why *why);
/* A keyring around the keys of a backup: `passphrase` opens it and becomes the keyring's; id, name and
 * certificate are the backup's. FAULT_PASSPHRASE, FAULT_MALFORMED, FAULT_REFUSED, or as keyring_create(). */
MUST_CHECK enum fault keyring_restore(const struct keyring_new_options *options, const void *text,
				      size_t size, struct keyring **ret_keyring, struct why *why);

#endif
