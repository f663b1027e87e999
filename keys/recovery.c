#include "keys/recovery.h"

#include <string.h>

#include "base/clock.h"
#include "keys/kdf.h"
#include "keys/keyring_certified.h"
#include "keys/message_parts.h"

#define BLOCK_MAX (64 * 1024)

/* -- the kinds of request -------------------------------------------------------------------- */

/* What every request says. */
#define COMMON_FIELDS \
	{"organisation", FIELD_HEX, FIELD_AT(struct recovery_request, organisation)}, \
		{"group", FIELD_HEX, FIELD_AT(struct recovery_request, group)}, \
		{"epoch", FIELD_INTEGER, FIELD_AT(struct recovery_request, epoch), .least = 1, \
		 .most = UINT32_MAX}, \
		{"reason", FIELD_TEXT, FIELD_AT(struct recovery_request, reason), .optional = true}, \
		{"created", FIELD_INTEGER, FIELD_AT(struct recovery_request, created), \
		 .most = FIELDS_INTEGER_MAX}, \
		{"nonce", FIELD_BASE64, FIELD_AT(struct recovery_request, nonce)}, \
	{ \
		"point", FIELD_BASE64, FIELD_AT(struct recovery_request, point) \
	}

static const struct field folder_fields[] = {
	COMMON_FIELDS,
	{"folder", FIELD_HEX, FIELD_AT(struct recovery_request, folder)},
	{"generation", FIELD_INTEGER, FIELD_AT(struct recovery_request, generation), .least = 1,
	 .most = UINT32_MAX},
	{"place", FIELD_TEXT, FIELD_AT(struct recovery_request, place), .optional = true},
};
static const struct field token_fields[] = {
	COMMON_FIELDS,
	{"user", FIELD_HEX, FIELD_AT(struct recovery_request, user)},
	{"name", FIELD_NAME, FIELD_AT(struct recovery_request, user_name)},
};

static const struct kind {
	const char *what;
	const char *type; /* of the signed object */
	enum kdf_label blind;
	const struct field *fields;
	size_t field_count;
} kinds[RECOVERY_KIND_COUNT] = {
	[RECOVERY_FOLDER] = {"a folder", RECOVERY_REQUEST_TYPE, KDF_RECOVERY_BLIND, folder_fields,
			     COUNT(folder_fields)},
	[RECOVERY_TOKEN] = {"a recovery token", RECOVERY_TOKEN_REQUEST_TYPE, KDF_TOKEN_BLIND, token_fields,
			    COUNT(token_fields)},
};

/* -- what is derived from the asker's key ---------------------------------------------------- */

static enum fault blind_of(const struct identity *asker, const struct recovery_request *request,
			   const struct point *point, struct scalar *ret_blind, struct point *ret_blinded,
			   struct why *why)
{
	uint8_t context[RECOVERY_NONCE_SIZE + sizeof(struct point)];
	uint8_t seed[64];

	memcpy(context, request->nonce, RECOVERY_NONCE_SIZE);
	memcpy(context + RECOVERY_NONCE_SIZE, point->bytes, sizeof point->bytes);
	kdf(seed, sizeof seed, identity_private_bytes(asker), kinds[request->kind].blind, context,
	    sizeof context);
	enum fault fault = group_blind_from(point, seed, ret_blind, ret_blinded, why);
	secret_wipe(seed, sizeof seed);
	return fault;
}

/* -- the request ----------------------------------------------------------------------------- */

static const struct field block_fields[] = {
	{.name = "request", .form = FIELD_OBJECT},
	{.name = "certificate", .form = FIELD_OBJECT},
};
static const struct message_form block_form = MESSAGE_FORM("the recovery request", block_fields, BLOCK_MAX);

void recovery_asked_done(struct recovery_asked *asked)
{
	certificate_free(asked->certificate);
	*asked = (struct recovery_asked){.certificate = NULL};
}

