#include "fs/inode_parts.h"

#include <fcntl.h>
#include <string.h>

#include "base/file.h"

static bool file_part_locked(struct inode *inode)
{
	if (!inode->file)
		inode->file = calloc(1, sizeof(*inode->file));
	return inode->file != NULL;
}

static void file_part_drop_locked(struct inode *inode)
{
	if (inode->file->opens > 0 || inode->file->handle_count > 0 || inode->file->content)
		return;
	free(inode->file->handles);
	free(inode->file);
	inode->file = NULL;
}

enum fault inode_open_content(struct inode *inode, const struct content_options *options,
			      struct content **ret_content, struct why *why)
{
	AUTO(content_free) struct content *fresh = NULL;
	enum fault fault = FAULT_NONE;

	(void)pthread_mutex_lock(&inode->table->mutex);
	bool known = inode->file && inode->file->content;
	(void)pthread_mutex_unlock(&inode->table->mutex);
	if (!known)
		fault = content_new(options, &fresh, why);
	if (fault)
		return fault;
	(void)pthread_mutex_lock(&inode->table->mutex);
	/* The last handle may have gone between the two looks. */
	bool usable = file_part_locked(inode) && (inode->file->content || fresh);
	if (usable) {
		if (!inode->file->content)
			inode->file->content = TAKE(fresh);
		inode->file->opens++;
		*ret_content = inode->file->content;
	}
	(void)pthread_mutex_unlock(&inode->table->mutex);
	if (usable)
		return FAULT_NONE;
	return known ? inode_open_content(inode, options, ret_content, why)
		     : why_set(why, FAULT_MEMORY, "no memory for an open file");
}

void inode_close_content(struct inode *inode)
{
	struct content *last = NULL;

	(void)pthread_mutex_lock(&inode->table->mutex);
	if (--inode->file->opens == 0 && !content_has_pending(inode->file->content)) {
		last = TAKE(inode->file->content);
		file_part_drop_locked(inode);
	}
	(void)pthread_mutex_unlock(&inode->table->mutex);
	content_free(last);
}

bool inode_is_open(struct inode *inode)
{
	(void)pthread_mutex_lock(&inode->table->mutex);
	bool open = inode->file && inode->file->content;
	(void)pthread_mutex_unlock(&inode->table->mutex);
	return open;
}

void inode_forget_content(struct inode *inode)
{
	struct content *content = NULL;

	(void)pthread_mutex_lock(&inode->table->mutex);
	if (inode->file && inode->file->content) {
		content = inode->file->content;
		inode->file->opens++;
	}
	(void)pthread_mutex_unlock(&inode->table->mutex);
	if (!content)
		return;
	content_forget(content);
	inode_close_content(inode);
}

/* Without memory the handle is only not found by others. */
void inode_add_handle(struct inode *inode, int fd)
{
	(void)pthread_mutex_lock(&inode->table->mutex);
	struct inode_file *file = file_part_locked(inode) ? inode->file : NULL;
	if (file && file->handle_count == file->handle_room) {
		size_t room = file->handle_room ? file->handle_room * 2 : 1;
		int *larger = reallocarray(file->handles, room, sizeof(int));
		if (larger) {
			file->handles = larger;
			file->handle_room = room;
		}
	}
	if (file && file->handle_count < file->handle_room)
		file->handles[file->handle_count++] = fd;
	(void)pthread_mutex_unlock(&inode->table->mutex);
}

void inode_drop_handle(struct inode *inode, int fd)
{
	(void)pthread_mutex_lock(&inode->table->mutex);
	struct inode_file *file = inode->file;
	for (size_t i = 0; file && i < file->handle_count; i++) {
		if (file->handles[i] == fd) {
			file->handles[i] = file->handles[--file->handle_count];
			break;
		}
	}
	if (file)
		file_part_drop_locked(inode);
	(void)pthread_mutex_unlock(&inode->table->mutex);
}

int inode_handle(struct inode *inode)
{
	int fd = -1;

	(void)pthread_mutex_lock(&inode->table->mutex);
	if (inode->file && inode->file->handle_count > 0)
		fd = fcntl(inode->file->handles[0], F_DUPFD_CLOEXEC, 3);
	(void)pthread_mutex_unlock(&inode->table->mutex);
	return fd;
}

/* A pin would be of the file before. */
bool inode_become(struct inode *inode, const struct sight *stored)
{
	AUTO(file_close) int pin = -1;

	(void)pthread_mutex_lock(&inode->table->mutex);
	bool can = !inode->many_names && !inode->gone && inode->file && inode->file->handle_count == 1;
	if (can) {
		inode_unindex_stored(inode);
		inode->device = stored->stat.st_dev;
		inode->number = stored->stat.st_ino;
		inode->birth = stored->birth;
		pin = inode->pin;
		inode->pin = -1;
	}
	(void)pthread_mutex_unlock(&inode->table->mutex);
	return can;
}

/* -- what the kernel believes --------------------------------------------------------------------- */

#define MIX 0x9E3779B97F4A7C15u

/* Two different states of a file look the same once in 2^64 times. */
static uint64_t digest_of(const struct stat *shown)
{
	const uint64_t words[] = {shown->st_ino, (uint64_t)shown->st_size, (uint64_t)shown->st_mtim.tv_sec,
				  (uint64_t)shown->st_mtim.tv_nsec};
	uint64_t digest = MIX;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		digest = (digest ^ words[i]) * MIX;
		digest ^= digest >> 32;
	}
	return digest;
}

void inode_tell(struct inode *inode, const struct stat *shown)
{
	atomic_store_explicit(&inode->told, digest_of(shown), memory_order_relaxed);
}

bool inode_was_told(const struct inode *inode, const struct stat *shown)
{
	return atomic_load_explicit(&inode->told, memory_order_relaxed) == digest_of(shown);
}
