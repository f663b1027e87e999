/* Against real slapds that freeze, die, come back, are busy; and with many threads. */
#include <pthread.h>
#include <time.h>

#include "ldap/pool.h"
#include "tests/ldap/look.h"

#define THREADS 16
#define QUESTIONS 40
#define DEADLINE_MS 1000
#define SLACK_MS 5000 /* a machine with more to do than it can */
#define ENOUGH_MS 6000

static const char ldif[] = LOOK_PERSON("alice") LOOK_PERSON("bob") LOOK_GROUP("finance", LOOK_MEMBER("alice"))
	LOOK_GROUP("auditors", LOOK_SUBGROUP("finance"));

static struct slapd *start(void)
{
	return slapd_start(&(struct slapd_options){.ldif = ldif});
}

struct ids {
	struct member_id alice, bob, finance, auditors;
};

static struct ids look_ids(struct directory *directory)
{
	return (struct ids){look_user(directory, "alice"), look_user(directory, "bob"),
			    look_group(directory, "finance"), look_group(directory, "auditors")};
}

static struct look ask(struct directory *directory, const struct member_id *user,
		       const struct member_id *group, int64_t within_ms)
{
	struct look look = {.why = WHY_NONE};

	look.answer = directory_is_member(directory, user, group, clock_boot_ms() + within_ms, &look.proof,
					  &look.why);
	return look;
}

static void assert_asked(struct directory *directory, const struct member_id *user,
			 const struct member_id *group, enum directory_answer expected)
{
	const struct look look = ask(directory, user, group, LOOK_PATIENCE_MS);

	if (look.answer != expected)
		fail_msg("%s: %s", directory_answer_word(look.answer), look.why.text);
}

static struct directory *look_with_tls(const struct slapd *slapd, const char *uris, const char *more)
{
	char lines[600];

	(void)snprintf(lines, sizeof lines, LOOK_PLAIN LOOK_UNCACHED "ldap_tls_cacert = %s\n%s",
		       slapd->authority, more);
	return look_at(uris, lines);
}

/* -- L34, L40 -------------------------------------------------------------------------- */

/* A stopped process accepts connections, by the kernel, and says nothing. */
static void L34__a_frozen_server_is_unknown_by_the_deadline_and_known_when_it_thaws(void **state)
{
	(void)state;
	AUTO(slapd_stop) struct slapd *slapd = start();
	const struct {
		const char *uri;
		const char *more;
	} rows[] = {{slapd->uri, ""},
		    {slapd->tls_uri, ""},
		    {slapd->uri, "ldap_id_use_start_tls = true\n"},
		    {slapd->local_uri, ""}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		AUTO(directory_close)
		struct directory *warm = look_with_tls(slapd, rows[i].uri, rows[i].more);
		AUTO(directory_close)
		struct directory *cold = look_with_tls(slapd, rows[i].uri, rows[i].more);
		const struct ids ids = look_ids(warm);
		slapd_freeze(slapd);
		for (int j = 0; j < 2; j++) {
			int64_t started = clock_boot_ms();
			const struct look look = ask(j ? cold : warm, &ids.alice, &ids.finance, DEADLINE_MS);
			int64_t took = clock_boot_ms() - started;
			assert_int_equal(look.answer, DIRECTORY_UNKNOWN);
			if (took > DEADLINE_MS + SLACK_MS)
				fail_msg("%s, %s: %ld ms", rows[i].uri, rows[i].more, (long)took);
		}
		slapd_thaw(slapd);
		assert_asked(warm, &ids.alice, &ids.finance, DIRECTORY_YES);
		assert_asked(cold, &ids.alice, &ids.finance, DIRECTORY_YES);
		assert_asked(cold, &ids.bob, &ids.finance, DIRECTORY_NO);
	}
}

static void L35__a_frozen_first_server_leaves_time_for_the_second(void **state)
{
	(void)state;
	AUTO(slapd_stop) struct slapd *first = start();
	AUTO(slapd_stop) struct slapd *second = start();
	char uris[200];
	struct directory_state known;
	(void)snprintf(uris, sizeof uris, "%s %s", first->tls_uri, second->tls_uri);
	slapd_freeze(first);
	AUTO(directory_close) struct directory *directory = look_with_tls(first, uris, "");
	struct directory_user user;
	struct why why = WHY_NONE;
	assert_answer(DIRECTORY_YES,
		      directory_find_user(directory, "alice", clock_boot_ms() + ENOUGH_MS, &user, &why));
	directory_state(directory, &known);
	assert_string_equal(known.server, second->tls_uri);
	assert_string_equal(known.kind, "OpenLDAP");
	slapd_thaw(first);
}

/* -- L36, L37 -------------------------------------------------------------------------- */

