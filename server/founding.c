#include "server/founding.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "ldap/settings.h"
#include "server/root_key.h"
#include "server/tls_certificate.h"

/* What is being made, in a directory beside the one that it will be. */
struct draft {
	const struct founding *founding;
	char *path; /* NULL: nothing is there */
	int directory;
	struct master *master;
	struct store *store;
	struct identity *root, *identity;
	struct organisation organisation;
	struct signed_object *organisation_signed, *policy_signed;
	int64_t now; /* unix seconds */
};

/* Only plain files are made in it. */
static void remove_draft(const char *path)
{
	DIR *directory = opendir(path);
	struct dirent *entry;

	while (directory && (entry = readdir(directory)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			(void)unlinkat(dirfd(directory), entry->d_name, 0);
	if (directory)
		(void)closedir(directory);
	(void)rmdir(path);
}

static void draft_done(struct draft *draft)
{
	signed_free(draft->organisation_signed);
	signed_free(draft->policy_signed);
	identity_free(draft->identity);
	identity_free(draft->root);
	store_close(draft->store);
	master_free(draft->master);
	file_close(draft->directory);
	if (draft->path)
		remove_draft(draft->path);
	free(draft->path);
}
AUTO_VALUE(struct draft, draft_done);

/* -- the directory -------------------------------------------------------------------------- */

static enum fault check_is_free(const char *path, struct why *why)
{
	DIR *directory = opendir(path);
	struct dirent *entry;
	bool empty = true;

	if (!directory && errno == ENOENT)
		return FAULT_NONE;
	if (!directory)
		return why_system(why, "cannot make a key server in '%s'", path);
	while (empty && (entry = readdir(directory)))
		empty = !strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..");
	(void)closedir(directory);
	return empty ? FAULT_NONE : why_set(why, FAULT_EXISTS, "'%s' is not empty", path);
}

static enum fault make_directory(struct draft *draft, struct why *why)
{
	const char *path = draft->founding->path;
	size_t length = strlen(path);
	char *name = NULL;
	enum fault fault = check_is_free(path, why);

	if (fault)
		return fault;
	while (length > 1 && path[length - 1] == '/')
		length--;
	if (asprintf(&name, "%.*s.new-%08x", (int)length, path, randombytes_random()) < 0)
		return why_set(why, FAULT_MEMORY, "no memory for a path");
	if (mkdir(name, 0700) != 0) {
		fault = why_system(why, "cannot make '%s'", name);
		free(name);
		return fault;
	}
	draft->path = name;
	draft->directory = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return draft->directory < 0 ? why_system(why, "cannot open '%s'", name) : FAULT_NONE;
}

/* rename() takes the place of an empty directory, and of no other. */
static enum fault take_place(struct draft *draft, struct why *why)
{
	enum fault fault = file_sync_directory(draft->directory, why);

	if (fault)
		return fault;
	if (rename(draft->path, draft->founding->path) != 0)
		return why_system(why, "cannot make '%s'", draft->founding->path);
	free(TAKE(draft->path));
	return FAULT_NONE;
}

/* -- keys and documents ---------------------------------------------------------------------- */

static enum fault make_store(struct draft *draft, struct why *why)
{
	AUTO(free) char *path = NULL;
	enum fault fault = master_create(draft->directory, &draft->master, why);

	if (fault)
		return fault;
	if (asprintf(&path, "%s/%s", draft->path, STORE_FILE) < 0) {
		path = NULL;
		return why_set(why, FAULT_MEMORY, "no memory for a path");
	}
	return store_create(path, &draft->store, why);
}

static enum fault write_key(struct draft *draft, enum store_key which, const struct identity *identity,
			    struct why *why)
{
	struct stored_identity stored;

	master_seal_identity(draft->master, identity, &stored);
	return store_key_write(draft->store, which, &stored, why);
}

/* One that goes to a file of its own is in no store: take_place_with_root_key() writes it. */
static enum fault make_root(struct draft *draft, struct why *why)
{
	const struct founding *founding = draft->founding;
	enum fault fault;

	if (founding->join)
		return home_root(founding->join, founding->root_key, &draft->root, why);
	fault = identity_new(founding->organisation, &draft->root, why);
	return fault || founding->root_key ? fault : write_key(draft, STORE_KEY_ROOT, draft->root, why);
}

static enum fault make_identity(struct draft *draft, struct why *why)
{
	enum fault fault = identity_new(draft->founding->name, &draft->identity, why);

	return fault ? fault : write_key(draft, STORE_KEY_SERVER, draft->identity, why);
}

static enum fault sign_organisation(struct draft *draft, struct why *why)
{
	struct organisation *organisation = &draft->organisation;

	if (draft->founding->join)
		*organisation = draft->founding->join->organisation;
	else
		*organisation = (struct organisation){.root = *identity_public(draft->root)};
	if (organisation->server_count == GROUP_SERVERS_MAX)
		return why_set(why, FAULT_INVALID, "an organisation has at most %d servers",
			       GROUP_SERVERS_MAX);
	for (size_t i = 0; i < organisation->server_count; i++)
		if (!strcmp(organisation->servers[i].name, draft->founding->name))
			return why_set(why, FAULT_EXISTS, "the organisation has a server '%s' already",
				       draft->founding->name);
	organisation->servers[organisation->server_count++] = *identity_public(draft->identity);
	organisation->version++;
	organisation->created = draft->now;
	return organisation_sign(organisation, draft->root, &draft->organisation_signed, why);
}

/* The one in force, or the first. */
static enum fault sign_policy(struct draft *draft, struct why *why)
{
	struct organisation_id id = organisation_id_of(&draft->organisation);
	struct policy policy = policy_default(&id, draft->now);
	AUTO(bytes_done) struct bytes text = BYTES_EMPTY;
	enum fault fault;

	if (!draft->founding->join)
		return policy_sign(&policy, draft->root, &draft->policy_signed, why);
	fault = store_document_read(draft->founding->join->store, STORE_POLICY, &text, why);
	if (fault)
		return fault;
	return signed_parse_text((const char *)text.data, text.size, POLICY_TYPE, &draft->policy_signed, why);
}

static enum fault write_document(struct store *store, enum store_document document, uint64_t version,
				 const struct signed_object *object, struct why *why)
{
	AUTO(free) char *text = NULL;
	enum fault fault = signed_text(object, &text, why);

	return fault ? fault : store_document_write(store, document, version, text, why);
}

static enum fault write_documents(struct draft *draft, struct why *why)
{
	uint64_t policy = draft->founding->join ? draft->founding->join->policy.version : 1;
	enum fault fault = write_document(draft->store, STORE_ORGANISATION, draft->organisation.version,
					  draft->organisation_signed, why);

	return fault ? fault : write_document(draft->store, STORE_POLICY, policy, draft->policy_signed, why);
}

/* -- certificate and configuration -------------------------------------------------------------- */

#define NAMES_MAX (CONFIG_LISTEN_MAX + 2)
#define HOST_MAX 256

/* "127.0.0.1:8443", "[::1]:8443": the host alone; false for a socket and for all addresses at once. */
static bool host_of(const char *address, char host[static HOST_MAX])
{
	const char *colon = strrchr(address, ':');
	bool bracket = address[0] == '[';
	int length = (int)(colon ? colon - address : 0) - (bracket ? 2 : 0);

	if (length <= 0 || length >= HOST_MAX || !strncmp(address, "unix:", 5))
		return false;
	(void)snprintf(host, HOST_MAX, "%.*s", length, address + bracket);
	return strcmp(host, "0.0.0.0") != 0 && strcmp(host, "::") != 0 && strcmp(host, "*") != 0;
}

static enum fault make_certificate(struct draft *draft, struct why *why)
{
	const struct founding *founding = draft->founding;
	char hosts[CONFIG_LISTEN_MAX][HOST_MAX];
	const char *names[NAMES_MAX] = {founding->name};
	size_t count = 1;

	if (founding->tls_cert)
		return FAULT_NONE;
	for (size_t i = 0; i < founding->listen->count && i < CONFIG_LISTEN_MAX; i++)
		if (host_of(founding->listen->words[i], hosts[i]))
			names[count++] = hosts[i];
	return tls_certificate_create(draft->directory, names, draft->now, why);
}

static int print_configuration(FILE *file, const struct draft *draft)
{
	const struct founding *founding = draft->founding;
	struct fingerprint organisation = public_identity_fingerprint(&draft->organisation.root);
	char text[DIGEST_TEXT_SIZE];
	int printed;

	fingerprint_text(&organisation, text);
	printed = fprintf(file,
			  "# The key server '%s': fsenc.conf(5). Tell it of changes with SIGHUP.\n\n"
			  "[server]\nname = %s\norganisation = %s\nlisten = ",
			  founding->name, founding->name, text);
	for (size_t i = 0; printed >= 0 && i < founding->listen->count; i++)
		printed = fprintf(file, "%s%s", i ? ", " : "", founding->listen->words[i]);
	if (printed >= 0)
		printed = fprintf(file, "\ntls_cert = %s\ntls_key = %s\ndirectory = %s\n",
				  founding->tls_cert ? founding->tls_cert : TLS_CERTIFICATE_FILE,
				  founding->tls_key ? founding->tls_key : TLS_KEY_FILE,
				  founding->directory_lines ? "ldap" : "builtin");
	if (printed >= 0 && founding->directory_lines)
		printed = fprintf(file, "\n[ldap]\n%s", founding->directory_lines);
	return printed;
}

static enum fault write_configuration(struct draft *draft, struct why *why)
{
	struct bytes contents = BYTES_EMPTY;
	FILE *file = open_memstream((char **)&contents.data, &contents.size);
	int printed = file ? print_configuration(file, draft) : -1;
	enum fault fault;

	if (!file || fclose(file) != 0 || printed < 0) {
		free(contents.data);
		return why_set(why, FAULT_MEMORY, "no memory for the configuration");
	}
	fault = file_replace(draft->directory, CONFIG_FILE, 0600, &contents, why);
	free(contents.data);
	return fault;
}

/* Read as `run` will read it: a wrong option is told now. */
static enum fault check_configuration(const struct draft *draft, struct why *why)
{
	AUTO(config_free) struct config *config = NULL;
	AUTO(settings_free) struct ldap_settings *settings = NULL;
	enum fault fault = config_read(draft->path, &config, why);

	if (!fault && config->directory == CONFIG_LDAP)
		fault = settings_read(config->ini, draft->path, &settings, why);
	return fault;
}

/* -- all together ---------------------------------------------------------------------------------- */

typedef enum fault founding_step(struct draft *draft, struct why *why);

static founding_step *const steps[] = {
	make_directory, make_store,	 make_root,	   make_identity,	sign_organisation,
	sign_policy,	write_documents, make_certificate, write_configuration,
};

static enum fault take_place_with_root_key(struct draft *draft, struct why *why)
{
	const char *file = draft->founding->root_key;
	enum fault fault = root_key_create(file, draft->root, why);

	if (fault)
		return fault;
	fault = take_place(draft, why);
	if (fault)
		(void)unlink(file);
	return fault;
}

/* The first server knows of the new one exactly when there is one. */
static enum fault take_place_together(struct draft *draft, struct why *why)
{
	struct home *join = draft->founding->join;
	enum fault fault;

	store_close(TAKE(draft->store));
	if (!join)
		return draft->founding->root_key ? take_place_with_root_key(draft, why)
						 : take_place(draft, why);
	fault = store_transaction_begin(join->store, why);
	if (fault)
		return fault;
	fault = write_document(join->store, STORE_ORGANISATION, draft->organisation.version,
			       draft->organisation_signed, why);
	if (!fault)
		fault = take_place(draft, why);
	return store_transaction_end(join->store, fault, why);
}

enum fault founding_make(const struct founding *founding, struct fingerprint *ret_organisation,
			 struct why *why)
{
	AUTO(draft_done)
	struct draft draft = {.founding = founding, .directory = -1, .now = clock_wall_ms() / MS_PER_SECOND};
	enum fault fault = FAULT_NONE;

	for (size_t i = 0; !fault && i < sizeof steps / sizeof *steps; i++)
		fault = steps[i](&draft, why);
	if (!fault)
		fault = check_configuration(&draft, why);
	if (!fault)
		fault = take_place_together(&draft, why);
	if (!fault)
		*ret_organisation = public_identity_fingerprint(&draft.organisation.root);
	return fault;
}
