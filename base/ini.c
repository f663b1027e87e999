#include "base/ini.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "base/nearest.h"

#define SHOWN "%.60s" /* of what somebody typed */

struct setting {
	const struct ini_section *section;
	const char *key; /* of the section's list, NULL for the section's own line */
	const char *value;
	unsigned line;
};

struct ini {
	char *origin;
	char *text; /* cut into strings */
	const struct ini_section **known;
	size_t known_count;
	struct setting *settings;
	size_t count;
	size_t room;
};

/* -- looking ----------------------------------------------------------------------- */

static const char *known_key(const struct ini_section *section, const char *key)
{
	for (size_t i = 0; i < section->key_count; i++)
		if (!strcmp(section->keys[i], key))
			return section->keys[i];
	return NULL;
}

static const struct ini_section *known_section(const struct ini *ini, const char *name)
{
	for (size_t i = 0; i < ini->known_count; i++)
		if (!strcmp(ini->known[i]->name, name))
			return ini->known[i];
	return NULL;
}

/* `key` NULL: the line of the section itself. Both are pointers of the known lists. */
static const struct setting *find(const struct ini *ini, const struct ini_section *section, const char *key)
{
	for (size_t i = 0; i < ini->count; i++)
		if (ini->settings[i].section == section && ini->settings[i].key == key)
			return &ini->settings[i];
	return NULL;
}

static const struct setting *look_up(const struct ini *ini, const char *name, const char *key)
{
	const struct ini_section *section = known_section(ini, name);

	assert(section && "a section that ini_parse() was not told of");
	const char *known = known_key(section, key);
	assert(known && "a key that ini_parse() was not told of");
	return find(ini, section, known);
}

/* -- complaining ------------------------------------------------------------------- */

static enum fault at_line(const struct ini *ini, unsigned line, enum fault fault, struct why *why)
{
	return why_in(why, fault, "%s:%u", ini->origin, line);
}

static enum fault unknown_section(const struct ini *ini, const char *name, struct why *why)
{
	struct nearest nearest = nearest_to(name);

	for (size_t i = 0; i < ini->known_count; i++)
		nearest_look_at(&nearest, ini->known[i]->name);
	if (nearest_word(&nearest))
		return why_set(why, FAULT_KEYRING_READ, "unknown section [" SHOWN "]; the nearest is [%s]",
			       name, nearest_word(&nearest));
	return why_set(why, FAULT_KEYRING_READ, "unknown section [" SHOWN "]", name);
}

static enum fault unknown_key(const struct ini *ini, const struct ini_section *section, const char *key,
			      struct why *why)
{
	struct nearest nearest = nearest_to(key);

	for (size_t i = 0; i < ini->known_count; i++)
		if (known_key(ini->known[i], key))
			return why_set(why, FAULT_KEYRING_READ, "'%s' belongs in section [%s], not in [%s]",
				       key, ini->known[i]->name, section->name);
	for (size_t i = 0; i < section->key_count; i++)
		nearest_look_at(&nearest, section->keys[i]);
	if (nearest_word(&nearest))
		return why_set(why, FAULT_KEYRING_READ, "unknown key '" SHOWN "'; the nearest is '%s'", key,
			       nearest_word(&nearest));
	return why_set(why, FAULT_KEYRING_READ, "section [%s] has no key '" SHOWN "'", section->name, key);
}

enum fault ini_wrong(const struct ini *ini, const char *section, const char *key, struct why *why,
		     const char *format, ...)
{
	const struct setting *setting = look_up(ini, section, key);
	char words[WHY_TEXT_SIZE];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(words, sizeof words, format, arguments);
	va_end(arguments);
	enum fault fault = why_set(why, FAULT_KEYRING_READ, "%s: %s", key, words);
	return setting ? at_line(ini, setting->line, fault, why) : why_in(why, fault, "%s", ini->origin);
}

/* -- reading ----------------------------------------------------------------------- */

