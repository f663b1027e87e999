#include "ldap/conn.h"

#include <openldap.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "ldap/deadline.h"
#include "ldap/tls.h"

#define ANSWER_MAX (32 << 20) /* bytes of one message: 200,000 members of 100 bytes */
#define SAID_MAX 160 /* of what the server says of an error */

struct conn {
	LDAP *handle;
	const struct ldap_settings *settings;
	const struct ldap_server *server;
	int fd; /* the handle's */
	int64_t opened;
	int64_t doubted_until; /* 0: it has answered since it was taken up */
	bool spoiled;
	bool is_active_directory;
	char protection[80];
};

/* -- life -------------------------------------------------------------------------- */

/* ldap_unbind_ext() says goodbye and closes the socket; it does not wait, as the socket does not block. */
void conn_close(struct conn *conn)
{
	if (!conn)
		return;
	if (conn->handle)
		(void)ldap_unbind_ext(conn->handle, NULL, NULL);
	else
		file_close(conn->fd);
	free(conn);
}

/* A message announces its size before it comes; libldap would make room for 4 GiB. */
static bool limit_answers(struct conn *conn)
{
	Sockbuf *buffer = NULL;
	ber_len_t limit = ANSWER_MAX;

	return ldap_get_option(conn->handle, LDAP_OPT_SOCKBUF, &buffer) == LDAP_OPT_SUCCESS && buffer &&
	       ber_sockbuf_ctrl(buffer, LBER_SB_OPT_SET_MAX_INCOMING, &limit) > 0;
}

static bool set_options(struct conn *conn)
{
	const int version = LDAP_VERSION3;
	const struct timeval timeout = {.tv_sec = conn->settings->network_timeout_ms / MS_PER_SECOND};

	return !ldap_set_option(conn->handle, LDAP_OPT_PROTOCOL_VERSION, &version) &&
	       !ldap_set_option(conn->handle, LDAP_OPT_NETWORK_TIMEOUT, &timeout) &&
	       !ldap_set_option(conn->handle, LDAP_OPT_TIMEOUT, &timeout) &&
	       !ldap_set_option(conn->handle, LDAP_OPT_REFERRALS, LDAP_OPT_OFF) &&
	       !ldap_set_option(conn->handle, LDAP_OPT_CONNECT_ASYNC, LDAP_OPT_ON) && limit_answers(conn);
}

enum directory_reason conn_new(const struct ldap_settings *settings, const struct ldap_server *server, int fd,
			       struct conn **ret_conn, struct why *why)
{
	AUTO(file_close) int owned = fd;
	AUTO(conn_close) struct conn *conn = calloc(1, sizeof *conn);
	int proto = server->protection == PROTECTED_LOCAL ? LDAP_PROTO_IPC : LDAP_PROTO_TCP;

	if (!conn)
		return reason_no_memory(why);
	conn->settings = settings;
	conn->server = server;
	conn->opened = clock_boot_ms();
	conn->fd = owned;
	owned = -1;
	int code = ldap_init_fd(conn->fd, proto, server->uri, &conn->handle);
	if (code)
		return reason_set(why, DIRECTORY_REASON_FAILED, "libldap takes no connection to %s: %s",
				  server->uri, ldap_err2string(code));
	if (!set_options(conn))
		return reason_set(why, DIRECTORY_REASON_FAILED, "libldap refuses an option that it needs");
	(void)snprintf(conn->protection, sizeof conn->protection, "%s",
		       server->protection == PROTECTED_LOCAL ? "local socket" : "none");
	*ret_conn = TAKE(conn);
	return DIRECTORY_REASON_NONE;
}

/* -- facts ------------------------------------------------------------------------- */

LDAP *conn_handle(const struct conn *conn)
{
	return conn->handle;
}

const struct ldap_settings *conn_settings(const struct conn *conn)
{
	return conn->settings;
}

const struct ldap_server *conn_server(const struct conn *conn)
{
	return conn->server;
}

int64_t conn_opened(const struct conn *conn)
{
	return conn->opened;
}

const char *conn_protection(const struct conn *conn)
{
	return conn->protection;
}

bool conn_is_protected(const struct conn *conn)
{
	return conn->server->protection == PROTECTED_LOCAL || ldap_tls_inplace(conn->handle) == 1;
}

void conn_spoil(struct conn *conn)
{
	conn->spoiled = true;
}

bool conn_is_spoiled(const struct conn *conn)
{
	return conn->spoiled;
}

/* Nothing is owed to an idle connection: whatever there is to read is its end, or a notice of it. */
bool conn_is_dead(const struct conn *conn)
{
	struct pollfd look = {.fd = conn->fd, .events = POLLIN};

	return poll(&look, 1, 0) != 0;
}

