#include "server/import.h"

#include <stdio.h>

#include "server/builtin.h"

/* FAULT_EXISTS: as new a version, or a newer one, is here. */
static enum fault write_document(struct store *store, enum store_document document, uint64_t version,
				 const struct signed_object *object, struct why *why)
{
	AUTO(free) char *text = NULL;
	enum fault fault = signed_text(object, &text, why);

	if (!fault)
		fault = store_document_write(store, document, version, text, why);
	return fault == FAULT_EXISTS ? FAULT_NONE : fault;
}

/* -- documents ------------------------------------------------------------------------------ */

static enum fault import_organisation(struct home *home, const struct parcel *parcel, struct why *why)
{
	struct organisation organisation;
	enum fault fault = organisation_read(parcel->organisation, &home->fingerprint, &organisation, why);

	if (!fault)
		fault = write_document(home->store, STORE_ORGANISATION, organisation.version,
				       parcel->organisation, why);
	return fault ? fault : home_refresh(home, why);
}

static enum fault import_policy(struct home *home, const struct parcel *parcel, struct why *why)
{
	struct policy policy;
	enum fault fault;

	if (!parcel->policy)
		return FAULT_NONE;
	fault = policy_read(parcel->policy, &home->organisation, &policy, why);
	if (!fault)
		fault = write_document(home->store, STORE_POLICY, policy.version, parcel->policy, why);
	return fault ? fault : home_refresh(home, why);
}

/* -- the group ------------------------------------------------------------------------------- */

/* The share that an addition adds to: NULL when there is none. */
static enum fault present_share(struct home *home, const struct stored_group *present,
				struct group_share *share, const struct group_share **ret_present,
				struct why *why)
{
	enum fault fault = master_open_share(home->master, present, share, why);

	*ret_present = fault ? NULL : share;
	return fault == FAULT_MISSING ? FAULT_NONE : fault;
}

static enum fault seal_share(struct home *home, const struct parcel *parcel,
			     const struct group_descriptor *descriptor, const struct stored_group *present,
			     struct stored_group *group, struct why *why)
{
	AUTO(group_share_wipe) struct group_share old = {0};
	AUTO(group_share_wipe) struct group_share share = {0};
	const struct group_share *old_share = NULL;
	enum fault fault = present_share(home, present, &old, &old_share, why);

	if (!fault)
		fault = parcel_open_share(parcel, descriptor, home->identity, old_share, &share, why);
	if (!fault)
		master_seal_share(home->master, &share, group);
	return fault;
}

static enum fault write_group(struct home *home, const struct parcel *parcel,
			      const struct group_descriptor *descriptor, const struct stored_group *present,
			      struct why *why)
{
	AUTO(free) char *text = NULL;
	struct stored_group group = {.id = descriptor->id,
				     .recovery = descriptor->recovery,
				     .version = descriptor->version,
				     .epoch = descriptor->epoch};
	enum fault fault = FAULT_NONE;

	(void)snprintf(group.name, sizeof group.name, "%s", descriptor->name);
	if (!member_id_is_none(&parcel->holder))
		fault = seal_share(home, parcel, descriptor, present, &group, why);
	if (!fault)
		fault = signed_text(parcel->group, &text, why);
	if (fault)
		return fault;
	group.descriptor = (struct bytes){.data = (uint8_t *)text, .size = strlen(text)};
	return store_group_write(home->store, &group, why);
}

static enum fault adopt_in_directory(struct home *home, const struct group_descriptor *descriptor,
				     struct why *why)
{
	if (descriptor->recovery || home->config->directory != CONFIG_BUILTIN)
		return FAULT_NONE;
	return builtin_adopt_group(home->store, &descriptor->id, descriptor->name, why);
}

static enum fault import_group(struct home *home, const struct parcel *parcel, struct why *why)
{
	AUTO(stored_group_done) struct stored_group present = {.descriptor = BYTES_EMPTY};
	struct group_descriptor descriptor;
	enum fault fault;

	if (!parcel->group)
		return FAULT_NONE;
	fault = group_descriptor_read(parcel->group, &home->organisation, &descriptor, why);
	if (fault)
		return fault;
	fault = store_group_find(home->store, &descriptor.id, &present, why);
	if (!fault && present.version >= descriptor.version)
		return FAULT_NONE;
	if (fault && fault != FAULT_MISSING)
		return fault;
	fault = adopt_in_directory(home, &descriptor, why);
	return fault ? fault : write_group(home, parcel, &descriptor, &present, why);
}

enum fault import_parcel(struct home *home, const struct parcel *parcel, struct why *why)
{
	enum fault fault = import_organisation(home, parcel, why);

	if (!fault)
		fault = import_policy(home, parcel, why);
	return fault ? fault : import_group(home, parcel, why);
}
