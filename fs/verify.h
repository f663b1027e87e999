/* fs/verify.h - check every signature, header, block and name below a folder.
 *
 * Works on the share itself, without a mount. A healthy share gives no finding, ever: files being
 * written by a mount at the same time are read again under their lock first.
 */
#ifndef FSENC_FS_VERIFY_H
#define FSENC_FS_VERIFY_H

#include "fs/folder.h"

enum finding_kind {
	FINDING_DAMAGED, /* a header, block, name, xattr or link does not authenticate */
	FINDING_TAMPERED, /* an access list was tampered with or rolled back */
	FINDING_UNCLEAN, /* a file ends without a final block: a crash, or cut by the storage */
	FINDING_FOREIGN, /* a plain file inside a folder */
	FINDING_LOCKED, /* a folder that no key of ours opens: not looked into */
	FINDING_REPAIRED,
	FINDING_KINDS
};
const char *finding_kind_text(enum finding_kind kind);

struct finding {
	enum finding_kind kind;
	const char *stored_path;
	const char *plain_path; /* as far as it could be read */
	const char *words;
};

struct verify_totals {
	uint64_t folders, directories, files, symlinks, blocks, bytes;
	uint64_t findings[FINDING_KINDS];
};

struct verify_options {
	bool repair;
	void (*found)(void *context, const struct finding *finding);
	void (*progress)(void *context, const struct verify_totals *totals); /* may be NULL */
	void *context;
};

/* FAULT_NONE: all sound. FAULT_TAMPERED wins over FAULT_DAMAGED; foreign files and locked folders alone are
 * no damage. */
MUST_CHECK enum fault verify_tree(struct share *share, const char *stored_path,
				  const struct verify_options *options, struct verify_totals *ret_totals,
				  struct why *why);

#endif
