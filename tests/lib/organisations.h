/* tests/lib/organisations.h - an organisation for tests: root, servers, and groups whose shares the test
 * holds.
 *
 *     AUTO(company_done) struct company company = company_new(3);
 *     struct company_group finance = company_group_new(&company, "finance", 2, 3);
 */
#ifndef FSENC_TESTS_LIB_ORGANISATIONS_H
#define FSENC_TESTS_LIB_ORGANISATIONS_H

#include <string.h>

#include "keys/organisation.h"
#include "tests/lib/people.h"

#define COMPANY_SERVERS_MAX 5

struct company {
	struct person root;
	struct person servers[COMPANY_SERVERS_MAX];
	struct organisation organisation;
	struct signed_object *object;
};

static inline void company_done(struct company *company)
{
	person_done(&company->root);
	for (size_t i = 0; i < COMPANY_SERVERS_MAX; i++)
		person_done(&company->servers[i]);
	signed_free(company->object);
}
AUTO_VALUE(struct company, company_done);

static inline struct company company_new(size_t servers)
{
	struct why why = WHY_NONE;
	struct company company = {.root = person_new("keys.test")};

	company.organisation.root = *identity_public(company.root.identity);
	company.organisation.version = 1;
	company.organisation.created = 1700000000;
	for (size_t i = 0; i < servers; i++) {
		char name[32];
		(void)snprintf(name, sizeof name, "server %zu", i + 1);
		company.servers[i] = person_new(name);
		company.organisation.servers[i] = *identity_public(company.servers[i].identity);
	}
	company.organisation.server_count = servers;
	assert_works(organisation_sign(&company.organisation, company.root.identity, &company.object, &why));
	return company;
}

static inline struct organisation_id company_id(const struct company *company)
{
	return organisation_id_of(&company->organisation);
}

struct company_group {
	struct group_deal deal; /* deal.shares[i] is server i's */
	struct group_descriptor descriptor;
	struct signed_object *object;
};

static inline void company_group_done(struct company_group *group)
{
	group_deal_wipe(&group->deal);
	signed_free(group->object);
}
AUTO_VALUE(struct company_group, company_group_done);

static inline void company_group_sign(const struct company *company, struct company_group *group)
{
	struct why why = WHY_NONE;

	memcpy(group->descriptor.commitments, group->deal.commitments, sizeof group->deal.commitments);
	signed_free(TAKE(group->object));
	assert_works(group_descriptor_sign(&group->descriptor, company->root.identity, &group->object, &why));
}

static inline struct company_group company_group_new(const struct company *company, const char *name,
						     unsigned threshold, unsigned servers)
{
	struct why why = WHY_NONE;
	struct company_group group = {0};

	assert_works(group_deal(NULL, threshold, servers, &group.deal, &why));
	group.descriptor = (struct group_descriptor){
		.organisation = company_id(company),
		.version = 1,
		.epoch = 1,
		.created = 1700000000,
		.threshold = threshold,
		.server_count = servers,
	};
	member_id_random(&group.descriptor.id);
	(void)snprintf(group.descriptor.name, sizeof group.descriptor.name, "%s", name);
	for (unsigned i = 0; i < servers; i++)
		group.descriptor.servers[i] = (struct group_server){.id = company->organisation.servers[i].id,
								    .index = group.deal.shares[i].index};
	company_group_sign(company, &group);
	return group;
}

/* The certificate that server `index` gives to a person, under the person's own name. */
static inline struct certificate *company_certificate(const struct company *company, size_t index,
						      const struct person *person)
{
	struct why why = WHY_NONE;
	struct certificate *certificate = NULL;
	const struct identity *server = company->servers[index].identity;
	struct certificate_grant grant = {
		.organisation = company_id(company),
		.name = identity_public(person->identity)->name,
		.serial = 1,
	};

	member_id_random(&grant.account);
	enrol_proof_sign(&grant.organisation, grant.name, person->identity, &identity_public(server)->id,
			 grant.proof);
	assert_works(certificate_sign_for(person->certificate, &grant, server, &certificate, &why));
	return certificate;
}

#endif
