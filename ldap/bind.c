#include "ldap/bind.h"

#include <assert.h>
#include <sasl/sasl.h>
#include <stdio.h>
#include <string.h>

#include "ldap/deadline.h"

#define STEPS_MAX 8 /* of a SASL exchange */
#define STRENGTH_LEAST "112" /* bits: DES has less, AES and RC4 more */
#define GSSAPI_WORDS "the bind with Kerberos"

static enum directory_reason wait_for_bind(struct conn *conn, int id, int64_t deadline, int *ret_code,
					   char **ret_text, struct why *why)
{
	AUTO(ldap_msgfree) LDAPMessage *message = NULL;
	enum directory_reason reason = conn_wait(conn, id, deadline, &message, why);

	*ret_code = LDAP_OTHER;
	if (reason)
		return reason;
	if (ret_text)
		(void)ldap_parse_result(conn_handle(conn), message, ret_code, NULL, ret_text, NULL, NULL, 0);
	return conn_result(conn, message, LDAP_RES_BIND, "the bind", ret_code, NULL, why);
}

static enum directory_reason send_bind(struct conn *conn, const char *dn, const char *mechanism,
				       const void *value, size_t size, int *ret_id, struct why *why)
{
	struct berval credential = {.bv_len = size, .bv_val = (char *)value};
	int code = ldap_sasl_bind(conn_handle(conn), dn, mechanism, &credential, NULL, NULL, ret_id);

	return code ? conn_failed(conn, code, "the bind", why) : DIRECTORY_REASON_NONE;
}

static enum directory_reason send_password(struct conn *conn, const char *dn, const struct secret *password,
					   int *ret_id, struct why *why)
{
	assert(*dn && secret_size(password) > 0);
	if (!conn_is_protected(conn) && !conn_settings(conn)->allow_plaintext) {
		conn_spoil(conn);
		return reason_set(
			why, DIRECTORY_REASON_REFUSED,
			"%s: no password is sent without TLS: use ldaps:// or ldap_id_use_start_tls = true",
			conn_server(conn)->uri);
	}
	return send_bind(conn, dn, LDAP_SASL_SIMPLE, secret_bytes(password), secret_size(password), ret_id,
			 why);
}

/* -- the server's own account ------------------------------------------------------ */

static enum directory_reason bind_simple(struct conn *conn, int64_t deadline, struct why *why)
{
	AUTO(secret_free) struct secret *password = NULL;
	int id = 0;
	int code = 0;

	if (settings_read_password(conn_settings(conn), &password, why))
		return DIRECTORY_REASON_FAILED;
	enum directory_reason reason = send_password(conn, conn_settings(conn)->bind_dn, password, &id, why);
	return reason ? reason : wait_for_bind(conn, id, deadline, &code, NULL, why);
}

static enum directory_reason bind_external(struct conn *conn, int64_t deadline, struct why *why)
{
	int id = 0;
	int code = 0;
	enum directory_reason reason = send_bind(conn, "", "EXTERNAL", "", 0, &id, why);

	return reason ? reason : wait_for_bind(conn, id, deadline, &code, NULL, why);
}

/* Kerberos has what it needs in its keytab: every question of SASL gets its default answer. */
static int answer_nothing(LDAP *handle, unsigned flags, void *defaults, void *questions)
{
	(void)handle;
	(void)flags;
	(void)defaults;
	for (sasl_interact_t *question = questions; question->id != SASL_CB_LIST_END; question++) {
		question->result = question->defresult ? question->defresult : "";
		question->len = (unsigned)strlen(question->result);
	}
	return LDAP_SUCCESS;
}

/* Without TLS the exchange must end in encryption; under TLS a second layer is refused by Active Directory,
 * which wants the channel's fingerprint instead. (SASL 2.1.28 loses 17 KB for each bind without a layer; as a
 * connection is kept for a quarter of an hour, that is little.) Whose ticket is asked for is what the URI
 * says: libldap would ask the network for the name of the address, and so let the network choose who the
 * directory is. */
static bool set_layers(struct conn *conn)
{
	LDAP *handle = conn_handle(conn);
	const bool tls = ldap_tls_inplace(handle) == 1;
	const int binding = LDAP_OPT_X_SASL_CBINDING_TLS_ENDPOINT;

	if (ldap_set_option(handle, LDAP_OPT_X_SASL_SECPROPS,
			    tls ? "maxssf=0,noplain,noanonymous"
				: "minssf=" STRENGTH_LEAST ",noplain,noanonymous") ||
	    ldap_set_option(handle, LDAP_OPT_X_SASL_NOCANON, LDAP_OPT_ON))
		return false;
	return !tls || !ldap_set_option(handle, LDAP_OPT_X_SASL_CBINDING, &binding);
}

static enum directory_reason prepare_gssapi(struct conn *conn, struct why *why)
{
	if (settings_check_keytab(conn_settings(conn), why))
		return DIRECTORY_REASON_FAILED;
	if (!set_layers(conn))
		return reason_set(why, DIRECTORY_REASON_FAILED, "libldap was built without SASL");
	return DIRECTORY_REASON_NONE;
}

