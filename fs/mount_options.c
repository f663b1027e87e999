#include "fs/mount.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

void mount_options_done(struct mount_options *options)
{
	free(options->fsname);
	free(options->keyring);
	free(options->passfile);
	options->fsname = options->keyring = options->passfile = NULL;
}

/* -- the table ------------------------------------------------------------------------------ */

enum option_kind {
	OPTION_YES, /* sets a bool */
	OPTION_NO, /* clears it */
	OPTION_NUMBER, /* decimal, and the bool that says so, if there is one */
	OPTION_OCTAL, /* likewise */
	OPTION_SECONDS, /* a double */
	OPTION_TEXT,
	OPTION_WORD, /* one value, which sets a bool */
	OPTION_PASSED /* of mount(8), means nothing here */
};

struct option {
	const char *name;
	enum option_kind kind;
	size_t at, has; /* in struct mount_options */
	const char *value, *words; /* NULL words: not shown */
};

#define AT(member) offsetof(struct mount_options, member)
#define NOWHERE SIZE_MAX

/* "name\tvalue\twords" beside each: what --help and the manual show. */
static const struct option option_table[] = {
	{"allow_other", OPTION_YES, AT(allow_other), NOWHERE, "", "other users may use the mount, too"},
	{"default_permissions", OPTION_YES, AT(default_permissions), NOWHERE, "",
	 "the kernel checks modes and owners"},
	{"ro", OPTION_YES, AT(read_only), NOWHERE, "", "change nothing"},
	{"rw", OPTION_NO, AT(read_only), NOWHERE, NULL, NULL},
	{"nosuid", OPTION_YES, AT(nosuid), NOWHERE, "", "set-user-id bits have no effect (always so)"},
	{"nodev", OPTION_YES, AT(nodev), NOWHERE, "", "device files have no effect (always so)"},
	{"noexec", OPTION_YES, AT(noexec), NOWHERE, "", "programs cannot be run from the mount"},
	{"exec", OPTION_NO, AT(noexec), NOWHERE, NULL, NULL},
	{"auto_unmount", OPTION_YES, AT(auto_unmount), NOWHERE, "",
	 "unmount when the process ends in any way"},
	{"fsname", OPTION_TEXT, AT(fsname), NOWHERE, "NAME",
	 "the source that mount(8) shows; else the share's path"},
	{"uid", OPTION_NUMBER, AT(uid), AT(has_uid), "ID", "show every file as this user's"},
	{"gid", OPTION_NUMBER, AT(gid), AT(has_gid), "ID", "show every file as this group's"},
	{"umask", OPTION_OCTAL, AT(umask), AT(has_umask), "MODE",
	 "show every mode as 0777 without these bits"},
	{"integrity", OPTION_WORD, AT(strict), NOWHERE, "strict",
	 "refuse files that a crash or the storage cut short"},
	{"shared", OPTION_NO, AT(local), NOWHERE, "",
	 "other clients use the share at the same time (default)"},
	{"local", OPTION_YES, AT(local), NOWHERE, "",
	 "no other client does: cache longer; refused while one does"},
	{"locks", OPTION_WORD, AT(locks_trusted), NOWHERE, "trusted",
	 "this backing's locks reach the other clients"},
	{"writes", OPTION_WORD, AT(writes_trusted), NOWHERE, "trusted",
	 "this backing's server has what the backing calls written"},
	{"writeback", OPTION_YES, AT(writeback), NOWHERE, "",
	 "the kernel may keep writes back (with local only)"},
	{"attr_timeout", OPTION_SECONDS, AT(attr_timeout), NOWHERE, "SECONDS",
	 "how long the kernel trusts attributes"},
	{"keyring", OPTION_TEXT, AT(keyring), NOWHERE, "FILE", "use this keyring"},
	{"passfile", OPTION_TEXT, AT(passfile), NOWHERE, "FILE", "read the passphrase from this file"},
	{"idle", OPTION_NUMBER, AT(idle_minutes), NOWHERE, "MINUTES", "unmount after this time without use"},
	{"defaults", OPTION_PASSED, NOWHERE, NOWHERE, NULL, NULL},
	{"auto", OPTION_PASSED, NOWHERE, NOWHERE, NULL, NULL},
	{"noauto", OPTION_PASSED, NOWHERE, NOWHERE, NULL, NULL},
	{"nofail", OPTION_PASSED, NOWHERE, NOWHERE, NULL, NULL},
	{"user", OPTION_PASSED, NOWHERE, NOWHERE, NULL, NULL},
	{"users", OPTION_PASSED, NOWHERE, NOWHERE, NULL, NULL},
	{"nouser", OPTION_PASSED, NOWHERE, NOWHERE, NULL, NULL},
	{"owner", OPTION_PASSED, NOWHERE, NOWHERE, NULL, NULL},
	{"group", OPTION_PASSED, NOWHERE, NOWHERE, NULL, NULL},
	{"_netdev", OPTION_PASSED, NOWHERE, NOWHERE, NULL, NULL},
	{"suid", OPTION_PASSED, NOWHERE, NOWHERE, NULL, NULL},
	{"dev", OPTION_PASSED, NOWHERE, NOWHERE, NULL, NULL},
	{"atime", OPTION_PASSED, NOWHERE, NOWHERE, NULL, NULL},
	{"noatime", OPTION_PASSED, NOWHERE, NOWHERE, NULL, NULL},
	{"relatime", OPTION_PASSED, NOWHERE, NOWHERE, NULL, NULL},
	{"async", OPTION_PASSED, NOWHERE, NOWHERE, NULL, NULL},
};
#define OPTION_COUNT (sizeof(option_table) / sizeof(option_table[0]))

