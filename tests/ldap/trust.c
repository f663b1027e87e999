/* Against a real slapd, in a hostile environment: whom the directory's client believes, and what it tells
 * whom. */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/ldap/library_leaks.h"
#include "tests/ldap/look.h"
#include "tests/ldap/mock_world.h"
#include "tests/ldap/process.h"
#include "tests/lib/temporary.h"

static struct slapd *slapd;
static char hostile[200];

static const char ldif[] = LOOK_PERSON("alice") LOOK_PERSON(
	"bob") "dn: uid=off," SLAPD_PEOPLE
	       "\nobjectClass: inetOrgPerson\nobjectClass: shadowAccount\nuid: off\ncn: off\nsn: off\n"
	       "userPassword: password of off\nshadowExpire: 1\n\n"
	       "dn: cn=reader," SLAPD_SUFFIX "\nobjectClass: person\ncn: reader\nsn: reader\n"
	       "userPassword: {SSHA}E6ihmUURKv29y6WCdMSV3LXi+Y5zYWx0\n\n" LOOK_GROUP(
		       "finance", LOOK_MEMBER("alice")) LOOK_GROUP("auditors", LOOK_SUBGROUP("finance"));

static int start(void **state)
{
	(void)state;
	slapd = slapd_start(&(struct slapd_options){.ldif = ldif, .anonymous_hidden = true});
	return 0;
}

static int stop(void **state)
{
	(void)state;
	slapd_stop(slapd);
	return 0;
}

/* Settings with the authority and, with `bind`, the administrator's password. */
static struct directory *look_safely(const char *uri, const char *authority, bool bind, const char *more)
{
	char lines[2000];

	(void)snprintf(lines, sizeof lines, LOOK_BASE LOOK_UNCACHED "ldap_tls_cacert = %s\n%s%s%s%s",
		       authority,
		       bind ? "ldap_default_bind_dn = " SLAPD_ADMIN "\nldap_default_authtok_file = " : "",
		       bind ? slapd->password_file : "", bind ? "\n" : "", more);
	return look_at(uri, lines);
}

static enum directory_answer check(struct directory *directory, struct why *why)
{
	return directory_check(directory, look_patiently(), why);
}

/* -- L26 ------------------------------------------------------------------------------- */

static enum directory_answer log_in(struct directory *directory, const char *name, const char *password,
				    struct directory_user *user, struct why *why)
{
	AUTO(secret_free) struct secret *secret = NULL;
	assert_int_equal(secret_copy(password, strlen(password), &secret, why), FAULT_NONE);
	return directory_authenticate(directory, name, secret, look_patiently(), user, why);
}

static void L26__a_password_proves_who_somebody_is(void **state)
{
	(void)state;
	AUTO(directory_close)
	struct directory *directory = look_safely(slapd->tls_uri, slapd->authority, true, "");
	struct directory_user user;
	struct why why = WHY_NONE;
	const struct member_id alice = look_user(directory, "alice");
	assert_answer(DIRECTORY_YES, log_in(directory, "alice", "password of alice", &user, &why));
	assert_true(member_id_equal(&user.id, &alice));
	assert_answer(DIRECTORY_NO, log_in(directory, "alice", "password of bob", &user, &why));
	assert_string_equal(why.text, "the password is wrong");
	assert_answer(DIRECTORY_NO, log_in(directory, "nobody", "password of nobody", &user, &why));
	assert_answer(DIRECTORY_NO, log_in(directory, "off", "password of off", &user, &why));
	assert_non_null(strstr(why.text, "expired"));
	assert_answer(DIRECTORY_NO, log_in(directory, "*", "password of alice", &user, &why));
}

/* slapd answers success to it where that is configured: nobody must ask. */
static void L26__an_empty_password_is_sent_nowhere(void **state)
{
	(void)state;
	AUTO(slapd_stop)
	struct slapd *lax = slapd_start(&(struct slapd_options){
		.ldif = LOOK_PERSON("alice"), .global = "allow bind_anon_cred bind_anon_dn\n"});
	AUTO(directory_close) struct directory *directory = look_at(lax->uri, LOOK_PLAIN);
	AUTO(mock_stop) struct mock *mock = mock_start(WORLD_PERSON("alice", "01") "\n");
	AUTO(directory_close) struct directory *watched = look_at(mock_uri(mock), WORLD_SETTINGS);
	struct directory_user user;
	struct why why = WHY_NONE;
	assert_answer(DIRECTORY_NO, log_in(directory, "alice", "", &user, &why));
	assert_answer(DIRECTORY_NO,
		      directory_authenticate(directory, "alice", NULL, look_patiently(), &user, &why));
	assert_answer(DIRECTORY_YES, log_in(directory, "alice", "password of alice", &user, &why));
	assert_answer(DIRECTORY_NO, log_in(watched, "alice", "", &user, &why));
	assert_int_equal(mock_count(mock, "connect"), 0);
	assert_answer(DIRECTORY_YES, log_in(watched, "alice", "something", &user, &why));
	assert_int_equal(
		mock_count(mock, "bind dn=" WORLD_PERSON_DN("alice") " method=simple password=something"), 1);
}

