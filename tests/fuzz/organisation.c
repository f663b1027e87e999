/* Any text as what the root signed: its descriptor, its policy, a group of it. */
#include "keys/organisation.h"
#include "tests/fuzz/fixed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Version 1 of the fixed identity's organisation: one server, the root itself. */
static const struct organisation *fixed_organisation(void)
{
	static struct organisation organisation;

	organisation.root = organisation.servers[0] = *identity_public(fixed_identity());
	organisation.version = organisation.server_count = 1;
	return &organisation;
}

static void fuzz_organisation(const json_t *payload)
{
	static struct organisation read;
	const struct fingerprint expected = public_identity_fingerprint(identity_public(fixed_identity()));
	AUTO(signed_free) struct signed_object *object = fixed_sign(payload, ORGANISATION_TYPE);
	AUTO(signed_free) struct signed_object *again = NULL;
	if (!object || organisation_read(object, &expected, &read, NULL))
		return;
	MUST(read.server_count <= GROUP_SERVERS_MAX && read.version >= 1);
	for (size_t i = 0; i < read.server_count; i++)
		MUST(organisation_server(&read, &read.servers[i].id) == &read.servers[i]);
	MUST(!organisation_sign(&read, fixed_identity(), &again, NULL));
}

static void fuzz_policy(const json_t *payload)
{
	static struct policy read;
	AUTO(signed_free) struct signed_object *object = fixed_sign(payload, POLICY_TYPE);
	AUTO(signed_free) struct signed_object *again = NULL;
	if (!object || policy_read(object, fixed_organisation(), &read, NULL))
		return;
	MUST(read.lease <= 86400 && read.retry_after >= 1 && read.cache_positive <= 60);
	MUST(!policy_sign(&read, fixed_identity(), &again, NULL));
}

static void fuzz_group(const json_t *payload)
{
	static struct group_descriptor read;
	struct point public;
	AUTO(signed_free) struct signed_object *object = fixed_sign(payload, GROUP_TYPE);
	AUTO(signed_free) struct signed_object *again = NULL;
	if (!object || group_descriptor_read(object, fixed_organisation(), &read, NULL))
		return;
	MUST(read.threshold >= 1 && read.threshold <= read.server_count);
	for (size_t i = 0; i < read.server_count; i++)
		(void)!group_share_public(read.commitments, read.threshold, read.servers[i].index, &public,
					  NULL);
	MUST(!group_descriptor_sign(&read, fixed_identity(), &again, NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(json_decref) json_t *payload = NULL;
	if (fields_parse(data, size, &payload, NULL))
		return 0;
	fuzz_organisation(payload);
	fuzz_policy(payload);
	fuzz_group(payload);
	return 0;
}
