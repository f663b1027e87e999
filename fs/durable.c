#include "fs/durable.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

static enum fault sync_long_name(int directory, const char *entry, struct why *why)
{
	char file[INODE_ENTRY_SIZE + sizeof(FORMAT_LONG_SUFFIX)];

	if (name_classify(entry) != NAME_LONG_ENTRY)
		return FAULT_NONE;
	(void)snprintf(file, sizeof(file), "%s" FORMAT_LONG_SUFFIX, entry);
	AUTO(file_close) int fd = file_open_regular(directory, file, O_RDONLY, 0);
	if (fd < 0 && errno == ENOENT)
		return FAULT_NONE;
	if (fd < 0 || fsync(fd) != 0)
		return why_system(why, "cannot sync a long-name file");
	return FAULT_NONE;
}

/* `made` is read before the sync: names made during it count for the next one. */
static enum fault sync_names(struct inode *directory, const char *entry, bool always, struct why *why)
{
	uint32_t made = inode_made(directory);
	int fd;

	/* A long name has a file of its own, which a sync of the directory for another entry leaves out. */
	if (made == 0 && !always && name_classify(entry) != NAME_LONG_ENTRY)
		return FAULT_NONE;
	enum fault fault = inode_lend(directory, &fd, why);
	if (fault)
		return fault;
	fault = sync_long_name(fd, entry, why);
	if (!fault && (made != 0 || always))
		fault = file_sync_directory(fd, why);
	inode_return(directory);
	if (!fault && made != 0)
		inode_set_synced(directory, made);
	return fault;
}

/* From the bottom up: the entry of each in the one above it. */
static enum fault sync_way(struct inode *inode, struct why *why)
{
	AUTO(inode_unref) struct inode *at = inode_ref(inode);

	for (;;) {
		AUTO(inode_name_done) struct inode_name name = {.parent = NULL};
		enum fault fault = FAULT_NONE;

		inode_name(at, &name);
		if (!name.parent || name.gone)
			return FAULT_NONE;
		fault = sync_names(name.parent, name.entry, false, why);
		if (fault)
			return fault;
		inode_unref(at);
		at = inode_ref(name.parent);
	}
}

enum fault durable_file(struct open_file *file, bool data_only, struct why *why)
{
	int fd = file_descriptor(file);
	enum fault fault = file_bring_through(file, why);

	if (fault)
		return fault;
	if ((data_only ? fdatasync(fd) : fsync(fd)) != 0)
		return why_system(why, "cannot sync a file");
	return sync_way(file_inode(file), why);
}

enum fault durable_directory(struct inode *directory, struct why *why)
{
	enum fault fault = sync_names(directory, "", true, why);

	return fault ? fault : sync_way(directory, why);
}
