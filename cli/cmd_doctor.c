/* fsenc doctor */
#include "base/answer.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/table.h"
#include "cli/child.h"
#include "cli/commands.h"
#include "cli/enrolled.h"
#include "cli/session_open.h"
#include "keys/fields.h"
#include "keys/request.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#define MEMLOCK_LEAST (256 * 1024)
#define WORDS_SIZE 400

/* What every check looks at, and leaves for the next. */
struct patient {
	struct call *call;
	struct keyring *keyring;
	struct keyring_organisation own;
	bool enrolled;
	struct enrolled way;
};

static void patient_done(struct patient *patient)
{
	enrolled_done(&patient->way);
	keyring_organisation_done(&patient->own);
	keyring_close(patient->keyring);
}
AUTO_VALUE(struct patient, patient_done);

enum finding { FINDING_GOOD, FINDING_NOTE, FINDING_BAD, FINDING_SKIPPED };
static const char *const finding_words[] = {"ok", "note", "BAD", "skipped"};

struct result {
	enum finding finding;
	enum fault fault; /* of a bad one */
	char words[WORDS_SIZE];
};

static struct result bad(enum fault fault, const struct why *why, const char *hint)
{
	struct result result = {.finding = FINDING_BAD, .fault = fault};

	(void)snprintf(result.words, sizeof(result.words), "%.250s%s%.120s", why_text(why, fault),
		       hint ? "; try: " : "", hint ? hint : "");
	return result;
}

static struct result found(enum finding finding, const char *words)
{
	struct result result = {.finding = finding};

	(void)snprintf(result.words, sizeof(result.words), "%s", words);
	return result;
}

/* -- this machine ------------------------------------------------------------------------- */

static struct result check_fuse(struct patient *patient)
{
	struct why why = WHY_NONE;
	AUTO(file_close) int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);

	(void)patient;
	if (fd < 0)
		return bad(why_system(&why, "/dev/fuse"), &why, "modprobe fuse");
	return found(FINDING_GOOD, "/dev/fuse can be used");
}

static struct result check_fusermount(struct patient *patient)
{
	struct why why = WHY_NONE;

	(void)patient;
	if (child_exists("fusermount3"))
		return found(FINDING_GOOD, "fusermount3 is there");
	return bad(why_set(&why, FAULT_FAILED, "there is no fusermount3"), &why, "apt install fuse3");
}

static struct result check_fuse_conf(struct patient *patient)
{
	AUTO(bytes_done) struct bytes text = BYTES_EMPTY;

	(void)patient;
	if (file_read(AT_FDCWD, "/etc/fuse.conf", 64 * 1024, &text, NULL) == FAULT_NONE &&
	    (strstr((const char *)text.data, "\nuser_allow_other") ||
	     strncmp((const char *)text.data, "user_allow_other", 16) == 0))
		return found(FINDING_GOOD, "-o allow_other may be used by everybody");
	return found(FINDING_NOTE, "-o allow_other is for root only (user_allow_other in /etc/fuse.conf)");
}

static struct result check_memory(struct patient *patient)
{
	struct rlimit limit;
	struct why why = WHY_NONE;

	(void)patient;
	if (getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur >= MEMLOCK_LEAST)
		return found(FINDING_GOOD, "keys can be kept out of swap");
	return bad(why_set(&why, FAULT_FAILED, "too little memory can be locked: keys may reach the swap"),
		   &why, "ulimit -l, or memlock in /etc/security/limits.conf");
}

/* -- the keyring --------------------------------------------------------------------------- */

static struct result check_keyring(struct patient *patient)
{
	struct why why = WHY_NONE;
	enum fault fault = session_unlocked(patient->call, &patient->keyring, &why);

	if (fault)
		return bad(fault, &why, patient->call->hint[0] ? patient->call->hint : NULL);
	return found(FINDING_GOOD, "opens with your passphrase");
}

static struct result check_organisation(struct patient *patient)
{
	struct why why = WHY_NONE;
	struct result result = found(FINDING_GOOD, "");

	if (!patient->keyring)
		return found(FINDING_SKIPPED, "without the keyring");
	enum fault fault = keyring_organisation(patient->keyring, &patient->own, &why);
	if (fault == FAULT_MISSING)
		return found(FINDING_NOTE, "you are in no organisation: no groups (fsenc enroll)");
	if (fault)
		return bad(fault, &why, NULL);
	patient->enrolled = true;
	(void)snprintf(result.words, sizeof(result.words), "member of '%s', %zu key server(s)",
		       patient->own.organisation.root.name, patient->own.server_count);
	return result;
}

