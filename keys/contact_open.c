#include "keys/contact_parts.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"

/* -- opening ------------------------------------------------------------------------------- */

/* What all groups of an access list together come to. */
struct verdict {
	const struct contact_opening *open; /* by the group with the highest role */
	enum role role;
	bool is_pending;
	enum fault fault;
	struct why why;
};

/* Which refusal counts where several groups refuse: what must not pass for something harmless comes first,
 * and "cannot know" before "not a member". */
static int weight(enum fault fault)
{
	static const enum fault order[] = {FAULT_LOCKED,      FAULT_DENIED,   FAULT_FAILED,  FAULT_MISSING,
					   FAULT_UNREACHABLE, FAULT_IDENTITY, FAULT_TAMPERED};

	for (size_t i = 0; i < sizeof order / sizeof *order; i++)
		if (order[i] == fault)
			return (int)i;
	return (int)(sizeof order / sizeof *order); /* a failure of ours */
}

static void refuse(struct verdict *verdict, enum fault fault, const struct why *why)
{
	if (weight(fault) <= weight(verdict->fault))
		return;
	verdict->fault = fault;
	verdict->why = *why;
}

static bool is_open(const struct contact_opening *opening, int64_t now_ms)
{
	const struct contact_group *group = opening->group;

	return opening->state == OPENING_OPEN &&
	       (group_is_warm(group, now_ms) || group_has_zero_lease(group));
}

/* The share may lag behind for a minute; then somebody shows an old list. */
static enum fault stale(const struct contact_opening *opening, int64_t now_ms, struct why *why)
{
	bool is_late = now_ms >= opening->stale_since_ms + STALE_MS;

	return why_set(why, is_late ? FAULT_TAMPERED : FAULT_MISSING,
		       "the share shows version %llu of the access list, the key servers know version %llu",
		       (unsigned long long)opening->target.version,
		       (unsigned long long)opening->head_version);
}

/* FAULT_NONE: nothing that is known refuses it. */
static enum fault known_refusal(const struct contact_opening *opening, int64_t now_ms, struct why *why)
{
	const struct refusal *refusals[] = {&opening->group->refusal, &opening->refusal};

	if (opening->head_version > opening->target.version)
		return stale(opening, now_ms, why);
	for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
		if (refusal_holds(refusals[i], now_ms)) {
			*why = refusals[i]->why;
			return refusals[i]->fault;
		}
	return FAULT_NONE;
}

/* Who comes while a contact is under way shares its result. */
static bool may_ask(const struct contacts *held, int64_t now_ms)
{
	return held->is_busy || contact_is_allowed(held, now_ms);
}

static enum fault refuse_now(struct contacts *held, int64_t now_ms, struct why *why)
{
	contact_log_minutes(held, now_ms);
	contact_refusal_words(held, now_ms, why);
	return FAULT_UNREACHABLE;
}

static void await(const struct contacts *held, struct contact_group *group, int64_t now_ms)
{
	if (group->waiting++ == 0)
		group->waiting_since_ms = now_ms;
	contact_wake_thread(held);
}

/* Asks for it, if that is allowed now. */
static enum fault want(struct contacts *held, struct contact_opening *opening, int64_t now_ms,
		       struct why *why)
{
	if (opening->state != OPENING_WANTED && !may_ask(held, now_ms))
		return refuse_now(held, now_ms, why);
	if (opening->state != OPENING_WANTED)
		opening->asked_ms = now_ms;
	opening->state = OPENING_WANTED;
	await(held, opening->group, now_ms);
	return FAULT_PENDING;
}

static enum fault consider(struct contacts *held, const struct folder_file *file,
			   const struct record_entry *entry, const struct contact_opening **ret_open,
			   struct why *why)
{
	int64_t now_ms = clock_boot_ms();
	struct unlock_target target;
	enum fault fault = unlock_target_of(file, &entry->id, &target, why);
	if (fault)
		return fault;
	struct contact_group *group = group_get(held, &entry->id, entry->name);
	struct contact_opening *opening = group ? opening_get(held, group, &target) : NULL;
	if (!opening)
		return why_set(why, FAULT_MEMORY, "no memory to open a folder");
	*ret_open = opening;
	if (is_open(opening, now_ms))
		return FAULT_NONE;
	fault = known_refusal(opening, now_ms, why);
	return fault ? fault : want(held, opening, now_ms, why);
}

/* A group of our organisation; what else is on the list is not ours to ask about. */
static bool is_ours(const struct contacts *held, const struct record_entry *entry)
{
	const struct fingerprint fingerprint = group_fingerprint(&held->organisation, &entry->id);

	return entry->kind == MEMBER_GROUP && fingerprint_equal(&fingerprint, &entry->fingerprint);
}

