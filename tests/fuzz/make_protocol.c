/* Makes the seeds of the fuzz targets of the protocol again: fuzz-make-protocol DIRECTORY, whose directories
 * request, message, organisation, recovery and escrow exist. */
#include "keys/message.h"
#include "keys/escrow_block.h"
#include "keys/recovery.h"
#include "keys/request.h"
#include "keys/succession.h"
#include "tests/fuzz/seeds.h"

static void make_request(void)
{
	char header[REQUEST_HEADER_SIZE], answer_header[ANSWER_HEADER_SIZE];
	static char both[REQUEST_HEADER_SIZE + ANSWER_HEADER_SIZE + 1];
	static const uint8_t nonce[REQUEST_NONCE_SIZE] = {1, 2, 3};
	struct digest digest;
	const struct request_subject subject = {.method = "GET", .target = "/v1/groups", .server = fixed_id};
	const struct answer_subject answer = {.status = 200, .body = "{}", .body_size = 2};

	MUST(!request_sign_as(&subject, fixed_identity(), 1700000000000, nonce, header, &digest, NULL));
	answer_sign(&answer, fixed_identity(), answer_header);
	(void)snprintf(both, sizeof both, "%s\n%s", header, answer_header);
	write_seed("request/both", both);
	write_seed("request/request", header);
}

/* -- what is signed -------------------------------------------------------------------------- */

static const struct organisation_id *fixed_organisation_id(void)
{
	static struct organisation_id id;

	memcpy(id.bytes, fixed_id.bytes, ID_SIZE);
	return &id;
}

static struct signed_object *fixed_organisation_object(void)
{
	struct organisation organisation = {.root = *identity_public(fixed_identity()), .version = 1};
	struct signed_object *object = NULL;

	organisation.servers[0] = organisation.root;
	organisation.server_count = 1;
	MUST(!organisation_sign(&organisation, fixed_identity(), &object, NULL));
	return object;
}

static struct signed_object *fixed_policy_object(void)
{
	struct signed_object *object = NULL;
	struct policy policy = policy_default(fixed_organisation_id(), 1700000000);

	policy.recovery[policy.recovery_count++] = (struct member_id){{0x60}};
	(void)snprintf(policy.minimum_client, sizeof policy.minimum_client, "0.1");
	MUST(!policy_sign(&policy, fixed_identity(), &object, NULL));
	return object;
}

static struct point fixed_point(void)
{
	static const uint8_t wide[64] = {1, 2, 3};
	struct point point;

	MUST(crypto_core_ristretto255_from_hash(point.bytes, wide) == 0);
	return point;
}

static struct signed_object *fixed_group_object(void)
{
	struct signed_object *object = NULL;
	struct group_descriptor group = {.organisation = *fixed_organisation_id(),
					 .id = {{0x60}},
					 .name = "finance",
					 .version = 1,
					 .epoch = 1,
					 .created = 1700000000,
					 .threshold = 1,
					 .server_count = 1};

	group.servers[0] = (struct group_server){fixed_id, 1};
	group.commitments[0] = fixed_point();
	MUST(!group_descriptor_sign(&group, fixed_identity(), &object, NULL));
	return object;
}

static void make_organisation(void)
{
	AUTO(signed_free) struct signed_object *organisation = fixed_organisation_object();
	AUTO(signed_free) struct signed_object *policy = fixed_policy_object();
	AUTO(signed_free) struct signed_object *group = fixed_group_object();

	write_json("organisation/organisation", signed_payload(organisation));
	write_json("organisation/policy", signed_payload(policy));
	write_json("organisation/group", signed_payload(group));
}

/* -- bodies ---------------------------------------------------------------------------------- */

/* `letter` says which: tests/fuzz/message.c. */
static void write_message(char letter, const char *name, const struct bytes *body)
{
	char seed_name[64];
	AUTO(free) char *text = malloc(body->size + 2);

	MUST(text);
	(void)snprintf(seed_name, sizeof seed_name, "message/%s", name);
	text[0] = letter;
	memcpy(text + 1, body->data, body->size + 1);
	write_seed(seed_name, text);
}

#define SEED(letter, name, write, ...) \
	do { \
		AUTO(bytes_done) struct bytes body = BYTES_EMPTY; \
		MUST(!write(__VA_ARGS__, &body, NULL)); \
		write_message(letter, name, &body); \
	} while (0)

