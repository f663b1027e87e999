/* Directories that are down, silent, slow, busy, or drop connections: by the deadline, and unknown. */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ldap/pool.h"
#include "tests/ldap/library_leaks.h"
#include "tests/ldap/look.h"
#include "tests/ldap/mock_world.h"
#include "tests/ldap/process.h"

#define DEADLINE_MS 1000
#define SLACK_MS \
	5000 /* a machine with more to do than it can; what is not ended by the deadline takes far longer */
#define ENOUGH_MS 6000 /* where an answer is expected in spite of silence: a share of it must do */

static const char world[] = WORLD_PERSON("alice", "01") "\n" WORLD_PERSON("bob", "02") "\n" WORLD_GROUP(
	"finance", "11") WORLD_MEMBER("alice") "\n" WORLD_GROUP("second", "12") WORLD_MEMBER("alice") "\n";

static const struct member_id alice = {.bytes = {[15] = 1}};
static const struct member_id bob = {.bytes = {[15] = 2}};
static const struct member_id finance = {.bytes = {[15] = 0x11}};

static struct look ask_for(struct directory *directory, const struct member_id *user, int64_t within_ms)
{
	struct look look = {.why = WHY_NONE};

	look.answer = directory_is_member(directory, user, &finance, clock_boot_ms() + within_ms, &look.proof,
					  &look.why);
	return look;
}

static void assert_look(enum directory_answer expected, const struct look *look, const char *what)
{
	if (look->answer != expected)
		fail_msg("%s: %s, not %s: %s", what, directory_answer_word(look->answer),
			 directory_answer_word(expected), look->why.text);
}

static size_t remembered(struct directory *directory)
{
	struct directory_state state;

	directory_state(directory, &state);
	return state.cache_entries;
}

/* -- names that never resolve ------------------------------------------------------ */

static pthread_mutex_t hanging_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t hanging_done = PTHREAD_COND_INITIALIZER;
static bool hanging = true;

int __real_getaddrinfo(const char *host, const char *port, const struct addrinfo *wanted,
		       struct addrinfo **found);
int __wrap_getaddrinfo(const char *host, const char *port, const struct addrinfo *wanted,
		       struct addrinfo **found);

int __wrap_getaddrinfo(const char *host, const char *port, const struct addrinfo *wanted,
		       struct addrinfo **found)
{
	if (strcmp(host, "hanging.test") != 0)
		return __real_getaddrinfo(host, port, wanted, found);
	(void)pthread_mutex_lock(&hanging_lock);
	while (hanging)
		(void)pthread_cond_wait(&hanging_done, &hanging_lock);
	(void)pthread_mutex_unlock(&hanging_lock);
	return EAI_AGAIN;
}

static void end_hanging(void)
{
	(void)pthread_mutex_lock(&hanging_lock);
	hanging = false;
	(void)pthread_cond_broadcast(&hanging_done);
	(void)pthread_mutex_unlock(&hanging_lock);
}

/* -- a port that takes no connection: its queue is full ---------------------------- */

struct black_hole {
	int fds[16];
	size_t count;
	char uri[64];
};

static void black_hole_dig(struct black_hole *hole)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof address;

	hole->fds[hole->count++] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(bind(hole->fds[0], (struct sockaddr *)&address, size) == 0 &&
		    listen(hole->fds[0], 0) == 0 &&
		    getsockname(hole->fds[0], (struct sockaddr *)&address, &size) == 0);
	(void)snprintf(hole->uri, sizeof hole->uri, "ldap://127.0.0.1:%d", ntohs(address.sin_port));
	while (hole->count < 16) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		hole->fds[hole->count++] = fd;
		(void)connect(fd, (struct sockaddr *)&address, size);
	}
}

static void black_hole_fill(struct black_hole *hole)
{
	while (hole->count)
		(void)close(hole->fds[--hole->count]);
}
AUTO_VALUE(struct black_hole, black_hole_fill);

/* -- L34, L40 ---------------------------------------------------------------------- */

static void assert_unknown_in_time(const char *what, const char *uri, const char *settings)
{
	AUTO(directory_close) struct directory *directory = look_at(uri, settings);
	int64_t started = clock_boot_ms();
	const struct look look = ask_for(directory, &alice, DEADLINE_MS);
	int64_t took = clock_boot_ms() - started;

	assert_look(DIRECTORY_UNKNOWN, &look, what);
	assert_int_equal(remembered(directory), 0);
	assert_true(strlen(look.why.text) > 0);
	if (took > DEADLINE_MS + SLACK_MS)
		fail_msg("%s: %ld ms", what, (long)took);
}

