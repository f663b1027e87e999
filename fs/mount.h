/* fs/mount.h - `fsenc mount`: a share seen decrypted, until it is unmounted.
 *
 * mount_options_parse() reads the text after -o from one table (also the source of the manual's
 * list); mount_run() serves until SIGTERM, SIGINT or fusermount3 -u (fs/loop.h).
 */
#ifndef FSENC_FS_MOUNT_H
#define FSENC_FS_MOUNT_H

#include "fs/share.h"

struct mount_options {
	bool allow_other, default_permissions, read_only, nosuid, nodev, noexec, auto_unmount;
	bool local, strict, locks_trusted, writes_trusted, writeback;
	bool has_uid, has_gid, has_umask;
	unsigned uid, gid, umask;
	double attr_timeout; /* seconds; < 0: by mode, 1 s shared, 60 s local */
	unsigned idle_minutes; /* 0: never */
	char *fsname, *keyring, *passfile; /* heap, or NULL */
};
#define MOUNT_OPTIONS_DEFAULT ((struct mount_options){.attr_timeout = -1})
void mount_options_done(struct mount_options *options);
AUTO_VALUE(struct mount_options, mount_options_done);

/* Commas inside a value are written `\,`. Unknown: FAULT_USAGE with the nearest known one. Options of
 * mount(8) that mean nothing to us (rw, defaults, noauto, nofail, user, _netdev, x-*, ...) are passed over.
 */
MUST_CHECK enum fault mount_options_parse(const char *text, struct mount_options *options, struct why *why);
/* "name\tvalue\twords" rows, for --help, the manual test and completion. */
const char *const *mount_option_lines(void);

struct mount_request {
	const char *share_path;
	const char *directory;
	const struct mount_options *options;
	struct keyring *keyring; /* unlocked, or locked: then folders are locked until it is unlocked */
	const struct share_recovered *recovered; /* or NULL; with `ro` */
	/* Called once when the mount answers: the background parent may go. */
	void (*ready)(void *context);
	void *context;
};
/* FAULT_MOUNT_POINT: not a directory, not empty, in use, inside the share. FAULT_STORAGE: not to be mounted but
 * read-only (share_refuse_writes()). Returns when unmounted. */
MUST_CHECK enum fault mount_run(const struct mount_request *request, struct why *why);

#endif