static void make_unlocks(void)
{
	const struct unlock_item item = {fixed_folder, 1, 2, {{3}}, fixed_point()};
	const struct unlock_answer_item good = {UNLOCK_OK, 2, fixed_point()};
	const struct unlock_answer_item stale = {.status = UNLOCK_STALE, .head_version = 3};
	const struct unlock_request request = {
		.group = {{0x60}}, .epoch = 1, .items = {item}, .item_count = 1, .check = item.point};
	const struct unlock_answer answer = {
		.group = {{0x60}}, .epoch = 1, .lease = 120, .items = {good, stale}, .item_count = 2};
	const struct lease_request lease = {.groups = {{{0x60}}, {{0x61}}}, .group_count = 2};
	const struct lease_answer leases = {
		.lease = 5, .groups = {{{{0x60}}, LEASE_MEMBER, 1, true}}, .group_count = 1};

	SEED('a', "unlock-request", unlock_request_write, &request);
	SEED('b', "unlock-answer", unlock_answer_write, &answer);
	SEED('c', "lease-request", lease_request_write, &lease);
	SEED('d', "lease-answer", lease_answer_write, &leases);
}

static struct certificate *fixed_certificate_read(void)
{
	AUTO(json_decref) json_t *json = fixed_certificate();
	struct certificate *certificate = NULL;

	MUST(!certificate_parse(json, &certificate, NULL));
	return certificate;
}

/* By the fixed identity, who is root, server and user in one. */
static struct certificate *fixed_certified(const struct certificate *self_signed)
{
	struct certificate *certified = NULL;
	struct certificate_grant grant = {.organisation = *fixed_organisation_id(),
					  .account = {{0x70}},
					  .name = "alice",
					  .serial = 2,
					  .previous = {{0x71}}};

	enrol_proof_sign(&grant.organisation, "alice", fixed_identity(), &fixed_id, grant.proof);
	MUST(!certificate_sign_for(self_signed, &grant, fixed_identity(), &certified, NULL));
	return certified;
}

static void make_enrolment(struct certificate *self_signed, struct certificate *certified)
{
	const struct fingerprint next = {{9}};
	AUTO(signed_free) struct signed_object *organisation = fixed_organisation_object();
	AUTO(signed_free) struct signed_object *policy = fixed_policy_object();
	AUTO(signed_free) struct signed_object *word = NULL;
	MUST(!succession_sign(fixed_organisation_id(), &next, fixed_identity(), &word, NULL));
	struct enrol_request request = {
		.user = "alice", .certificate = self_signed, .proof = {1}, .code = "7ZK4M", .previous = word};
	const struct enrol_answer answer = {.certificate = certified,
					    .account = {{0x70}},
					    .organisation = organisation,
					    .policy = policy};
	const struct organisation_answer about = {organisation, policy, fixed_id, 1700000000000};

	SEED('e', "enrol-request-code", enrol_request_write, &request);
	request.code[0] = 0;
	(void)snprintf(request.password, sizeof request.password, "secret");
	request.previous = NULL;
	SEED('e', "enrol-request-password", enrol_request_write, &request);
	SEED('f', "enrol-answer", enrol_answer_write, &answer);
	SEED('f', "enrol-pending", enrol_answer_write, &(struct enrol_answer){.pending = 86400});
	SEED('g', "organisation", organisation_answer_write, &about);
}

static void make_people(struct certificate *self_signed, struct certificate *certified)
{
	char finance[] = "finance", auditors[] = "auditors";
	AUTO(signed_free) struct signed_object *group = fixed_group_object();
	struct signed_object *groups[] = {group, group};
	const struct user_answer user = {{{0x70}}, "alice", true, certified};
	struct members_answer_entry members[] = {
		{{{0x70}}, "alice", {finance}, 1, self_signed},
		{{{0x71}}, "bob", {finance, auditors}, 2, NULL},
	};

	SEED('h', "user", user_answer_write, &user);
	SEED('h', "user-without-key", user_answer_write, &(struct user_answer){{{0x70}}, "bob", false, NULL});
	SEED('i', "group", groups_answer_write, &(struct groups_answer){groups, 1}, true);
	SEED('j', "groups", groups_answer_write, &(struct groups_answer){groups, 2}, false);
	SEED('k', "members", members_answer_write, &(struct members_answer){{{0x60}}, members, 2});
}

static void make_the_rest(struct certificate *self_signed)
{
	AUTO(signed_free) struct signed_object *record = NULL;
	record_free(fixed_record(&record));
	const struct heads_request heads = {{record}, 1, {self_signed}, 1};

	SEED('l', "heads", heads_request_write, &heads);
	SEED('m', "heads-answer", heads_answer_write, &(struct heads_answer){true, 3});
	SEED('n', "token", token_request_write, fixed_folder_key, sizeof fixed_folder_key);
	SEED('o', "problem", problem_write, &(struct problem){PROBLEM_LIMIT, "4096 points a day"});
}