/* -- the key servers ------------------------------------------------------------------------- */

static struct result check_one_server(struct patient *patient, const struct keyring_server *server)
{
	AUTO(organisation_answer_done) struct organisation_answer answer = {.organisation = NULL};
	struct organisation organisation;
	struct why why = WHY_NONE;
	enum fault fault = service_fetch_organisation(server, &patient->own.fingerprint,
						      clock_boot_ms() + SERVICE_DEADLINE_MS, &answer,
						      &organisation, &why);
	if (fault)
		return bad(fault, &why, "systemctl status fsenc-server there; the network here");
	int64_t apart = answer.time_ms - clock_wall_ms();
	if (apart > REQUEST_CLOCK_MS || apart < -REQUEST_CLOCK_MS)
		return bad(why_set(&why, FAULT_FAILED, "%s: its clock and ours are %" PRId64 " s apart",
				   server->url, apart / MS_PER_SECOND),
			   &why, "timedatectl, here and there");
	struct result result = found(FINDING_GOOD, "");
	(void)snprintf(result.words, sizeof(result.words), "%.300s answers, TLS and clock are right",
		       server->url);
	return result;
}

static struct result check_servers(struct patient *patient)
{
	struct result result = found(FINDING_SKIPPED, "not enrolled");

	for (size_t i = 0; patient->enrolled && i < patient->own.server_count; i++) {
		result = check_one_server(patient, &patient->own.servers[i]);
		if (result.finding == FINDING_BAD)
			return result;
	}
	return result;
}

static struct result check_contact(struct patient *patient)
{
	struct why why = WHY_NONE;

	if (!patient->enrolled)
		return found(FINDING_SKIPPED, "not enrolled");
	enum fault fault = service_global_start(&why);
	if (!fault)
		fault = enrolled_open(patient->call, patient->keyring, &patient->way, &why);
	if (!fault)
		fault = enrolled_sync(patient->call, &patient->way, &why);
	if (fault)
		return bad(fault, &why, patient->call->hint[0] ? patient->call->hint : NULL);
	return found(FINDING_GOOD, "a signed request was answered; policy and groups are here");
}

static const struct check {
	const char *name;
	struct result (*look)(struct patient *patient);
} checks[] = {
	{"FUSE", check_fuse},
	{"fusermount3", check_fusermount},
	{"fuse.conf", check_fuse_conf},
	{"locked memory", check_memory},
	{"keyring", check_keyring},
	{"organisation", check_organisation},
	{"key servers, TLS, clock", check_servers},
	{"signed request, groups", check_contact},
};

/* -- the report ------------------------------------------------------------------------------ */

static enum fault report(const struct check *check, const struct result *result, int64_t took_ms,
			 struct table *table, json_t *array, struct why *why)
{
	char took[32];

	(void)snprintf(took, sizeof(took), "%" PRId64 " ms", took_ms);
	table_add(table, (const char *[]){check->name, finding_words[result->finding], took, result->words});
	if (!array)
		return FAULT_NONE;
	return json_array_append_new(array, json_pack("{s:s, s:s, s:I, s:s}", "check", check->name, "result",
						      finding_words[result->finding], "ms",
						      (json_int_t)took_ms, "words", result->words))
		       ? why_set(why, FAULT_MEMORY, "no memory for the answer")
		       : FAULT_NONE;
}

enum fault cmd_doctor(struct call *call, struct why *why)
{
	AUTO(patient_done) struct patient patient = {.call = call, .way = ENROLLED_NONE};
	AUTO(table_done) struct table table = TABLE(4);
	AUTO(json_decref) json_t *array = call->options->json ? json_array() : NULL;
	enum fault worst = FAULT_NONE, fault = FAULT_NONE;

	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]) && !fault; i++) {
		int64_t begun = clock_boot_ms();
		struct result result = checks[i].look(&patient);
		if (result.finding == FINDING_BAD)
			worst = result.fault;
		fault = report(&checks[i], &result, clock_boot_ms() - begun, &table, array, why);
	}
	call->hint[0] = '\0';
	if (!fault)
		fault = array ? answer_print(json_pack("{s:O}", "checks", array), why)
			      : table_print(&table, stdout, why);
	if (fault || !worst)
		return fault;
	return why_set(why, worst, "not everything is as it should be");
}