/* The server's part of a step. Success too is for SASL to judge: it comes with the proof of who says so. */
static enum directory_reason wait_for_step(struct conn *conn, int id, int64_t deadline,
					   LDAPMessage **ret_message, struct why *why)
{
	AUTO(ldap_msgfree) LDAPMessage *message = NULL;
	int code = LDAP_OTHER;
	enum directory_reason reason = conn_wait(conn, id, deadline, &message, why);

	if (reason)
		return reason;
	(void)ldap_parse_result(conn_handle(conn), message, &code, NULL, NULL, NULL, NULL, 0);
	if (code != LDAP_SUCCESS && code != LDAP_SASL_BIND_IN_PROGRESS)
		return conn_result(conn, message, LDAP_RES_BIND, GSSAPI_WORDS, &code, NULL, why);
	*ret_message = TAKE(message);
	return DIRECTORY_REASON_NONE;
}

/* A server that says "success" before it has shown who it is must not be believed, whatever libldap makes of
 * it. */
static enum directory_reason check_layers(struct conn *conn, struct why *why)
{
	if (conn_is_protected(conn) || bind_strength(conn) > 0)
		return DIRECTORY_REASON_NONE;
	conn_spoil(conn);
	return reason_set(why, DIRECTORY_REASON_REFUSED, "%s: " GSSAPI_WORDS " ended without encryption",
			  conn_server(conn)->uri);
}

static enum directory_reason bind_gssapi(struct conn *conn, int64_t deadline, struct why *why)
{
	AUTO(ldap_msgfree) LDAPMessage *message = NULL;
	const char *mechanism = NULL;
	int id = 0;
	enum directory_reason reason = prepare_gssapi(conn, why);

	for (int step = 0; !reason && step < STEPS_MAX; step++) {
		int code = ldap_sasl_interactive_bind(conn_handle(conn), NULL, "GSSAPI", NULL, NULL,
						      LDAP_SASL_QUIET, answer_nothing, NULL, message,
						      &mechanism, &id);
		if (code == LDAP_SUCCESS)
			return check_layers(conn, why);
		if (code != LDAP_SASL_BIND_IN_PROGRESS)
			return conn_failed(conn, code, GSSAPI_WORDS, why);
		ldap_msgfree(TAKE(message));
		reason = wait_for_step(conn, id, deadline, &message, why);
	}
	return reason ? reason : conn_failed(conn, LDAP_OTHER, GSSAPI_WORDS, why);
}

unsigned bind_strength(const struct conn *conn)
{
	ber_len_t bits = 0;

	(void)ldap_get_option(conn_handle(conn), LDAP_OPT_X_SASL_SSF, &bits);
	return (unsigned)bits;
}

static enum directory_reason bind_anonymous(struct conn *conn, int64_t deadline, struct why *why)
{
	(void)conn;
	(void)deadline;
	(void)why;
	return DIRECTORY_REASON_NONE;
}

enum directory_reason bind_as_service(struct conn *conn, int64_t deadline, struct why *why)
{
	static enum directory_reason (*const ways[])(struct conn *, int64_t, struct why *) = {
		[BIND_ANONYMOUS] = bind_anonymous,
		[BIND_SIMPLE] = bind_simple,
		[BIND_EXTERNAL] = bind_external,
		[BIND_GSSAPI] = bind_gssapi,
	};
	return ways[conn_settings(conn)->bind_way](conn, deadline, why);
}

/* -- somebody ---------------------------------------------------------------------- */

/* Active Directory gives one code for all and the reason in its words (Windows error codes in hex). */
static const struct {
	const char *said;
	enum directory_reason reason;
} refusals[] = {
	{"data 533", DIRECTORY_REASON_DISABLED},
	{"data 701", DIRECTORY_REASON_EXPIRED},
};

static enum directory_reason refusal(const char *text)
{
	for (size_t i = 0; text && i < sizeof refusals / sizeof *refusals; i++)
		if (strstr(text, refusals[i].said))
			return refusals[i].reason;
	return DIRECTORY_REASON_PASSWORD;
}

enum directory_reason bind_as_person(struct conn *conn, const char *dn, const struct secret *password,
				     int64_t deadline, struct why *why)
{
	char *text = NULL;
	int id = 0;
	int code = 0;
	enum directory_reason reason = send_password(conn, dn, password, &id, why);

	if (!reason)
		reason = wait_for_bind(conn, id, deadline, &code, &text, why);
	if (code == LDAP_INVALID_CREDENTIALS) {
		reason = refusal(text);
		reason = reason_set(why, reason, "%s", directory_reason_words(reason));
	}
	ldap_memfree(text);
	return reason;
}

enum directory_reason bind_who_am_i(struct conn *conn, int64_t deadline, char *out, size_t room,
				    struct why *why)
{
	AUTO(ldap_msgfree) LDAPMessage *message = NULL;
	struct berval *name = NULL;
	int id = 0;
	int code = ldap_whoami(conn_handle(conn), NULL, NULL, &id);

	if (code)
		return conn_failed(conn, code, "who am I", why);
	enum directory_reason reason = conn_wait(conn, id, deadline, &message, why);
	if (!reason)
		reason = conn_result(conn, message, LDAP_RES_EXTENDED, "who am I", &code, NULL, why);
	if (!reason && ldap_parse_whoami(conn_handle(conn), message, &name))
		reason = conn_failed(conn, LDAP_DECODING_ERROR, "who am I", why);
	if (!reason)
		(void)snprintf(out, room, "%.*s", name && name->bv_len ? (int)name->bv_len : 6,
			       name && name->bv_len ? name->bv_val : "nobody");
	ber_bvfree(name);
	return reason;
}