const char *const *mount_option_lines(void)
{
	static const char *lines[OPTION_COUNT + 1];
	static char texts[OPTION_COUNT][160];
	size_t count = 0;

	if (lines[0])
		return lines;
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		const struct option *option = &option_table[i];
		if (!option->words)
			continue;
		(void)snprintf(texts[count], sizeof(texts[count]), "%s\t%s\t%s", option->name, option->value,
			       option->words);
		lines[count] = texts[count];
		count++;
	}
	return lines;
}

/* -- the nearest known name, for a typing error --------------------------------------------------- */

#define NAME_COMPARED 32

static size_t least(size_t one, size_t other)
{
	return one < other ? one : other;
}

static size_t distance(const char *one, const char *other)
{
	size_t row[NAME_COMPARED + 1];
	size_t width = least(strlen(other), NAME_COMPARED), height = least(strlen(one), NAME_COMPARED);

	for (size_t x = 0; x <= width; x++)
		row[x] = x;
	for (size_t y = 1; y <= height; y++) {
		size_t diagonal = row[0];
		row[0] = y;
		for (size_t x = 1; x <= width; x++) {
			size_t above = row[x];
			row[x] = least(least(row[x], row[x - 1]) + 1,
				       diagonal + (one[y - 1] != other[x - 1]));
			diagonal = above;
		}
	}
	return row[width];
}

static const char *nearest(const char *name)
{
	const struct option *best = &option_table[0];

	for (size_t i = 1; i < OPTION_COUNT; i++)
		if (option_table[i].words &&
		    distance(name, option_table[i].name) < distance(name, best->name))
			best = &option_table[i];
	return best->name;
}

/* -- one option ------------------------------------------------------------------------------- */

static enum fault set_number(const struct option *option, const char *value, struct mount_options *options,
			     struct why *why)
{
	int base = option->kind == OPTION_OCTAL ? 8 : 10;
	char *end = NULL;

	errno = 0;
	unsigned long number = strtoul(value, &end, base);
	if (errno != 0 || end == value || *end != '\0' || *value == '-' || number > UINT32_MAX ||
	    (base == 8 && number > 0777))
		return why_set(why, FAULT_USAGE, "option '%s': '%s' is no %s", option->name, value,
			       base == 8 ? "mode" : "number");
	*(unsigned *)(void *)((char *)options + option->at) = (unsigned)number;
	if (option->has != NOWHERE)
		*(bool *)((char *)options + option->has) = true;
	return FAULT_NONE;
}

