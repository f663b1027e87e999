#include "fs/backing.h"

#include <linux/magic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>

#include "base/auto.h"

#define CIFS_MAGIC 0xFF534D42L
#define SMB2_MAGIC 0xFE534D42L
#define ZFS_MAGIC 0x2FC12FC1L
#define EXFAT_MAGIC 0x2011BAB0L
#define NTFS3_MAGIC 0x7366746EL
#define BCACHEFS_MAGIC 0xCA451A4EL
#define GFS2_MAGIC 0x01161970L
#define CEPH_MAGIC 0x00C36400L

enum trust { TRUST_NEVER, TRUST_LOCAL, TRUST_UNLESS_KEPT_HERE };

static const struct row {
	long magic;
	const char *kind; /* where /proc says nothing more exact */
	enum trust trust;
} rows[] = {
	{EXT4_SUPER_MAGIC, "ext4", TRUST_LOCAL},
	{XFS_SUPER_MAGIC, "xfs", TRUST_LOCAL},
	{BTRFS_SUPER_MAGIC, "btrfs", TRUST_LOCAL},
	{TMPFS_MAGIC, "tmpfs", TRUST_LOCAL},
	{RAMFS_MAGIC, "ramfs", TRUST_LOCAL},
	{F2FS_SUPER_MAGIC, "f2fs", TRUST_LOCAL},
	{OVERLAYFS_SUPER_MAGIC, "overlay", TRUST_LOCAL},
	{ZFS_MAGIC, "zfs", TRUST_LOCAL},
	{BCACHEFS_MAGIC, "bcachefs", TRUST_LOCAL},
	{MSDOS_SUPER_MAGIC, "vfat", TRUST_LOCAL},
	{EXFAT_MAGIC, "exfat", TRUST_LOCAL},
	{NTFS3_MAGIC, "ntfs3", TRUST_LOCAL},
	{GFS2_MAGIC, "gfs2", TRUST_UNLESS_KEPT_HERE},
	{CEPH_MAGIC, "ceph", TRUST_UNLESS_KEPT_HERE},
	{NFS_SUPER_MAGIC, "nfs", TRUST_UNLESS_KEPT_HERE},
	{CIFS_MAGIC, "cifs", TRUST_UNLESS_KEPT_HERE},
	{SMB2_MAGIC, "cifs", TRUST_UNLESS_KEPT_HERE},
	{FUSE_SUPER_MAGIC, "fuse", TRUST_NEVER},
	{V9FS_MAGIC, "9p", TRUST_NEVER},
};

static const struct row unknown = {0, "unknown", TRUST_NEVER};

static const struct row *find_row(int fd)
{
	struct statfs info;
	if (fstatfs(fd, &info) != 0)
		return &unknown;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		/* Magic numbers are 32 bits; f_type is a signed long of either size. */
		if ((uint32_t)rows[i].magic == (uint32_t)info.f_type)
			return &rows[i];
	return &unknown;
}

bool backing_options_keep_locks_here(const char *options)
{
	static const char *const words[] = {"nolock",		"local_lock=all", "local_lock=flock",
					    "local_lock=posix", "nobrl",	  "localflocks",
					    "noflock"};
	AUTO(free) char *copy = strdup(options);
	if (!copy)
		return true;
	char *rest = copy;
	for (char *word = strsep(&rest, ","); word; word = strsep(&rest, ","))
		for (size_t i = 0; i < sizeof words / sizeof *words; i++)
			if (strcmp(word, words[i]) == 0)
				return true;
	return false;
}

static bool begins_with(const char *text, const char *beginning)
{
	return strncmp(text, beginning, strlen(beginning)) == 0;
}

/* davfs2 is mounted as "fuse", from a URL. */
static bool is_davfs(const char *type, const char *source)
{
	return strcmp(type, "fuse") == 0 && (begins_with(source, "http://") || begins_with(source, "https://"));
}

bool backing_keeps_writes(const char *type, const char *source)
{
	return strcmp(type, "fuse.rclone") == 0 || is_davfs(type, source);
}

/* -- /proc ---------------------------------------------------------------------------- */

static void auto_fclose(FILE **file)
{
	if (*file)
		(void)fclose(*file);
}

static long mount_id(int fd)
{
	char path[64];
	long id = -1;
	(void)snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
	AUTO(fclose) FILE *file = fopen(path, "re");
	char line[256];

	while (file && fgets(line, sizeof line, file))
		if (sscanf(line, "mnt_id: %ld", &id) == 1)
			break;
	return id;
}

/* "36 35 98:0 /root /point options ... - TYPE SOURCE OPTIONS" */
static void take_line(char *line, const struct row *row, struct backing *backing)
{
	char *tail = strstr(line, " - ");
	if (!tail)
		return;
	tail += 3;
	tail[strcspn(tail, "\n")] = 0;
	const char *kind = strsep(&tail, " ");
	const char *source = strsep(&tail, " ");
	if (!kind || !source || !tail)
		return;
	(void)snprintf(backing->kind, sizeof backing->kind, "%s", is_davfs(kind, source) ? "davfs2" : kind);
	backing->keeps_writes = backing_keeps_writes(kind, source);
	if (row->trust == TRUST_UNLESS_KEPT_HERE)
		backing->trusts_locks = !backing_options_keep_locks_here(tail);
}

static void ask_proc(int fd, const struct row *row, struct backing *backing)
{
	long wanted = mount_id(fd);
	AUTO(fclose) FILE *file = wanted < 0 ? NULL : fopen("/proc/self/mountinfo", "re");
	AUTO(free) char *line = NULL;
	size_t room = 0;

	while (file && getline(&line, &room, file) > 0) {
		if (strtol(line, NULL, 10) != wanted)
			continue;
		take_line(line, row, backing);
		return;
	}
}

struct backing backing_of(int fd)
{
	const struct row *row = find_row(fd);
	struct backing backing = {.trusts_locks = row->trust == TRUST_LOCAL};

	(void)snprintf(backing.kind, sizeof backing.kind, "%s", row->kind);
	ask_proc(fd, row, &backing);
	return backing;
}
