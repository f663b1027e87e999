#include "keys/unlock.h"

#include <assert.h>

#include "keys/folder_keys.h"

/* What one server of the group has said. */
struct unlock_server {
	bool has_answered;
	bool is_excluded;
	struct unlock_answer_item *items; /* one a target */
};

struct unlock {
	struct group_descriptor group;
	struct unlock_target *targets;
	struct point *blinded; /* B_j = b_j*R_j */
	size_t count;
	struct secret *blinds; /* b_j */
	struct unlock_server servers[GROUP_SERVERS_MAX]; /* as in the descriptor */
	struct group_challenge challenge; /* over one point: that of target `challenged` */
	size_t challenged;
	bool has_challenge;
};

/* -- targets --------------------------------------------------------------------------------- */

static struct point point_of_wrap(const struct wrap *wrap)
{
	struct point point;

	memcpy(point.bytes, wrap_point(wrap), sizeof point.bytes);
	return point;
}

enum fault unlock_target_of(const struct folder_file *file, const struct member_id *group,
			    struct unlock_target *ret_target, struct why *why)
{
	const struct record *record = file->record;
	const struct record_entry *entry = record_find(record, group);
	if (!entry || entry->kind == MEMBER_USER)
		return why_set(why, FAULT_MISSING, "the group is not on the access list");
	const struct keybox_entry *box = folder_file_find_wrap(file, entry);
	if (!box)
		return why_set(why, FAULT_TAMPERED, "the envelope of the group '%s' is missing", entry->name);
	const struct point point = point_of_wrap(&box->wrap);
	if (group_check_point(&point, why))
		return why_in(why, FAULT_TAMPERED, "the envelope of the group '%s'", entry->name);
	*ret_target = (struct unlock_target){
		.folder = record->folder,
		.generation = box->generation,
		.version = record->version,
		.head = record->digest,
		.wrap = box->wrap,
		.context = {record->folder, box->generation, entry->kind, entry->id},
		.fingerprint = entry->fingerprint,
	};
	memcpy(ret_target->commit, record_newest(record)->commit, KEY_SIZE);
	return FAULT_NONE;
}

static enum fault check_target(const struct group_descriptor *group, const struct unlock_target *target,
			       struct why *why)
{
	const struct fingerprint own = group_fingerprint(&group->organisation, &group->id);
	const enum member_kind kind = group->recovery ? MEMBER_RECOVERY : MEMBER_GROUP;

	if (!member_id_equal(&target->context.member, &group->id) || target->context.kind != kind ||
	    !fingerprint_equal(&target->fingerprint, &own))
		return why_set(why, FAULT_INVALID, "the envelope is not for the group '%s'", group->name);
	return FAULT_NONE;
}

/* -- life ------------------------------------------------------------------------------------ */

void unlock_free(struct unlock *unlock)
{
	if (!unlock)
		return;
	for (size_t i = 0; i < GROUP_SERVERS_MAX; i++)
		free(unlock->servers[i].items);
	free(unlock->targets);
	free(unlock->blinded);
	secret_free(unlock->blinds);
	group_challenge_done(&unlock->challenge);
	free(unlock);
}

static const struct scalar *blind_of(const struct unlock *unlock, size_t index)
{
	return (const struct scalar *)(const void *)secret_bytes(unlock->blinds) + index;
}

static enum fault make_room(struct unlock *unlock, size_t count, struct why *why)
{
	unlock->targets = calloc(count, sizeof *unlock->targets);
	unlock->blinded = calloc(count, sizeof *unlock->blinded);
	if (!unlock->targets || !unlock->blinded)
		return why_set(why, FAULT_MEMORY, "no memory for an unlock");
	unlock->count = count;
	return secret_new(count * sizeof(struct scalar), &unlock->blinds, why);
}

static enum fault blind_all(struct unlock *unlock, struct why *why)
{
	struct scalar *blinds = (struct scalar *)(void *)secret_bytes_to_fill(unlock->blinds);
	enum fault fault = FAULT_NONE;

	for (size_t i = 0; i < unlock->count && !fault; i++) {
		const struct point point = point_of_wrap(&unlock->targets[i].wrap);
		fault = check_target(&unlock->group, &unlock->targets[i], why);
		if (!fault)
			fault = group_blind(&point, &blinds[i], &unlock->blinded[i], why);
	}
	return fault;
}

enum fault unlock_new(const struct group_descriptor *group, const struct unlock_target *targets, size_t count,
		      struct unlock **ret_unlock, struct why *why)
{
	if (count < 1 || count > UNLOCK_ITEMS_MAX)
		return why_set(why, FAULT_INVALID, "an unlock is of 1 to %d folders", UNLOCK_ITEMS_MAX);
	AUTO(unlock_free) struct unlock *unlock = calloc(1, sizeof *unlock);
	if (!unlock)
		return why_set(why, FAULT_MEMORY, "no memory for an unlock");
	unlock->group = *group;
	enum fault fault = make_room(unlock, count, why);
	if (fault)
		return fault;
	memcpy(unlock->targets, targets, count * sizeof *targets);
	fault = blind_all(unlock, why);
	if (!fault)
		*ret_unlock = TAKE(unlock);
	return fault;
}

