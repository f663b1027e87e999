#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "keys/contact_parts.h"

/* -- leases, as others hold them -------------------------------------------------------- */

struct group_lease *group_lease_ref(struct group_lease *lease)
{
	(void)atomic_fetch_add(&lease->references, 1);
	return lease;
}

void group_lease_unref(struct group_lease *lease)
{
	if (lease && atomic_fetch_sub(&lease->references, 1) == 1)
		free(lease);
}

void contact_opened_done(struct contact_opened *opened)
{
	folder_keys_free(opened->keys);
	group_lease_unref(opened->lease);
	*opened = (struct contact_opened){.keys = NULL};
}

/* -- groups ----------------------------------------------------------------------------- */

struct contact_group *group_find(struct contacts *held, const struct member_id *id)
{
	for (struct contact_group *group = held->groups; group; group = group->next)
		if (member_id_equal(&group->id, id))
			return group;
	return NULL;
}

struct contact_group *group_get(struct contacts *held, const struct member_id *id, const char *name)
{
	struct contact_group *group = group_find(held, id);

	if (!group) {
		group = calloc(1, sizeof *group);
		if (!group)
			return NULL;
		group->id = *id;
		group->next = held->groups;
		held->groups = group;
	}
	if (name)
		(void)snprintf(group->name, sizeof group->name, "%s", name);
	return group;
}

bool group_is_warm(const struct contact_group *group, int64_t now_ms)
{
	return group->lease && lease_is_valid(&group->lease->lease, now_ms);
}

bool group_has_zero_lease(const struct contact_group *group)
{
	return group->lease && group->lease->lease.length_ms == 0;
}

static struct group_lease *lease_new(const struct contact_group *group)
{
	struct group_lease *lease = calloc(1, sizeof *lease);
	if (!lease)
		return NULL;
	lease->group = group->id;
	memcpy(lease->name, group->name, sizeof lease->name);
	atomic_init(&lease->references, 1);
	return lease;
}

bool group_grant(struct contacts *held, struct contact_group *group, int64_t sent_ms, uint32_t seconds)
{
	if (!group->lease)
		group->lease = lease_new(group);
	if (!group->lease)
		return false;
	lease_grant(&group->lease->lease, sent_ms, contact_lease_seconds(held, seconds));
	if (held->has_policy)
		lease_extend(&group->lease->lease, held->policy.offline_grace);
	group->refusal = (struct refusal){.fault = FAULT_NONE};
	group->tickets = group_has_zero_lease(group) ? group->waiting : 0;
	group->tickets_until_ms = clock_boot_ms() + TICKET_MS;
	group->waiting = 0;
	return true;
}

/* -- openings --------------------------------------------------------------------------- */

/* The same key opens it, whatever else the access list says by now. */
static bool is_same_key(const struct unlock_target *one, const struct unlock_target *other)
{
	return one->generation == other->generation && memcmp(one->commit, other->commit, KEY_SIZE) == 0;
}

static bool is_same_target(const struct unlock_target *one, const struct unlock_target *other)
{
	return is_same_key(one, other) && one->version == other->version &&
	       digest_equal(&one->head, &other->head) &&
	       memcmp(one->wrap.bytes, other->wrap.bytes, WRAP_SIZE) == 0;
}

static struct contact_opening *find_folder(struct contacts *held, const struct contact_group *group,
					   const struct folder_id *folder)
{
	for (struct contact_opening *opening = held->openings; opening; opening = opening->next)
		if (opening->group == group && folder_id_equal(&opening->target.folder, folder))
			return opening;
	return NULL;
}

struct contact_opening *opening_find(struct contacts *held, const struct contact_group *group,
				     const struct unlock_target *target)
{
	struct contact_opening *opening = find_folder(held, group, &target->folder);

	return opening && is_same_target(&opening->target, target) ? opening : NULL;
}

static void forget_key(struct contact_opening *opening)
{
	secret_free(TAKE(opening->key));
	if (opening->state == OPENING_OPEN)
		opening->state = OPENING_IDLE;
}