static enum fault write_block(const struct signed_object *object, const struct certificate *certificate,
			      struct bytes *block, struct why *why)
{
	AUTO(json_decref) json_t *json = json_object();
	AUTO(bytes_done) struct bytes text = BYTES_EMPTY;
	enum fault fault = message_set_signed(json, "request", object, why);
	if (!fault)
		fault = message_set_certificate(json, "certificate", certificate, why);
	if (!fault)
		fault = fields_append_text(json, &text, why);
	return fault ? fault : armor_write(RECOVERY_REQUEST_LABEL, text.data, text.size, block, why);
}

enum fault recovery_ask(const struct recovery_request *what, const struct point *point,
			const struct identity *asker, const struct certificate *certificate,
			struct bytes *ret_block, struct why *why)
{
	struct recovery_request request = *what;
	AUTO(scalar_wipe) struct scalar blind;
	AUTO(json_decref) json_t *payload = NULL;
	AUTO(signed_free) struct signed_object *object = NULL;
	AUTO(bytes_done) struct bytes block = BYTES_EMPTY;
	AUTO(recovery_asked_done) struct recovery_asked again = {.certificate = NULL};
	randombytes_buf(request.nonce, sizeof request.nonce);
	request.created = clock_wall_ms() / MS_PER_SECOND;
	const struct kind *kind = &kinds[request.kind];
	enum fault fault = blind_of(asker, &request, point, &blind, &request.point, why);
	if (fault)
		return fault;
	fault = fields_write(kind->fields, kind->field_count, &request, &payload, why);
	if (!fault)
		fault = signed_make(payload, kind->type, asker, &object, why);
	if (!fault)
		fault = write_block(object, certificate, &block, why);
	/* Nothing leaves here that an officer would not read. */
	if (!fault)
		fault = recovery_request_read(block.data, block.size, &again, why);
	return fault ? fault : bytes_append(ret_block, block.data, block.size, why);
}

static enum fault check_signer(const struct signed_object *object, const struct certificate *certificate,
			       struct why *why)
{
	const struct fingerprint named = signed_signer(object);
	const struct fingerprint own = certificate_fingerprint(certificate);

	if (!fingerprint_equal(&named, &own))
		return why_set(why, FAULT_REFUSED,
			       "the recovery request is signed by another key than it says");
	return why_in(why, signed_verify(object, certificate_identity(certificate)->sign_public, why),
		      "the recovery request");
}

/* The type says which kind it is. */
static enum fault read_signed(const json_t *block, enum recovery_kind *ret_kind,
			      struct signed_object **ret_object, struct why *why)
{
	if (!message_read_signed(block, "request", kinds[RECOVERY_TOKEN].type, ret_object, NULL)) {
		*ret_kind = RECOVERY_TOKEN;
		return FAULT_NONE;
	}
	*ret_kind = RECOVERY_FOLDER;
	return message_read_signed(block, "request", kinds[RECOVERY_FOLDER].type, ret_object, why);
}

static enum fault read_request(const struct signed_object *object, enum recovery_kind kind,
			       struct recovery_request *request, struct why *why)
{
	enum fault fault = fields_read(kinds[kind].fields, kinds[kind].field_count, signed_payload(object),
				       request, why);

	request->kind = kind;
	if (!fault && group_check_point(&request->point, why))
		fault = why_in(why, FAULT_MALFORMED, "the recovery request");
	return fault;
}

enum fault recovery_request_read(const void *text, size_t size, struct recovery_asked *ret_asked,
				 struct why *why)
{
	enum recovery_kind kind = RECOVERY_FOLDER;
	AUTO(recovery_asked_done) struct recovery_asked asked = {.certificate = NULL};
	AUTO(bytes_done) struct bytes bytes = BYTES_EMPTY;
	AUTO(json_decref) json_t *json = NULL;
	AUTO(signed_free) struct signed_object *object = NULL;
	enum fault fault = armor_read(RECOVERY_REQUEST_LABEL, text, size, &bytes, why);
	if (!fault)
		fault = message_parse(&block_form, bytes.data, bytes.size, &asked, &json, why);
	if (!fault)
		fault = read_signed(json, &kind, &object, why);
	if (!fault)
		fault = message_read_certificate(json, "certificate", &asked.certificate, why);
	if (!fault)
		fault = check_signer(object, asked.certificate, why);
	if (!fault)
		fault = read_request(object, kind, &asked.request, why);
	if (fault)
		return fault;
	asked.digest = signed_digest(object);
	*ret_asked = asked;
	asked.certificate = NULL;
	return FAULT_NONE;
}

