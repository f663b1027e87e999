/* tests/lib/inquiries.h - a key server that says what a test wants, and a user's service that asks it.
 *
 *     cmocka_run_group_tests(tests, inquiries_begin, inquiries_end);
 *     ...
 *     say_user("bob", certificate, &account);      the next answers, whatever is asked
 *     assert_works(ask_user("bob", &why));
 */
#ifndef FSENC_TESTS_LIB_INQUIRIES_H
#define FSENC_TESTS_LIB_INQUIRIES_H

#include "keys/inquiry.h"
#include "tests/lib/key_server.h"

static struct company company;
static struct company_group finance;
static struct company_group sales;
static struct person admin;
static struct person bob;
static struct person mallory;
static struct key_server server;
static struct service *service;

/* What the server answers next, whatever it is asked. */
static struct bytes body;

static inline void will_say(const struct bytes *text)
{
	AUTO(key_server_let_go) struct key_server *held = key_server_hold(&server);

	held->script = (struct key_server_script){.lease = 120, .body = text};
}

static inline void new_body(void)
{
	bytes_done(&body);
	body = BYTES_EMPTY;
	will_say(&body);
}

static inline struct certificate *certificate_of(const struct person *person)
{
	return company_certificate(&company, 0, person);
}

/* `before` is the fingerprint of the account's key before, or NULL. */
static inline struct certificate *certified_as(const struct person *person, const char *name,
					       const struct member_id *account,
					       const struct fingerprint *before)
{
	struct why why = WHY_NONE;
	struct certificate *certificate = NULL;
	const struct identity *signer = company.servers[0].identity;
	struct certificate_grant grant = {
		.organisation = company_id(&company), .name = name, .serial = 1, .account = *account};

	if (before)
		grant.previous = *before;
	enrol_proof_sign(&grant.organisation, name, person->identity, &identity_public(signer)->id,
			 grant.proof);
	assert_works(certificate_sign_for(person->certificate, &grant, signer, &certificate, &why));
	return certificate;
}

static inline void say_user(const char *name, struct certificate *certificate,
			    const struct member_id *account)
{
	struct why why = WHY_NONE;
	struct user_answer answer = {.enabled = true, .certificate = certificate, .account = *account};

	new_body();
	(void)snprintf(answer.name, sizeof answer.name, "%s", name);
	assert_works(user_answer_write(&answer, &body, &why));
}

static inline enum fault ask_user(const char *name, struct why *why)
{
	AUTO(user_answer_done) struct user_answer answer = {.certificate = NULL};

	return inquiry_user(service, name, &answer, why);
}

static inline enum fault ask_by_id(const struct member_id *id, struct why *why)
{
	AUTO(user_answer_done) struct user_answer answer = {.certificate = NULL};

	return inquiry_user_by_id(service, id, &answer, why);
}

static inline enum fault ask_group(const char *words, struct why *why)
{
	AUTO(signed_free) struct signed_object *object = NULL;
	struct group_descriptor group;

	return inquiry_group(service, &company.organisation, words, &group, &object, why);
}

static inline void say_group(const struct company_group *group)
{
	struct why why = WHY_NONE;
	struct signed_object *object = group->object;

	new_body();
	assert_works(groups_answer_write(&(struct groups_answer){&object, 1}, true, &body, &why));
}

static inline enum fault ask_members(struct why *why)
{
	AUTO(members_answer_done) struct members_answer answer = {.count = 0};

	return inquiry_members(service, &finance.descriptor.id, &answer, why);
}

static inline void say_members(const struct member_id *group, const char *name,
			       struct certificate *certificate)
{
	struct why why = WHY_NONE;
	struct members_answer_entry entry = {.certificate = certificate};

	new_body();
	(void)snprintf(entry.name, sizeof entry.name, "%s", name);
	entry.account = certificate_account(certificate);
	assert_works(members_answer_write(&(struct members_answer){*group, &entry, 1}, &body, &why));
}

static inline int inquiries_begin(void **state)
{
	struct why why = WHY_NONE;
	struct keyring_server url = {.url = ""};
	(void)state;
	if (secret_start(&why) || service_global_start(&why))
		return -1;
	company = company_new(1);
	finance = company_group_new(&company, "finance", 1, 1);
	sales = company_group_new(&company, "sales", 1, 1);
	admin = person_new("admin");
	bob = person_new("bob");
	mallory = person_new("mallory");
	server = (struct key_server){.company = &company, .user = identity_public(admin.identity)};
	key_server_start(&server);
	memcpy(url.url, server.url, sizeof server.url);
	url.id = *person_id(&company.servers[0]);
	const struct keyring_organisation organisation = {.fingerprint = person_fingerprint(&company.root),
							  .object = company.object,
							  .organisation = company.organisation,
							  .servers = &url,
							  .server_count = 1};
	return service_new(&organisation, admin.identity, &service, &why) ? -1 : 0;
}

static inline int inquiries_end(void **state)
{
	(void)state;
	service_free(service);
	key_server_stop(&server);
	bytes_done(&body);
	company_group_done(&finance);
	company_group_done(&sales);
	person_done(&admin);
	person_done(&bob);
	person_done(&mallory);
	company_done(&company);
	return 0;
}

#endif
