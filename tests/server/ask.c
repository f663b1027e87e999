/* ask [OPTION...] DIR ADDRESS PERSON METHOD TARGET [BODY] - one signed request to a running key server, as it
 * is or made wrong on purpose; prints the status and, for a problem, its type, and the body on a line of its
 * own.
 *
 * PERSON is any name: the keys come from it. DIR is the server's directory: its certificate, id and group
 * shares are read there, so that answers can be checked: an answer that is not signed as it should be ends
 * the program with status 3. BODY is text, or one of enroll:CODE             what enrols PERSON under that
 * name unlock:GROUP:COUNT      so many points; what comes back must be what the share makes of them
 *     lease:GROUP
 *     large:BYTES             so many letters
 * Options: --skew SECONDS   the clock of the request      --other       signed for another server
 *          --keys NAME      with the keys of that person, under the name of PERSON
 *          --as NAME        claims to be that person      --tamper      one letter of the signature is
 * changed
 *          --twice          sends it twice, prints the second answer    --plain       unsigned
 *          --bad-point      the last point is none        --identity    the last point is the identity
 *          --unsigned       the answer need not be signed         --print       only the header that would be
 * sent */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "keys/message.h"
#include "server/home.h"
#include "tests/lib/server_link.h"

struct wish {
	int64_t skew_ms;
	const char *as, *keys;
	bool other, tamper, twice, plain, bad_point, identity, unsigned_answer, print;
};

static struct home *home;
static struct unlock_request unlocking;
static bool unlocks;

static _Noreturn void fail(int status, const char *what)
{
	(void)fprintf(stderr, "ask: %s\n", what);
	exit(status);
}

#define MUST(call) \
	do { \
		if (call) \
			fail(1, why.text); \
	} while (0)

/* -- people ---------------------------------------------------------------------------------- */

static struct identity *person(const char *name, const char *as)
{
	struct why why = WHY_NONE;
	uint8_t bytes[IDENTITY_PRIVATE_SIZE];
	struct member_id id;
	struct identity *identity = NULL;
	const char *claimed = as ? as : name;

	(void)crypto_generichash(bytes, sizeof bytes, (const uint8_t *)name, strlen(name), NULL, 0);
	(void)crypto_generichash(id.bytes, sizeof id.bytes, (const uint8_t *)claimed, strlen(claimed), NULL,
				 0);
	MUST(identity_restore(&id, name, bytes, &identity, &why));
	return identity;
}

/* -- bodies ----------------------------------------------------------------------------------- */

static struct bytes enrolment(const char *name, const char *keys, const char *code)
{
	struct why why = WHY_NONE;
	struct bytes body = BYTES_EMPTY;
	AUTO(identity_free) struct identity *identity = person(keys, NULL);
	AUTO(enrol_request_done) struct enrol_request request = {0};
	const struct organisation_id organisation = organisation_id_of(&home->organisation);

	(void)snprintf(request.user, sizeof request.user, "%s", name);
	(void)snprintf(request.code, sizeof request.code, "%s", code);
	MUST(certificate_self_signed(identity, &request.certificate, &why));
	enrol_proof_sign(&organisation, name, identity, &identity_public(home->identity)->id, request.proof);
	MUST(enrol_request_write(&request, &body, &why));
	return body;
}

static struct stored_group group_named(const char *name)
{
	struct why why = WHY_NONE;
	struct stored_group group;

	MUST(store_group_find_name(home->store, name, &group, &why));
	return group;
}

/* A text body in which the last point is what no encoding is, or the identity. */
static void spoil(struct bytes *body, const struct wish *wish)
{
	char text[BASE64_LENGTH(32) + 1];

	text_base64(text, unlocking.items[unlocking.item_count - 1].point.bytes, 32);
	char *at = strstr((char *)body->data, text);
	if (at && wish->identity)
		memset(at, 'A', strlen(text));
	if (at && wish->bad_point)
		memset(at, '_', strlen(text) - 1);
}

static struct bytes unlock(char *words, const struct wish *wish)
{
	struct why why = WHY_NONE;
	struct bytes body = BYTES_EMPTY;
	char *count = strchr(words, ':');

	if (!count)
		fail(2, "unlock:GROUP:COUNT");
	*count++ = '\0';
	struct stored_group group = group_named(words);
	unlocking.group = group.id;
	unlocking.epoch = group.epoch;
	unlocking.item_count = strtoul(count, NULL, 10);
	for (size_t i = 0; i < unlocking.item_count; i++) {
		unlocking.items[i] = (struct unlock_item){
			.folder = {{7, (uint8_t)i}}, .generation = 1, .version = 1, .head = {{1}}};
		crypto_core_ristretto255_random(unlocking.items[i].point.bytes);
	}
	MUST(unlock_request_write(&unlocking, &body, &why));
	stored_group_done(&group);
	spoil(&body, wish);
	unlocks = true;
	return body;
}

static struct bytes lease(const char *group_name)
{
	struct why why = WHY_NONE;
	struct bytes body = BYTES_EMPTY;
	struct stored_group group = group_named(group_name);
	struct lease_request request = {.groups = {group.id}, .group_count = 1};

	MUST(lease_request_write(&request, &body, &why));
	stored_group_done(&group);
	return body;
}

static struct bytes body_of(const char *name, char *words, const struct wish *wish)
{
	struct why why = WHY_NONE;
	struct bytes body = BYTES_EMPTY;