static void L26__a_password_that_the_directory_cannot_judge_is_unknown_not_wrong(void **state)
{
	(void)state;
	static const struct {
		const char *rule;
		enum directory_answer answer;
		const char *words;
	} rows[] = {{"on bind do result 51\n", DIRECTORY_UNKNOWN, "busy"},
		    {"on bind do result 53\n", DIRECTORY_UNKNOWN, "unwilling"},
		    {"on bind do close\n", DIRECTORY_UNKNOWN, "connection"},
		    {"on bind do result 14\n", DIRECTORY_UNKNOWN, "SASL"},
		    {"on bind do garbage 30 0c 02 01 01 65 07 0a 01 00 04 00 04 00\n", DIRECTORY_UNKNOWN,
		     "Decoding"},
		    {"on bind do result 49 80090308: LdapErr: DSID-0C09044E, data 52e, v4563\n", DIRECTORY_NO,
		     "wrong"},
		    {"on bind do result 49 80090308: LdapErr: DSID-0C09044E, data 533, v4563\n", DIRECTORY_NO,
		     "disabled"},
		    {"on bind do result 49 80090308: LdapErr: DSID-0C09044E, data 701, v4563\n", DIRECTORY_NO,
		     "expired"}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		AUTO(mock_stop) struct mock *mock = mock_start(WORLD_PERSON("alice", "01") "\n");
		AUTO(directory_close) struct directory *directory = look_at(mock_uri(mock), WORLD_SETTINGS);
		struct directory_user user;
		struct why why = WHY_NONE;
		mock_say(mock, rows[i].rule);
		assert_answer(rows[i].answer, log_in(directory, "alice", "something", &user, &why));
		if (!strstr(why.text, rows[i].words))
			fail_msg("%s: %s", rows[i].rule, why.text);
	}
}

/* -- L27 ------------------------------------------------------------------------------- */

static void L27__plaintext_needs_a_word_of_its_own_and_the_others_work(void **state)
{
	(void)state;
	struct directory *directory = NULL;
	struct why why = WHY_NONE;
	assert_int_equal(look_try(slapd->uri, LOOK_BASE, &directory, &why), FAULT_KEYRING_READ);
	assert_non_null(strstr(why.text, "allow_plaintext"));
	assert_null(directory);
	const struct {
		const char *uri;
		const char *more;
	} rows[] = {{slapd->tls_uri, ""},
		    {slapd->uri, "ldap_id_use_start_tls = true\n"},
		    {slapd->local_uri, ""},
		    {slapd->uri, "allow_plaintext = true\n"}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		AUTO(directory_close)
		struct directory *good = look_safely(rows[i].uri, slapd->authority, true, rows[i].more);
		assert_member(good, "alice", "finance");
	}
}

static void L27__plaintext_is_warned_of_at_each_start(void **state)
{
	(void)state;
	char path[300];
	char text[2000];
	temporary_template(path, sizeof path, "log");
	int fd = mkstemp(path);
	int before = dup(STDERR_FILENO);
	assert_true(fd >= 0 && before >= 0 && dup2(fd, STDERR_FILENO) >= 0);
	for (int i = 0; i < 2; i++)
		directory_close(look_at(slapd->uri, LOOK_PLAIN));
	directory_close(look_safely(slapd->tls_uri, slapd->authority, true, ""));
	assert_true(dup2(before, STDERR_FILENO) >= 0);
	ssize_t size = pread(fd, text, sizeof text - 1, 0);
	text[size > 0 ? size : 0] = 0;
	(void)close(fd);
	(void)close(before);
	(void)unlink(path);
	const char *first = strstr(text, "in the clear");
	assert_non_null(first);
	const char *second = strstr(first + 1, "in the clear");
	assert_non_null(second);
	assert_null(strstr(second + 1, "in the clear"));
}