enum fault recovery_find_asker(const struct recovery_asked *asked, struct keyring *keyring,
			       struct certificate **ret_certificate, struct why *why)
{
	const struct fingerprint key = certificate_fingerprint(asked->certificate);
	enum fault fault = keyring_vouches(keyring, &key, asked->certificate, why);

	return fault ? fault : keyring_find_certificate(keyring, &key, ret_certificate, why);
}

/* -- the answer ------------------------------------------------------------------------------ */

struct answer {
	struct digest request;
	unsigned index;
	struct point point; /* Z = k_i*B */
	struct group_proof proof;
};
static const struct field answer_fields[] = {
	{"request", FIELD_BASE64, FIELD_AT(struct answer, request)},
	{"index", FIELD_INTEGER, FIELD_AT(struct answer, index), .least = 1, .most = GROUP_SERVERS_MAX},
	{"point", FIELD_BASE64, FIELD_AT(struct answer, point)},
	{"challenge", FIELD_BASE64, FIELD_AT(struct answer, proof.challenge)},
	{"response", FIELD_BASE64, FIELD_AT(struct answer, proof.response)},
};
static const struct message_form answer_form = MESSAGE_FORM("the officer's answer", answer_fields, BLOCK_MAX);

static enum fault check_group(const struct recovery_request *request, const struct group_descriptor *group,
			      struct why *why)
{
	if (!group->recovery)
		return why_set(why, FAULT_INVALID, "'%s' is no recovery group", group->name);
	if (organisation_id_equal(&request->organisation, &group->organisation) &&
	    member_id_equal(&request->group, &group->id) && request->epoch == group->epoch)
		return FAULT_NONE;
	return why_set(why, FAULT_INVALID,
		       "the request is for another recovery group, or an earlier key, than '%s'",
		       group->name);
}

enum fault recovery_answer(const struct recovery_asked *asked, const struct group_descriptor *group,
			   const struct group_share *share, struct bytes *ret_block, struct why *why)
{
	struct answer answer = {.request = asked->digest, .index = share->index};
	AUTO(bytes_done) struct bytes text = BYTES_EMPTY;
	enum fault fault = check_group(&asked->request, group, why);
	if (!fault)
		fault = group_check_share(share, group->commitments, group->threshold, why);
	if (!fault)
		fault = group_prove(share, &asked->request.point, &asked->digest, &answer.point,
				    &answer.proof, why);
	if (!fault)
		fault = message_write(&answer_form, &answer, &text, why);
	return fault ? fault : armor_write(RECOVERY_ANSWER_LABEL, text.data, text.size, ret_block, why);
}

static enum fault read_answer(const struct recovery_block *block, struct answer *ret_answer, struct why *why)
{
	AUTO(bytes_done) struct bytes bytes = BYTES_EMPTY;
	struct answer read = {.index = 0};
	enum fault fault = armor_read(RECOVERY_ANSWER_LABEL, block->text, block->size, &bytes, why);
	if (!fault)
		fault = message_read(&answer_form, bytes.data, bytes.size, &read, why);
	if (!fault)
		*ret_answer = read;
	return fault;
}

/* -- together -------------------------------------------------------------------------------- */

static bool is_officer(const struct group_descriptor *group, unsigned index)
{
	for (size_t i = 0; i < group->server_count; i++)
		if (group->servers[i].index == index)
			return true;
	return false;
}