void unlock_request_of(const struct unlock *unlock, struct unlock_request *ret_request)
{
	memset(ret_request, 0, sizeof *ret_request);
	ret_request->group = unlock->group.id;
	ret_request->epoch = unlock->group.epoch;
	ret_request->item_count = unlock->count;
	for (size_t i = 0; i < unlock->count; i++)
		ret_request->items[i] = (struct unlock_item){
			.folder = unlock->targets[i].folder,
			.generation = unlock->targets[i].generation,
			.version = unlock->targets[i].version,
			.head = unlock->targets[i].head,
			.point = unlock->blinded[i],
		};
}

/* -- answers --------------------------------------------------------------------------------- */

/* NULL: no server of this group. */
static struct unlock_server *find_server(struct unlock *unlock, const struct member_id *id)
{
	for (size_t i = 0; i < unlock->group.server_count; i++)
		if (member_id_equal(&unlock->group.servers[i].id, id))
			return &unlock->servers[i];
	return NULL;
}

static unsigned index_of(const struct unlock *unlock, const struct unlock_server *server)
{
	return unlock->group.servers[server - unlock->servers].index;
}

static bool has_point(const struct unlock_answer_item *item)
{
	return item->status == UNLOCK_OK || item->status == UNLOCK_ROTATE;
}

static enum fault check_answer(const struct unlock *unlock, const struct unlock_answer *answer,
			       struct why *why)
{
	if (!member_id_equal(&answer->group, &unlock->group.id) || answer->epoch != unlock->group.epoch ||
	    answer->item_count != unlock->count)
		return why_set(why, FAULT_REFUSED, "it answers something else than was asked");
	for (size_t i = 0; i < answer->item_count; i++)
		if (has_point(&answer->items[i]) && group_check_point(&answer->items[i].point, why))
			return why_in(why, FAULT_REFUSED, "item %zu of its answer", i + 1);
	return FAULT_NONE;
}

enum fault unlock_take(struct unlock *unlock, const struct member_id *server,
		       const struct unlock_answer *answer, struct why *why)
{
	struct unlock_server *from = find_server(unlock, server);
	if (!from)
		return why_set(why, FAULT_REFUSED, "it is no server of the group '%s'", unlock->group.name);
	enum fault fault = check_answer(unlock, answer, why);
	if (fault)
		return fault;
	if (!from->items)
		from->items = calloc(unlock->count, sizeof *from->items);
	if (!from->items)
		return why_set(why, FAULT_MEMORY, "no memory for an answer");
	memcpy(from->items, answer->items, unlock->count * sizeof *from->items);
	from->has_answered = true;
	return FAULT_NONE;
}

static const struct unlock_answer_item *item_of(const struct unlock *unlock, size_t server, size_t index)
{
	const struct unlock_server *from = &unlock->servers[server];

	assert(index < unlock->count);
	return from->has_answered && !from->is_excluded ? &from->items[index] : NULL;
}

/* How many servers say one of two things about a target. */
static unsigned count_status(const struct unlock *unlock, size_t index, enum unlock_status one,
			     enum unlock_status other)
{
	unsigned count = 0;

	for (size_t i = 0; i < unlock->group.server_count; i++) {
		const struct unlock_answer_item *item = item_of(unlock, i, index);
		if (item && (item->status == one || item->status == other))
			count++;
	}
	return count;
}

bool unlock_is_ready(const struct unlock *unlock, size_t index)
{
	return count_status(unlock, index, UNLOCK_OK, UNLOCK_ROTATE) >= unlock->group.threshold;
}

bool unlock_is_due(const struct unlock *unlock, size_t index)
{
	return count_status(unlock, index, UNLOCK_ROTATE, UNLOCK_ROTATE) > 0;
}

uint64_t unlock_head_version(const struct unlock *unlock, size_t index)
{
	uint64_t highest = 0;

	for (size_t i = 0; i < unlock->group.server_count; i++) {
		const struct unlock_answer_item *item = item_of(unlock, i, index);
		if (item && item->head_version > highest)
			highest = item->head_version;
	}
	return highest;
}

/* -- combining ------------------------------------------------------------------------------- */

static enum fault refuse_unready(const struct unlock *unlock, size_t index, struct why *why)
{
	const unsigned denials = count_status(unlock, index, UNLOCK_DENIED, UNLOCK_DENIED);

	if (denials + unlock->group.threshold > unlock->group.server_count)
		return why_set(why, FAULT_DENIED, "you are not a member of the group '%s'",
			       unlock->group.name);
	if (count_status(unlock, index, UNLOCK_STALE, UNLOCK_STALE) > 0)
		return why_set(why, FAULT_MISSING,
			       "a key server knows version %llu of the access list, this is version %llu",
			       (unsigned long long)unlock_head_version(unlock, index),
			       (unsigned long long)unlock->targets[index].version);
	return why_set(why, FAULT_UNREACHABLE, "%u of the %u key servers that the group '%s' needs answered",
		       count_status(unlock, index, UNLOCK_OK, UNLOCK_ROTATE), unlock->group.threshold,
		       unlock->group.name);
}

