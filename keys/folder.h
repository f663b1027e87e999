/* keys/folder.h - a folder's access list as it lies on the share, its keys, and its changes.
 *
 * `.fsenc` is one JSON object {"record": JWS, "keybox": [...], "certificates": [...]}:
 * struct folder_file. The keybox is unsigned; each wrap proves itself against the signed
 * commitment. `certificates` holds those of every user entry and of all signers in the log, and
 * the signed descriptors of the groups on the list, so that a new generation can be wrapped to everybody
 * while no server answers. A descriptor is worth nothing before folder_file_trust_groups().
 *
 * struct folder_keys are the generations that a user's own key opened, in one guarded
 * allocation. Read-only once made, so any thread may use them; whoever made them frees
 * them when nobody does any more.
 *
 * The folder_change_*() functions make the *next* version from the present one, signed and
 * wrapped to everybody, in memory. Storing it under the lock of the log is fs/access.h.
 */
#ifndef FSENC_KEYS_FOLDER_H
#define FSENC_KEYS_FOLDER_H

#include "base/bytes.h"
#include "keys/kdf.h"
#include "keys/record.h"

#define FOLDER_FILE_MAX (16 * 1024 * 1024)

struct keybox_entry {
	enum member_kind kind;
	struct member_id id;
	struct fingerprint fingerprint;
	uint32_t generation;
	struct wrap wrap;
};

/* A group's descriptor as it came with the file. */
struct folder_group {
	struct member_id id;
	struct signed_object *object;
	struct group_descriptor *descriptor; /* NULL until the organisation's key has verified it */
	bool required; /* the next version has it as a recovery group */
};

struct folder_file {
	struct record *record;
	struct signed_object *object; /* the record as signed */
	struct keybox_entry *keybox;
	size_t keybox_count;
	struct certificate **certificates;
	size_t certificate_count;
	struct folder_group *groups;
	size_t group_count;
};

void folder_file_free(struct folder_file *file);
AUTO_POINTER(struct folder_file *, folder_file_free);
/* FAULT_MALFORMED, also when the certificate of a user entry is not there or has other keys; authenticity is
 * record_follows() and pins, later. */
MUST_CHECK enum fault folder_file_parse(const void *text, size_t size, struct folder_file **ret_file,
					struct why *why);
MUST_CHECK enum fault folder_file_write(const struct folder_file *file, struct bytes *ret_text,
					struct why *why);
/* A record_find_key over file->certificates; `context` is the struct folder_file. */
const struct public_identity *folder_file_find_key(void *file, const struct fingerprint *fingerprint);
/* The same as certificate; the organisation's where there are two of one key. Borrowed; NULL. */
const struct certificate *folder_file_find_certificate(const struct folder_file *file,
						       const struct fingerprint *fingerprint);

/* Verifies the descriptors in the file with the key of the organisation; of those that it did not sign
 * nothing is taken, without a word. FAULT_MEMORY only. Before a change that wraps to groups. */
MUST_CHECK enum fault folder_file_trust_groups(struct folder_file *file,
					       const struct organisation *organisation, struct why *why);
/* A descriptor from the keyring or a server: used where it is newer than what the file has. FAULT_MALFORMED
 * or FAULT_REFUSED when it is not the organisation's. */
MUST_CHECK enum fault folder_file_offer_group(struct folder_file *file, const struct signed_object *object,
					      const struct organisation *organisation, struct why *why);
/* The same for a recovery group that the policy asks for: where the list lacks it, whatever change is made next
 * lets it in as well. A group of another kind, or of another organisation than the folder's, is let in nowhere. */
MUST_CHECK enum fault folder_file_require_group(struct folder_file *file, const struct signed_object *object,
						const struct organisation *organisation, struct why *why);
/* The newest verified descriptor of a group, borrowed, or NULL. */
const struct group_descriptor *folder_file_group(const struct folder_file *file, const struct member_id *id);

/* Who could open a folder once some members are taken out: what a warning before the last key needs. */
struct folder_openers {
	size_t users;
	size_t admins;
	size_t groups;
	size_t recovery;
};
struct folder_openers folder_openers_without(const struct record *record, const struct member_id *members,
					     size_t member_count);

struct folder_keys;

/* FAULT_LOCKED: no user entry of this identity's key. FAULT_TAMPERED: an envelope or a link of the chain
 * does not lead to the signed commitments. */