static enum fault check_answer(const struct recovery_asked *asked, const struct group_descriptor *group,
			       const struct answer *answer, struct why *why)
{
	struct point public;
	bool honest = false;
	if (!digest_equal(&answer->request, &asked->digest))
		return why_set(why, FAULT_INVALID, "it is the answer to another request");
	if (!is_officer(group, answer->index))
		return why_set(why, FAULT_IDENTITY, "the group '%s' has no officer number %u", group->name,
			       answer->index);
	enum fault fault = group_share_public(group->commitments, group->threshold, answer->index, &public,
					      why);
	if (!fault)
		fault = group_proof_check(&answer->proof, &public, &asked->request.point, &asked->digest,
					  &answer->point, &honest, why);
	if (!fault && !honest)
		fault = why_set(why, FAULT_IDENTITY, "the answer of officer number %u is wrong",
				answer->index);
	return fault;
}

struct answers {
	struct group_answer list[GROUP_SERVERS_MAX];
	unsigned count;
};

static void take(struct answers *answers, const struct answer *answer, unsigned threshold)
{
	for (unsigned i = 0; i < answers->count; i++)
		if (answers->list[i].index == answer->index)
			return;
	if (answers->count < threshold)
		answers->list[answers->count++] = (struct group_answer){.index = answer->index,
									.point = answer->point};
}

/* Only the asker gets the blind that is in the request out of it, and only for the same kind and R. */
static enum fault find_blind(const struct recovery_asked *asked, const struct identity *asker,
			     const struct recovery_goal *goal, struct scalar *ret_blind, struct why *why)
{
	const struct fingerprint own = public_identity_fingerprint(identity_public(asker));
	const struct fingerprint signer = certificate_fingerprint(asked->certificate);
	struct point blinded;

	if (!fingerprint_equal(&own, &signer))
		return why_set(why, FAULT_INVALID,
			       "the request is not yours: only who asked can use the answers");
	if (asked->request.kind != goal->kind)
		return why_set(why, FAULT_INVALID, "the request is for %s, not for %s",
			       kinds[asked->request.kind].what, kinds[goal->kind].what);
	enum fault fault = blind_of(asker, &asked->request, &goal->point, ret_blind, &blinded, why);
	if (!fault && memcmp(&blinded, &asked->request.point, sizeof blinded) != 0)
		fault = why_set(why, FAULT_INVALID,
				"the request is for something else, or for an earlier key of it");
	return fault;
}

static enum fault take_block(const struct recovery_asked *asked, const struct group_descriptor *group,
			     const struct recovery_block *block, struct answers *answers, struct why *why)
{
	struct answer answer;
	enum fault fault = read_answer(block, &answer, why);

	if (!fault)
		fault = check_answer(asked, group, &answer, why);
	if (fault)
		return why_in(why, fault, "'%s'", block->name);
	take(answers, &answer, group->threshold);
	return FAULT_NONE;
}

enum fault recovery_combine(const struct recovery_asked *asked, const struct recovery_goal *goal,
			    const struct identity *asker, const struct group_descriptor *group,
			    const struct recovery_block *blocks, size_t block_count, struct point *ret_shared,
			    struct why *why)
{
	AUTO(scalar_wipe) struct scalar blind;
	struct point combined;
	struct answers answers = {.count = 0};
	enum fault fault = check_group(&asked->request, group, why);
	if (!fault)
		fault = find_blind(asked, asker, goal, &blind, why);
	for (size_t i = 0; i < block_count && !fault; i++)
		fault = take_block(asked, group, &blocks[i], &answers, why);
	if (fault)
		return fault;
	if (answers.count < group->threshold)
		return why_set(why, FAULT_MISSING, "%u of the %u officers that '%s' needs have answered",
			       answers.count, group->threshold, group->name);
	fault = group_combine(answers.list, group->threshold, &combined, why);
	return fault ? fault : group_unblind(&combined, &blind, ret_shared, why);
}