/* -- L28 ------------------------------------------------------------------------------- */

static void L28__only_the_right_certificate_is_believed(void **state)
{
	(void)state;
	static const char *const certificates[] = {"good",   "wrong-ca", "wrong-name",
						   "no-san", "expired",	 "self-signed"};
	for (size_t i = 0; i < sizeof certificates / sizeof *certificates; i++) {
		AUTO(slapd_stop)
		struct slapd *server = slapd_start(
			&(struct slapd_options){.ldif = ldif, .certificate = certificates[i]});
		AUTO(directory_close)
		struct directory *direct = look_safely(server->tls_uri, server->authority, true, "");
		AUTO(directory_close)
		struct directory *asked = look_safely(server->uri, server->authority, true,
						      "ldap_id_use_start_tls = true\n");
		enum directory_answer expected = i == 0 ? DIRECTORY_YES : DIRECTORY_UNKNOWN;
		struct why why = WHY_NONE;
		struct why asked_why = WHY_NONE;
		enum directory_answer direct_answer = check(direct, &why);
		enum directory_answer asked_answer = check(asked, &asked_why);
		if (direct_answer != expected || asked_answer != expected)
			fail_msg("%s: %s, %s: %s, %s", certificates[i], directory_answer_word(direct_answer),
				 directory_answer_word(asked_answer), why.text, asked_why.text);
		assert_true(i == 0 || strstr(why.text, "TLS failed"));
	}
}

/* The refusals above come from what is wrong, not from a set-up that refuses all. */
static void L28__each_refused_certificate_has_its_own_authority_or_name(void **state)
{
	(void)state;
	char other[300];
	char self[300];
	struct why why = WHY_NONE;
	(void)snprintf(other, sizeof other, "%s/other-ca.pem", slapd_certificates());
	(void)snprintf(self, sizeof self, "%s/self-signed.pem", slapd_certificates());
	{
		AUTO(slapd_stop)
		struct slapd *server = slapd_start(
			&(struct slapd_options){.ldif = "", .certificate = "wrong-ca"});
		AUTO(directory_close)
		struct directory *directory = look_safely(server->tls_uri, other, false, "");
		assert_answer(DIRECTORY_YES, check(directory, &why));
	}
	AUTO(slapd_stop)
	struct slapd *server = slapd_start(&(struct slapd_options){.ldif = "", .certificate = "self-signed"});
	AUTO(directory_close) struct directory *directory = look_safely(server->tls_uri, self, false, "");
	assert_answer(DIRECTORY_YES, check(directory, &why));
}

/* `to` becomes the same as `from`, as a whole. */
static void replace_file(const char *from, const char *to)
{
	char beside[400];
	(void)snprintf(beside, sizeof beside, "%s.new", to);
	FILE *in = fopen(from, "re");
	FILE *out = fopen(beside, "we");
	assert_true(in && out);
	for (int byte; (byte = getc(in)) != EOF;)
		(void)putc(byte, out);
	assert_true(fclose(in) == 0 && fclose(out) == 0 && rename(beside, to) == 0);
}

static void L28__a_changed_authority_counts_from_the_next_connection_on(void **state)
{
	(void)state;
	char authority[300];
	char other[300];
	struct why why = WHY_NONE;
	(void)snprintf(authority, sizeof authority, "%s/authority", slapd->folder);
	(void)snprintf(other, sizeof other, "%s/other-ca.pem", slapd_certificates());
	replace_file(other, authority);
	AUTO(directory_close)
	struct directory *directory = look_safely(slapd->tls_uri, authority, true,
						  "ldap_connection_expire_timeout = 1\n");
	assert_answer(DIRECTORY_UNKNOWN, check(directory, &why));
	replace_file(slapd->authority, authority);
	assert_answer(DIRECTORY_YES, check(directory, &why));
	replace_file(other, authority);
	clock_set_fake(clock_boot_ms() + 2000, clock_wall_ms());
	enum directory_answer after = check(directory, &why);
	clock_set_real();
	assert_answer(DIRECTORY_UNKNOWN, after);
}

static void L28__without_an_authority_of_ones_own_the_systems_count(void **state)
{
	(void)state;
	AUTO(directory_close) struct directory *directory = look_at(slapd->tls_uri, LOOK_BASE);
	AUTO(directory_close)
	struct directory *missing = look_safely(slapd->tls_uri, "/nonexistent/ca.pem", false, "");
	struct why why = WHY_NONE;
	assert_answer(DIRECTORY_UNKNOWN, check(directory, &why));
	assert_answer(DIRECTORY_UNKNOWN, check(missing, &why));
	assert_non_null(strstr(why.text, "/nonexistent/ca.pem"));
}