MUST_CHECK enum fault folder_keys_open(const struct folder_file *file, const struct identity *identity,
				       struct folder_keys **ret_keys, struct why *why);
/* From the newest folder key itself: what a group unlock will give. */
MUST_CHECK enum fault folder_keys_unfold(const struct record *record, const uint8_t newest[static KEY_SIZE],
					 struct folder_keys **ret_keys, struct why *why);
void folder_keys_free(struct folder_keys *keys);
AUTO_POINTER(struct folder_keys *, folder_keys_free);

uint32_t folder_keys_newest(const struct folder_keys *keys);
/* kdf(FK_generation, label, folder id || le32 generation), precomputed for KDF_FILE_HEADER, KDF_XATTR and
 * KDF_SYMLINK; false for a generation that does not exist. */
MUST_CHECK bool folder_keys_subkey(const struct folder_keys *keys, uint32_t generation, enum kdf_label label,
				   struct wiped_key *ret_key);
/* kdf64(FK_generation, KDF_NAMES or KDF_XATTR_NAMES, folder id). */
MUST_CHECK bool folder_keys_name_key(const struct folder_keys *keys, uint32_t generation,
				     enum kdf_label label, uint8_t ret_key[static 64]);

struct folder_new_options {
	struct organisation_id organisation;
	struct share_id share;
	struct folder_id parent;
	uint8_t suite;
	uint32_t block; /* 0 = 4096 */
	const struct certificate *creator; /* certificate of `identity`: becomes the first admin */
	/* Recovery groups that the policy asks for, of `signer`; none: NULL, 0. */
	const struct signed_object *const *recovery;
	size_t recovery_count;
	const struct organisation *signer;
};

/* A fresh folder, version 1, generation 1. */
MUST_CHECK enum fault folder_new(const struct folder_new_options *options, const struct identity *identity,
				 struct folder_file **ret_file, struct folder_keys **ret_keys,
				 struct why *why);

/* Each gives the next version; the present one is untouched. FAULT_DENIED unless `identity`
 * is an admin; FAULT_INVALID when `keys` are not those of `file`, or the folder is closed;
 * FAULT_KEY_MISSING names the member whose certificate, or verified descriptor, is not in `file`.
 * FAULT_EXISTS / FAULT_MISSING as the name says. The last admin cannot be taken out or made less
 * (FAULT_INVALID). */
MUST_CHECK enum fault folder_change_add_user(const struct folder_file *file, const struct folder_keys *keys,
					     const struct identity *identity, const struct certificate *user,
					     enum role role, struct folder_file **ret_next, struct why *why);
/* Lets in a group by its key, or a recovery group (always as reader). The descriptor is verified.
 * FAULT_DENIED also for a group of another organisation than the folder's. */
MUST_CHECK enum fault folder_change_add_group(const struct folder_file *file, const struct folder_keys *keys,
					      const struct identity *identity,
					      const struct signed_object *descriptor,
					      const struct organisation *organisation, enum role role,
					      struct folder_file **ret_next, struct why *why);
MUST_CHECK enum fault folder_change_set_role(const struct folder_file *file, const struct folder_keys *keys,
					     const struct identity *identity, const struct member_id *member,
					     enum role role, struct folder_file **ret_next, struct why *why);
/* Takes members out and starts a new generation, wrapped to everybody who stays. */
MUST_CHECK enum fault folder_change_remove(const struct folder_file *file, const struct folder_keys *keys,
					   const struct identity *identity, const struct member_id *members,
					   size_t member_count, struct folder_file **ret_next,
					   struct why *why);
/* A new generation, and min_write at it, without any other change. `reason` is REASON_REKEY or
 * REASON_ROTATION. */
MUST_CHECK enum fault folder_change_rekey(const struct folder_file *file, const struct folder_keys *keys,
					  const struct identity *identity, enum generation_reason reason,
					  struct folder_file **ret_next, struct why *why);
/* Lets in the required recovery groups that are missing, and changes nothing else. FAULT_EXISTS: none is. */
MUST_CHECK enum fault folder_change_complete(const struct folder_file *file, const struct folder_keys *keys,
					     const struct identity *identity, struct folder_file **ret_next,
					     struct why *why);
/* The closing record of a folder that is given up. */
MUST_CHECK enum fault folder_change_close(const struct folder_file *file, const struct folder_keys *keys,
					  const struct identity *identity, struct folder_file **ret_next,
					  struct why *why);

#endif