void conn_doubt(struct conn *conn, int64_t until)
{
	conn->doubted_until = until;
}

bool conn_is_in_doubt(const struct conn *conn)
{
	return conn->doubted_until != 0;
}

void conn_set_active_directory(struct conn *conn, bool is_active_directory)
{
	conn->is_active_directory = is_active_directory;
}

bool conn_is_active_directory(const struct conn *conn)
{
	return conn->is_active_directory;
}

/* -- what went wrong --------------------------------------------------------------- */

/* Printable, and short: it is somebody else's text. */
static void tame(char *text)
{
	for (char *at = text; *at; at++)
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			*at = ' ';
}

static void said(const struct conn *conn, char text[static SAID_MAX])
{
	char *diagnostic = NULL;

	*text = 0;
	(void)ldap_get_option(conn->handle, LDAP_OPT_DIAGNOSTIC_MESSAGE, &diagnostic);
	if (diagnostic && *diagnostic && !strstr(diagnostic, "unknown error"))
		(void)snprintf(text, SAID_MAX, " (%s)", diagnostic);
	ldap_memfree(diagnostic);
	tame(text);
}

enum directory_reason conn_failed(struct conn *conn, int code, const char *what, struct why *why)
{
	char diagnostic[SAID_MAX];

	conn_spoil(conn);
	if (code == LDAP_TIMEOUT)
		return reason_set(why, DIRECTORY_REASON_TIMEOUT, "%s: %s did not answer in time",
				  conn->server->uri, what);
	if (code == LDAP_NO_MEMORY)
		return reason_no_memory(why);
	said(conn, diagnostic);
	return reason_set(
		why, code == LDAP_DECODING_ERROR ? DIRECTORY_REASON_MALFORMED : DIRECTORY_REASON_UNREACHABLE,
		"%s: %s failed: %s%s", conn->server->uri, what, ldap_err2string(code), diagnostic);
}

static int handle_error(const struct conn *conn)
{
	int code = LDAP_OTHER;

	(void)ldap_get_option(conn->handle, LDAP_OPT_RESULT_CODE, &code);
	return code ? code : LDAP_SERVER_DOWN;
}

enum directory_reason conn_wait(struct conn *conn, int id, int64_t deadline, LDAPMessage **ret_message,
				struct why *why)
{
	bool in_doubt = conn_is_in_doubt(conn);
	struct timeval left = deadline_timeval(in_doubt ? deadline_earlier(deadline, conn->doubted_until)
							: deadline);
	AUTO(ldap_msgfree) LDAPMessage *message = NULL;
	int got = ldap_result(conn->handle, id, LDAP_MSG_ONE, &left, &message);

	/* It returns the type, which is the peer's to choose: 0 and less are failures only without a message.
	 */
	if (got <= 0 && message)
		return conn_failed(conn, LDAP_DECODING_ERROR, "the answer", why);
	if (got == 0)
		return conn_failed(conn, LDAP_TIMEOUT, "the directory", why);
	if (got < 0)
		return conn_failed(conn, handle_error(conn), "the connection", why);
	conn->doubted_until = 0;
	*ret_message = TAKE(message);
	return DIRECTORY_REASON_NONE;
}

/* What a server's code means for us; others mean REFUSED. */
static const struct {
	int code;
	enum directory_reason reason;
	const char *hint;
} meanings[] = {
	{LDAP_SUCCESS, DIRECTORY_REASON_NONE, ""},
	{LDAP_TIMELIMIT_EXCEEDED, DIRECTORY_REASON_LIMITED, ""},
	{LDAP_SIZELIMIT_EXCEEDED, DIRECTORY_REASON_LIMITED,
	 "; raise the server's size limit for the account that fsenc-server binds as"},
	{LDAP_ADMINLIMIT_EXCEEDED, DIRECTORY_REASON_LIMITED, ""},
	{LDAP_REFERRAL, DIRECTORY_REASON_REFERRED,
	 "; referrals are not followed: name that server in ldap_uri"},
	{LDAP_BUSY, DIRECTORY_REASON_UNREACHABLE, ""},
	{LDAP_UNAVAILABLE, DIRECTORY_REASON_UNREACHABLE, ""},
	{LDAP_STRONG_AUTH_REQUIRED, DIRECTORY_REASON_REFUSED,
	 "; the server demands signing or channel binding: use ldaps:// or ldap_id_use_start_tls = true"},
	{LDAP_CONFIDENTIALITY_REQUIRED, DIRECTORY_REASON_REFUSED,
	 "; use ldaps:// or ldap_id_use_start_tls = true"},
	{LDAP_INVALID_CREDENTIALS, DIRECTORY_REASON_REFUSED, ""},
};

