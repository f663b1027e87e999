#include <ctype.h>
#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "fs/mount.h"

enum option_form { FORM_FLAG, FORM_NOT, FORM_NUMBER, FORM_OCTAL, FORM_SECONDS, FORM_TEXT, FORM_WORD };

struct option_row {
	const char *name;
	enum option_form form;
	size_t at;
	size_t flag_at; /* of FORM_NUMBER and FORM_OCTAL: the has_* beside it, or NONE */
	const char *word; /* of FORM_WORD: the only value there is */
	const char *line; /* name, value, words for people */
};
#define NONE SIZE_MAX
#define AT(member) offsetof(struct mount_options, member)

static const struct option_row rows[] = {
	{"allow_other", FORM_FLAG, AT(allow_other), NONE, NULL, "allow_other\t\tother users of the machine may use the mount"},
	{"default_permissions", FORM_FLAG, AT(default_permissions), NONE, NULL,
	 "default_permissions\t\tthe kernel checks modes and owners"},
	{"ro", FORM_FLAG, AT(read_only), NONE, NULL, "ro\t\tnothing is written"},
	{"rw", FORM_NOT, AT(read_only), NONE, NULL, "rw\t\tthe opposite of ro (default)"},
	{"nosuid", FORM_FLAG, AT(nosuid), NONE, NULL, "nosuid\t\tset-user-id bits mean nothing (always so without root)"},
	{"nodev", FORM_FLAG, AT(nodev), NONE, NULL, "nodev\t\tdevice nodes mean nothing (always so without root)"},
	{"noexec", FORM_FLAG, AT(noexec), NONE, NULL, "noexec\t\tno programs are started from the mount"},
	{"auto_unmount", FORM_FLAG, AT(auto_unmount), NONE, NULL, "auto_unmount\t\tunmounted when the process dies"},
	{"shared", FORM_NOT, AT(local), NONE, NULL, "shared\t\tother clients may use the share (default)"},
	{"local", FORM_FLAG, AT(local), NONE, NULL, "local\t\tthis is the only client: caches more, refuses a second mount"},
	{"integrity", FORM_WORD, AT(strict), NONE, "strict", "integrity\tstrict\ta file that ends unclean is an error"},
	{"locks", FORM_WORD, AT(locks_trusted), NONE, "trusted", "locks\ttrusted\tlocks of the share reach the other clients"},
	{"writeback", FORM_FLAG, AT(writeback), NONE, NULL, "writeback\t\tthe kernel collects writes (with local only)"},
	{"uid", FORM_NUMBER, AT(uid), AT(has_uid), NULL, "uid\tN\tshow everything as owned by this user"},
	{"gid", FORM_NUMBER, AT(gid), AT(has_gid), NULL, "gid\tN\tshow everything as owned by this group"},
	{"umask", FORM_OCTAL, AT(umask), AT(has_umask), NULL, "umask\tOCTAL\tbits taken from every mode shown"},
	{"attr_timeout", FORM_SECONDS, AT(attr_timeout), NONE, NULL,
	 "attr_timeout\tSECONDS\thow long the kernel keeps attributes (at most 1 unless local)"},
	{"idle", FORM_NUMBER, AT(idle_minutes), NONE, NULL, "idle\tMINUTES\tunmount when unused for so long"},
	{"fsname", FORM_TEXT, AT(fsname), NONE, NULL, "fsname\tNAME\twhat mount(8) shows as the source"},
	{"keyring", FORM_TEXT, AT(keyring), NONE, NULL, "keyring\tFILE\tthe keyring to use"},
	{"passfile", FORM_TEXT, AT(passfile), NONE, NULL, "passfile\tFILE\ta file whose first line is the passphrase"},
};
#define ROW_COUNT (sizeof rows / sizeof *rows)

/* mount(8) and fstab pass these along; they are no business of ours. */
static const char *const passed_over[] = {
	"defaults", "auto",  "noauto",	 "nofail", "user",   "nouser",	"users",    "owner",
	"group",    "_netdev", "exec",	 "suid",   "dev",    "async",	"relatime", "noatime",
	"strictatime", "lazytime", "nodiratime", NULL,
};

void mount_options_done(struct mount_options *options)
{
	free(options->fsname);
	free(options->keyring);
	free(options->passfile);
	*options = MOUNT_OPTIONS_DEFAULT;
}

const char *const *mount_option_lines(void)
{
	static const char *lines[ROW_COUNT + 1];

	for (size_t i = 0; i < ROW_COUNT; i++)
		lines[i] = rows[i].line;
	return lines;
}

