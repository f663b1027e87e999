/* Kerberos: the server's own account by a keytab (L32). */
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/ldap/kdc.h"
#include "tests/ldap/library_leaks.h"
#include "tests/ldap/look.h"
#include "tests/ldap/mock_world.h"
#include "tests/ldap/process.h"

#define DEADLINE_MS 1500
#define SLACK_MS 5000 /* as tests/ldap/silence.c has it */
#define THREADS 4
#define ROUNDS 10

/* Whoever has fsenc's ticket is the reader, and only over a connection that something encrypts. */
#define GLOBAL \
	"sasl-host 127.0.0.1\nsasl-realm EXAMPLE.TEST\nsasl-secprops noplain,noanonymous\n" \
	"authz-regexp uid=fsenc/.*,cn=gssapi,cn=auth cn=reader," SLAPD_SUFFIX "\n" \
	"security ssf=112\nlocalSSF 256\n"

static const char ldif[] = LOOK_PERSON("alice")
	LOOK_PERSON("bob") "dn: cn=reader," SLAPD_SUFFIX
			   "\nobjectClass: person\ncn: reader\nsn: reader\n\n" LOOK_GROUP(
				   "finance", LOOK_MEMBER("alice"));

static struct kdc *kdc;
static struct slapd *slapd;

static struct slapd *start_slapd(const char *global)
{
	return slapd_start(&(struct slapd_options){.ldif = ldif, .global = global, .anonymous_hidden = true});
}

static int start(void **state)
{
	(void)state;
	kdc = kdc_start();
	slapd = start_slapd(GLOBAL);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	slapd_stop(slapd);
	kdc_stop(kdc);
	return 0;
}

static struct directory *look_by(const char *uri, const char *keytab, const char *more)
{
	char lines[2000];
	char path[KDC_PATH_SIZE];

	kdc_file(kdc, keytab, path);
	(void)snprintf(lines, sizeof lines,
		       LOOK_BASE LOOK_UNCACHED
		       "ldap_tls_cacert = %s\nldap_sasl_mech = GSSAPI\nldap_krb5_keytab = %s\n%s",
		       slapd->authority, path, more);
	return look_at(uri, lines);
}

static enum directory_answer check(struct directory *directory, struct why *why)
{
	return directory_check(directory, look_patiently(), why);
}

static void assert_refused(struct directory *directory, const char *words)
{
	struct why why = WHY_NONE;

	assert_answer(DIRECTORY_UNKNOWN, check(directory, &why));
	if (!strstr(why.text, words))
		fail_msg("no '%s' in: %s", words, why.text);
}

/* -- what it is good for ------------------------------------------------------------ */

static void take_step(void *context, const struct directory_step *step)
{
	char *text = context;
	size_t at = strlen(text);

	(void)snprintf(text + at, 2000 - at, "%s: %s\n", step->name, step->found);
}

static void assert_described(struct directory *directory, const char *bind)
{
	char text[2000] = "";
	struct why why = WHY_NONE;

	assert_answer(DIRECTORY_YES,
		      directory_describe(directory, NULL, look_patiently(), take_step, text, &why));
	if (!strstr(text, bind) || !strstr(text, "bound as: dn:cn=reader," SLAPD_SUFFIX "\n"))
		fail_msg("no '%s' in\n%s", bind, text);
}

/* No allow_plaintext is needed. Without the encryption slapd would say nothing (security ssf). */
static void L32__a_keytab_binds_and_kerberos_encrypts(void **state)
{
	(void)state;
	AUTO(directory_close) struct directory *directory = look_by(slapd->uri, "fsenc.keytab", "");
	assert_member(directory, "alice", "finance");
	assert_no_member(directory, "bob", "finance");
	assert_described(directory, "bind: SASL GSSAPI, which encrypts with 256 bits\n");
}