static enum fault keep(struct ini *ini, const struct setting *setting, struct why *why)
{
	const struct setting *before = find(ini, setting->section, setting->key);

	if (before)
		return why_set(why, FAULT_KEYRING_READ, "'%s' was there already, on line %u",
			       setting->key ? setting->key : setting->section->name, before->line);
	if (ini->count == ini->room) {
		size_t room = ini->room ? 2 * ini->room : 32;
		struct setting *more = reallocarray(ini->settings, room, sizeof *more);
		if (!more)
			return why_set(why, FAULT_MEMORY, "no memory for the configuration");
		ini->settings = more;
		ini->room = room;
	}
	ini->settings[ini->count++] = *setting;
	return FAULT_NONE;
}

static bool is_blank(char letter)
{
	return letter == ' ' || letter == '\t';
}

static char *trim(char *start, char *end)
{
	while (start < end && is_blank(*start))
		start++;
	while (end > start && is_blank(end[-1]))
		end--;
	*end = 0;
	return start;
}

static bool has_control(const char *line, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (((unsigned char)line[i] < ' ' && line[i] != '\t') || line[i] == 0x7f)
			return true;
	return false;
}

static enum fault take_section(struct ini *ini, char *line, struct setting *at, struct why *why)
{
	size_t length = strlen(line);

	if (line[length - 1] != ']')
		return why_set(why, FAULT_KEYRING_READ, "a section is written [name]");
	char *name = trim(line + 1, line + length - 1);
	at->section = known_section(ini, name);
	if (!at->section)
		return unknown_section(ini, name, why);
	at->key = at->value = NULL;
	return keep(ini, at, why);
}

static enum fault take_setting(struct ini *ini, char *line, struct setting *at, struct why *why)
{
	char *equals = strchr(line, '=');

	if (!equals || equals == line)
		return why_set(why, FAULT_KEYRING_READ, "a line is 'key = value', [section] or # comment");
	at->value = trim(equals + 1, equals + strlen(equals));
	const char *key = trim(line, equals);
	if (!at->section)
		return why_set(why, FAULT_KEYRING_READ, "'" SHOWN "' stands before the first [section]", key);
	at->key = known_key(at->section, key);
	if (!at->key)
		return unknown_key(ini, at->section, key, why);
	if (!*at->value)
		return why_set(why, FAULT_KEYRING_READ, "'%s' has no value", key);
	return keep(ini, at, why);
}

/* `at` carries the section from line to line. */
static enum fault take_line(struct ini *ini, char *start, char *end, struct setting *at, struct why *why)
{
	if (end > start && end[-1] == '\r')
		end--;
	if (has_control(start, (size_t)(end - start)))
		return why_set(why, FAULT_KEYRING_READ, "a control character");
	char *line = trim(start, end);
	if (!*line || *line == '#' || *line == ';')
		return FAULT_NONE;
	return *line == '[' ? take_section(ini, line, at, why) : take_setting(ini, line, at, why);
}

static enum fault take_lines(struct ini *ini, size_t size, struct why *why)
{
	struct setting at = {.section = NULL};
	char *limit = ini->text + size;

	for (char *start = ini->text; start < limit;) {
		char *newline = memchr(start, '\n', (size_t)(limit - start));
		char *end = newline ? newline : limit;
		at.line++;
		enum fault fault = take_line(ini, start, end, &at, why);
		if (fault)
			return at_line(ini, at.line, fault, why);
		start = end + 1;
	}
	return FAULT_NONE;
}

enum fault ini_parse(const char *origin, const void *text, size_t size,
		     const struct ini_section *const *known, size_t known_count, struct ini **ret_ini,
		     struct why *why)
{
	AUTO(ini_free) struct ini *ini = calloc(1, sizeof *ini);