/* Highest role first, all in one contact: a group that could give no more than what is open is not asked. */
static void consider_role(struct contacts *held, const struct folder_file *file, enum role role,
			  struct verdict *verdict)
{
	for (size_t i = 0; i < file->record->entry_count && !verdict->open; i++) {
		const struct record_entry *entry = &file->record->entries[i];
		const struct contact_opening *open = NULL;
		struct why why = WHY_NONE;
		if (entry->role != role || !is_ours(held, entry))
			continue;
		enum fault fault = consider(held, file, entry, &open, &why);
		if (!fault) {
			verdict->open = open;
			verdict->role = role;
		} else if (fault == FAULT_PENDING) {
			verdict->is_pending = true;
		} else {
			refuse(verdict, fault, &why);
		}
	}
}

static enum fault give_keys(const struct folder_file *file, const struct verdict *verdict,
			    struct contact_opened *ret_opened, struct why *why)
{
	struct folder_keys *keys = NULL;
	enum fault fault = folder_keys_unfold(file->record, secret_bytes(verdict->open->key), &keys, why);
	if (fault)
		return fault;
	*ret_opened = (struct contact_opened){
		.keys = keys,
		.role = verdict->role,
		.lease = group_lease_ref(verdict->open->group->lease),
	};
	return FAULT_NONE;
}

enum fault contacts_open(struct contacts *contacts, const struct folder_file *file,
			 struct contact_opened *ret_opened, struct why *why)
{
	AUTO(contacts_let_go) struct contacts *held = contacts_hold(contacts);
	struct verdict verdict = {.fault = FAULT_LOCKED};
	const char *words = held->service ? "no group of yours is on the access list"
					  : "you are not enrolled with a key server";

	(void)why_set(&verdict.why, FAULT_LOCKED, "%s", words);
	if (held->service && contact_check_version(held, &verdict.why)) {
		verdict.fault = FAULT_DENIED;
	} else if (held->service) {
		contact_look_at_keyring(held);
		for (enum role role = ROLE_ADMIN; role >= ROLE_READER && !verdict.open; role--)
			consider_role(held, file, role, &verdict);
	}
	if (verdict.is_pending)
		return why_set(why, FAULT_PENDING, "the key servers are being asked");
	if (verdict.open)
		return give_keys(file, &verdict, ret_opened, why);
	return why_set(why, verdict.fault, "%s", verdict.why.text);
}

/* -- confirming ---------------------------------------------------------------------------- */

static enum fault refuse_ended(const struct contact_group *group, const struct group_lease *lease,
			       int64_t now_ms, struct why *why)
{
	if (group && refusal_holds(&group->refusal, now_ms))
		return why_set(why, group->refusal.fault, "%s", group->refusal.why.text);
	return why_set(why, FAULT_UNREACHABLE, "the lease of the group '%s' has run out", lease->name);
}

/* Under a lease of zero. */
static enum fault confirm(struct contacts *held, struct contact_group *group, int64_t now_ms, struct why *why)
{
	if (group->tickets > 0 && now_ms < group->tickets_until_ms) {
		group->tickets--;
		return FAULT_NONE;
	}
	if (refusal_holds(&group->refusal, now_ms))
		return why_set(why, group->refusal.fault, "%s", group->refusal.why.text);
	contact_look_at_keyring(held);
	if (!may_ask(held, now_ms))
		return refuse_now(held, now_ms, why);
	await(held, group, now_ms);
	return why_set(why, FAULT_PENDING, "the key servers are being asked");
}

enum fault contacts_confirm(struct contacts *contacts, struct group_lease *lease, struct why *why)
{
	AUTO(contacts_let_go) struct contacts *held = contacts_hold(contacts);
	int64_t now_ms = clock_boot_ms();
	struct contact_group *group = group_find(held, &lease->group);

	if (lease_is_valid(&lease->lease, now_ms))
		return FAULT_NONE;
	enum fault fault = contact_check_version(held, why);
	if (fault)
		return fault;
	if (!group || group->lease != lease || !group_has_zero_lease(group))
		return refuse_ended(group, lease, now_ms, why);
	return confirm(held, group, now_ms, why);
}

/* -- words --------------------------------------------------------------------------------- */

static bool known_words(struct contacts *held, const struct folder_file *file, int64_t now_ms,
			struct why *why)
{
	for (const struct contact_opening *opening = held->openings; opening; opening = opening->next)
		if (folder_id_equal(&opening->target.folder, &file->record->folder) &&
		    record_find(file->record, &opening->group->id) && known_refusal(opening, now_ms, why))
			return true;
	return false;
}

void contacts_words(struct contacts *contacts, const struct folder_file *file,
		    char text[static WHY_TEXT_SIZE])
{
	AUTO(contacts_let_go) struct contacts *held = contacts_hold(contacts);
	int64_t now_ms = clock_boot_ms();
	struct why why = WHY_NONE;

	if (!held->service)
		(void)why_set(&why, FAULT_LOCKED, "you are not enrolled with a key server");
	else if (!contact_check_version(held, &why) && !known_words(held, file, now_ms, &why))
		contact_refusal_words(held, now_ms, &why);
	(void)snprintf(text, WHY_TEXT_SIZE, "%s", why.text);
}
