#include "server/tls_certificate.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gnutls/crypto.h>
#include <gnutls/x509.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "server/private_file.h"

#define YEAR (365 * 86400)
#define CLOCK_SLACK 3600 /* seconds: clients' clocks may be behind */
#define SERIAL_SIZE 16

struct made {
	gnutls_x509_privkey_t key;
	gnutls_x509_crt_t certificate;
	gnutls_datum_t key_pem, certificate_pem;
};

static void made_done(struct made *made)
{
	if (made->key_pem.data)
		secret_wipe(made->key_pem.data, made->key_pem.size);
	gnutls_free(made->key_pem.data);
	gnutls_free(made->certificate_pem.data);
	if (made->certificate)
		gnutls_x509_crt_deinit(made->certificate);
	if (made->key)
		gnutls_x509_privkey_deinit(made->key);
}
AUTO_VALUE(struct made, made_done);

static enum fault check(int result, struct why *why)
{
	if (result >= 0)
		return FAULT_NONE;
	return why_set(why, FAULT_FAILED, "cannot make a TLS certificate: %s", gnutls_strerror(result));
}

static int make_key(struct made *made)
{
	int result = gnutls_x509_privkey_init(&made->key);

	if (result < 0)
		return result;
	return gnutls_x509_privkey_generate(made->key, GNUTLS_PK_ECDSA,
					    GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
}

static bool is_before(const char *const *names, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (!strcmp(names[i], names[at]))
			return true;
	return false;
}

static int add_name(gnutls_x509_crt_t certificate, const char *name)
{
	uint8_t address[sizeof(struct in6_addr)];
	unsigned size = inet_pton(AF_INET, name, address) == 1	  ? sizeof(struct in_addr)
			: inet_pton(AF_INET6, name, address) == 1 ? sizeof(struct in6_addr)
								  : 0;

	if (size)
		return gnutls_x509_crt_set_subject_alt_name(certificate, GNUTLS_SAN_IPADDRESS, address, size,
							    GNUTLS_FSAN_APPEND);
	return gnutls_x509_crt_set_subject_alt_name(certificate, GNUTLS_SAN_DNSNAME, name,
						    (unsigned)strlen(name), GNUTLS_FSAN_APPEND);
}

static int add_names(gnutls_x509_crt_t certificate, const char *const *names)
{
	int result = gnutls_x509_crt_set_dn_by_oid(certificate, GNUTLS_OID_X520_COMMON_NAME, 0, names[0],
						   (unsigned)strlen(names[0]));

	for (size_t i = 0; result >= 0 && names[i]; i++)
		if (!is_before(names, i))
			result = add_name(certificate, names[i]);
	return result;
}

static int set_times_and_serial(gnutls_x509_crt_t certificate, int64_t now)
{
	uint8_t serial[SERIAL_SIZE];
	int result = gnutls_rnd(GNUTLS_RND_NONCE, serial, sizeof serial);

	serial[0] &= 0x7f; /* a positive number */
	serial[0] |= 0x40;
	if (result >= 0)
		result = gnutls_x509_crt_set_serial(certificate, serial, sizeof serial);
	if (result >= 0)
		result = gnutls_x509_crt_set_activation_time(certificate, (time_t)(now - CLOCK_SLACK));
	if (result >= 0)
		result = gnutls_x509_crt_set_expiration_time(
			certificate, (time_t)(now + (int64_t)TLS_CERTIFICATE_YEARS * YEAR));
	return result;
}

static int set_use(gnutls_x509_crt_t certificate)
{
	uint8_t id[64];
	size_t size = sizeof id;
	int result = gnutls_x509_crt_set_basic_constraints(certificate, 0, -1);

	if (result >= 0)
		result = gnutls_x509_crt_set_key_usage(certificate, GNUTLS_KEY_DIGITAL_SIGNATURE);
	if (result >= 0)
		result = gnutls_x509_crt_set_key_purpose_oid(certificate, GNUTLS_KP_TLS_WWW_SERVER, 0);
	if (result >= 0)
		result = gnutls_x509_crt_get_key_id(certificate, GNUTLS_KEYID_USE_SHA1, id, &size);
	if (result >= 0)
		result = gnutls_x509_crt_set_subject_key_id(certificate, id, size);
	return result;
}

static int make_certificate(struct made *made, const char *const *names, int64_t now)
{
	int result = gnutls_x509_crt_init(&made->certificate);

	if (result >= 0)
		result = gnutls_x509_crt_set_version(made->certificate, 3);
	if (result >= 0)
		result = gnutls_x509_crt_set_key(made->certificate, made->key);
	if (result >= 0)
		result = set_times_and_serial(made->certificate, now);
	if (result >= 0)
		result = add_names(made->certificate, names);
	if (result >= 0)
		result = set_use(made->certificate);
	if (result >= 0)
		result = gnutls_x509_crt_sign2(made->certificate, made->certificate, made->key,
					       GNUTLS_DIG_SHA256, 0);
	return result;
}

static int export(struct made *made)
{
	int result = gnutls_x509_privkey_export2_pkcs8(made->key, GNUTLS_X509_FMT_PEM, NULL,
						       GNUTLS_PKCS_PLAIN, &made->key_pem);

	return result < 0 ? result
			  : gnutls_x509_crt_export2(made->certificate, GNUTLS_X509_FMT_PEM,
						    &made->certificate_pem);
}

/* Everybody's to read: clients are given it. */
static enum fault write_certificate(int directory, const gnutls_datum_t *pem, struct why *why)
{
	struct bytes contents = {.data = pem->data, .size = pem->size};

	return file_replace(directory, TLS_CERTIFICATE_FILE, 0644, &contents, why);
}

enum fault tls_certificate_create(int directory, const char *const *names, int64_t now, struct why *why)
{
	AUTO(made_done) struct made made = {0};
	enum fault fault = check(make_key(&made), why);

	if (!fault)
		fault = check(make_certificate(&made, names, now), why);
	if (!fault)
		fault = check(export(&made), why);
	if (!fault)
		fault = private_file_create(directory, TLS_KEY_FILE, made.key_pem.data, made.key_pem.size,
					    why);
	return fault ? fault : write_certificate(directory, &made.certificate_pem, why);
}
