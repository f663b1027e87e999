#include "ldap/id_set.h"

#include <assert.h>

#include "base/bytes.h"

#define ROOM_AT_FIRST 64

void id_set_done(struct id_set *set)
{
	free(set->slots);
	*set = ID_SET_EMPTY;
}

/* Its own slot, or the free one where it would go. Ids are made by directories, mostly at random; the
 * multiplication spreads those that are counted. */
static size_t slot_of(const struct member_id *slots, size_t room, const struct member_id *id)
{
	uint64_t mixed = (le64_get(id->bytes) ^ le64_get(id->bytes + 8)) * 0x9e3779b97f4a7c15u;
	size_t slot = (size_t)(mixed >> 32) & (room - 1);

	while (!member_id_is_none(&slots[slot]) && !member_id_equal(&slots[slot], id))
		slot = (slot + 1) & (room - 1);
	return slot;
}

static bool grow(struct id_set *set)
{
	size_t room = set->room ? 2 * set->room : ROOM_AT_FIRST;
	struct member_id *slots = calloc(room, sizeof *slots);

	if (!slots)
		return false;
	for (size_t i = 0; i < set->room; i++)
		if (!member_id_is_none(&set->slots[i]))
			slots[slot_of(slots, room, &set->slots[i])] = set->slots[i];
	free(set->slots);
	set->slots = slots;
	set->room = room;
	return true;
}

bool id_set_has(const struct id_set *set, const struct member_id *id)
{
	return set->room && member_id_equal(&set->slots[slot_of(set->slots, set->room, id)], id);
}

bool id_set_add(struct id_set *set, const struct member_id *id, bool *ret_new)
{
	assert(!member_id_is_none(id));
	if (2 * set->count >= set->room && !grow(set))
		return false;
	size_t slot = slot_of(set->slots, set->room, id);
	*ret_new = member_id_is_none(&set->slots[slot]);
	set->slots[slot] = *id;
	set->count += *ret_new;
	return true;
}
