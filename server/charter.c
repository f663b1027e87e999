#include "server/charter.h"

#include <pthread.h>
#include <stdlib.h>

struct charters {
	struct store *store;
	struct fingerprint fingerprint;
	pthread_mutex_t lock;
	struct charter *current; /* NULL before the first */
};

void charter_give(struct charter *charter)
{
	if (!charter || atomic_fetch_sub(&charter->holders, 1) > 1)
		return;
	signed_free(charter->organisation_signed);
	signed_free(charter->policy_signed);
	free(charter);
}

enum fault charters_new(struct store *store, const struct fingerprint *fingerprint,
			struct charters **ret_charters, struct why *why)
{
	struct charters *charters = calloc(1, sizeof *charters);

	if (!charters)
		return why_set(why, FAULT_MEMORY, "no memory for the policy");
	charters->store = store;
	charters->fingerprint = *fingerprint;
	(void)pthread_mutex_init(&charters->lock, NULL);
	*ret_charters = charters;
	return FAULT_NONE;
}

void charters_free(struct charters *charters)
{
	if (!charters)
		return;
	charter_give(charters->current);
	(void)pthread_mutex_destroy(&charters->lock);
	free(charters);
}

static enum fault read_document(struct store *store, enum store_document document, const char *type,
				struct signed_object **ret_signed, struct why *why)
{
	AUTO(bytes_done) struct bytes text = BYTES_EMPTY;

	enum fault fault = store_document_read(store, document, &text, why);
	if (!fault)
		fault = signed_parse_text((const char *)text.data, text.size, type, ret_signed, why);
	return why_in(why, fault, "the %s in the store",
		      document == STORE_POLICY ? "policy" : "organisation");
}

static enum fault read_charter(struct charters *charters, uint64_t version, struct charter **ret_charter,
			       struct why *why)
{
	AUTO(charter_give) struct charter *charter = calloc(1, sizeof *charter);

	if (!charter)
		return why_set(why, FAULT_MEMORY, "no memory for the policy");
	atomic_store(&charter->holders, 1);
	charter->version = version;
	enum fault fault = read_document(charters->store, STORE_ORGANISATION, ORGANISATION_TYPE,
					 &charter->organisation_signed, why);
	if (!fault)
		fault = organisation_read(charter->organisation_signed, &charters->fingerprint,
					  &charter->organisation, why);
	if (!fault)
		fault = read_document(charters->store, STORE_POLICY, POLICY_TYPE, &charter->policy_signed,
				      why);
	if (!fault)
		fault = policy_read(charter->policy_signed, &charter->organisation, &charter->policy, why);
	if (fault)
		return fault;
	charter->id = organisation_id_of(&charter->organisation);
	*ret_charter = TAKE(charter);
	return FAULT_NONE;
}

static enum fault refresh(struct charters *charters, uint64_t version, struct why *why)
{
	struct charter *fresh = NULL;

	if (charters->current && charters->current->version == version)
		return FAULT_NONE;
	enum fault fault = read_charter(charters, version, &fresh, why);
	if (fault)
		return fault;
	charter_give(charters->current);
	charters->current = fresh;
	return FAULT_NONE;
}

enum fault charters_take(struct charters *charters, struct charter **ret_charter, struct why *why)
{
	uint64_t version;

	enum fault fault = store_version(charters->store, &version, why);
	if (fault)
		return fault;
	(void)pthread_mutex_lock(&charters->lock);
	fault = refresh(charters, version, why);
	if (!fault) {
		atomic_fetch_add(&charters->current->holders, 1);
		*ret_charter = charters->current;
	}
	(void)pthread_mutex_unlock(&charters->lock);
	return fault;
}
