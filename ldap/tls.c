#include "ldap/tls.h"

#include <pthread.h>
#include <string.h>
#include <sys/stat.h>

#define SYSTEM_AUTHORITIES "/etc/ssl/certs/ca-certificates.crt"

enum file { AUTHORITIES, CERTIFICATE, KEY, FILES };

struct tls {
	pthread_mutex_t lock;
	char *files[FILES]; /* NULL: none */
	struct stat stamps[FILES]; /* when the context was made */
	LDAP *owner; /* of the shared context; NULL: there is none */
	void *context;
};

static const int file_options[FILES] = {[AUTHORITIES] = LDAP_OPT_X_TLS_CACERTFILE,
					[CERTIFICATE] = LDAP_OPT_X_TLS_CERTFILE,
					[KEY] = LDAP_OPT_X_TLS_KEYFILE};

/* -- life -------------------------------------------------------------------------- */

static char *copy(const char *text)
{
	return text ? strdup(text) : NULL;
}

enum fault tls_new(const char *authorities, const char *certificate, const char *key, struct tls **ret_tls,
		   struct why *why)
{
	const char *const given[FILES] = {authorities ? authorities : SYSTEM_AUTHORITIES, certificate, key};
	AUTO(tls_free) struct tls *tls = calloc(1, sizeof *tls);

	if (!tls)
		return why_set(why, FAULT_MEMORY, "no memory for TLS to the directory");
	(void)pthread_mutex_init(&tls->lock, NULL);
	for (size_t i = 0; i < FILES; i++) {
		tls->files[i] = copy(given[i]);
		if (given[i] && !tls->files[i])
			return why_set(why, FAULT_MEMORY, "no memory for TLS to the directory");
	}
	*ret_tls = TAKE(tls);
	return FAULT_NONE;
}

/* Connections that have it keep it. The reference that ldap_get_option() took cannot be given back, so a
 * context is lost for each change of a file: few, beside one for each connection. */
static void drop_context(struct tls *tls)
{
	if (tls->owner)
		(void)ldap_unbind_ext(tls->owner, NULL, NULL);
	tls->owner = NULL;
	tls->context = NULL;
}

void tls_free(struct tls *tls)
{
	if (!tls)
		return;
	drop_context(tls);
	for (size_t i = 0; i < FILES; i++)
		free(tls->files[i]);
	(void)pthread_mutex_destroy(&tls->lock);
	free(tls);
}

/* -- files ------------------------------------------------------------------------- */

/* A file that is not there has the stamp of zeros. */
static void read_stamps(const struct tls *tls, struct stat stamps[static FILES])
{
	memset(stamps, 0, FILES * sizeof *stamps);
	for (size_t i = 0; i < FILES; i++)
		if (tls->files[i] && stat(tls->files[i], &stamps[i]) != 0)
			memset(&stamps[i], 0, sizeof stamps[i]);
}

static bool same_file(const struct stat *one, const struct stat *other)
{
	return one->st_ino == other->st_ino && one->st_dev == other->st_dev &&
	       one->st_size == other->st_size && one->st_mtim.tv_sec == other->st_mtim.tv_sec &&
	       one->st_mtim.tv_nsec == other->st_mtim.tv_nsec;
}

static bool are_files_the_same(const struct tls *tls, const struct stat stamps[static FILES])
{
	for (size_t i = 0; i < FILES; i++)
		if (!same_file(&tls->stamps[i], &stamps[i]))
			return false;
	return true;
}

/* -- options ----------------------------------------------------------------------- */

static bool set_demands(LDAP *handle)
{
	const int least = LDAP_OPT_X_TLS_PROTOCOL_TLS1_2;
	const int demand = LDAP_OPT_X_TLS_DEMAND;

	return !ldap_set_option(handle, LDAP_OPT_X_TLS_PROTOCOL_MIN, &least) &&
	       !ldap_set_option(handle, LDAP_OPT_X_TLS_REQUIRE_CERT, &demand) &&
	       !ldap_set_option(handle, LDAP_OPT_X_TLS_REQUIRE_SAN, &demand);
}

static bool set_files(const struct tls *tls, LDAP *handle)
{
	for (size_t i = 0; i < FILES; i++)
		if (tls->files[i] && ldap_set_option(handle, file_options[i], tls->files[i]))
			return false;
	return true;
}

/* NEWCTX comes last: it makes the context out of what was set before, and of nothing else. */
static bool make_context(const struct tls *tls, LDAP *handle)
{
	const int client = 0;

	return set_demands(handle) && set_files(tls, handle) &&
	       !ldap_set_option(handle, LDAP_OPT_X_TLS_NEWCTX, &client);
}

static bool refresh_shared(struct tls *tls)
{
	struct stat stamps[FILES];

	read_stamps(tls, stamps);
	if (tls->context && are_files_the_same(tls, stamps))
		return true;
	drop_context(tls);
	memcpy(tls->stamps, stamps, sizeof stamps);
	if (!ldap_initialize(&tls->owner, NULL) && make_context(tls, tls->owner) &&
	    !ldap_get_option(tls->owner, LDAP_OPT_X_TLS_CTX, &tls->context) && tls->context)
		return true;
	drop_context(tls);
	return false;
}

/* The handle counts itself in with the context, under the lock: nobody frees it in between. */
static bool take_shared(struct tls *tls, LDAP *handle)
{
	(void)pthread_mutex_lock(&tls->lock);
	bool taken = refresh_shared(tls) && set_demands(handle) &&
		     !ldap_set_option(handle, LDAP_OPT_X_TLS_CTX, tls->context);
	(void)pthread_mutex_unlock(&tls->lock);
	return taken;
}

enum fault tls_prepare(struct tls *tls, LDAP *handle, struct why *why)
{
	const char *certificate = tls->files[CERTIFICATE];

	if (certificate ? take_shared(tls, handle) : make_context(tls, handle))
		return FAULT_NONE;
	return why_set(why, FAULT_KEYRING_READ, "the files for TLS to the directory cannot be used (%s%s%s)",
		       tls->files[AUTHORITIES], certificate ? ", " : "", certificate ? certificate : "");
}
