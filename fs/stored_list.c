#include "fs/stored_list.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>

#include "base/file.h"

#define DIRECTORY_BUFFER (64 * 1024)

void stored_list_done(struct stored_list *list)
{
	free(list->entries);
	bytes_done(&list->names);
	*list = STORED_LIST_EMPTY;
}

const char *stored_list_name(const struct stored_list *list, size_t at)
{
	return (const char *)list->names.data + list->entries[at].name;
}

enum fault stored_list_add(struct stored_list *list, const char *name, ino_t number, unsigned char type,
			   struct why *why)
{
	if (list->count == list->room) {
		size_t room = list->room ? list->room * 2 : 64;
		struct stored_entry *larger = reallocarray(list->entries, room, sizeof(*larger));
		if (!larger)
			return why_set(why, FAULT_MEMORY, "no memory for a listing");
		list->entries = larger;
		list->room = room;
	}
	struct stored_entry entry = {list->names.size, number, type};
	enum fault fault = bytes_append(&list->names, name, strlen(name) + 1, why);
	if (!fault)
		list->entries[list->count++] = entry;
	return fault;
}

static bool is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static enum fault add_all(struct stored_list *list, const char *buffer, size_t size, struct why *why)
{
	for (size_t at = 0; at < size;) {
		const struct dirent64 *entry = (const void *)(buffer + at);
		enum fault fault = FAULT_NONE;

		at += entry->d_reclen;
		if (!is_dots(entry->d_name))
			fault = stored_list_add(list, entry->d_name, entry->d_ino, entry->d_type, why);
		if (fault)
			return fault;
	}
	return FAULT_NONE;
}

/* getdents itself: opendir() would ask for attributes that nobody needs. */
enum fault stored_list_read(int directory, struct stored_list *list, struct why *why)
{
	AUTO(file_close) int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	AUTO(free) char *buffer = malloc(DIRECTORY_BUFFER);

	if (fd < 0)
		return why_system(why, "cannot list a directory");
	if (!buffer)
		return why_set(why, FAULT_MEMORY, "no memory for a listing");
	for (;;) {
		ssize_t got = getdents64(fd, buffer, DIRECTORY_BUFFER);
		if (got < 0)
			return why_system(why, "cannot list a directory");
		if (got == 0)
			return FAULT_NONE;
		enum fault fault = add_all(list, buffer, (size_t)got, why);
		if (fault)
			return fault;
	}
}