/* -- L31, L46 -------------------------------------------------------------------------- */

struct steps {
	char text[4000];
	bool all_good;
};

static void take_step(void *context, const struct directory_step *step)
{
	struct steps *steps = context;
	size_t at = strlen(steps->text);

	steps->all_good = steps->all_good && step->good;
	(void)snprintf(steps->text + at, sizeof steps->text - at, "%s: %s (%s)\n", step->name, step->found,
		       step->took_ms >= 0 ? "timed" : "-");
}

static enum directory_answer describe(struct directory *directory, const char *user, struct steps *steps,
				      struct why *why)
{
	*steps = (struct steps){.all_good = true};
	return directory_describe(directory, user, look_patiently(), take_step, steps, why);
}

#define assert_has_step(steps, line) \
	do { \
		if (!strstr((steps).text, line)) \
			fail_msg("no '%s' in\n%s", line, (steps).text); \
	} while (0)

static void L31__the_local_socket_and_the_client_certificate_say_who_we_are(void **state)
{
	(void)state;
	char lines[1000];
	struct steps steps;
	struct why why = WHY_NONE;
	AUTO(directory_close)
	struct directory *local = look_at(slapd->local_uri, LOOK_BASE "ldap_sasl_mech = EXTERNAL\n");
	assert_member(local, "alice", "finance");
	assert_answer(DIRECTORY_YES, describe(local, NULL, &steps, &why));
	assert_has_step(steps, "TLS: local socket (timed)\n");
	assert_has_step(steps, "bind: SASL EXTERNAL (timed)\n");
	assert_has_step(steps, "bound as: dn:" SLAPD_ADMIN " (timed)\n");

	(void)snprintf(
		lines, sizeof lines,
		"ldap_sasl_mech = EXTERNAL\nldap_tls_cert = %s/client.pem\nldap_tls_key = %s/client.key\n",
		slapd_certificates(), slapd_certificates());
	AUTO(directory_close)
	struct directory *certified = look_safely(slapd->tls_uri, slapd->authority, false, lines);
	assert_member(certified, "alice", "finance");
	assert_answer(DIRECTORY_YES, describe(certified, NULL, &steps, &why));
	assert_has_step(steps, "bound as: dn:cn=reader," SLAPD_SUFFIX " (timed)\n");
	strcat(lines, "ldap_id_use_start_tls = true\n");
	AUTO(directory_close)
	struct directory *asked = look_safely(slapd->uri, slapd->authority, false, lines);
	assert_member(asked, "alice", "finance");

	/* Without a certificate there is nothing to go by. */
	AUTO(directory_close)
	struct directory *bare = look_safely(slapd->tls_uri, slapd->authority, false,
					     "ldap_sasl_mech = EXTERNAL\n");
	assert_answer(DIRECTORY_UNKNOWN, check(bare, &why));
}

static void L46__each_step_to_the_directory_is_told_with_its_time(void **state)
{
	(void)state;
	struct steps steps;
	struct why why = WHY_NONE;
	char uris[300];
	AUTO(directory_close)
	struct directory *directory = look_safely(slapd->tls_uri, slapd->authority, true, "");
	assert_answer(DIRECTORY_YES, describe(directory, "alice", &steps, &why));
	assert_true(steps.all_good);
	assert_has_step(steps, "connect: ldaps://127.0.0.1:");
	assert_has_step(steps, "TLS: TLS1.3");
	assert_has_step(steps, "bind: with a password (timed)\n");
	assert_has_step(steps, "bound as: dn:" SLAPD_ADMIN " (timed)\n");
	assert_has_step(steps, "server: OpenLDAP (timed)\n");
	assert_has_step(steps, "user: uid=alice," SLAPD_PEOPLE ", id ");
	assert_has_step(steps, "groups, level 0: finance (timed)\n");
	assert_has_step(steps, "groups, level 1: auditors (-)\n");
	assert_answer(DIRECTORY_NO, describe(directory, "nobody", &steps, &why));
	assert_false(steps.all_good);
	assert_answer(DIRECTORY_YES, describe(directory, "off", &steps, &why));
	assert_has_step(steps, "the account has expired");
	assert_false(steps.all_good);

	(void)snprintf(uris, sizeof uris, "ldaps://127.0.0.1:%d %s", process_free_port(), slapd->tls_uri);
	AUTO(directory_close) struct directory *half = look_safely(uris, slapd->authority, true, "");
	assert_answer(DIRECTORY_YES, describe(half, NULL, &steps, &why));
	assert_false(steps.all_good);
	assert_has_step(steps, "Connection refused");
	assert_has_step(steps, "server: OpenLDAP");
}

