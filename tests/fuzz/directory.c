/* Any bytes as what an LDAP server answers: to a search for a user with his groups, and to the reading of a
 * long list.
 *
 * The first byte chooses the question; the rest lies ready on a socket before it is put, so requests are
 * numbered 1, 2,
 * ... as the seeds have it. Whatever comes, the question ends, nobody is a member without an
 * entry that says so, and names and ids are whole.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "ldap/conn.h"
#include "ldap/directory_ldap.h"
#include "ldap/listing.h"
#include "ldap/members.h"
#include "ldap/root_dse.h"
#include "ldap/upward.h"
#include "tests/ldap/library_leaks.h"

#define WITHIN_MS 2000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool claim)
{
	if (!claim)
		abort();
}

static struct ldap_settings *read_settings(const char *lines)
{
	const struct ini_section *known[] = {&ldap_section};
	struct ldap_settings *settings = NULL;
	struct ini *ini = NULL;

	must(!ini_parse("f", lines, strlen(lines), known, 1, &ini, NULL));
	must(!settings_read(ini, "/", &settings, NULL));
	ini_free(ini);
	return settings;
}

static const struct ldap_settings *settings_of(unsigned choice)
{
	static struct ldap_settings *settings[2];
	static const char common[] = "[ldap]\nldap_uri = ldapi://%2Fx\nldap_search_base = dc=x\n";

	if (!settings[0]) {
		char ad[200];
		(void)snprintf(ad, sizeof ad, "%sldap_schema = ad\nuse_member_of = true\n", common);
		directory_ldap_start();
		must(!secret_start(NULL));
		settings[0] = read_settings(common);
		settings[1] = read_settings(ad);
	}
	return settings[choice % 2];
}

/* All the bytes, and then the end of the connection. */
static struct conn *connect_to(const struct ldap_settings *settings, const uint8_t *data, size_t size)
{
	int pair[2];
	struct conn *conn = NULL;

	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == 0);
	(void)!write(pair[1], data, size);
	must(!conn_new(settings, &settings->servers[0], pair[0], &conn, NULL));
	(void)shutdown(pair[1], SHUT_WR);
	/* Kept open for reading, so that requests can be written; closed with the process's next use of it.
	 */
	static int before = -1;
	file_close(before);
	before = pair[1];
	return conn;
}

static bool is_text(const char *text, size_t room)
{
	return memchr(text, 0, room) != NULL;
}

static void ask_for_user(struct conn *conn, int64_t deadline)
{
	AUTO(person_done) struct person person = PERSON_EMPTY;
	AUTO(upward_done) struct upward upward = UPWARD_EMPTY;
	static const struct member_id wanted = {.bytes = {[15] = 0x11}};
	char path[DIRECTORY_TEXT_SIZE];

	if (person_find(conn, "alice", deadline, &person, NULL))
		return;
	must(!member_id_is_none(&person.user.id) && person.name_count > 0 && person.dn);
	must(*person.user.name && is_text(person.user.name, sizeof person.user.name));
	must(person.user.enabled == !person.user.off);
	upward.wanted = &wanted;
	if (upward_find(conn, &person, deadline, &upward, NULL) || upward.wanted_at == UPWARD_NONE)
		return;
	must(upward.wanted_at < upward.count &&
	     member_id_equal(&upward.groups[upward.wanted_at].id, &wanted));
	upward_path(&upward, upward.wanted_at, person.user.name, path);
	must(is_text(path, sizeof path));
}

static enum fault take_member(void *context, const struct directory_member *member, struct why *why)
{
	(void)context;
	(void)why;
	must(!member_id_is_none(&member->user->id) && *member->user->name && strlen(member->path) > 0);
	return FAULT_NONE;
}

static void ask_for_members(struct conn *conn, int64_t deadline)
{
	AUTO(members_done) struct members members = MEMBERS_EMPTY;
	static const struct member_id group = {.bytes = {[15] = 0x11}};

	if (!members_find(conn, &group, deadline, &members, NULL))
		must(!members_tell(&members, take_member, NULL, NULL));
}

static void ask_for_list(struct conn *conn, int64_t deadline)
{
	AUTO(listing_done) struct listing listing = LISTING_EMPTY;

	if (!listing_read(conn, "cn=g,dc=x", 1000, deadline, &listing, NULL))
		must(listing.dns.count + listing.names.count <= 1000);
}

static void ask_for_root(struct conn *conn, int64_t deadline)
{
	struct root_dse root;

	if (!root_dse_read(conn, deadline, &root, NULL))
		must(is_text(root.kind, sizeof root.kind));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const questions[])(struct conn *, int64_t) = {ask_for_user, ask_for_members,
								    ask_for_list, ask_for_root};
	int64_t deadline = clock_boot_ms() + WITHIN_MS;

	if (size == 0)
		return 0;
	const struct ldap_settings *settings = settings_of(data[0] >> 2);
	AUTO(conn_close) struct conn *conn = connect_to(settings, data + 1, size - 1);
	questions[data[0] % 4](conn, deadline);
	must(clock_boot_ms() < deadline);
	return 0;
}