/* S = k*R from the first t good answers. */
static enum fault shared_point(const struct unlock *unlock, size_t index, struct point *ret_shared,
			       struct why *why)
{
	struct group_answer answers[GROUP_SERVERS_MAX];
	unsigned found = 0;
	struct point combined;

	for (size_t i = 0; i < unlock->group.server_count && found < unlock->group.threshold; i++) {
		const struct unlock_answer_item *item = item_of(unlock, i, index);
		if (!item || !has_point(item))
			continue;
		answers[found].index = unlock->group.servers[i].index;
		answers[found++].point = item->point;
	}
	enum fault fault = group_combine(answers, unlock->group.threshold, &combined, why);
	if (!fault)
		fault = group_unblind(&combined, blind_of(unlock, index), ret_shared, why);
	return fault;
}

static bool is_committed(const struct unlock_target *target, const struct wiped_key *folder_key)
{
	uint8_t commit[KEY_SIZE];

	folder_key_commit(folder_key->bytes, &target->folder, target->generation, commit);
	return sodium_memcmp(commit, target->commit, sizeof commit) == 0;
}

enum fault unlock_finish(struct unlock *unlock, size_t index, struct wiped_key *ret_folder_key,
			 struct why *why)
{
	AUTO(wiped_key) struct wiped_key shared;
	AUTO(wiped_key) struct wiped_key folder_key;
	const struct unlock_target *target = &unlock->targets[index];

	_Static_assert(sizeof(struct point) == KEY_SIZE, "a shared point is wiped like a key");
	if (!unlock_is_ready(unlock, index))
		return refuse_unready(unlock, index, why);
	enum fault fault = shared_point(unlock, index, (struct point *)(void *)shared.bytes, why);
	if (!fault)
		fault = wrap_open_group(&target->wrap, &target->context, shared.bytes, &folder_key, why);
	if (fault == FAULT_MEMORY)
		return fault;
	if (fault || !is_committed(target, &folder_key))
		return why_set(why, FAULT_REFUSED, "what the key servers answered does not open the folder");
	*ret_folder_key = folder_key;
	return FAULT_NONE;
}

/* -- blame ----------------------------------------------------------------------------------- */

enum fault unlock_blame(struct unlock *unlock, size_t index, struct unlock_request *ret_request,
			struct why *why)
{
	const struct point point = point_of_wrap(&unlock->targets[index].wrap);
	struct group_challenge challenge;
	enum fault fault = group_challenge_new(&point, 1, &challenge, why);
	if (fault)
		return fault;
	group_challenge_done(&unlock->challenge);
	unlock->challenge = challenge;
	unlock->challenged = index;
	unlock->has_challenge = true;
	unlock_request_of(unlock, ret_request);
	ret_request->has_check = true;
	ret_request->check = unlock->challenge.point;
	return FAULT_NONE;
}

/* The same questions have the same answers: k_i does not change within an epoch. */
static bool repeats_itself(const struct unlock *unlock, const struct unlock_server *server,
			   const struct unlock_answer *answer)
{
	const struct unlock_answer_item *before = &server->items[unlock->challenged];
	const struct unlock_answer_item *now = &answer->items[unlock->challenged];

	return memcmp(&before->point, &now->point, sizeof now->point) == 0;
}

enum fault unlock_judge(struct unlock *unlock, const struct member_id *server,
			const struct unlock_answer *answer, bool *ret_honest, struct why *why)
{
	const struct unlock_server *from = find_server(unlock, server);
	if (!unlock->has_challenge || !from || !from->has_answered ||
	    !has_point(&from->items[unlock->challenged]))
		return why_set(why, FAULT_INVALID, "no point of this server is in question");
	const bool is_answer = check_answer(unlock, answer, why) == FAULT_NONE;
	if (is_answer && !has_point(&answer->items[unlock->challenged]))
		return why_set(why, FAULT_DENIED, "the server gives no point for this folder any more");
	if (!is_answer || !answer->has_check || !repeats_itself(unlock, from, answer)) {
		*ret_honest = false;
		return FAULT_NONE;
	}
	struct point public;
	enum fault fault = group_share_public(unlock->group.commitments, unlock->group.threshold,
					      index_of(unlock, from), &public, why);
	if (!fault)
		fault = group_challenge_check(&unlock->challenge, &public, &answer->check,
					      &from->items[unlock->challenged].point,
					      blind_of(unlock, unlock->challenged), ret_honest, why);
	return fault;
}

void unlock_exclude(struct unlock *unlock, const struct member_id *server)
{
	struct unlock_server *liar = find_server(unlock, server);

	if (liar)
		liar->is_excluded = true;
}
