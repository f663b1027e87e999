#include "server/dealing.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"

void dealing_done(struct dealing *dealing)
{
	signed_free(dealing->signed_descriptor);
	dealing->signed_descriptor = NULL;
}

void dealt_done(struct dealt *dealt)
{
	for (size_t i = 0; i < dealt->count; i++)
		parcel_done(&dealt->parcels[i]);
	dealt->count = 0;
}

enum fault dealing_add_holder(struct dealing *dealing, const struct public_identity *public, unsigned index,
			      struct home *home, struct why *why)
{
	for (size_t i = 0; i < dealing->holder_count; i++)
		if (member_id_equal(&dealing->holders[i].public.id, &public->id))
			return why_set(why, FAULT_EXISTS, "'%s' is named twice", public->name);
	if (dealing->holder_count == GROUP_SERVERS_MAX)
		return why_set(why, FAULT_INVALID, "a group has at most %d holders", GROUP_SERVERS_MAX);
	dealing->holders[dealing->holder_count++] = (struct dealing_holder){
		.public = *public, .index = index, .home = home};
	return FAULT_NONE;
}

/* -- the descriptor --------------------------------------------------------------------------- */

static enum fault sign_descriptor(struct dealing *dealing, const struct group_descriptor *start,
				  const struct point *commitments, struct why *why)
{
	struct group_descriptor *descriptor = &dealing->descriptor;

	*descriptor = *start;
	descriptor->organisation = organisation_id_of(&dealing->home->organisation);
	descriptor->version++;
	descriptor->epoch++;
	descriptor->created = clock_wall_ms() / MS_PER_SECOND;
	descriptor->threshold = dealing->threshold;
	descriptor->server_count = dealing->holder_count;
	for (size_t i = 0; i < dealing->holder_count; i++)
		descriptor->servers[i] = (struct group_server){.id = dealing->holders[i].public.id,
							       .index = dealing->holders[i].index};
	memcpy(descriptor->commitments, commitments, dealing->threshold * sizeof *commitments);
	return group_descriptor_sign(descriptor, dealing->root, &dealing->signed_descriptor, why);
}

/* -- parcels ----------------------------------------------------------------------------------- */

static enum fault add_document(const struct home *home, enum store_document document, const char *type,
			       struct signed_object **ret_object, struct why *why)
{
	AUTO(bytes_done) struct bytes text = BYTES_EMPTY;
	enum fault fault = store_document_read(home->store, document, &text, why);

	return fault ? fault : signed_parse_text((const char *)text.data, text.size, type, ret_object, why);
}

static enum fault add_descriptor(const struct dealing *dealing, struct signed_object **ret_object,
				 struct why *why)
{
	AUTO(free) char *text = NULL;
	enum fault fault = signed_text(dealing->signed_descriptor, &text, why);

	return fault ? fault : signed_parse_text(text, strlen(text), GROUP_TYPE, ret_object, why);
}

static enum fault make_parcel(const struct dealing *dealing, size_t at, const struct group_share *share,
			      bool addition, struct parcel *parcel, struct why *why)
{
	const struct dealing_holder *holder = &dealing->holders[at];
	enum fault fault = add_document(dealing->home, STORE_ORGANISATION, ORGANISATION_TYPE,
					&parcel->organisation, why);

	if (!fault)
		fault = add_document(dealing->home, STORE_POLICY, POLICY_TYPE, &parcel->policy, why);
	if (!fault)
		fault = add_descriptor(dealing, &parcel->group, why);
	if (!fault)
		fault = parcel_seal_share(parcel, &dealing->descriptor, &holder->public, share, addition,
					  why);
	return why_in(why, fault, "'%s'", holder->public.name);
}

/* `shares[i]` is the one of index i + 1. */
static enum fault make_parcels(const struct dealing *dealing, const struct group_share *shares, bool addition,
			       struct dealt *ret_dealt, struct why *why)
{
	struct dealt dealt = {.count = 0};
	enum fault fault = FAULT_NONE;

	for (size_t i = 0; !fault && i < dealing->holder_count; i++) {
		dealt.count++;
		fault = make_parcel(dealing, i, &shares[dealing->holders[i].index - 1], addition,
				    &dealt.parcels[i], why);
	}
	if (fault)
		dealt_done(&dealt);
	else
		*ret_dealt = dealt;
	return fault;
}

enum fault dealing_write_file(const struct dealing *dealing, const struct dealt *dealt, size_t at,
			      char **ret_path, struct why *why)
{
	AUTO(bytes_done) struct bytes text = BYTES_EMPTY;
	AUTO(free) char *path = NULL;
	const char *holder = dealing->holders[at].public.name;
	enum fault fault;

	if (!dealing->parcels)
		return why_set(why, FAULT_USAGE,
			       "'%s' is not on this machine; --parcels DIR says where to write what it gets",
			       holder);
	if (asprintf(&path, "%s/%s.%s.parcel", dealing->parcels, dealing->descriptor.name, holder) < 0) {
		path = NULL;
		return why_set(why, FAULT_MEMORY, "no memory for a path");
	}
	fault = parcel_write(&dealt->parcels[at], &text, why);
	if (!fault)
		fault = bytes_append_text(&text, "\n", why);
	if (!fault)
		fault = file_replace(AT_FDCWD, path, 0600, &text, why);
	if (!fault)
		*ret_path = TAKE(path);
	return fault;
}