/* Whoever shows an old access list after a new one learns nothing by it: what is stale stays so. */
static void take_target(struct contact_opening *opening, const struct unlock_target *target)
{
	if (!is_same_key(&opening->target, target))
		forget_key(opening);
	if (!is_same_target(&opening->target, target))
		opening->refusal = (struct refusal){.fault = FAULT_NONE};
	opening->target = *target;
	if (target->version >= opening->head_version)
		opening->head_version = 0;
}

struct contact_opening *opening_get(struct contacts *held, struct contact_group *group,
				    const struct unlock_target *target)
{
	struct contact_opening *opening = find_folder(held, group, &target->folder);

	if (opening) {
		take_target(opening, target);
		return opening;
	}
	opening = calloc(1, sizeof *opening);
	if (!opening)
		return NULL;
	opening->group = group;
	opening->target = *target;
	opening->next = held->openings;
	held->openings = opening;
	return opening;
}

void group_forget_keys(struct contacts *held, const struct contact_group *group)
{
	for (struct contact_opening *opening = held->openings; opening; opening = opening->next)
		if (opening->group == group)
			forget_key(opening);
}

/* -- refusals --------------------------------------------------------------------------- */

void refuse_for(struct refusal *refusal, enum fault fault, int64_t now_ms, int64_t kept_ms,
		const struct why *why)
{
	*refusal = (struct refusal){.fault = fault, .until_ms = now_ms + kept_ms, .why = *why};
}

bool refusal_holds(const struct refusal *refusal, int64_t now_ms)
{
	return refusal->fault != FAULT_NONE && now_ms < refusal->until_ms;
}

void contacts_forget_refusals(struct contacts *held)
{
	for (struct contact_group *group = held->groups; group; group = group->next)
		group->refusal = (struct refusal){.fault = FAULT_NONE};
	for (struct contact_opening *opening = held->openings; opening; opening = opening->next)
		opening->refusal = (struct refusal){.fault = FAULT_NONE};
	held->liar_count = 0;
	held->no_network_until_ms = 0;
}

void contacts_forget_all(struct contacts *held)
{
	for (struct contact_opening *opening = held->openings, *next; opening; opening = next) {
		next = opening->next;
		secret_free(opening->key);
		free(opening);
	}
	for (struct contact_group *group = held->groups, *next; group; group = next) {
		next = group->next;
		if (group->lease)
			lease_end(&group->lease->lease);
		group_lease_unref(group->lease);
		free(group);
	}
	held->openings = NULL;
	held->groups = NULL;
}

/* -- news ------------------------------------------------------------------------------- */

void contact_news_done(struct contact_news *news)
{
	for (size_t i = 0; i < news->ended_count; i++)
		group_lease_unref(news->ended[i]);
	free(news->ended);
	free(news->due);
	*news = (struct contact_news){.settled = false};
}

/* Without memory for the news the lease ends all the same, and lease_is_valid() tells it to whoever looks. */
void news_end_lease(struct contact_news *news, struct contacts *held, struct contact_group *group)
{
	struct group_lease **ended = reallocarray(news->ended, news->ended_count + 1, sizeof(void *));
	struct group_lease *lease = TAKE(group->lease);

	lease_end(&lease->lease);
	group_forget_keys(held, group);
	if (ended) {
		news->ended = ended;
		news->ended[news->ended_count++] = lease;
	} else {
		group_lease_unref(lease);
	}
}

void news_rotation(struct contact_news *news, const struct member_id *group)
{
	struct member_id *due = reallocarray(news->due, news->due_count + 1, sizeof *due);

	if (!due)
		return; /* it is due at the next answer too */
	news->due = due;
	news->due[news->due_count++] = *group;
}

void news_tell(struct contacts *contacts, const struct contact_news *news)
{
	const struct contacts_listener listener = contacts_hold(contacts)->listener;

	contacts->is_telling = true;
	contacts_let_go(contacts);
	if (listener.lease_ended)
		for (size_t i = 0; i < news->ended_count; i++)
			listener.lease_ended(listener.context, news->ended[i]);
	if (listener.rotation_due)
		for (size_t i = 0; i < news->due_count; i++)
			listener.rotation_due(listener.context, &news->due[i]);
	if (listener.settled && news->settled)
		listener.settled(listener.context);
	contacts_hold(contacts)->is_telling = false;
	(void)pthread_cond_broadcast(&contacts->idle);
	contacts_let_go(contacts);
}
