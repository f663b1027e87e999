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

const struct organisation *charter_newest_organisation(const struct stores *stores)
{
	const struct organisation *newest = &stores->homes[0]->organisation;

	for (size_t i = 1; i < stores->count; i++)
		if (stores->homes[i]->organisation.version > newest->version)
			newest = &stores->homes[i]->organisation;
	return newest;
}

/* -- writing ------------------------------------------------------------------------------ */

struct charter_document {
	enum store_document document;
	uint64_t version;
	const char *text;
};

static enum fault write_document(struct home *home, size_t at, void *context, struct why *why)
{
	const struct charter_document *written = context;

	(void)at;
	return store_document_write(home->store, written->document, written->version, written->text, why);
}

static enum fault write_signed(const struct call *call, struct stores *stores,
			       const struct signed_object *object, struct charter_document *written,
			       const char *detail, struct why *why)
{
	AUTO(free) char *text = NULL;
	const struct change change = {.work = write_document, .context = written, .detail = detail};
	enum fault fault = signed_text(object, &text, why);

	written->text = text;
	return fault ? fault : stores_change(call, stores, &change, why);
}

enum fault charter_write_policy(const struct call *call, struct stores *stores, const struct identity *root,
				const struct policy *policy, const char *detail, struct why *why)
{
	AUTO(signed_free) struct signed_object *object = NULL;
	struct policy next = *policy;
	struct charter_document written = {.document = STORE_POLICY,
					   .version = charter_newest_policy(stores)->version + 1};
	enum fault fault;

	next.version = written.version;
	next.created = clock_wall_ms() / MS_PER_SECOND;
	fault = policy_sign(&next, root, &object, why);
	return fault ? fault : write_signed(call, stores, object, &written, detail, why);
}

enum fault charter_write_organisation(const struct call *call, struct stores *stores,
				      const struct identity *root, const struct organisation *organisation,
				      const char *detail, struct why *why)
{
	AUTO(signed_free) struct signed_object *object = NULL;
	struct organisation next = *organisation;
	struct charter_document written = {.document = STORE_ORGANISATION,
					   .version = charter_newest_organisation(stores)->version + 1};
	enum fault fault;

	next.version = written.version;
	next.created = clock_wall_ms() / MS_PER_SECOND;
	fault = organisation_sign(&next, root, &object, why);
	return fault ? fault : write_signed(call, stores, object, &written, detail, why);
}
