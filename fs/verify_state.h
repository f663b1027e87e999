/* fs/verify_state.h - what the parts of fs/verify.h share.
 *
 *   verify.c          the result
 *   verify_gone.c     folders that are gone altogether
 *   verify_folder.c   arriving in a directory: is it a folder, is its access list sound?
 *   verify_entry.c    one entry of a directory: name, kind, link target, xattrs
 *   verify_settle.c   what is of the folder above in a folder's own directory
 *   verify_file.c     the contents of a file, and mending its end
 *
 * Somebody may be writing all the while. So whatever looks wrong is looked at a second time
 * with the access list read again, and what has vanished meanwhile was never there.
 */
#ifndef FSENC_FS_VERIFY_STATE_H
#define FSENC_FS_VERIFY_STATE_H

#include <sys/stat.h>

#include "fs/folder_state.h"
#include "fs/verify.h"

/* Each level holds a descriptor and a stack frame; a server can nest without end. */
#define VERIFY_DEPTH_MAX 900

/* In another folder the same file is another one: sound in one of them, damage in the other. */
struct verify_inode {
	dev_t device;
	ino_t inode;
	struct folder_id folder;
};

struct verify {
	struct share *share;
	const struct verify_options *options;
	struct verify_totals totals;
	struct bytes stored, plain; /* where we are; each ends with a zero */
	unsigned depth;
	struct verify_inode *linked; /* files with several names, looked at already; a hash table */
	size_t linked_room, linked_count;
};

/* A folder on the way down. In a lobby there is none. */
struct zone {
	struct access_place place;
	const struct zone *above; /* NULL: in a lobby, or the share's root */
	struct folder_id id;
	char *path;
	const struct folder_view *view; /* NULL: it is not open to us */
	int64_t patient_until_ms; /* 0: nothing was waited for in it yet */
};
void zone_done(struct zone *zone);
AUTO_VALUE(struct zone, zone_done);

/* Tells of a finding at the present place. */
void verify_found(struct verify *verify, enum finding_kind kind, const char *format, ...) PRINTF_LIKE(3, 4);

/* One name further, and back. */
struct verify_mark {
	size_t stored, plain;
};
MUST_CHECK enum fault verify_push(struct verify *verify, const char *stored, const char *plain,
				  struct verify_mark *ret_mark, struct why *why);
void verify_pop(struct verify *verify, const struct verify_mark *mark);

/* In the directory `fd`, below `above` (NULL: a lobby): first along `rest`, the stored path still to go
 * (NULL: at the end), then through all that is there. */
MUST_CHECK enum fault verify_arrive(struct verify *verify, int fd, struct zone *above, const char *rest,
				    struct why *why);
/* The access list may have moved on since the walk came by: then the zone gets its new view. */
void zone_refresh(struct verify *verify, struct zone *zone);

/* Tells of folders pinned at or below the stored path that are gone without having been closed or moved. */
MUST_CHECK enum fault verify_gone(struct verify *verify, const char *below, struct why *why);

/* Is it a name of the folder above (fs/strangers.h)? One that is about to be put where it belongs is waited for. */
bool verify_finds_stranger(int directory, struct zone *zone, const char *entry);
bool verify_finds_strange_attribute(const struct zone *zone, const char *stored);
/* With `repair`: puts them where they belong. */
MUST_CHECK enum fault verify_settle(struct verify *verify, const struct zone *zone, struct why *why);

/* Every entry of the directory `fd`, and its own xattrs. */
MUST_CHECK enum fault verify_entries(struct verify *verify, int fd, struct zone *zone, struct why *why);
/* The plain name of a stored entry. FAULT_MISSING: it vanished. */
MUST_CHECK enum fault verify_name(int directory, const struct folder_view *view, const char *entry,
				  char ret_plain[static NAME_MAX_PLAIN + 1], struct why *why);
MUST_CHECK enum fault verify_file(struct verify *verify, int directory, struct zone *zone, const char *entry,
				  const struct stat *stat, struct why *why);
/* Of a file or directory open for reading. */
MUST_CHECK enum fault verify_xattrs(struct verify *verify, int fd, struct zone *zone, struct why *why);

#endif
