#include "ldap/connect.h"

#include <stdio.h>

#include "ldap/bind.h"
#include "ldap/deadline.h"
#include "ldap/dial.h"

/* Reports a step, and is the time at which the next one starts. */
static int64_t tell(const struct connect_steps *steps, const char *name, const char *found, int64_t started)
{
	int64_t now = clock_boot_ms();

	if (steps)
		steps->step(steps->context, name, found, now - started);
	return now;
}

static enum directory_reason reach(const struct ldap_settings *settings, const struct ldap_server *server,
				   int64_t deadline, const struct connect_steps *steps,
				   struct conn **ret_conn, struct why *why)
{
	AUTO(conn_close) struct conn *conn = NULL;
	int64_t started = clock_boot_ms();
	int fd = -1;
	enum directory_reason reason = dial(server, deadline, &fd, why);

	if (!reason)
		reason = conn_new(settings, server, fd, &conn, why);
	if (reason)
		return reason;
	started = tell(steps, "connect", server->uri, started);
	reason = conn_start_tls(conn, deadline, why);
	if (reason)
		return reason;
	(void)tell(steps, "TLS", conn_protection(conn), started);
	*ret_conn = TAKE(conn);
	return reason;
}

static enum directory_reason look_at_server(struct conn *conn, int64_t deadline,
					    const struct connect_steps *steps, struct root_dse *ret_root,
					    struct why *why)
{
	int64_t started = clock_boot_ms();
	enum directory_reason reason = root_dse_read(conn, deadline, ret_root, why);

	if (reason)
		return reason;
	conn_set_active_directory(conn, ret_root->is_active_directory);
	if (conn_settings(conn)->use_chain_rule && !ret_root->is_active_directory)
		return reason_set(
			why, DIRECTORY_REASON_REFUSED,
			"%s is not Active Directory (%s): ldap_groups_use_matching_rule_in_chain would find nothing "
			"there",
			conn_server(conn)->uri, ret_root->kind);
	(void)tell(steps, "server", ret_root->kind, started);
	return reason;
}

/* Reports how the bind was made. */
static void tell_bind(const struct connect_steps *steps, const struct conn *conn, int64_t started)
{
	static const char *const ways[] = {[BIND_ANONYMOUS] = "anonymous",
					   [BIND_SIMPLE] = "with a password",
					   [BIND_EXTERNAL] = "SASL EXTERNAL",
					   [BIND_GSSAPI] = "SASL GSSAPI"};
	unsigned bits = bind_strength(conn);
	char found[80];

	(void)snprintf(found, sizeof found, bits ? "%s, which encrypts with %u bits" : "%s",
		       ways[conn_settings(conn)->bind_way], bits);
	(void)tell(steps, "bind", found, started);
}

enum directory_reason connect_as_service(const struct ldap_settings *settings,
					 const struct ldap_server *server, int64_t deadline,
					 const struct connect_steps *steps, struct conn **ret_conn,
					 struct root_dse *ret_root, struct why *why)
{
	AUTO(conn_close) struct conn *conn = NULL;
	enum directory_reason reason = reach(settings, server, deadline, steps, &conn, why);
	int64_t started = clock_boot_ms();

	if (!reason)
		reason = bind_as_service(conn, deadline, why);
	if (reason)
		return reason;
	tell_bind(steps, conn, started);
	reason = look_at_server(conn, deadline, steps, ret_root, why);
	if (!reason)
		*ret_conn = TAKE(conn);
	return reason;
}

enum directory_reason connect_as_person(const struct ldap_settings *settings,
					const struct ldap_server *server, const char *dn,
					const struct secret *password, int64_t deadline, struct why *why)
{
	AUTO(conn_close) struct conn *conn = NULL;
	enum directory_reason reason = reach(settings, server, deadline, NULL, &conn, why);

	return reason ? reason : bind_as_person(conn, dn, password, deadline, why);
}