#define TLS_SETTINGS "ldap_search_base = dc=x\nldap_search_timeout = 20\nldap_network_timeout = 20\n"
#define START_TLS_SETTINGS TLS_SETTINGS "ldap_id_use_start_tls = true\n"

static const struct silence {
	const char *what;
	const char *rule;
	const char *scheme;
	const char *settings;
} silences[] = {
	{"mute TCP", "on connect do mute\n", "ldap", WORLD_SETTINGS},
	{"reset at once", "on connect do reset\n", "ldap", WORLD_SETTINGS},
	{"closed at once", "on connect do close\n", "ldap", WORLD_SETTINGS},
	{"mute TLS", "on connect do mute\n", "ldaps", TLS_SETTINGS},
	{"TLS that drips", "on connect do drip 50\n", "ldaps", TLS_SETTINGS},
	{"no TLS there", "on connect do garbage 30 0c 02 01 00 78 07 0a 01 02 04 00 04 00\n", "ldaps",
	 TLS_SETTINGS},
	{"mute at StartTLS", "on starttls do mute\n", "ldap", START_TLS_SETTINGS},
	{"mute after StartTLS", "on starttls do accept\n", "ldap", START_TLS_SETTINGS},
	{"mute after the bind", "on search do mute\n", "ldap", WORLD_SETTINGS},
	{"mute at the user", "on search if entryUUID= do mute\n", "ldap", WORLD_SETTINGS},
	{"mute at the groups", "on search if (member= do mute\n", "ldap", WORLD_SETTINGS},
	{"slow drip", "on search if (member= do drip 100\n", "ldap", WORLD_SETTINGS},
	{"slow drip from the start", "on search do drip 100\n", "ldap", WORLD_SETTINGS},
	{"delay", "on search if (member= do delay 60000\n", "ldap", WORLD_SETTINGS},
	{"closed in the search", "on search if (member= do close\n", "ldap", WORLD_SETTINGS},
	{"reset in the search", "on search if (member= do reset\n", "ldap", WORLD_SETTINGS},
	{"cut in the middle", "on search if (member= do half\n", "ldap", WORLD_SETTINGS},
	{"BER of no sense", "on search if (member= do garbage 30 06 02 01 03 ff ff ff\n", "ldap",
	 WORLD_SETTINGS},
	{"an entry of no sense",
	 "on search if (member= do garbage 30 0c 02 01 03 64 07 04 01 78 30 09 30 07\n", "ldap",
	 WORLD_SETTINGS},
	{"an answer of type 0", "on search if (member= do garbage 30 05 02 01 03 00 00\n", "ldap",
	 WORLD_SETTINGS},
	{"a bind's answer", "on search if (member= do garbage 30 0c 02 01 03 61 07 0a 01 00 04 00 04 00\n",
	 "ldap", WORLD_SETTINGS},
	{"a page without a value", "set limit 1\non search if size=1000 do bare-page\n", "ldap",
	 WORLD_SETTINGS},
	{"4 GiB announced", "on search if (member= do garbage 30 84 ff ff ff f0 02 01 03\n", "ldap",
	 WORLD_SETTINGS},
	{"HTTP", "on search do garbage 48 54 54 50 2f 31 2e 31 20 34 30 30 0d 0a 0d 0a\n", "ldap",
	 WORLD_SETTINGS},
	{"busy", "on search if (member= do result 51\n", "ldap", WORLD_SETTINGS},
	{"unavailable", "on search if (member= do result 52\n", "ldap", WORLD_SETTINGS},
};

static void L34_L40__each_kind_of_silence_is_unknown_by_the_deadline_and_not_remembered(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof silences / sizeof *silences; i++) {
		AUTO(mock_stop) struct mock *mock = mock_start(world);
		char uri[64];
		(void)snprintf(uri, sizeof uri, "%s://127.0.0.1:%d", silences[i].scheme, mock_port(mock));
		mock_say(mock, silences[i].rule);
		assert_unknown_in_time(silences[i].what, uri, silences[i].settings);
	}
}