	if (!ini || !(ini->origin = strdup(origin)) || !(ini->text = malloc(size + 1)) ||
	    !(ini->known = calloc(known_count, sizeof *known)))
		return why_set(why, FAULT_MEMORY, "no memory for the configuration");
	if (size)
		memcpy(ini->text, text, size);
	ini->text[size] = 0;
	memcpy(ini->known, known, known_count * sizeof *known);
	ini->known_count = known_count;
	enum fault fault = take_lines(ini, size, why);
	if (!fault)
		*ret_ini = TAKE(ini);
	return fault;
}

enum fault ini_read(const char *path, const struct ini_section *const *known, size_t known_count,
		    struct ini **ret_ini, struct why *why)
{
	AUTO(bytes_done) struct bytes contents = BYTES_EMPTY;
	enum fault fault = file_read(AT_FDCWD, path, INI_FILE_MAX, &contents, why);

	if (fault)
		return fault == FAULT_MISSING ? fault
					      : (why_in(why, fault, "configuration"), FAULT_KEYRING_READ);
	return ini_parse(path, contents.data, contents.size, known, known_count, ret_ini, why);
}

void ini_free(struct ini *ini)
{
	if (!ini)
		return;
	free(ini->origin);
	free(ini->text);
	free(ini->known);
	free(ini->settings);
	free(ini);
}

/* -- values ------------------------------------------------------------------------ */

bool ini_has_section(const struct ini *ini, const char *section)
{
	const struct ini_section *known = known_section(ini, section);

	assert(known && "a section that ini_parse() was not told of");
	return find(ini, known, NULL) != NULL;
}

bool ini_has(const struct ini *ini, const char *section, const char *key)
{
	return look_up(ini, section, key) != NULL;
}

const char *ini_text(const struct ini *ini, const char *section, const char *key, const char *otherwise)
{
	const struct setting *setting = look_up(ini, section, key);

	return setting ? setting->value : otherwise;
}

static bool read_number(const char *text, int64_t *ret_number)
{
	char *end;

	if (strspn(text, "-0123456789") != strlen(text))
		return false;
	errno = 0;
	intmax_t number = strtoimax(text, &end, 10);
	if (errno || *end || end == text)
		return false;
	*ret_number = number;
	return true;
}

enum fault ini_number(const struct ini *ini, const char *section, const char *key, struct ini_range range,
		      int64_t *ret_number, struct why *why)
{
	const char *text = ini_text(ini, section, key, NULL);
	int64_t number = range.otherwise;

	if (text && (!read_number(text, &number) || number < range.least || number > range.most))
		return ini_wrong(ini, section, key, why,
				 "'" SHOWN "' is no number from %" PRId64 " to %" PRId64, text, range.least,
				 range.most);
	*ret_number = number;
	return FAULT_NONE;
}

enum fault ini_choice(const struct ini *ini, const char *section, const char *key, const char *const *words,
		      size_t word_count, size_t otherwise, size_t *ret_choice, struct why *why)
{
	const char *text = ini_text(ini, section, key, NULL);
	size_t choice = otherwise;

	if (text)
		for (choice = 0; choice < word_count && strcasecmp(words[choice], text) != 0; choice++)
			;
	if (choice < word_count || !text) {
		*ret_choice = choice;
		return FAULT_NONE;
	}
	char all[WHY_TEXT_SIZE / 2] = "";
	for (size_t i = 0, at = 0; i < word_count && at < sizeof all; i++)
		at += (size_t)snprintf(all + at, sizeof all - at, "%s%s", i ? ", " : "", words[i]);
	return ini_wrong(ini, section, key, why, "'" SHOWN "' is none of %s", text, all);
}

enum fault ini_flag(const struct ini *ini, const char *section, const char *key, bool otherwise,
		    bool *ret_flag, struct why *why)
{
	static const char *const words[] = {"false", "true", "no", "yes", "off", "on"};
	size_t choice;
	enum fault fault = ini_choice(ini, section, key, words, 6, otherwise, &choice, why);

	if (!fault)
		*ret_flag = choice % 2;
	return fault;
}
