/* base/ini.h - a configuration file, read strictly.
 *
 *     # a comment has its line to itself
 *     [ldap]
 *     ldap_uri = ldaps://one.example.com, ldaps://two.example.com
 *
 * Whoever reads a file says which sections and keys there are; what is not among them is an error
 * with its line number and the nearest known word, and so is a key or a section that comes twice, a value
 * that is empty, a line that is neither, a control character. A setting is never silently
 * left out. Blanks around keys and values do not count; there are no quotes, no continued lines, no
 * limit to a line's length. Lines may end in CR LF.
 *
 *     static const char *const keys[] = {"listen", "name"};
 *     static const struct ini_section server = {"server", keys, 2};
 *     const struct ini_section *known[] = {&server, &ldap_settings_section};
 *
 *     AUTO(ini_free) struct ini *ini = NULL;
 *     fault = ini_read("server.conf", known, 2, &ini, why);
 *     const char *listen = ini_text(ini, "server", "listen", "[::]:8443");
 *
 * Every failure of the contents is FAULT_KEYRING_READ with "FILE:LINE: words". Texts belong to the struct
 * ini. It does not change after it was read, so any thread may look. Asking for a key
 * that is not among the known ones is a bug and aborts.
 */
#ifndef FSENC_BASE_INI_H
#define FSENC_BASE_INI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/why.h"

#define INI_FILE_MAX (1 << 20) /* bytes */

struct ini;

/* Lives as long as what was read with it: literals. The array of pointers to them need not. */
struct ini_section {
	const char *name;
	const char *const *keys;
	size_t key_count;
};

/* FAULT_MISSING when there is no file. */
MUST_CHECK enum fault ini_read(const char *path, const struct ini_section *const *known, size_t known_count,
			       struct ini **ret_ini, struct why *why);
/* `origin` stands for the file's name in messages. */
MUST_CHECK enum fault ini_parse(const char *origin, const void *text, size_t size,
				const struct ini_section *const *known, size_t known_count,
				struct ini **ret_ini, struct why *why);
void ini_free(struct ini *ini);
AUTO_POINTER(struct ini *, ini_free);

bool ini_has_section(const struct ini *ini, const char *section);
bool ini_has(const struct ini *ini, const char *section, const char *key);

/* The value, or `otherwise` (may be NULL) where the file does not have the key. */
const char *ini_text(const struct ini *ini, const char *section, const char *key, const char *otherwise);

/* A decimal number within the range. */
struct ini_range {
	int64_t least;
	int64_t most;
	int64_t otherwise;
};
MUST_CHECK enum fault ini_number(const struct ini *ini, const char *section, const char *key,
				 struct ini_range range, int64_t *ret_number, struct why *why);

/* true, yes, on; false, no, off; in any case. */
MUST_CHECK enum fault ini_flag(const struct ini *ini, const char *section, const char *key, bool otherwise,
			       bool *ret_flag, struct why *why);

/* One of some words, in any case: its place among them. */
MUST_CHECK enum fault ini_choice(const struct ini *ini, const char *section, const char *key,
				 const char *const *words, size_t word_count, size_t otherwise,
				 size_t *ret_choice, struct why *why);

/* What is wrong with a value, with file, line and key in front: FAULT_KEYRING_READ. */
enum fault ini_wrong(const struct ini *ini, const char *section, const char *key, struct why *why,
		     const char *format, ...) PRINTF_LIKE(5, 6);

#endif