static void
L34_L40__a_refused_port_a_black_hole_and_a_name_that_hangs_are_unknown_by_the_deadline(void **state)
{
	(void)state;
	AUTO(black_hole_fill) struct black_hole hole = {.count = 0};
	char uri[64];
	black_hole_dig(&hole);
	(void)snprintf(uri, sizeof uri, "ldap://127.0.0.1:%d", process_free_port());
	assert_unknown_in_time("refused", uri, WORLD_SETTINGS);
	assert_unknown_in_time("black hole", hole.uri, WORLD_SETTINGS);
	assert_unknown_in_time("black hole, TLS asked for", hole.uri, START_TLS_SETTINGS);
	assert_unknown_in_time("no such name", "ldap://nobody.invalid", WORLD_SETTINGS);
	assert_unknown_in_time("no socket", "ldapi://%2Fnonexistent%2Fldapi", WORLD_SETTINGS);
	assert_unknown_in_time("a name that hangs", "ldap://hanging.test", WORLD_SETTINGS);
}

static void L34__more_questions_than_connections_keep_their_deadlines_too(void **state)
{
	(void)state;
	AUTO(mock_stop) struct mock *mock = mock_start(world);
	(void)mock;
	AUTO(directory_close)
	struct directory *directory = look_at("ldap://hanging.test", WORLD_SETTINGS "connections = 1\n");
	for (int i = 0; i < 3; i++) {
		int64_t started = clock_boot_ms();
		const struct look look = ask_for(directory, &alice, 200);
		assert_look(DIRECTORY_UNKNOWN, &look, "hanging");
		assert_true(clock_boot_ms() - started < 200 + SLACK_MS);
	}
}

static void L34__after_a_silence_the_same_directory_answers(void **state)
{
	(void)state;
	AUTO(mock_stop) struct mock *mock = mock_start(world);
	AUTO(directory_close) struct directory *directory = look_at(mock_uri(mock), WORLD_SETTINGS);
	struct directory_state known;
	mock_say(mock, "on search if (member= do mute\n");
	struct look look = ask_for(directory, &alice, 300);
	assert_look(DIRECTORY_UNKNOWN, &look, "mute");
	directory_state(directory, &known);
	assert_false(known.answered);
	assert_true(strlen(known.failure) > 0);
	mock_say(mock, "forget rules\n");
	look = ask_for(directory, &alice, LOOK_PATIENCE_MS);
	assert_look(DIRECTORY_YES, &look, "after");
	directory_state(directory, &known);
	assert_true(known.answered);
	assert_string_equal(known.failure, "");
	assert_string_equal(known.server, mock_uri(mock));
}

/* A firewall that forgot: the idle connection is dead without a sign. The first half of the time is for
 * finding out. */
static void L34__an_idle_connection_that_went_silent_is_replaced_within_the_deadline(void **state)
{
	(void)state;
	AUTO(mock_stop) struct mock *mock = mock_start(world);
	AUTO(directory_close)
	struct directory *directory = look_at(mock_uri(mock), WORLD_SETTINGS LOOK_UNCACHED);
	struct look look = ask_for(directory, &alice, LOOK_PATIENCE_MS);
	assert_look(DIRECTORY_YES, &look, "first");
	mock_say(mock, "on search if entryUUID= 1 times do mute\n");
	look = ask_for(directory, &alice, ENOUGH_MS);
	assert_look(DIRECTORY_YES, &look, "second");
	assert_int_equal(mock_count(mock, "connect"), 2);
}

/* -- L29 --------------------------------------------------------------------------- */

static void L29__where_starttls_is_refused_no_bind_goes_out(void **state)
{
	(void)state;
	static const char *const rules[] = {"on starttls do result 2\n", "on starttls do result 52\n",
					    "on starttls do result 53\n",
					    "on starttls do garbage 30 05 02 01 01 78 00\n"};
	AUTO(slapd_stop) struct slapd *password = slapd_start(&(struct slapd_options){.ldif = ""});
	for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
		AUTO(mock_stop) struct mock *mock = mock_start(world);
		char settings[600];
		(void)snprintf(settings, sizeof settings,
			       START_TLS_SETTINGS
			       "ldap_default_bind_dn = cn=reader,dc=x\nldap_default_authtok_file = %s\n",
			       password->password_file);
		mock_say(mock, rules[i]);
		AUTO(directory_close) struct directory *directory = look_at(mock_uri(mock), settings);
		const struct look look = ask_for(directory, &alice, LOOK_PATIENCE_MS);
		assert_look(DIRECTORY_UNKNOWN, &look, rules[i]);
		assert_true(mock_count(mock, "starttls") > 0);
		assert_int_equal(mock_count(mock, "bind dn"), 0);
		assert_int_equal(mock_count(mock, "search"), 0);
		assert_int_equal(mock_count(mock, SLAPD_PASSWORD), 0);
	}
}