/* -- L45 ------------------------------------------------------------------------------- */

/* Written so that this program's own memory does not hold it: the file's is found, or nobody's. */
static const unsigned char masked[] = {0x36, 0x34, 0x27, 0x27, 0x3c, 0x30, 0x31, 0x75, 0x3c,
				       0x3b, 0x75, 0x3b, 0x3a, 0x75, 0x38, 0x30, 0x38, 0x3a,
				       0x27, 0x2c, 0x75, 0x61, 0x62, 0x64, 0x64};
#define MASK 0x55

static void write_masked(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);

	assert_true(fd >= 0);
	for (size_t i = 0; i < sizeof masked; i++) {
		volatile unsigned char byte = masked[i] ^ MASK;
		assert_int_equal(write(fd, (const void *)&byte, 1), 1);
	}
	(void)close(fd);
}

static size_t count_in(const unsigned char *from, const unsigned char *to)
{
	size_t found = 0;

	for (; from + sizeof masked <= to; from++) {
		size_t i = 0;
		while (i < sizeof masked && (from[i] ^ MASK) == masked[i])
			i++;
		found += i == sizeof masked;
	}
	return found;
}

/* A sanitizer's shadow of the memory is larger than any disk. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MEMORY_CAN_BE_READ 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define MEMORY_CAN_BE_READ 0
#endif
#endif
#ifndef MEMORY_CAN_BE_READ
#define MEMORY_CAN_BE_READ 1
#endif

/* Copies of the password in memory that can be written. */
static size_t count_passwords(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[500];
	size_t found = 0;

	assert_non_null(maps);
	while (fgets(line, sizeof line, maps)) {
		unsigned long from;
		unsigned long to;
		char rights[5];
		if (sscanf(line, "%lx-%lx %4s", &from, &to, rights) == 3 && !strncmp(rights, "rw", 2) &&
		    !strstr(line, "[v"))
			found += count_in((const unsigned char *)from, (const unsigned char *)to);
	}
	(void)fclose(maps);
	return found;
}

static void assert_memory_is_clean(const char *path)
{
	assert_int_equal(count_passwords(), 0);

	/* The search would find it: a copy of the file's bytes is seen. */
	AUTO(free) unsigned char *copy = calloc(1, sizeof masked + 1);
	int fd = open(path, O_RDONLY);
	assert_int_equal(read(fd, copy, sizeof masked), (ssize_t)sizeof masked);
	(void)close(fd);
	assert_int_equal(count_passwords(), 1);
	secret_wipe(copy, sizeof masked);
}

static void L45__the_bind_password_comes_from_its_file_and_stays_in_no_memory(void **state)
{
	(void)state;
	char path[300];
	char lines[1000];
	(void)snprintf(path, sizeof path, "%s/reader-password", slapd->folder);
	write_masked(path);
	(void)snprintf(lines, sizeof lines,
		       "allow_plaintext = true\nldap_default_bind_dn = cn=reader," SLAPD_SUFFIX
		       "\nldap_default_authtok_file = %s\n",
		       path);
	AUTO(directory_close)
	struct directory *directory = look_safely(slapd->uri, slapd->authority, false, lines);
	struct why why = WHY_NONE;
	assert_member(directory, "alice", "finance");
	if (MEMORY_CAN_BE_READ)
		assert_memory_is_clean(path);

	assert_int_equal(chmod(path, 0604), 0);
	AUTO(directory_close)
	struct directory *open_to_all = look_safely(slapd->uri, slapd->authority, false, lines);
	assert_answer(DIRECTORY_UNKNOWN, check(open_to_all, &why));
	assert_non_null(strstr(why.text, "chmod"));
	assert_int_equal(chmod(path, 0600), 0);
	assert_answer(DIRECTORY_YES, check(open_to_all, &why));
	assert_int_equal(truncate(path, 0), 0);
	AUTO(directory_close)
	struct directory *empty = look_safely(slapd->uri, slapd->authority, false, lines);
	assert_answer(DIRECTORY_UNKNOWN, check(empty, &why));
	assert_non_null(strstr(why.text, "empty"));
}

