#include "server/tls.h"

#include <assert.h>
#include <fcntl.h>
#include <gnutls/abstract.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/secret.h"

#define CHAIN_MAX 16
#define PEM_MAX (256 * 1024)

/* One certificate with its key, never changed. Older ones stay until the end: a handshake may be reading. */
struct shown {
	struct shown *older;
	gnutls_pcert_st chain[CHAIN_MAX];
	unsigned chain_length;
	gnutls_privkey_t key;
	int64_t expires;
};

struct tls {
	char *certificate_file, *key_file;
	pthread_mutex_t lock; /* reloading */
	_Atomic(struct shown *) shown;
};

static struct tls *_Atomic the_tls;

static void shown_free(struct shown *shown)
{
	if (!shown)
		return;
	for (unsigned i = 0; i < shown->chain_length; i++)
		gnutls_pcert_deinit(&shown->chain[i]);
	if (shown->key)
		gnutls_privkey_deinit(shown->key);
	free(shown);
}
AUTO_POINTER(struct shown *, shown_free);

static int retrieve(gnutls_session_t session, const struct gnutls_cert_retr_st *info, gnutls_pcert_st **chain,
		    unsigned *chain_length, gnutls_ocsp_data_st **ocsp, unsigned *ocsp_length,
		    gnutls_privkey_t *key, unsigned *flags)
{
	struct tls *tls = the_tls;
	struct shown *shown = tls ? tls->shown : NULL;

	(void)session;
	(void)info;
	if (!shown)
		return -1;
	*chain = shown->chain;
	*chain_length = shown->chain_length;
	*key = shown->key;
	*ocsp = NULL;
	*ocsp_length = 0;
	*flags = 0;
	return 0;
}

tls_function *tls_retrieve(void)
{
	return (tls_function *)retrieve;
}

const char *tls_priorities(void)
{
	return "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:%SERVER_PRECEDENCE:%NO_TICKETS";
}

/* -- reading --------------------------------------------------------------------------------- */

static enum fault read_pem(const char *file, struct bytes *ret_text, struct why *why)
{
	enum fault fault = file_read(AT_FDCWD, file, PEM_MAX, ret_text, why);

	if (fault == FAULT_MISSING)
		return why_set(why, FAULT_KEYRING_READ, "there is no file '%s'", file);
	return fault ? why_in(why, FAULT_KEYRING_READ, "'%s'", file) : FAULT_NONE;
}

static enum fault check_private(const char *file, struct why *why)
{
	struct stat status;

	if (stat(file, &status) != 0)
		return why_system(why, "cannot look at '%s'", file);
	if (status.st_mode & (S_IROTH | S_IWOTH | S_IWGRP))
		return why_set(why, FAULT_INVALID, "others can read or change the key '%s'", file);
	return FAULT_NONE;
}

static gnutls_datum_t datum(const struct bytes *bytes)
{
	return (gnutls_datum_t){.data = bytes->data, .size = (unsigned)bytes->size};
}

static enum fault read_chain(const char *file, struct shown *shown, struct why *why)
{
	AUTO(bytes_done) struct bytes pem = BYTES_EMPTY;
	gnutls_x509_crt_t list[CHAIN_MAX];
	unsigned count = CHAIN_MAX, length = CHAIN_MAX;

	enum fault fault = read_pem(file, &pem, why);
	if (fault)
		return fault;
	const gnutls_datum_t text = datum(&pem);
	int error = gnutls_x509_crt_list_import(list, &count, &text, GNUTLS_X509_FMT_PEM,
						GNUTLS_X509_CRT_LIST_IMPORT_FAIL_IF_EXCEED);
	if (error < 0)
		return why_set(why, FAULT_INVALID, "'%s' is no certificate: %s", file,
			       gnutls_strerror(error));
	shown->expires = gnutls_x509_crt_get_expiration_time(list[0]);
	length = count;
	error = gnutls_pcert_import_x509_list(shown->chain, list, &length, 0);
	if (error == 0)
		shown->chain_length = length;
	for (unsigned i = 0; i < count; i++)
		gnutls_x509_crt_deinit(list[i]);
	return error == 0 ? FAULT_NONE
			  : why_set(why, FAULT_INVALID, "'%s': %s", file, gnutls_strerror(error));
}

static enum fault read_key(const char *file, struct shown *shown, struct why *why)
{
	AUTO(bytes_done) struct bytes pem = BYTES_EMPTY;