static void L36__a_server_that_was_restarted_is_asked_anew_without_a_failure(void **state)
{
	(void)state;
	AUTO(slapd_stop) struct slapd *slapd = start();
	AUTO(directory_close) struct directory *directory = look_with_tls(slapd, slapd->tls_uri, "");
	const struct ids ids = look_ids(directory);
	for (int i = 0; i < 3; i++) {
		slapd_restart(slapd);
		assert_asked(directory, &ids.alice, &ids.auditors, DIRECTORY_YES);
		assert_asked(directory, &ids.bob, &ids.auditors, DIRECTORY_NO);
	}
	slapd_kill(slapd);
	assert_int_equal(ask(directory, &ids.alice, &ids.auditors, DEADLINE_MS).answer, DIRECTORY_UNKNOWN);
	slapd_restart(slapd);
	assert_asked(directory, &ids.alice, &ids.auditors, DIRECTORY_YES);
}

#define CODES "ou=codes," SLAPD_SUFFIX
#define CODES_ENTRY "dn: " CODES "\nobjectClass: organizationalUnit\nou: codes\n\n"
#define OVERLAY(code) "overlay retcode\nretcode-parent \"" CODES "\"\nretcode-item \"cn=groups\" " code "\n"
#define GROUPS_THERE LOOK_UNCACHED "ldap_group_search_base = cn=groups," CODES "\n"

static void L37__a_busy_or_unavailable_server_makes_way_for_the_next(void **state)
{
	(void)state;
	static const char *const overlays[] = {OVERLAY("51"), OVERLAY("52")};
	AUTO(slapd_stop)
	struct slapd *good = slapd_start(&(struct slapd_options){
		.ldif = CODES_ENTRY "dn: cn=groups," CODES
				    "\nobjectClass: groupOfNames\ncn: groups\n" LOOK_MEMBER("alice") "\n"});
	for (size_t i = 0; i < 2; i++) {
		AUTO(slapd_stop)
		struct slapd *busy = slapd_start(&(struct slapd_options){
			.ldif = CODES_ENTRY, .global = "moduleload retcode\n", .database = overlays[i]});
		char uris[200];
		struct directory_group group;
		struct directory_state known;
		struct why why = WHY_NONE;
		(void)snprintf(uris, sizeof uris, "%s %s", busy->uri, good->uri);
		AUTO(directory_close) struct directory *directory = look_at(uris, LOOK_PLAIN GROUPS_THERE);
		AUTO(directory_close) struct directory *alone = look_at(busy->uri, LOOK_PLAIN GROUPS_THERE);
		assert_answer(DIRECTORY_UNKNOWN,
			      directory_find_group(alone, "groups", look_patiently(), &group, &why));
		assert_answer(DIRECTORY_YES,
			      directory_find_group(directory, "groups", look_patiently(), &group, &why));
		directory_state(directory, &known);
		assert_string_equal(known.server, good->uri);
	}
}

/* -- L38 ------------------------------------------------------------------------------- */

/* A connection to the port, of this process, that its peer has closed (state CLOSE_WAIT of proc(5)). */
static bool is_closed_by_peer(int port)
{
	FILE *table = fopen("/proc/self/net/tcp", "re");
	char line[400];
	bool closed = false;

	assert_non_null(table);
	while (fgets(line, sizeof line, table)) {
		unsigned remote = 0;
		unsigned status = 0;
		if (sscanf(line, "%*s %*[^:]:%*x %*[^:]:%x %x", &remote, &status) == 2)
			closed = closed || (remote == (unsigned)port && status == 8);
	}
	(void)fclose(table);
	return closed;
}

/* slapd closes what is idle for a second: the next question meets a closed connection, and nobody notices. */
static void L38__a_connection_that_the_server_closed_while_idle_is_replaced(void **state)
{
	(void)state;
	AUTO(slapd_stop)
	struct slapd *slapd = slapd_start(&(struct slapd_options){.ldif = ldif, .global = "idletimeout 1\n"});
	AUTO(directory_close) struct directory *directory = look_with_tls(slapd, slapd->tls_uri, "");
	const struct ids ids = look_ids(directory);
	struct directory_state known;
	int64_t until = look_patiently();
	while (!is_closed_by_peer(slapd->tls_port)) {
		const struct timespec pause = {.tv_nsec = 20000000};
		assert_true(clock_boot_ms() < until);
		(void)nanosleep(&pause, NULL);
	}
	assert_asked(directory, &ids.alice, &ids.auditors, DIRECTORY_YES);
	directory_state(directory, &known);
	assert_true(known.answered);
	assert_string_equal(known.failure, "");
}

/* -- L39 ------------------------------------------------------------------------------- */

struct crowd {
	struct directory *directory;
	struct ids ids;
	unsigned wrong;
};

