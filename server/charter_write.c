#include "server/charter_write.h"

#include "base/clock.h"

const struct policy *charter_newest_policy(const struct stores *stores)
{
	const struct policy *newest = &stores->homes[0]->policy;

	for (size_t i = 1; i < stores->count; i++)
		if (stores->homes[i]->policy.version > newest->version)
			newest = &stores->homes[i]->policy;
	return newest;
}

struct signed_policy {
	uint64_t version;
	const char *text;
};

static enum fault write_policy(struct home *home, size_t at, void *context, struct why *why)
{
	const struct signed_policy *policy = context;

	(void)at;
	return store_document_write(home->store, STORE_POLICY, policy->version, policy->text, why);
}

enum fault charter_write_policy(const struct call *call, struct stores *stores, const struct identity *root,
				const struct policy *policy, const char *detail, struct why *why)
{
	AUTO(signed_free) struct signed_object *object = NULL;
	AUTO(free) char *text = NULL;
	struct policy next = *policy;
	struct signed_policy written = {.version = charter_newest_policy(stores)->version + 1};
	const struct change change = {.work = write_policy, .context = &written, .detail = detail};
	enum fault fault;

	next.version = written.version;
	next.created = clock_wall_ms() / MS_PER_SECOND;
	fault = policy_sign(&next, root, &object, why);
	if (!fault)
		fault = signed_text(object, &text, why);
	written.text = text;
	return fault ? fault : stores_change(call, stores, &change, why);
}