static void write_block(const char *name, const char *inside_name, const char *label,
			const struct bytes *block)
{
	AUTO(bytes_done) struct bytes inside = BYTES_EMPTY;

	MUST(!armor_read(label, block->data, block->size, &inside, NULL));
	write_seed(name, (const char *)block->data);
	write_seed(inside_name, (const char *)inside.data);
}

static void make_recovery(const struct certificate *self_signed)
{
	AUTO(bytes_done) struct bytes request = BYTES_EMPTY;
	AUTO(bytes_done) struct bytes answer = BYTES_EMPTY;
	AUTO(recovery_asked_done) struct recovery_asked asked = {.certificate = NULL};
	AUTO(group_deal_wipe) struct group_deal deal;
	const struct point point = fixed_point();
	struct group_descriptor officers = {.organisation = *fixed_organisation_id(),
					    .id = {{0x60}},
					    .recovery = true,
					    .epoch = 1,
					    .threshold = 1};
	const struct recovery_request what = {.organisation = *fixed_organisation_id(),
					      .group = officers.id,
					      .epoch = 1,
					      .folder = {{1}},
					      .generation = 1,
					      .place = "Finance",
					      .reason = "somebody left"};
	const struct recovery_request token = {.kind = RECOVERY_TOKEN,
					       .organisation = *fixed_organisation_id(),
					       .group = officers.id,
					       .epoch = 1,
					       .user = {{0x70}},
					       .user_name = "bob"};
	AUTO(bytes_done) struct bytes for_token = BYTES_EMPTY;

	MUST(!recovery_ask(&token, &point, fixed_identity(), self_signed, &for_token, NULL));
	write_block("recovery/token", "recovery/token_inside", RECOVERY_REQUEST_LABEL, &for_token);
	MUST(!recovery_ask(&what, &point, fixed_identity(), self_signed, &request, NULL));
	write_block("recovery/request", "recovery/request_inside", RECOVERY_REQUEST_LABEL, &request);
	MUST(!recovery_request_read(request.data, request.size, &asked, NULL));
	MUST(!group_deal(NULL, 1, 1, &deal, NULL));
	officers.commitments[0] = deal.commitments[0];
	MUST(!recovery_answer(&asked, &officers, &deal.shares[0], &answer, NULL));
	write_block("recovery/answer", "recovery/answer_inside", RECOVERY_ANSWER_LABEL, &answer);
}

/* For officers (`officers`), or for the root. */
static void make_escrow(bool officers, const char *name, const char *inside_name)
{
	const struct token token = {{1, 2, 3}};
	struct organisation organisation = {.root = *identity_public(fixed_identity())};
	struct escrow_block escrow = {.organisation = fixed_organisation_object(), .user = "bob"};
	struct group_descriptor group = {.organisation = *fixed_organisation_id(),
					 .id = {{0x60}},
					 .name = "officers",
					 .recovery = true,
					 .version = 1,
					 .epoch = 1,
					 .threshold = 1,
					 .servers = {{.id = {{0x61}}, .index = 1}},
					 .server_count = 1,
					 .commitments = {fixed_point()}};
	AUTO(bytes_done) struct bytes sealed = BYTES_EMPTY;
	AUTO(bytes_done) struct bytes block = BYTES_EMPTY;

	if (officers)
		MUST(!group_descriptor_sign(&group, fixed_identity(), &escrow.group, NULL));
	MUST(!escrow_seal(&token, &(struct member_id){{0x70}}, &organisation, officers ? &group : NULL,
			  &sealed, NULL));
	memcpy(escrow.sealed, sealed.data, sizeof escrow.sealed);
	MUST(!escrow_block_write(&escrow, &block, NULL));
	write_block(name, inside_name, ESCROW_BLOCK_LABEL, &block);
	escrow_block_done(&escrow);
}

int main(int count, char **arguments)
{
	MUST(count == 2);
	seed_directory = arguments[1];
	AUTO(certificate_free) struct certificate *self_signed = fixed_certificate_read();
	AUTO(certificate_free) struct certificate *certified = fixed_certified(self_signed);
	make_request();
	make_organisation();
	make_unlocks();
	make_enrolment(self_signed, certified);
	make_people(self_signed, certified);
	make_the_rest(self_signed);
	make_recovery(self_signed);
	make_escrow(true, "escrow/officers", "escrow/officers_inside");
	make_escrow(false, "escrow/root", "escrow/root_inside");
	return 0;
}