static void *ask_much(void *argument)
{
	struct crowd *crowd = argument;

	for (int i = 0; i < QUESTIONS; i++) {
		struct directory_user user;
		struct directory_state known;
		const struct member_id *who = i % 2 ? &crowd->ids.bob : &crowd->ids.alice;
		const struct look look = ask(crowd->directory, who, &crowd->ids.auditors, LOOK_PATIENCE_MS);
		bool right = look.answer == (i % 2 ? DIRECTORY_NO : DIRECTORY_YES);
		struct why why = WHY_NONE;
		if (i % 10 == 3)
			right = right && directory_find_user(crowd->directory, "alice", look_patiently(),
							     &user, &why) == DIRECTORY_YES;
		if (i % 10 == 7)
			directory_forget(crowd->directory);
		directory_state(crowd->directory, &known);
		if (!right)
			(void)__atomic_add_fetch(&crowd->wrong, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void run_crowd(struct crowd *crowd)
{
	pthread_t threads[THREADS];

	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, ask_much, crowd), 0);
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
}

static void L39__many_threads_ask_at_once_over_few_connections(void **state)
{
	(void)state;
	static const char *const settings[] = {"connections = 4\n",
					       "connections = 4\nldap_connection_expire_timeout = 1\n",
					       "connections = 1\nmembership_cache = 60\n"};
	AUTO(slapd_stop) struct slapd *slapd = start();
	char lines[600];
	for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
		(void)snprintf(lines, sizeof lines, LOOK_BASE "%sldap_tls_cacert = %s\n%s",
			       i == 2 ? "" : LOOK_UNCACHED, slapd->authority, settings[i]);
		AUTO(directory_close) struct directory *directory = look_at(slapd->tls_uri, lines);
		struct crowd crowd = {.directory = directory, .ids = look_ids(directory)};
		run_crowd(&crowd);
		assert_int_equal(crowd.wrong, 0);
	}
}

static void *restart_often(void *argument)
{
	for (int i = 0; i < 4; i++)
		slapd_restart(argument);
	return NULL;
}

/* Answers are right or unknown, never wrong, while the server comes and goes. */
static void L39_L40__a_server_that_comes_and_goes_under_load_never_gives_a_wrong_answer(void **state)
{
	(void)state;
	AUTO(slapd_stop) struct slapd *slapd = start();
	AUTO(directory_close)
	struct directory *directory = look_with_tls(slapd, slapd->tls_uri, "connections = 3\n");
	const struct ids ids = look_ids(directory);
	pthread_t thread;
	assert_int_equal(pthread_create(&thread, NULL, restart_often, slapd), 0);
	for (int i = 0; i < 400; i++) {
		const struct look look = ask(directory, i % 2 ? &ids.bob : &ids.alice, &ids.auditors, 200);
		if (look.answer != DIRECTORY_UNKNOWN)
			assert_int_equal(look.answer, i % 2 ? DIRECTORY_NO : DIRECTORY_YES);
	}
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_asked(directory, &ids.alice, &ids.auditors, DIRECTORY_YES);
}

/* -- L42 ------------------------------------------------------------------------------- */

static void L42__a_member_removed_in_the_directory_is_out_after_the_cache_time(void **state)
{
	(void)state;
	AUTO(slapd_stop) struct slapd *slapd = start();
	AUTO(directory_close) struct directory *directory = look_at(slapd->uri, LOOK_PLAIN);
	const struct ids ids = look_ids(directory);
	int64_t now = clock_boot_ms();
	clock_set_fake(now, 0);
	struct look look = ask(directory, &ids.alice, &ids.auditors, LOOK_PATIENCE_MS);
	slapd_modify(slapd, "dn: cn=finance," SLAPD_GROUPS
			    "\nchangetype: modify\nreplace: member\n" LOOK_MEMBER("bob"));
	struct look within = ask(directory, &ids.alice, &ids.auditors, LOOK_PATIENCE_MS);
	clock_set_fake(now + 60000, 0);
	struct look after = ask(directory, &ids.alice, &ids.auditors, LOOK_PATIENCE_MS);
	struct look added = ask(directory, &ids.bob, &ids.auditors, LOOK_PATIENCE_MS);
	clock_set_real();
	assert_int_equal(look.answer, DIRECTORY_YES);
	assert_int_equal(within.answer, DIRECTORY_YES);
	assert_int_equal(within.proof.source, DIRECTORY_CACHE);
	assert_int_equal(after.answer, DIRECTORY_NO);
	assert_int_equal(added.answer, DIRECTORY_YES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(L34__a_frozen_server_is_unknown_by_the_deadline_and_known_when_it_thaws),
		cmocka_unit_test(L35__a_frozen_first_server_leaves_time_for_the_second),
		cmocka_unit_test(L36__a_server_that_was_restarted_is_asked_anew_without_a_failure),
		cmocka_unit_test(L37__a_busy_or_unavailable_server_makes_way_for_the_next),
		cmocka_unit_test(L38__a_connection_that_the_server_closed_while_idle_is_replaced),
		cmocka_unit_test(L39__many_threads_ask_at_once_over_few_connections),
		cmocka_unit_test(L39_L40__a_server_that_comes_and_goes_under_load_never_gives_a_wrong_answer),
		cmocka_unit_test(L42__a_member_removed_in_the_directory_is_out_after_the_cache_time),
	};
	directory_ldap_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
