#include "server/config.h"

#include <stdio.h>
#include <string.h>

#include "ldap/settings.h"

#define SECTION "server"
#define BLANKS ", \t"

/* The keys of [server], in the order of the manual. */
static const char *const keys[] = {
	"name",	     "organisation", "listen",	    "metrics_listen",	       "tls_cert",     "tls_key",
	"directory", "threads",	     "connections", "connections_per_address", "idle_timeout",
};
static const struct ini_section section = {SECTION, keys, sizeof keys / sizeof *keys};

static const struct {
	const char *key;
	size_t offset;
	struct ini_range range;
} numbers[] = {
	{"threads", offsetof(struct config, threads), {0, 256, 0}},
	{"connections", offsetof(struct config, connections), {1, 1000000, 16000}},
	{"connections_per_address", offsetof(struct config, connections_per_address), {1, 1000000, 1000}},
	{"idle_timeout", offsetof(struct config, idle_timeout), {1, 86400, 180}},
};

static const char *const directory_words[] = {[CONFIG_BUILTIN] = "builtin", [CONFIG_LDAP] = "ldap"};

void config_free(struct config *config)
{
	if (!config)
		return;
	for (size_t i = 0; i < config->listen_count; i++)
		free(config->listen[i]);
	free(config->tls_cert);
	free(config->tls_key);
	ini_free(config->ini);
	free(config);
}

static enum fault read_listen(struct config *config, struct why *why)
{
	const char *text = ini_text(config->ini, SECTION, "listen", "[::]:8443, 0.0.0.0:8443");

	for (text += strspn(text, BLANKS); *text; text += strspn(text, BLANKS)) {
		size_t length = strcspn(text, BLANKS);

		if (config->listen_count == CONFIG_LISTEN_MAX)
			return ini_wrong(config->ini, SECTION, "listen", why,
					 "there are at most %d addresses", CONFIG_LISTEN_MAX);
		if (!memchr(text, ':', length))
			return ini_wrong(config->ini, SECTION, "listen", why,
					 "'%.*s' is neither ADDRESS:PORT nor unix:PATH", (int)length, text);
		config->listen[config->listen_count] = strndup(text, length);
		if (!config->listen[config->listen_count])
			return why_set(why, FAULT_MEMORY, "no memory for the configuration");
		config->listen_count++;
		text += length;
	}
	return FAULT_NONE;
}

static enum fault read_path(const struct config *config, const char *home, const char *key,
			    const char *otherwise, char **ret_path, struct why *why)
{
	const char *path = ini_text(config->ini, SECTION, key, otherwise);
	char *whole = NULL;
	int printed = path[0] == '/' ? asprintf(&whole, "%s", path) : asprintf(&whole, "%s/%s", home, path);

	if (printed < 0)
		return why_set(why, FAULT_MEMORY, "no memory for a path");
	*ret_path = whole;
	return FAULT_NONE;
}

static enum fault read_numbers(struct config *config, struct why *why)
{
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		int64_t number;
		enum fault fault = ini_number(config->ini, SECTION, numbers[i].key, numbers[i].range, &number,
					      why);

		if (fault)
			return fault;
		*(unsigned *)(void *)((char *)config + numbers[i].offset) = (unsigned)number;
	}
	return FAULT_NONE;
}

static enum fault read_names(struct config *config, struct why *why)
{
	const char *organisation = ini_text(config->ini, SECTION, "organisation", NULL);

	config->name = ini_text(config->ini, SECTION, "name", NULL);
	config->metrics_listen = ini_text(config->ini, SECTION, "metrics_listen", NULL);
	if (!config->name || !organisation)
		return ini_wrong(config->ini, SECTION, config->name ? "organisation" : "name", why,
				 "it is missing");
	if (!fingerprint_from_text(organisation, &config->organisation))
		return ini_wrong(config->ini, SECTION, "organisation", why, "'%.60s' is no fingerprint",
				 organisation);
	return FAULT_NONE;
}

static enum fault read_directory(struct config *config, struct why *why)
{
	size_t choice;
	enum fault fault = ini_choice(config->ini, SECTION, "directory", directory_words, 2, CONFIG_BUILTIN,
				      &choice, why);

	if (fault)
		return fault;
	config->directory = (enum config_directory)choice;
	if (config->directory == CONFIG_LDAP && !ini_has_section(config->ini, ldap_section.name))
		return ini_wrong(config->ini, SECTION, "directory", why, "there is no section [%s]",
				 ldap_section.name);
	return FAULT_NONE;
}

enum fault config_read(const char *home, struct config **ret_config, struct why *why)
{
	const struct ini_section *const known[] = {&section, &ldap_section};
	AUTO(config_free) struct config *config = calloc(1, sizeof *config);
	AUTO(free) char *path = NULL;
	enum fault fault;

	if (!config || asprintf(&path, "%s/%s", home, CONFIG_FILE) < 0)
		return why_set(why, FAULT_MEMORY, "no memory for the configuration");
	fault = ini_read(path, known, 2, &config->ini, why);
	if (!fault)
		fault = read_names(config, why);
	if (!fault)
		fault = read_listen(config, why);
	if (!fault)
		fault = read_directory(config, why);
	if (!fault)
		fault = read_numbers(config, why);
	if (!fault)
		fault = read_path(config, home, "tls_cert", "tls-cert.pem", &config->tls_cert, why);
	if (!fault)
		fault = read_path(config, home, "tls_key", "tls-key.pem", &config->tls_key, why);
	if (!fault)
		*ret_config = TAKE(config);
	return fault;
}