enum directory_reason conn_result(struct conn *conn, LDAPMessage *message, int type, const char *what,
				  int *ret_code, LDAPControl ***ret_controls, struct why *why)
{
	char *text = NULL;
	char diagnostic[SAID_MAX] = "";
	enum directory_reason reason = DIRECTORY_REASON_REFUSED;
	const char *hint = "";
	int code = LDAP_OTHER;
	int parsed = ldap_msgtype(message) != type ||
		     ldap_parse_result(conn->handle, message, &code, NULL, &text, NULL, ret_controls, 0);

	*ret_code = code;
	if (parsed) {
		ldap_memfree(text);
		return conn_failed(conn, LDAP_DECODING_ERROR, what, why);
	}
	if (text && *text)
		(void)snprintf(diagnostic, sizeof diagnostic, " (%s)", text);
	ldap_memfree(text);
	tame(diagnostic);
	for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++)
		if (meanings[i].code == code) {
			reason = meanings[i].reason;
			hint = meanings[i].hint;
		}
	if (reason)
		return reason_set(why, reason, "%s: %s: %s%s%s", conn->server->uri, what,
				  ldap_err2string(code), diagnostic, hint);
	return reason;
}

/* -- TLS --------------------------------------------------------------------------- */

static void note_protection(struct conn *conn)
{
	char *version = NULL;
	char *cipher = NULL;

	(void)ldap_get_option(conn->handle, LDAP_OPT_X_TLS_VERSION, &version);
	(void)ldap_get_option(conn->handle, LDAP_OPT_X_TLS_CIPHER, &cipher);
	(void)snprintf(conn->protection, sizeof conn->protection, "%s (%s)", version ? version : "TLS",
		       cipher ? cipher : "?");
	ldap_memfree(version);
	ldap_memfree(cipher);
}

static enum directory_reason tls_failed(struct conn *conn, int code, struct why *why)
{
	char diagnostic[SAID_MAX];

	conn_spoil(conn);
	if (code == LDAP_TIMEOUT)
		return reason_set(why, DIRECTORY_REASON_TIMEOUT, "%s: the TLS handshake took too long",
				  conn->server->uri);
	said(conn, diagnostic);
	return reason_set(
		why, DIRECTORY_REASON_UNREACHABLE,
		"%s: TLS failed: no TLS there, or a certificate of another authority, for another name than "
		"'%s', or expired%s",
		conn->server->uri, conn->server->host, diagnostic);
}

/* With the socket not blocking libldap waits for at most NETWORK_TIMEOUT in all; should it come back
 * unfinished, wait here. */
static enum directory_reason shake_hands(struct conn *conn, int64_t deadline, struct why *why)
{
	const struct timeval left = deadline_timeval(deadline);
	int code;

	(void)ldap_set_option(conn->handle, LDAP_OPT_NETWORK_TIMEOUT, &left);
	while ((code = ldap_install_tls(conn->handle)) == LDAP_X_CONNECTING &&
	       !deadline_has_passed(deadline)) {
		struct pollfd look = {.fd = conn->fd, .events = POLLIN};
		(void)poll(&look, 1, deadline_left_ms(deadline));
	}
	if (code)
		return tls_failed(conn, code == LDAP_X_CONNECTING ? LDAP_TIMEOUT : code, why);
	note_protection(conn);
	return DIRECTORY_REASON_NONE;
}

/* A refusal ends the connection: nothing, least of all a password, follows on it. */
static enum directory_reason ask_for_tls(struct conn *conn, int64_t deadline, struct why *why)
{
	AUTO(ldap_msgfree) LDAPMessage *message = NULL;
	int id = 0;
	int code = ldap_start_tls(conn->handle, NULL, NULL, &id);

	if (code)
		return conn_failed(conn, code, "StartTLS", why);
	enum directory_reason reason = conn_wait(conn, id, deadline, &message, why);
	if (!reason)
		reason = conn_result(conn, message, LDAP_RES_EXTENDED, "StartTLS", &code, NULL, why);
	if (!reason)
		return reason;
	conn_spoil(conn);
	return reason == DIRECTORY_REASON_REFUSED ? DIRECTORY_REASON_UNREACHABLE : reason;
}

enum directory_reason conn_start_tls(struct conn *conn, int64_t deadline, struct why *why)
{
	enum ldap_protection protection = conn->server->protection;
	enum directory_reason reason = DIRECTORY_REASON_NONE;

	if (protection != PROTECTED_LDAPS && protection != PROTECTED_START_TLS)
		return reason;
	if (tls_prepare(conn->settings->tls, conn->handle, why)) {
		conn_spoil(conn);
		return DIRECTORY_REASON_FAILED;
	}
	if (protection == PROTECTED_START_TLS)
		reason = ask_for_tls(conn, deadline, why);
	return reason ? reason : shake_hands(conn, deadline, why);
}
