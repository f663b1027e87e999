#include "server/home.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "ldap/directory_ldap.h"
#include "server/builtin.h"
#include "server/root_key.h"

void home_close(struct home *home)
{
	if (!home)
		return;
	identity_free(home->identity);
	store_close(home->store);
	master_free(home->master);
	config_free(home->config);
	free(home->path);
	free(home);
}

/* -- what the organisation signed ------------------------------------------------------- */

static enum fault read_signed(struct store *store, enum store_document document, const char *type,
			      struct signed_object **ret_object, struct why *why)
{
	AUTO(bytes_done) struct bytes text = BYTES_EMPTY;
	enum fault fault = store_document_read(store, document, &text, why);

	return fault ? fault : signed_parse_text((const char *)text.data, text.size, type, ret_object, why);
}

static enum fault read_organisation(struct home *home, struct organisation *ret_organisation, struct why *why)
{
	AUTO(signed_free) struct signed_object *object = NULL;
	enum fault fault = read_signed(home->store, STORE_ORGANISATION, ORGANISATION_TYPE, &object, why);

	return fault ? fault : organisation_read(object, &home->fingerprint, ret_organisation, why);
}

static enum fault read_policy(struct home *home, const struct organisation *organisation,
			      struct policy *ret_policy, struct why *why)
{
	AUTO(signed_free) struct signed_object *object = NULL;
	enum fault fault = read_signed(home->store, STORE_POLICY, POLICY_TYPE, &object, why);

	return fault ? fault : policy_read(object, organisation, ret_policy, why);
}

/* The version first: what changes while we read is read again next time. */
enum fault home_refresh(struct home *home, struct why *why)
{
	struct organisation organisation;
	struct policy policy;
	uint64_t version;
	enum fault fault = store_version(home->store, &version, why);

	if (fault || version == home->version)
		return fault;
	fault = read_organisation(home, &organisation, why);
	if (!fault)
		fault = read_policy(home, &organisation, &policy, why);
	if (fault)
		return fault;
	home->organisation = organisation;
	home->policy = policy;
	home->version = version;
	return FAULT_NONE;
}

/* -- opening ------------------------------------------------------------------------------ */

static enum fault open_master(struct home *home, struct why *why)
{
	AUTO(file_close) int directory = open(home->path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (directory < 0)
		return why_system(why, "cannot open '%s'", home->path);
	return master_open(directory, &home->master, why);
}

static enum fault open_store(struct home *home, struct why *why)
{
	AUTO(free) char *path = NULL;

	if (asprintf(&path, "%s/%s", home->path, STORE_FILE) < 0) {
		path = NULL;
		return why_set(why, FAULT_MEMORY, "no memory for a path");
	}
	return store_open(path, &home->store, why);
}

static enum fault open_identity(struct home *home, struct why *why)
{
	struct stored_identity stored;
	enum fault fault = store_key_read(home->store, STORE_KEY_SERVER, &stored, why);

	return fault ? fault : master_open_identity(home->master, &stored, &home->identity, why);
}

static enum fault open_all(struct home *home, struct why *why)
{
	enum fault fault = config_read(home->path, &home->config, why);

	if (fault)
		return fault;
	home->fingerprint = home->config->organisation;
	fault = open_master(home, why);
	if (!fault)
		fault = open_store(home, why);
	if (!fault)
		fault = open_identity(home, why);
	if (!fault)
		fault = home_refresh(home, why);
	return fault;
}

enum fault home_open(const char *path, struct home **ret_home, struct why *why)
{
	AUTO(home_close) struct home *home = calloc(1, sizeof *home);
	enum fault fault;

	if (!home)
		return why_set(why, FAULT_MEMORY, "no memory for the server");
	home->path = realpath(path, NULL);
	if (!home->path && (errno == ENOENT || errno == ENOTDIR))
		return why_set(why, FAULT_MISSING, "there is no key server in '%s'", path);
	if (!home->path)
		return why_system(why, "cannot find '%s'", path);
	fault = open_all(home, why);
	if (fault)
		return why_in(why, fault, "key server in '%s'", path);
	*ret_home = TAKE(home);
	return FAULT_NONE;
}

enum fault home_directory(const struct home *home, const struct config *config,
			  struct directory **ret_directory, struct why *why)
{
	if (config->directory == CONFIG_LDAP)
		return directory_ldap_open(config->ini, home->path, ret_directory, why);
	return builtin_open(home->store, ret_directory, why);
}

/* -- the root key --------------------------------------------------------------------------- */

static enum fault root_of_store(const struct home *home, struct identity **ret_root, struct why *why)
{
	struct stored_identity stored;
	enum fault fault = store_key_read(home->store, STORE_KEY_ROOT, &stored, why);

	return fault ? fault : master_open_identity(home->master, &stored, ret_root, why);
}

enum fault home_root(const struct home *home, const char *file, struct identity **ret_root, struct why *why)
{
	AUTO(identity_free) struct identity *root = NULL;
	struct fingerprint fingerprint;
	enum fault fault = file ? root_key_read(file, &root, why) : root_of_store(home, &root, why);

	if (fault)
		return why_in(why, fault, "root key");
	fingerprint = public_identity_fingerprint(identity_public(root));
	if (!fingerprint_equal(&fingerprint, &home->fingerprint))
		return why_set(why, FAULT_IDENTITY, "root key: it is of another organisation than '%s'",
			       home->organisation.root.name);
	*ret_root = TAKE(root);
	return FAULT_NONE;
}
