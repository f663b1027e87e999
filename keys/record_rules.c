/* When a record is accepted: docs/FORMAT.md, section "When a record is accepted". */
#include "base/array.h"
#include "keys/record.h"

/* -- who signed ----------------------------------------------------------------------- */

/* Three things must be one: the fingerprint in the signed header, the fingerprint in the entry
 * of an admin whose id is the `signer`, and the fingerprint of the key that made the
 * signature. The finder is not trusted: what it gives is measured again. */
static enum fault check_signer(const struct record *list, const struct record *record,
			       const struct signed_object *object, record_find_key find_key, void *context,
			       struct why *why)
{
	const struct record_entry *admin = record_find(list, &record->signer);
	const struct fingerprint named = signed_signer(object);

	if (!admin || admin->kind != MEMBER_USER || admin->role != ROLE_ADMIN)
		return why_set(why, FAULT_TAMPERED, "it is signed by somebody who is not an admin");
	if (!fingerprint_equal(&named, &admin->fingerprint))
		return why_set(why, FAULT_TAMPERED,
			       "it is signed with another key than that of the admin '%s'", admin->name);
	const struct public_identity *key = find_key(context, &named);
	if (!key)
		return why_set(why, FAULT_TAMPERED, "the certificate of its signer '%s' is missing",
			       admin->name);
	const struct fingerprint found = public_identity_fingerprint(key);
	if (!fingerprint_equal(&found, &named))
		return why_set(why, FAULT_TAMPERED, "the certificate of its signer '%s' holds another key",
			       admin->name);
	if (signed_verify(object, key->sign_public, why) != FAULT_NONE)
		return why_set(why, FAULT_TAMPERED, "the signature of '%s' is wrong", admin->name);
	return FAULT_NONE;
}

/* `record` must be what was read from `object`, or the signature says nothing about it. */
static bool belongs_to(const struct record *record, const struct signed_object *object)
{
	const struct digest digest = signed_digest(object);

	return digest_equal(&digest, &record->digest);
}

enum fault record_is_first(const struct record *record, const struct signed_object *object,
			   record_find_key find_key, void *context, struct why *why)
{
	if (!belongs_to(record, object))
		return why_set(why, FAULT_TAMPERED, "the record is not the one that is signed");
	if (record->version != 1)
		return why_set(why, FAULT_TAMPERED, "it is version %llu, not the first",
			       (unsigned long long)record->version);
	if (record->generation_count != 1)
		return why_set(why, FAULT_TAMPERED, "version 1 has more than one generation");
	if (record->closed)
		return why_set(why, FAULT_TAMPERED, "version 1 is closed already");
	return check_signer(record, record, object, find_key, context, why);
}

/* -- what may change ------------------------------------------------------------------ */

static bool before_is_open(const struct record *before, const struct record *next)
{
	(void)next;
	return !before->closed;
}

static bool version_is_the_next(const struct record *before, const struct record *next)
{
	return next->version > 1 && next->version - 1 == before->version;
}

static bool names_its_predecessor(const struct record *before, const struct record *next)
{
	return !digest_is_none(&before->digest) && digest_equal(&before->digest, &next->previous);
}

static bool ids_are_kept(const struct record *before, const struct record *next)
{
	return organisation_id_equal(&before->organisation, &next->organisation) &&
	       share_id_equal(&before->share, &next->share) &&
	       folder_id_equal(&before->folder, &next->folder) &&
	       folder_id_equal(&before->parent, &next->parent);
}

static bool form_is_kept(const struct record *before, const struct record *next)
{
	return before->block == next->block && before->names_clear == next->names_clear;
}

static bool same_generation(const struct record_generation *one, const struct record_generation *other)
{
	return one->number == other->number && memcmp(one->commit, other->commit, sizeof one->commit) == 0 &&
	       one->has_previous == other->has_previous &&
	       memcmp(one->previous, other->previous, SEALED_KEY_SIZE) == 0 && one->reason == other->reason;
}

static bool generations_are_kept(const struct record *before, const struct record *next)
{
	if (next->generation_count < before->generation_count)
		return false;
	for (size_t i = 0; i < before->generation_count; i++)
		if (!same_generation(&before->generations[i], &next->generations[i]))
			return false;
	return true;
}

static bool at_most_one_generation_is_new(const struct record *before, const struct record *next)
{
	return next->generation_count - before->generation_count <= 1;
}

static bool marks_never_fall(const struct record *before, const struct record *next)
{
	return next->min_write >= before->min_write && next->min_read >= before->min_read;
}

/* Names move to a newer generation one move at a time, and a move ends by dropping names_from. */
static bool names_move_in_order(const struct record *before, const struct record *next)
{
	if (next->name_generation == before->name_generation)
		return next->names_from == before->names_from || next->names_from == 0;
	return next->name_generation > before->name_generation && before->names_from == 0 &&
	       next->names_from == before->name_generation;
}

/* The same recipient: another key of a known id is another one. */
static bool has_recipient(const struct record *record, const struct record_entry *entry)
{
	const struct record_entry *found = record_find(record, &entry->id);

	return found && found->kind == entry->kind &&
	       fingerprint_equal(&found->fingerprint, &entry->fingerprint);
}

static bool recovery_groups_are_kept(const struct record *before, const struct record *next)
{
	for (size_t i = 0; i < before->entry_count; i++)
		if (before->entries[i].kind == MEMBER_RECOVERY && !has_recipient(next, &before->entries[i]))
			return false;
	return true;
}

static bool somebody_left(const struct record *before, const struct record *next)
{
	for (size_t i = 0; i < before->entry_count; i++)
		if (!has_recipient(next, &before->entries[i]))
			return true;
	return false;
}

/* Our clients never take a member out without a new key; whoever does keeps the door open. */
static bool a_leaver_brings_a_new_key(const struct record *before, const struct record *next)
{
	if (!somebody_left(before, next))
		return true;
	return next->generation_count > before->generation_count && next->min_write == next->generation_count;
}

static const struct {
	bool (*holds)(const struct record *before, const struct record *next);
	const char *otherwise;
} rules[] = {
	{before_is_open, "nothing may follow the closing record of a folder"},
	{version_is_the_next, "its version does not follow the one before"},
	{names_its_predecessor, "it does not name the version before as its predecessor"},
	{ids_are_kept, "it is of another organisation, share, folder or parent"},
	{form_is_kept, "it changes the block size or how names are stored"},
	{generations_are_kept, "it changes or drops a generation of the key"},
	{at_most_one_generation_is_new, "it adds more than one generation of the key"},
	{marks_never_fall, "it lowers min_write or min_read"},
	{names_move_in_order, "it changes the generation of names out of order"},
	{recovery_groups_are_kept, "a recovery group is missing"},
	{a_leaver_brings_a_new_key, "it takes a member out without a new generation of the key"},
};

enum fault record_follows(const struct record *before, const struct record *next,
			  const struct signed_object *object, record_find_key find_key, void *context,
			  struct why *why)
{
	if (!belongs_to(next, object))
		return why_set(why, FAULT_TAMPERED, "the record is not the one that is signed");
	for (size_t i = 0; i < COUNT(rules); i++)
		if (!rules[i].holds(before, next))
			return why_set(why, FAULT_TAMPERED, "%s", rules[i].otherwise);
	return check_signer(before, next, object, find_key, context, why);
}