/* -- L35, L36, L37 ----------------------------------------------------------------- */

static void L35__dead_and_silent_servers_leave_time_for_the_one_that_answers(void **state)
{
	(void)state;
	AUTO(mock_stop) struct mock *mute = mock_start("on connect do mute\n");
	AUTO(mock_stop) struct mock *good = mock_start(world);
	AUTO(black_hole_fill) struct black_hole hole = {.count = 0};
	char uris[300];
	black_hole_dig(&hole);
	(void)snprintf(uris, sizeof uris, "%s, ldap://127.0.0.1:%d %s,%s", mock_uri(mute), process_free_port(),
		       hole.uri, mock_uri(good));
	AUTO(directory_close) struct directory *directory = look_at(uris, WORLD_SETTINGS LOOK_UNCACHED);
	struct look look = ask_for(directory, &alice, ENOUGH_MS);
	assert_look(DIRECTORY_YES, &look, "the fourth");

	/* From then on it is asked first. */
	for (int i = 0; i < 3; i++) {
		look = ask_for(directory, &alice, ENOUGH_MS);
		assert_look(DIRECTORY_YES, &look, "again");
	}
	assert_int_equal(mock_count(mute, "connect"), 1);
}

static void L35__the_first_server_is_asked_again_a_minute_after_it_failed(void **state)
{
	(void)state;
	AUTO(mock_stop) struct mock *first = mock_start(world);
	AUTO(mock_stop) struct mock *second = mock_start(world);
	char uris[200];
	int64_t now = clock_boot_ms();
	(void)snprintf(uris, sizeof uris, "%s %s", mock_uri(first), mock_uri(second));
	AUTO(directory_close) struct directory *directory = look_at(uris, WORLD_SETTINGS LOOK_UNCACHED);
	mock_say(first, "on connect do close\n");
	clock_set_fake(now, now);
	struct look look = ask_for(directory, &alice, LOOK_PATIENCE_MS);
	assert_look(DIRECTORY_YES, &look, "the second");
	assert_int_equal(mock_count(first, "connect"), 1);

	clock_set_fake(now + POOL_PRIMARY_AGAIN_MS - 1, now);
	look = ask_for(directory, &alice, LOOK_PATIENCE_MS);
	assert_look(DIRECTORY_YES, &look, "the second again");
	assert_int_equal(mock_count(first, "connect"), 1);

	/* Tried once in a minute as long as it is down. */
	clock_set_fake(now + POOL_PRIMARY_AGAIN_MS, now);
	look = ask_for(directory, &alice, LOOK_PATIENCE_MS);
	look = ask_for(directory, &alice, LOOK_PATIENCE_MS);
	assert_look(DIRECTORY_YES, &look, "the first is down still");
	assert_int_equal(mock_count(first, "connect"), 2);

	mock_say(first, "forget rules\n");
	clock_set_fake(now + 2 * POOL_PRIMARY_AGAIN_MS, now);
	mock_forget_log(second);
	look = ask_for(directory, &alice, LOOK_PATIENCE_MS);
	look = ask_for(directory, &alice, LOOK_PATIENCE_MS);
	clock_set_real();
	assert_look(DIRECTORY_YES, &look, "the first");
	assert_int_equal(mock_count(first, "connect"), 3);
	assert_int_equal(mock_count(second, "search"), 0);
}

static void L36__a_connection_that_drops_in_a_search_is_replaced_once(void **state)
{
	(void)state;
	static const char *const ways[] = {"close", "reset", "half"};
	for (size_t i = 0; i < 3; i++) {
		AUTO(mock_stop) struct mock *mock = mock_start(world);
		AUTO(directory_close) struct directory *directory = look_at(mock_uri(mock), WORLD_SETTINGS);
		char rule[100];
		(void)snprintf(rule, sizeof rule, "on search if (member= 1 times do %s\n", ways[i]);
		mock_say(mock, rule);
		struct look look = ask_for(directory, &alice, LOOK_PATIENCE_MS);
		assert_look(DIRECTORY_YES, &look, ways[i]);
		assert_int_equal(mock_count(mock, "connect"), 2);

		(void)snprintf(rule, sizeof rule, "on search if (member= do %s\n", ways[i]);
		mock_say(mock, rule);
		look = ask_for(directory, &bob, LOOK_PATIENCE_MS);
		assert_look(DIRECTORY_UNKNOWN, &look, ways[i]);
		assert_int_equal(mock_count(mock, "connect"), 3);
	}
}