	enum fault fault = check_private(file, why);
	if (!fault)
		fault = read_pem(file, &pem, why);
	if (fault)
		return fault;
	const gnutls_datum_t text = datum(&pem);
	int error = gnutls_privkey_init(&shown->key);
	if (error == 0)
		error = gnutls_privkey_import_x509_raw(shown->key, &text, GNUTLS_X509_FMT_PEM, NULL, 0);
	secret_wipe(pem.data, pem.size);
	return error == 0 ? FAULT_NONE
			  : why_set(why, FAULT_INVALID, "'%s' is no private key: %s", file,
				    gnutls_strerror(error));
}

static bool fit(const struct shown *shown)
{
	uint8_t of_key[64], of_certificate[64];
	size_t key_size = sizeof of_key, certificate_size = sizeof of_certificate;
	gnutls_pubkey_t public = NULL;

	bool good = gnutls_pubkey_init(&public) == 0 &&
		    gnutls_pubkey_import_privkey(public, shown->key, 0, 0) == 0 &&
		    gnutls_pubkey_get_key_id(public, GNUTLS_KEYID_USE_SHA256, of_key, &key_size) == 0 &&
		    gnutls_pubkey_get_key_id(shown->chain[0].pubkey, GNUTLS_KEYID_USE_SHA256, of_certificate,
					     &certificate_size) == 0;
	if (public)
		gnutls_pubkey_deinit(public);
	return good && key_size == certificate_size && memcmp(of_key, of_certificate, key_size) == 0;
}

static void warn_of_end(const struct tls *tls, const struct shown *shown)
{
	const int64_t left = shown->expires - clock_wall_ms() / MS_PER_SECOND;

	if (left < 0)
		log_error("the TLS certificate '%s' has expired: clients refuse it", tls->certificate_file);
	else if (left < TLS_SOON)
		log_warning("the TLS certificate '%s' expires in %lld days", tls->certificate_file,
			    (long long)(left / 86400));
}

static enum fault shown_read(const struct tls *tls, struct shown **ret_shown, struct why *why)
{
	AUTO(shown_free) struct shown *shown = calloc(1, sizeof *shown);

	if (!shown)
		return why_set(why, FAULT_MEMORY, "no memory for a certificate");
	enum fault fault = read_chain(tls->certificate_file, shown, why);
	if (!fault)
		fault = read_key(tls->key_file, shown, why);
	if (fault)
		return fault;
	if (!fit(shown))
		return why_set(why, FAULT_INVALID, "the key '%s' is not that of the certificate '%s'",
			       tls->key_file, tls->certificate_file);
	warn_of_end(tls, shown);
	*ret_shown = TAKE(shown);
	return FAULT_NONE;
}

/* -- one a process --------------------------------------------------------------------------- */

enum fault tls_reload(struct tls *tls, struct why *why)
{
	struct shown *shown = NULL;

	(void)pthread_mutex_lock(&tls->lock);
	enum fault fault = shown_read(tls, &shown, why);
	if (!fault) {
		shown->older = tls->shown;
		tls->shown = shown;
	}
	(void)pthread_mutex_unlock(&tls->lock);
	return fault;
}

enum fault tls_open(const char *certificate_file, const char *key_file, struct tls **ret_tls, struct why *why)
{
	AUTO(tls_close) struct tls *tls = calloc(1, sizeof *tls);

	assert(!the_tls);
	if (!tls)
		return why_set(why, FAULT_MEMORY, "no memory for a certificate");
	(void)pthread_mutex_init(&tls->lock, NULL);
	tls->certificate_file = strdup(certificate_file);
	tls->key_file = strdup(key_file);
	if (!tls->certificate_file || !tls->key_file)
		return why_set(why, FAULT_MEMORY, "no memory for a certificate");
	enum fault fault = tls_reload(tls, why);
	if (fault)
		return fault;
	the_tls = tls;
	*ret_tls = TAKE(tls);
	return FAULT_NONE;
}

void tls_close(struct tls *tls)
{
	if (!tls)
		return;
	if (the_tls == tls)
		the_tls = NULL;
	for (struct shown *shown = tls->shown, *older; shown; shown = older) {
		older = shown->older;
		shown_free(shown);
	}
	(void)pthread_mutex_destroy(&tls->lock);
	free(tls->certificate_file);
	free(tls->key_file);
	free(tls);
}

int64_t tls_expires(const struct tls *tls)
{
	return tls->shown->expires;
}