static bool is_passed_over(const char *name)
{
	if (strncmp(name, "x-", 2) == 0 || strncmp(name, "comment=", 8) == 0)
		return true;
	for (size_t i = 0; passed_over[i]; i++)
		if (strcmp(name, passed_over[i]) == 0)
			return true;
	return false;
}

static bool number_from(const char *text, int base, unsigned *ret_number)
{
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return false;
	unsigned long number = strtoul(text, &end, base);
	if (*end || number > UINT_MAX)
		return false;
	*ret_number = (unsigned)number;
	return true;
}

static bool seconds_from(const char *text, double *ret_seconds)
{
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return false;
	double seconds = strtod(text, &end);
	if (*end || !(seconds <= 86400))
		return false;
	*ret_seconds = seconds;
	return true;
}

static enum fault set_text(char **at, const char *value, struct why *why)
{
	char *copy = strdup(value);

	if (!copy)
		return why_set(why, FAULT_MEMORY, "no memory for an option");
	free(*at);
	*at = copy;
	return FAULT_NONE;
}

static enum fault bad_value(const struct option_row *row, const char *value, struct why *why)
{
	return why_set(why, FAULT_USAGE, "mount option '%s' does not take the value '%s'", row->name, value);
}

static enum fault set_value(const struct option_row *row, struct mount_options *options, const char *value,
			    struct why *why)
{
	char *place = (char *)options + row->at;
	bool good = true;

	switch (row->form) {
	case FORM_FLAG:
	case FORM_NOT:
		return why_set(why, FAULT_USAGE, "mount option '%s' takes no value", row->name);
	case FORM_TEXT:
		return set_text((char **)(void *)place, value, why);
	case FORM_WORD:
		good = strcmp(value, row->word) == 0;
		if (good)
			*(bool *)place = true;
		break;
	case FORM_SECONDS:
		good = seconds_from(value, (double *)(void *)place);
		break;
	case FORM_NUMBER:
	case FORM_OCTAL:
		good = number_from(value, row->form == FORM_OCTAL ? 8 : 10, (unsigned *)(void *)place);
		if (good && row->flag_at != NONE)
			*((bool *)(void *)((char *)options + row->flag_at)) = true;
		break;
	}
	return good ? FAULT_NONE : bad_value(row, value, why);
}

static enum fault set_flag(const struct option_row *row, struct mount_options *options, struct why *why)
{
	if (row->form != FORM_FLAG && row->form != FORM_NOT)
		return why_set(why, FAULT_USAGE, "mount option '%s' needs a value", row->name);
	*((bool *)(void *)((char *)options + row->at)) = row->form == FORM_FLAG;
	return FAULT_NONE;
}

/* Letters alike at the start: enough to find a typing error or a cut word. */
static size_t likeness(const char *one, const char *other)
{
	size_t same = 0;

	while (one[same] && one[same] == other[same])
		same++;
	return same;
}

static enum fault unknown(const char *name, struct why *why)
{
	const struct option_row *best = &rows[0];

	for (size_t i = 1; i < ROW_COUNT; i++)
		if (likeness(name, rows[i].name) > likeness(name, best->name))
			best = &rows[i];
	if (likeness(name, best->name) < 2)
		return why_set(why, FAULT_USAGE, "there is no mount option '%s'", name);
	return why_set(why, FAULT_USAGE, "there is no mount option '%s'; did you mean '%s'?", name, best->name);
}

static enum fault parse_one(char *option, struct mount_options *options, struct why *why)
{
	char *value = strchr(option, '=');

	if (!option[0] || is_passed_over(option))
		return FAULT_NONE;
	if (value)
		*value++ = 0;
	for (size_t i = 0; i < ROW_COUNT; i++) {
		if (strcmp(option, rows[i].name) == 0)
			return value ? set_value(&rows[i], options, value, why) : set_flag(&rows[i], options, why);
	}
	return unknown(option, why);
}

/* Takes one option off *text into `option`: to the next comma that has no backslash before it. */
static void next_option(const char **text, char *option)
{
	while (**text && **text != ',') {
		if (**text == '\\' && ((*text)[1] == ',' || (*text)[1] == '\\'))
			(*text)++;
		*option++ = *(*text)++;
	}
	*option = 0;
	if (**text == ',')
		(*text)++;
}

enum fault mount_options_parse(const char *text, struct mount_options *options, struct why *why)
{
	AUTO(free) char *option = malloc(strlen(text) + 1);
	if (!option)
		return why_set(why, FAULT_MEMORY, "no memory for an option");
	while (*text) {
		next_option(&text, option);
		enum fault fault = parse_one(option, options, why);
		if (fault)
			return fault;
	}
	if (options->writeback && !options->local)
		return why_set(why, FAULT_USAGE, "mount option 'writeback' goes with 'local' only");
	return FAULT_NONE;
}
