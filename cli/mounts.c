#include "cli/mounts.h"

#include "cli/input.h"

#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void close_file(FILE *file)
{
	if (file)
		(void)fclose(file);
}
AUTO_POINTER(FILE *, close_file);

/* Blank, tab, newline and backslash are written as three octal digits. */
static void unescape(char *text)
{
	char *out = text;

	for (; *text; out++) {
		if (text[0] == '\\' && text[1] >= '0' && text[1] <= '3' && text[2] && text[3]) {
			*out = (char)((text[1] - '0') << 6 | (text[2] - '0') << 3 | (text[3] - '0'));
			text += 4;
		} else {
			*out = *text++;
		}
	}
	*out = '\0';
}

/* "36 35 98:0 /root /mount/point options... - type source options" */
static char *type_if_at(char *line, const char *path)
{
	char *place = line;
	char *type = strstr(line, " - ");

	for (int i = 0; place && i < 4; i++) {
		place = strchr(place, ' ');
		place = place ? place + 1 : NULL;
	}
	if (!place || !type || type < place)
		return NULL;
	type += strlen(" - ");
	type[strcspn(type, " \n")] = '\0';
	place[strcspn(place, " ")] = '\0';
	unescape(place);
	return strcmp(place, path) ? NULL : type;
}

enum fault mounts_type_at(const char *path, char **ret_type, struct why *why)
{
	AUTO(close_file) FILE *file = fopen("/proc/self/mountinfo", "re");
	AUTO(free) char *line = NULL;
	AUTO(free) char *found = NULL;
	size_t room = 0;

	if (!file)
		return why_system(why, "cannot read /proc/self/mountinfo");
	while (getline(&line, &room, file) >= 0) {
		const char *type = type_if_at(line, path);

		if (!type)
			continue;
		free(found);
		found = strdup(type);
		if (!found)
			return why_set(why, FAULT_MEMORY, "no memory for a mount");
	}
	*ret_type = TAKE(found);
	return FAULT_NONE;
}

enum fault mounts_path(const char *directory, char **ret_path, struct why *why)
{
	AUTO(free) char *for_parent = strdup(directory);
	AUTO(free) char *for_name = strdup(directory);
	AUTO(free) char *parent = NULL;
	char *path = NULL;
	enum fault fault;

	if (input_real_path(directory, ret_path, NULL) == FAULT_NONE)
		return FAULT_NONE;
	if (!for_parent || !for_name)
		return why_set(why, FAULT_MEMORY, "no memory for a path");
	fault = input_real_path(dirname(for_parent), &parent, why);
	if (fault)
		return fault;
	if (asprintf(&path, "%s/%s", strcmp(parent, "/") ? parent : "", basename(for_name)) < 0)
		return why_set(why, FAULT_MEMORY, "no memory for a path");
	*ret_path = path;
	return FAULT_NONE;
}
