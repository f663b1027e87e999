/* Any bytes as a configuration file: read or refused, never half; and what is read is written down and read
 * again the same. */
#include "base/ini.h"

#include <stdio.h>
#include <string.h>

#include "base/bytes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const server_keys[] = {"listen", "name", "limit"};
static const char *const ldap_keys[] = {"ldap_uri", "ldap_search_base"};
static const struct ini_section sections[] = {{"server", server_keys, 3}, {"ldap", ldap_keys, 2}};
static const struct ini_section *const known[] = {&sections[0], &sections[1]};

static void must(bool claim)
{
	if (!claim)
		abort();
}

static enum fault parse(const void *data, size_t size, struct ini **ret_ini)
{
	struct why why = WHY_NONE;
	enum fault fault = ini_parse("f", data, size, known, 2, ret_ini, &why);

	must(!fault || (fault == FAULT_KEYRING_READ && !strncmp(why.text, "f:", 2)));
	return fault;
}

static void write_section(const struct ini *ini, const struct ini_section *section, struct bytes *text)
{
	if (!ini_has_section(ini, section->name))
		return;
	must(!bytes_append_text(text, "[", NULL) && !bytes_append_text(text, section->name, NULL) &&
	     !bytes_append_text(text, "]\n", NULL));
	for (size_t i = 0; i < section->key_count; i++) {
		const char *value = ini_text(ini, section->name, section->keys[i], NULL);
		if (!value)
			continue;
		must(*value && !strpbrk(value, "\r\n"));
		must(!bytes_append_text(text, section->keys[i], NULL) &&
		     !bytes_append_text(text, "=", NULL) && !bytes_append_text(text, value, NULL) &&
		     !bytes_append_text(text, "\n", NULL));
	}
}

static void same_values(const struct ini *one, const struct ini *other, const struct ini_section *section)
{
	must(ini_has_section(one, section->name) == ini_has_section(other, section->name));
	for (size_t i = 0; i < section->key_count; i++) {
		const char *value = ini_text(one, section->name, section->keys[i], "");
		must(!strcmp(value, ini_text(other, section->name, section->keys[i], "")));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(ini_free) struct ini *ini = NULL;
	AUTO(ini_free) struct ini *again = NULL;
	AUTO(bytes_done) struct bytes text = BYTES_EMPTY;
	int64_t number;
	bool flag;

	if (parse(data, size, &ini))
		return 0;
	(void)!ini_number(ini, "server", "limit", (struct ini_range){-5, 5, 0}, &number, NULL);
	(void)!ini_flag(ini, "server", "name", true, &flag, NULL);
	write_section(ini, known[0], &text);
	write_section(ini, known[1], &text);
	must(!parse(text.data, text.size, &again));
	same_values(ini, again, known[0]);
	same_values(ini, again, known[1]);
	return 0;
}