static enum fault set_seconds(const struct option *option, const char *value, struct mount_options *options,
			      struct why *why)
{
	char *end = NULL;
	double seconds = strtod(value, &end);

	if (end == value || *end != '\0' || !(seconds >= 0 && seconds <= 86400))
		return why_set(why, FAULT_USAGE, "option '%s': '%s' is no number of seconds", option->name,
			       value);
	*(double *)(void *)((char *)options + option->at) = seconds;
	return FAULT_NONE;
}

static enum fault set_word(const struct option *option, const char *value, struct mount_options *options,
			   struct why *why)
{
	if (strcmp(value, option->value) != 0)
		return why_set(why, FAULT_USAGE, "option '%s': the only value is '%s'", option->name,
			       option->value);
	*(bool *)((char *)options + option->at) = true;
	return FAULT_NONE;
}

static enum fault set_text(const struct option *option, const char *value, struct mount_options *options,
			   struct why *why)
{
	char *copy = strdup(value);
	if (!copy)
		return why_set(why, FAULT_MEMORY, "no memory for an option");
	char **text = (char **)(void *)((char *)options + option->at);
	free(*text);
	*text = copy;
	return FAULT_NONE;
}

static enum fault set_option(const struct option *option, const char *value, struct mount_options *options,
			     struct why *why)
{
	bool wants_value = option->kind == OPTION_NUMBER || option->kind == OPTION_OCTAL ||
			   option->kind == OPTION_SECONDS || option->kind == OPTION_TEXT ||
			   option->kind == OPTION_WORD;

	if (wants_value && (!value || !*value))
		return why_set(why, FAULT_USAGE, "option '%s' needs a value", option->name);
	if (!wants_value && value && option->kind != OPTION_PASSED)
		return why_set(why, FAULT_USAGE, "option '%s' takes no value", option->name);
	switch (option->kind) {
	case OPTION_YES:
	case OPTION_NO:
		*(bool *)((char *)options + option->at) = option->kind == OPTION_YES;
		break;
	case OPTION_NUMBER:
	case OPTION_OCTAL:
		return set_number(option, value, options, why);
	case OPTION_SECONDS:
		return set_seconds(option, value, options, why);
	case OPTION_TEXT:
		return set_text(option, value, options, why);
	case OPTION_WORD:
		return set_word(option, value, options, why);
	case OPTION_PASSED:
		break;
	}
	return FAULT_NONE;
}

static const struct option *find_option(const char *name)
{
	for (size_t i = 0; i < OPTION_COUNT; i++)
		if (strcmp(option_table[i].name, name) == 0)
			return &option_table[i];
	return NULL;
}

static enum fault parse_one(char *text, struct mount_options *options, struct why *why)
{
	char *value = strchr(text, '=');

	if (value)
		*value++ = '\0';
	if (*text == '\0' || strncmp(text, "x-", 2) == 0 || strncmp(text, "X-", 2) == 0)
		return FAULT_NONE;
	const struct option *option = find_option(text);
	if (!option)
		return why_set(why, FAULT_USAGE, "option '%s' is unknown; the nearest is '%s'", text,
			       nearest(text));
	return set_option(option, value, options, why);
}

/* Cuts the next option off: up to a comma that no backslash protects; the backslashes go. */
static char *cut(char **rest)
{
	char *start = *rest, *to = *rest, *from = *rest;

	while (*from && *from != ',') {
		if (from[0] == '\\' && (from[1] == ',' || from[1] == '\\'))
			from++;
		*to++ = *from++;
	}
	*rest = *from ? from + 1 : from;
	*to = '\0';
	return start;
}

enum fault mount_options_parse(const char *text, struct mount_options *options, struct why *why)
{
	AUTO(free) char *copy = strdup(text);
	enum fault fault = FAULT_NONE;

	if (!copy)
		return why_set(why, FAULT_MEMORY, "no memory for options");
	for (char *rest = copy; !fault && *rest;)
		fault = parse_one(cut(&rest), options, why);
	return fault;
}
