/* Who the server is towards the directory. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "ldap/dn.h"
#include "ldap/settings_parts.h"

#define PASSWORD_MAX 4096
#define PASSWORD_WORDS "the directory's password"

static enum fault no_memory(struct why *why)
{
	return why_set(why, FAULT_MEMORY, "no memory for the settings of the directory");
}

char *settings_path_new(const char *folder, const char *name)
{
	char *path = NULL;

	if (*name == '/')
		return strdup(name);
	return asprintf(&path, "%s/%s", folder, name) < 0 ? NULL : path;
}

/* systemd's LoadCredential= lays the file where only this service finds it. */
static char *secret_path_new(const char *folder, const char *name)
{
	const char *credentials = getenv("CREDENTIALS_DIRECTORY");
	AUTO(free) char *path = NULL;

	if (credentials && !strchr(name, '/')) {
		path = settings_path_new(credentials, name);
		if (!path || access(path, F_OK) == 0)
			return TAKE(path);
	}
	return settings_path_new(folder, name);
}

static enum fault read_simple(const struct ini *ini, const char *folder, struct ldap_settings *settings,
			      struct why *why)
{
	const char *dn = ini_text(ini, SETTINGS_SECTION, "ldap_default_bind_dn", NULL);
	const char *file = ini_text(ini, SETTINGS_SECTION, "ldap_default_authtok_file", NULL);

	if (!dn && !file)
		return FAULT_NONE;
	if (!dn)
		return ini_wrong(ini, SETTINGS_SECTION, "ldap_default_authtok_file", why,
				 "ldap_default_bind_dn is needed beside it");
	if (!file)
		return ini_wrong(
			ini, SETTINGS_SECTION, "ldap_default_bind_dn", why,
			"ldap_default_authtok_file, the file with its password, is needed beside it");
	settings->bind_way = BIND_SIMPLE;
	settings->bind_dn = settings_keep(settings, strdup(dn));
	settings->password_file = settings_keep(settings, secret_path_new(folder, file));
	return settings->bind_dn && settings->password_file ? FAULT_NONE : no_memory(why);
}

static enum fault read_keytab(const struct ini *ini, const char *folder, struct ldap_settings *settings,
			      struct why *why)
{
	const char *file = ini_text(ini, SETTINGS_SECTION, "ldap_krb5_keytab", NULL);

	if (!file || settings->bind_way != BIND_GSSAPI)
		return FAULT_NONE;
	settings->keytab = settings_keep(settings, secret_path_new(folder, file));
	return settings->keytab ? FAULT_NONE : no_memory(why);
}

enum fault settings_read_bind(const struct ini *ini, const char *folder, struct ldap_settings *settings,
			      struct why *why)
{
	static const char *const mechanisms[] = {"EXTERNAL", "GSSAPI"};
	size_t choice = 0;
	enum fault fault = read_simple(ini, folder, settings, why);

	if (fault || !ini_has(ini, SETTINGS_SECTION, "ldap_sasl_mech"))
		return fault;
	if (settings->bind_way == BIND_SIMPLE)
		return ini_wrong(ini, SETTINGS_SECTION, "ldap_sasl_mech", why,
				 "a bind is either with a password (ldap_default_bind_dn) or by SASL");
	fault = ini_choice(ini, SETTINGS_SECTION, "ldap_sasl_mech", mechanisms, 2, 0, &choice, why);
	if (!fault)
		settings->bind_way = choice ? BIND_GSSAPI : BIND_EXTERNAL;
	return fault ? fault : read_keytab(ini, folder, settings, why);
}

/* -- its secrets ------------------------------------------------------------------- */

static void wiped_bytes(struct bytes *bytes)
{
	if (bytes->data)
		secret_wipe(bytes->data, bytes->room);
	bytes_done(bytes);
}
AUTO_VALUE(struct bytes, wiped_bytes);

static enum fault check_owner_only(const char *path, const char *what, struct why *why)
{
	struct stat stat;

	if (fstatat(AT_FDCWD, path, &stat, AT_SYMLINK_NOFOLLOW) != 0)
		return why_system(why, "%s: cannot open '%s'", what, path);
	if (stat.st_mode & (S_IROTH | S_IWOTH | S_IWGRP))
		return why_set(why, FAULT_KEYRING_READ, "%s in '%s' is open to others: chmod 0600", what,
			       path);
	return FAULT_NONE;
}

enum fault settings_check_keytab(const struct ldap_settings *settings, struct why *why)
{
	return settings->keytab ? check_owner_only(settings->keytab, "the keytab for the directory", why)
				: FAULT_NONE;
}

enum fault settings_read_password(const struct ldap_settings *settings, struct secret **ret_password,
				  struct why *why)
{
	AUTO(wiped_bytes) struct bytes contents = BYTES_EMPTY;
	enum fault fault = check_owner_only(settings->password_file, PASSWORD_WORDS, why);

	if (!fault)
		fault = why_in(why,
			       file_read(AT_FDCWD, settings->password_file, PASSWORD_MAX, &contents, why),
			       PASSWORD_WORDS);
	if (fault)
		return fault;
	size_t size = contents.data ? strcspn((char *)contents.data, "\r\n") : 0;
	if (size == 0)
		return why_set(why, FAULT_PASSPHRASE_EMPTY, "the directory's password in '%s' is empty",
			       settings->password_file);
	return secret_copy(contents.data, size, ret_password, why);
}
