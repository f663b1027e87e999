/* fs/name.h - a plain name and the one it is stored under.
 *
 * stored = base32hex(AES-256-SIV(name key, aad folder id, name)): equal names in one folder
 * look equal, nothing else shows. A stored name over 143 bytes is kept in a file beside
 * the entry: entry `.fsenc-l-<hash>`, contents of `.fsenc-l-<hash>.n` = the long stored name
 * as text; <hash> = base32hex(hash("long-name", SIV bytes)). docs/FORMAT.md, "Names".
 *
 * Stored names are read in either case: some file servers change it.
 *
 * A struct name_key is read-only after it is made; any thread.
 */
#ifndef FSENC_FS_NAME_H
#define FSENC_FS_NAME_H

#include "base/secret.h"
#include "fs/format.h"
#include "keys/id.h"

#define NAME_LONG_MAX BASE32_LENGTH(NAME_SIV_SIZE + NAME_MAX_PLAIN) /* text of the longest SIV */
#define NAME_STORED_SIZE (NAME_MAX_STORED_SHORT + 1)
#define NAME_FILE_SIZE (NAME_STORED_SIZE + 2)

/* How one name is stored. */
struct stored_name {
	char entry[NAME_STORED_SIZE]; /* the directory entry */
	bool is_long;
	char long_file[NAME_FILE_SIZE]; /* if is_long: the name of the long-name file */
	char long_text[NAME_LONG_MAX + 1]; /* and its contents */
};

enum name_kind {
	NAME_ENTRY, /* base32hex: decode it */
	NAME_LONG_ENTRY, /* `.fsenc-l-<hash>`: read `.n` first */
	NAME_LONG_FILE, /* `.fsenc-l-<hash>.n`: not shown */
	NAME_OURS, /* `.fsenc`, `.fsenc.log` and the like: not shown */
	NAME_LEFTOVER, /* `.nfs*`, `.smb*`, our `.fsenc*.new-*`: neither names nor foreign */
	NAME_FOREIGN /* anything else: somebody dropped it in */
};

struct name_key;

/* `siv` is kdf64(FK, "names" or "xattr-names", folder id). */
MUST_CHECK enum fault name_key_new(const uint8_t siv[static 64], const struct folder_id *folder,
				   struct name_key **ret_key, struct why *why);
void name_key_free(struct name_key *key);
AUTO_POINTER(struct name_key *, name_key_free);

/* FAULT_NAME_TOO_LONG over 255 bytes; FAULT_FORBIDDEN for one that begins with `.fsenc`;
 * FAULT_INVALID for "", ".", ".." and one with '/'. */
MUST_CHECK enum fault name_encode(const struct name_key *key, const char *plain,
				  struct stored_name *ret_stored, struct why *why);
enum name_kind name_classify(const char *entry);
/* A NAME_ENTRY's text, or the contents of a long-name file. FAULT_REFUSED when it does not
 * authenticate, FAULT_MALFORMED when it is no such text or decodes to a name that name_encode() refuses. */
MUST_CHECK enum fault name_decode(const struct name_key *key, const char *text, size_t length,
				  char ret_plain[static NAME_MAX_PLAIN + 1], struct why *why);
/* Do the contents of a long-name file belong to this entry? Not if the name would have been stored short. */
bool name_long_matches(const char *entry, const char *text, size_t length);

/* An xattr's stored name, "user.fsenc." included; `plain` without "user.". FAULT_NAME_TOO_LONG over 136
 * bytes, FAULT_INVALID for "", FAULT_FORBIDDEN for one that begins with "fsenc.". */
MUST_CHECK enum fault name_encode_xattr(const struct name_key *key, const char *plain,
					char ret_stored[static 256], struct why *why);
/* FAULT_REFUSED when it is none of this folder's. */
MUST_CHECK enum fault name_decode_xattr(const struct name_key *key, const char *stored,
					char ret_plain[static XATTR_NAME_MAX_PLAIN + 1], struct why *why);

#endif