static void L32__under_tls_the_bind_is_tied_to_the_channel(void **state)
{
	(void)state;
	AUTO(slapd_stop) struct slapd *endpoint = start_slapd(GLOBAL "sasl-cbinding tls-endpoint\n");
	AUTO(directory_close)
	struct directory *directory = look_by(endpoint->tls_uri, "fsenc.keytab", "");
	assert_member(directory, "alice", "finance");
	assert_described(directory, "bind: SASL GSSAPI\n");
	AUTO(directory_close)
	struct directory *started = look_by(endpoint->uri, "fsenc.keytab", "ldap_id_use_start_tls = true\n");
	assert_described(started, "bind: SASL GSSAPI\n");
	/* One that sees another channel than ours, as it would behind somebody in the middle. */
	AUTO(slapd_stop)
	struct slapd *other = start_slapd(GLOBAL "sasl-cbinding tls-unique\n"
						 "TLSCipherSuite NORMAL:-VERS-TLS1.3\n");
	AUTO(directory_close) struct directory *between = look_by(other->tls_uri, "fsenc.keytab", "");
	assert_refused(between, "the bind with Kerberos: Invalid credentials");
}

static void L32__tickets_stay_in_the_process(void **state)
{
	(void)state;
	char path[KDC_PATH_SIZE];
	AUTO(directory_close) struct directory *directory = look_by(slapd->uri, "fsenc.keytab", "");
	assert_member(directory, "alice", "finance");
	kdc_file(kdc, "tickets", path); /* the usual place, by the environment that this began with */
	assert_int_equal(access(path, F_OK), -1);
}

/* A ticket lives for three seconds, and the server for months. */
static void L32__tickets_are_renewed_while_it_runs(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(directory_close)
	struct directory *directory = look_by(slapd->uri, "short.keytab",
					      "ldap_connection_expire_timeout = 1\n");
	const unsigned before = kdc_logins(kdc);
	const int64_t patience = look_patiently();
	do {
		assert_answer(DIRECTORY_YES, check(directory, &why));
		assert_true(clock_boot_ms() < patience);
	} while (kdc_logins(kdc) < before + 3);
}

static void *ask_often(void *context)
{
	struct directory *directory = context;
	size_t answered = 0;

	for (int i = 0; i < ROUNDS; i++) {
		struct why why = WHY_NONE;
		answered += check(directory, &why) == DIRECTORY_YES;
	}
	return (void *)answered;
}

static void L32__threads_bind_at_the_same_time(void **state)
{
	(void)state;
	pthread_t threads[THREADS];
	AUTO(directory_close) struct directory *directory = look_by(slapd->uri, "fsenc.keytab", "");
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, ask_often, directory), 0);
	for (size_t i = 0; i < THREADS; i++) {
		void *answered = NULL;
		assert_int_equal(pthread_join(threads[i], &answered), 0);
		assert_int_equal((size_t)answered, ROUNDS);
	}
}

/* -- who is believed ---------------------------------------------------------------- */

static void L32__a_keytab_that_is_missing_wrong_or_open_to_others_binds_nobody(void **state)
{
	(void)state;
	char path[KDC_PATH_SIZE];
	AUTO(directory_close) struct directory *missing = look_by(slapd->uri, "no.keytab", "");
	assert_refused(missing, "the keytab for the directory: cannot open");
	AUTO(directory_close) struct directory *stranger = look_by(slapd->uri, "stranger.keytab", "");
	assert_refused(stranger, "the bind with Kerberos failed");
	kdc_file(kdc, "fsenc.keytab", path);
	assert_int_equal(chmod(path, 0644), 0);
	AUTO(directory_close) struct directory *open = look_by(slapd->uri, "fsenc.keytab", "");
	assert_refused(open, "is open to others: chmod 0600");
	assert_int_equal(chmod(path, 0600), 0);
	AUTO(directory_close) struct directory *again = look_by(slapd->uri, "fsenc.keytab", "");
	assert_member(again, "alice", "finance");
}

/* The name of the URI, not the one that some resolver has for its address. */
static void L32__the_directory_is_the_one_that_the_uri_names(void **state)
{
	(void)state;
	char uri[64];
	(void)snprintf(uri, sizeof uri, "ldap://localhost:%d", slapd->port);
	AUTO(directory_close) struct directory *directory = look_by(uri, "fsenc.keytab", "");
	assert_refused(directory, "ldap/localhost@EXAMPLE.TEST not found");
}