static void L45__a_password_in_the_configuration_itself_is_refused_by_the_name_of_the_file_key(void **state)
{
	(void)state;
	struct directory *directory = NULL;
	struct why why = WHY_NONE;
	assert_int_equal(look_try(slapd->uri,
				  LOOK_PLAIN "ldap_default_bind_dn = " SLAPD_ADMIN
					     "\nldap_default_authtok = hunter2\n",
				  &directory, &why),
			 FAULT_KEYRING_READ);
	assert_non_null(strstr(why.text, "ldap_default_authtok_file"));
	assert_null(strstr(why.text, "hunter2"));
}

static void L45__a_credential_of_the_service_is_found_by_its_name(void **state)
{
	(void)state;
	assert_int_equal(setenv("CREDENTIALS_DIRECTORY", slapd->folder, 1), 0);
	AUTO(directory_close)
	struct directory *directory = look_safely(slapd->tls_uri, slapd->authority, false,
						  "ldap_default_bind_dn = " SLAPD_ADMIN
						  "\nldap_default_authtok_file = password\n");
	assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
	assert_member(directory, "alice", "finance");
}

/* -- the environment ------------------------------------------------------------------- */

static void write_rc(const char *name)
{
	char path[300];

	(void)snprintf(path, sizeof path, "%s/%s", hostile, name);
	FILE *file = fopen(path, "we");
	if (!file ||
	    fprintf(file,
		    "TLS_REQCERT never\nTLS_REQSAN never\nTLS_CACERT %s/other-ca.pem\nURI ldap://127.0.0.1:1\n",
		    slapd_certificates()) < 0 ||
	    fclose(file))
		abort();
}

/* Everything that libldap would read of its own accord says: believe anybody. */
static void make_hostile(void)
{
	char authority[300];

	temporary_template(hostile, sizeof hostile, "hostile");
	if (!mkdtemp(hostile) || chdir(hostile))
		abort();
	write_rc("ldaprc");
	write_rc(".ldaprc");
	(void)snprintf(authority, sizeof authority, "%s/other-ca.pem", slapd_certificates());
	(void)setenv("HOME", hostile, 1);
	(void)setenv("LDAPTLS_REQCERT", "never", 1);
	(void)setenv("LDAPTLS_REQSAN", "never", 1);
	(void)setenv("LDAPTLS_CACERT", authority, 1);
	(void)setenv("LDAPURI", "ldap://127.0.0.1:1", 1);
}

static void remove_hostile(void)
{
	char path[300];

	(void)snprintf(path, sizeof path, "%s/ldaprc", hostile);
	(void)unlink(path);
	(void)snprintf(path, sizeof path, "%s/.ldaprc", hostile);
	(void)unlink(path);
	if (chdir("/") == 0)
		(void)rmdir(hostile);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(L26__a_password_proves_who_somebody_is),
		cmocka_unit_test(L26__an_empty_password_is_sent_nowhere),
		cmocka_unit_test(L26__a_password_that_the_directory_cannot_judge_is_unknown_not_wrong),
		cmocka_unit_test(L27__plaintext_needs_a_word_of_its_own_and_the_others_work),
		cmocka_unit_test(L27__plaintext_is_warned_of_at_each_start),
		cmocka_unit_test(L28__only_the_right_certificate_is_believed),
		cmocka_unit_test(L28__each_refused_certificate_has_its_own_authority_or_name),
		cmocka_unit_test(L28__a_changed_authority_counts_from_the_next_connection_on),
		cmocka_unit_test(L28__without_an_authority_of_ones_own_the_systems_count),
		cmocka_unit_test(L31__the_local_socket_and_the_client_certificate_say_who_we_are),
		cmocka_unit_test(L45__the_bind_password_comes_from_its_file_and_stays_in_no_memory),
		cmocka_unit_test(
			L45__a_password_in_the_configuration_itself_is_refused_by_the_name_of_the_file_key),
		cmocka_unit_test(L45__a_credential_of_the_service_is_found_by_its_name),
		cmocka_unit_test(L46__each_step_to_the_directory_is_told_with_its_time),
	};
	struct why why = WHY_NONE;
	make_hostile();
	directory_ldap_start();
	if (secret_start(&why))
		return 1;
	int failed = cmocka_run_group_tests(tests, start, stop);
	remove_hostile();
	return failed;
}
