#include "fs/killpriv.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "fs/reach.h"

/* Where a request of its kind has the flag. */
struct due {
	uint32_t opcode;
	size_t offset;
	uint32_t flag;
};
static const struct due dues[] = {
	{FUSE_WRITE, offsetof(struct fuse_write_in, write_flags), FUSE_WRITE_KILL_SUIDGID},
	{FUSE_SETATTR, offsetof(struct fuse_setattr_in, valid), FATTR_KILL_SUIDGID},
	{FUSE_OPEN, offsetof(struct fuse_open_in, open_flags), FUSE_OPEN_KILL_SUIDGID},
	{FUSE_CREATE, offsetof(struct fuse_create_in, open_flags), FUSE_OPEN_KILL_SUIDGID},
};

static uint32_t word_at(const struct fuse_in_header *request, size_t size, size_t offset)
{
	uint32_t word = 0;

	if (size >= sizeof(*request) + offset + sizeof(word))
		memcpy(&word, (const uint8_t *)(request + 1) + offset, sizeof(word));
	return word;
}

bool killpriv_is_ours(void)
{
	return geteuid() == 0;
}

bool killpriv_is_due(const struct fuse_in_header *request, size_t size)
{
	for (size_t i = 0; i < COUNT(dues); i++)
		if (dues[i].opcode == request->opcode)
			return word_at(request, size, dues[i].offset) & dues[i].flag;
	return false;
}

/* Set-group-ID without execution by the group is a kind of lock, not a privilege (chmod(2)). */
static mode_t privileges(mode_t mode)
{
	return (mode & S_ISUID) | (mode & S_IXGRP ? mode & S_ISGID : 0);
}

enum fault killpriv_do(int fd, bool *ret_changed, struct why *why)
{
	struct stat stored;

	*ret_changed = false;
	if (fstat(fd, &stored) != 0)
		return why_system(why, "cannot read attributes");
	mode_t gone = S_ISREG(stored.st_mode) ? privileges(stored.st_mode) : 0;
	if (!gone)
		return FAULT_NONE;
	enum fault fault = reach_set_mode(fd, stored.st_mode & ~gone, why);
	*ret_changed = !fault;
	return fault;
}