/* -- dealing -------------------------------------------------------------------------------------- */

enum fault dealing_fresh(struct dealing *dealing, const struct member_id *id, const char *name, bool recovery,
			 struct dealt *ret_dealt, struct why *why)
{
	AUTO(group_deal_wipe) struct group_deal deal;
	struct group_descriptor start = {.id = *id, .recovery = recovery};
	enum fault fault = group_deal(NULL, dealing->threshold, (unsigned)dealing->holder_count, &deal, why);

	if (fault)
		return fault;
	(void)snprintf(start.name, sizeof start.name, "%s", name);
	fault = sign_descriptor(dealing, &start, deal.commitments, why);
	return fault ? fault : make_parcels(dealing, deal.shares, false, ret_dealt, why);
}

/* Everybody adds a share of zero to his own. */
enum fault dealing_refresh(struct dealing *dealing, const struct group_descriptor *present,
			   struct dealt *ret_dealt, struct why *why)
{
	AUTO(group_deal_wipe) struct group_deal deal;
	const struct scalar zero = {{0}};
	struct point commitments[GROUP_SERVERS_MAX];
	enum fault fault = group_deal(&zero, present->threshold, GROUP_SERVERS_MAX, &deal, why);

	if (fault)
		return fault;
	memcpy(commitments, present->commitments, sizeof commitments);
	fault = group_refresh_commitments(commitments, deal.commitments, present->threshold, why);
	if (!fault)
		fault = sign_descriptor(dealing, present, commitments, why);
	return fault ? fault : make_parcels(dealing, deal.shares, true, ret_dealt, why);
}

/* What the old holders deal: to each new index one share of each, and commitments that add up. */
struct resharing {
	struct group_share dealt[GROUP_SERVERS_MAX]
				[GROUP_SERVERS_MAX]; /* by new index - 1, then by old holder */
	struct point commitments[GROUP_SERVERS_MAX];
	struct group_share shares[GROUP_SERVERS_MAX];
};

static void resharing_free(struct resharing *resharing)
{
	if (!resharing)
		return;
	secret_wipe(resharing, sizeof *resharing);
	free(resharing);
}
AUTO_POINTER(struct resharing *, resharing_free);

static enum fault deal_one(const struct dealing *dealing, const struct group_share *share,
			   const unsigned *indexes, unsigned old_threshold, unsigned at,
			   struct resharing *resharing, struct why *why)
{
	AUTO(group_deal_wipe) struct group_deal deal;
	unsigned count = (unsigned)dealing->holder_count;
	enum fault fault = group_reshare_deal(share, indexes, old_threshold, dealing->threshold, count, &deal,
					      why);

	if (fault)
		return fault;
	for (unsigned i = 0; i < count; i++)
		resharing->dealt[i][at] = deal.shares[i];
	return group_reshare_commitments(resharing->commitments, deal.commitments, dealing->threshold, why);
}

static enum fault reshare(const struct dealing *dealing, const struct group_share *old, unsigned threshold,
			  struct resharing *resharing, struct why *why)
{
	unsigned indexes[GROUP_SERVERS_MAX];
	enum fault fault = FAULT_NONE;

	for (unsigned i = 0; i < threshold; i++)
		indexes[i] = old[i].index;
	for (unsigned i = 0; !fault && i < threshold; i++)
		fault = deal_one(dealing, &old[i], indexes, threshold, i, resharing, why);
	for (size_t i = 0; !fault && i < dealing->holder_count; i++)
		fault = group_reshare_join(resharing->dealt[i], threshold, &resharing->shares[i], why);
	return fault;
}

enum fault dealing_reshare(struct dealing *dealing, const struct group_descriptor *present,
			   const struct group_share *old, size_t old_count, struct dealt *ret_dealt,
			   struct why *why)
{
	AUTO(resharing_free) struct resharing *resharing = NULL;
	enum fault fault;

	if (old_count < present->threshold)
		return why_set(why, FAULT_KEY_MISSING,
			       "%zu of the present servers are named, and it takes %u to deal anew",
			       old_count, present->threshold);
	resharing = calloc(1, sizeof *resharing);
	if (!resharing)
		return why_set(why, FAULT_MEMORY, "no memory for the shares");
	fault = reshare(dealing, old, present->threshold, resharing, why);
	if (!fault && memcmp(&resharing->commitments[0], &present->commitments[0], sizeof(struct point)) != 0)
		fault = why_set(why, FAULT_REFUSED, "the shares are not those of this key");
	if (!fault)
		fault = sign_descriptor(dealing, present, resharing->commitments, why);
	return fault ? fault : make_parcels(dealing, resharing->shares, false, ret_dealt, why);
}