static void L37__a_server_that_is_busy_or_unavailable_makes_way_for_the_next(void **state)
{
	(void)state;
	static const char *const rules[] = {"on search if (member= do result 51 try later\n",
					    "on search if (member= do result 52 going down\n",
					    "on bind do result 51\n"};
	for (size_t i = 0; i < 3; i++) {
		AUTO(mock_stop) struct mock *busy = mock_start(world);
		AUTO(mock_stop) struct mock *good = mock_start(world);
		char uris[200];
		char settings[200] = WORLD_SETTINGS LOOK_UNCACHED;
		(void)snprintf(uris, sizeof uris, "%s %s", mock_uri(busy), mock_uri(good));
		mock_say(busy, rules[i]);
		if (strstr(rules[i], "bind"))
			strcat(settings, "ldap_sasl_mech = EXTERNAL\n");
		AUTO(directory_close) struct directory *directory = look_at(uris, settings);
		struct look look = ask_for(directory, &alice, LOOK_PATIENCE_MS);
		assert_look(DIRECTORY_YES, &look, rules[i]);
		assert_int_equal(mock_count(busy, "(member=") + mock_count(busy, "bind dn"), 1);
		look = ask_for(directory, &alice, LOOK_PATIENCE_MS);
		assert_int_equal(mock_count(busy, "connect"), 1);
	}
}

/* -- L38 --------------------------------------------------------------------------- */

static void L38__an_old_connection_is_replaced_and_an_idle_one_closed(void **state)
{
	(void)state;
	AUTO(mock_stop) struct mock *mock = mock_start(world);
	AUTO(directory_close)
	struct directory *directory = look_at(mock_uri(mock), WORLD_SETTINGS LOOK_UNCACHED
					      "ldap_connection_expire_timeout = 100\n"
					      "ldap_connection_idle_timeout = 30\n");
	struct directory_state known;
	struct look look;
	int64_t now = clock_boot_ms();
	for (int64_t age = 0; age <= 100; age += 20) {
		clock_set_fake(now + age * 1000, now);
		assert_int_equal(mock_count(mock, "connect"), age ? 1 : 0);
		look = ask_for(directory, &alice, LOOK_PATIENCE_MS);
		assert_look(DIRECTORY_YES, &look, "asked");
	}
	assert_int_equal(mock_count(mock, "connect"), 2);
	assert_true(mock_wait_for(mock, "hung up", 1));

	clock_set_fake(now + 130 * 1000, now);
	directory_state(directory, &known);
	clock_set_real();
	assert_true(mock_wait_for(mock, "hung up", 2));
	assert_int_equal(mock_connections(mock), 0);
	assert_int_equal(mock_count(mock, "unbind"), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(L29__where_starttls_is_refused_no_bind_goes_out),
		cmocka_unit_test(L34_L40__each_kind_of_silence_is_unknown_by_the_deadline_and_not_remembered),
		cmocka_unit_test(
			L34_L40__a_refused_port_a_black_hole_and_a_name_that_hangs_are_unknown_by_the_deadline),
		cmocka_unit_test(L34__more_questions_than_connections_keep_their_deadlines_too),
		cmocka_unit_test(L34__after_a_silence_the_same_directory_answers),
		cmocka_unit_test(L34__an_idle_connection_that_went_silent_is_replaced_within_the_deadline),
		cmocka_unit_test(L35__dead_and_silent_servers_leave_time_for_the_one_that_answers),
		cmocka_unit_test(L35__the_first_server_is_asked_again_a_minute_after_it_failed),
		cmocka_unit_test(L36__a_connection_that_drops_in_a_search_is_replaced_once),
		cmocka_unit_test(L37__a_server_that_is_busy_or_unavailable_makes_way_for_the_next),
		cmocka_unit_test(L38__an_old_connection_is_replaced_and_an_idle_one_closed),
	};
	directory_ldap_start();
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	end_hanging();
	return failed;
}
