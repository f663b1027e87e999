/* tests/lib/enrolled.h - keyrings whose user has joined a company.
 *
 *     AUTO(keyring_close) struct keyring *keyring = keyring_of("alice");
 *     struct keyring_server servers[] = {{.url = "http://127.0.0.1:8080"}};
 *     enrol(keyring, &company, servers, 1);
 */
#ifndef FSENC_TESTS_LIB_ENROLLED_H
#define FSENC_TESTS_LIB_ENROLLED_H

#include "keys/keyring_service.h"
#include "tests/lib/keyrings.h"
#include "tests/lib/organisations.h"

/* What `fsenc enroll` would store; `servers` are borrowed. The certificate is new; free it. */
static inline struct keyring_organisation membership_of(struct keyring *keyring,
							const struct company *company,
							struct keyring_server *servers, size_t server_count)
{
	struct why why = WHY_NONE;
	const struct identity *identity = NULL;
	struct person user = {.identity = NULL};
	struct keyring_organisation membership = {
		.fingerprint = public_identity_fingerprint(&company->organisation.root),
		.object = company->object,
		.organisation = company->organisation,
		.servers = servers,
		.server_count = server_count,
	};

	assert_works(keyring_identity(keyring, &identity, &why));
	user.identity = (struct identity *)(uintptr_t)identity;
	assert_works(certificate_self_signed(identity, &user.certificate, &why));
	membership.certificate = company_certificate(company, 0, &user);
	membership.account = certificate_account(membership.certificate);
	certificate_free(user.certificate);
	return membership;
}

static inline void enrol(struct keyring *keyring, const struct company *company,
			 struct keyring_server *servers, size_t server_count)
{
	struct why why = WHY_NONE;
	struct keyring_organisation membership = membership_of(keyring, company, servers, server_count);

	assert_works(keyring_set_organisation(keyring, &membership, &why));
	certificate_free(membership.certificate);
}

/* Signed by the root, as of the given version. */
static inline struct signed_object *company_policy(const struct company *company, const struct policy *policy)
{
	struct why why = WHY_NONE;
	struct signed_object *object = NULL;

	assert_works(policy_sign(policy, company->root.identity, &object, &why));
	return object;
}

static inline void keep_policy(struct keyring *keyring, const struct company *company,
			       const struct policy *policy)
{
	struct why why = WHY_NONE;
	AUTO(signed_free) struct signed_object *object = company_policy(company, policy);
	struct keyring_policy kept = {.policy = *policy, .received = 1700000000, .from = "http://127.0.0.1"};

	assert_works(keyring_set_policy(keyring, object, &kept, &why));
}

static inline void keep_group(struct keyring *keyring, const struct company_group *group)
{
	struct why why = WHY_NONE;

	assert_works(keyring_set_group(keyring, group->object, &group->descriptor, &why));
}

#endif