	if (!words)
		return body;
	if (strncmp(words, "enroll:", 7) == 0)
		return enrolment(name, wish->keys ? wish->keys : name, words + 7);
	if (strncmp(words, "unlock:", 7) == 0)
		return unlock(words + 7, wish);
	if (strncmp(words, "lease:", 6) == 0)
		return lease(words + 6);
	if (strncmp(words, "large:", 6) != 0) {
		MUST(bytes_append_text(&body, words, &why));
		return body;
	}
	const size_t size = strtoul(words + 6, NULL, 10);
	MUST(bytes_reserve(&body, size, &why));
	memset(body.data, 'x', size);
	body.size = size;
	return body;
}

/* -- answers ------------------------------------------------------------------------------------ */

static void check_points(const uint8_t *body, size_t size)
{
	struct why why = WHY_NONE;
	struct stored_group group;
	struct group_share share;
	struct unlock_answer answer;
	struct point expected;

	MUST(unlock_answer_read(body, size, &answer, &why));
	MUST(store_group_find(home->store, &unlocking.group, &group, &why));
	MUST(master_open_share(home->master, &group, &share, &why));
	for (size_t i = 0; i < answer.item_count; i++) {
		MUST(group_evaluate(&share, &unlocking.items[i].point, &expected, &why));
		if (memcmp(&expected, &answer.items[i].point, sizeof expected) != 0)
			fail(3, "a point is wrong");
	}
	stored_group_done(&group);
}

static void print(unsigned status, const uint8_t *body, size_t size)
{
	struct problem problem;

	if (status >= 400 && !problem_read(body, size, &problem, NULL))
		(void)printf("%u %s\n", status, problem_text(problem.type));
	else
		(void)printf("%u\n", status);
	(void)printf("%.*s\n", (int)size, (const char *)body);
	if (status == 200 && unlocks)
		check_points(body, size);
}

/* -- one request --------------------------------------------------------------------------------- */

static void start(const char *directory, const char *address)
{
	static char host[64];
	struct why why = WHY_NONE;
	const char *colon = strrchr(address, ':');

	MUST(secret_start(&why));
	MUST(home_open(directory, &home, &why));
	(void)snprintf(host, sizeof host, "%.*s", colon ? (int)(colon - address) : 0, address);
	struct link_server server = {.host = host,
				     .port = colon ? (unsigned)atoi(colon + 1) : 0,
				     .certificate = home->config->tls_cert,
				     .id = identity_public(home->identity)->id};
	memcpy(server.sign_public, identity_public(home->identity)->sign_public, SIGN_PUBLIC_SIZE);
	link_start(&server);
}

static void ask(const char *name, const char *method, const char *target, const struct bytes *body,
		const struct wish *wish)
{
	struct why why = WHY_NONE;
	AUTO(identity_free) struct identity *identity = person(wish->keys ? wish->keys : name, wish->as);
	struct request_subject subject = {.method = method,
					  .target = target,
					  .server = identity_public(home->identity)->id,
					  .body = body->data,
					  .body_size = body->size};
	char header[REQUEST_HEADER_SIZE] = "";
	struct digest digest;
	const uint8_t *answer;
	size_t size;

	if (wish->other)
		subject.server.bytes[0] ^= 1;
	MUST(request_sign(&subject, identity, clock_wall_ms() + wish->skew_ms, header, &digest, &why));
	char *signature = strrchr(header, ' ') + 1;
	if (wish->print) {
		(void)printf(REQUEST_HEADER ": %s\n", header);
		return;
	}
	if (wish->tamper)
		*signature = *signature == 'A' ? 'B' : 'A';
	const struct link_request request = {
		.method = method,
		.target = target,
		.authorization = wish->plain ? NULL : header,
		.body = body->data,
		.body_size = body->size,
		.digest = wish->plain || wish->tamper || wish->unsigned_answer ? NULL : &digest};
	struct link *link = link_open();
	unsigned status = link_send(link, &request, &answer, &size);
	if (wish->twice)
		status = link_send(link, &request, &answer, &size);
	print(status, answer, size);
	link_close(link);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"skew", required_argument, NULL, 's'}, {"as", required_argument, NULL, 'a'},
		{"keys", required_argument, NULL, 'k'}, {"other", no_argument, NULL, 'o'},
		{"tamper", no_argument, NULL, 't'},	{"twice", no_argument, NULL, '2'},
		{"plain", no_argument, NULL, 'p'},	{"bad-point", no_argument, NULL, 'b'},
		{"identity", no_argument, NULL, 'i'},	{"unsigned", no_argument, NULL, 'u'},
		{"print", no_argument, NULL, 'P'},	{NULL, 0, NULL, 0},
	};
	struct wish wish = {0};
	int option;

	while ((option = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		switch (option) {
		case 's':
			wish.skew_ms = atoll(optarg) * MS_PER_SECOND;
			break;
		case 'k':
			wish.keys = optarg;
			break;
		case 'a':
			wish.as = optarg;
			break;
		case 'o':
			wish.other = true;
			break;
		case 't':
			wish.tamper = true;
			break;
		case '2':
			wish.twice = true;
			break;
		case 'p':
			wish.plain = true;
			break;
		case 'b':
			wish.bad_point = true;
			break;
		case 'i':
			wish.identity = true;
			break;
		case 'P':
			wish.print = true;
			break;
		case 'u':
			wish.unsigned_answer = true;
			break;
		default:
			return 2;
		}
	}
	argv += optind;
	if (argc - optind < 5)
		fail(2, "usage: ask [OPTION...] DIR ADDRESS PERSON METHOD TARGET [BODY]");
	log_set_level(LOG_LEVEL_ERROR);
	start(argv[0], argv[1]);
	AUTO(bytes_done) struct bytes body = body_of(argv[2], argv[5], &wish);
	ask(argv[2], argv[3], argv[4], &body, &wish);
	home_close(home);
	return 0;
}