static void L32__a_server_without_the_directorys_key_is_not_believed(void **state)
{
	(void)state;
	static const char *const lies[] = {"on bind do result 0\n", "on bind do result 14\n",
					   "on bind do result 0 welcome\n"};
	char keytab[KDC_PATH_SIZE];
	kdc_file(kdc, "old.keytab", keytab);
	const char *right = getenv("KRB5_KTNAME");
	AUTO(free) char *kept = strdup(right);
	assert_int_equal(setenv("KRB5_KTNAME", keytab, 1), 0);
	AUTO(slapd_stop) struct slapd *impostor = start_slapd(GLOBAL);
	assert_int_equal(setenv("KRB5_KTNAME", kept, 1), 0);
	AUTO(directory_close) struct directory *directory = look_by(impostor->uri, "fsenc.keytab", "");
	assert_refused(directory, "the bind with Kerberos");
	/* Nor one that just says yes. */
	for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
		AUTO(mock_stop) struct mock *mock = mock_start(WORLD_PERSON("alice", "01") "\n");
		mock_say(mock, lies[i]);
		AUTO(directory_close) struct directory *lied = look_by(mock_uri(mock), "fsenc.keytab", "");
		assert_refused(lied, "the bind with Kerberos");
		assert_int_equal(mock_count(mock, "search"), 0);
	}
}

/* -- by the deadline ---------------------------------------------------------------- */

static void assert_unknown_in_time(const char *what, struct directory *directory)
{
	struct why why = WHY_NONE;
	const int64_t started = clock_boot_ms();

	assert_answer(DIRECTORY_UNKNOWN, directory_check(directory, started + DEADLINE_MS, &why));
	if (clock_boot_ms() - started > DEADLINE_MS + SLACK_MS)
		fail_msg("%s took %ld ms", what, (long)(clock_boot_ms() - started));
}

static void L32__a_silent_kdc_or_directory_is_unknown_by_the_deadline(void **state)
{
	(void)state;
	AUTO(directory_close) struct directory *directory = look_by(slapd->uri, "short.keytab", "");
	slapd_freeze(slapd);
	assert_unknown_in_time("a mute slapd", directory);
	slapd_thaw(slapd);
	assert_member(directory, "alice", "finance");

	AUTO(mock_stop) struct mock *mock = mock_start(WORLD_PERSON("alice", "01") "\n");
	mock_say(mock, "on bind do mute\n");
	AUTO(directory_close) struct directory *mute = look_by(mock_uri(mock), "fsenc.keytab", "");
	assert_unknown_in_time("a slapd that is mute in the bind", mute);

	/* No ticket is there yet for this one: it is of another file. */
	char path[KDC_PATH_SIZE];
	char copy[KDC_PATH_SIZE];
	kdc_file(kdc, "fsenc.keytab", path);
	kdc_file(kdc, "copy.keytab", copy);
	assert_int_equal(link(path, copy), 0);
	process_freeze(kdc->pid);
	AUTO(directory_close) struct directory *cold = look_by(slapd->uri, "copy.keytab", "");
	assert_unknown_in_time("a mute KDC", cold);
	process_thaw(kdc->pid);
	assert_member(cold, "alice", "finance");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(L32__a_keytab_binds_and_kerberos_encrypts),
		cmocka_unit_test(L32__under_tls_the_bind_is_tied_to_the_channel),
		cmocka_unit_test(L32__tickets_stay_in_the_process),
		cmocka_unit_test(L32__tickets_are_renewed_while_it_runs),
		cmocka_unit_test(L32__threads_bind_at_the_same_time),
		cmocka_unit_test(L32__a_keytab_that_is_missing_wrong_or_open_to_others_binds_nobody),
		cmocka_unit_test(L32__the_directory_is_the_one_that_the_uri_names),
		cmocka_unit_test(L32__a_server_without_the_directorys_key_is_not_believed),
		cmocka_unit_test(L32__a_silent_kdc_or_directory_is_unknown_by_the_deadline),
	};
	struct why why = WHY_NONE;

	if (!kdc_is_installed()) {
		(void)fprintf(stderr, "skipped: apt install krb5-kdc krb5-admin-server "
				      "libsasl2-modules-gssapi-mit\n");
		return 77;
	}
	directory_ldap_start();
	if (secret_start(&why))
		return 1;
	return cmocka_run_group_tests(tests, start, stop);
}
