#include "server/builtin_rows.h"

#include "keys/kdf.h"

static const struct column columns[] = {
	{COLUMN_SMALL, COLUMN_AT(struct builtin_member, kind), .least = BUILTIN_USER, .most = BUILTIN_GROUP},
	{COLUMN_EXACT, COLUMN_AT(struct builtin_member, id)},
	{COLUMN_NAME, COLUMN_AT(struct builtin_member, name)},
	{COLUMN_SMALL, COLUMN_AT(struct builtin_member, enabled), .most = 1},
};
#define USER_SELECT "SELECT 1, u.id, u.name, u.enabled FROM directory_users u "
#define GROUP_SELECT "SELECT 2, g.id, g.name, 1 FROM directory_groups g "

/* -- looking ------------------------------------------------------------------------------ */

static enum fault first(struct store *store, const struct query *wanted, struct builtin_member *ret_member,
			struct why *why)
{
	struct builtin_member member;
	struct query query = *wanted;
	enum fault fault;

	query.columns = columns;
	query.column_count = sizeof columns / sizeof *columns;
	query.into = &member;
	fault = rows_first(store, &query, why);
	if (!fault)
		*ret_member = member;
	return fault;
}

static enum fault named(const char *what, const char *name, enum fault fault, struct why *why)
{
	return fault == FAULT_MISSING ? why_set(why, fault, "there is no %s '%s'", what, name) : fault;
}

static enum fault of_id(const char *what, const struct member_id *id, enum fault fault, struct why *why)
{
	char text[ID_TEXT_SIZE];

	member_id_text(id, text);
	return fault == FAULT_MISSING ? why_set(why, fault, "there is no %s with the id %s", what, text)
				      : fault;
}

enum fault builtin_user_named(struct store *store, const char *name, struct builtin_member *ret_user,
			      struct why *why)
{
	const struct query query = {.sql = USER_SELECT "WHERE u.name = ?", VALUES(VALUE_TEXT(name))};

	return named("user", name, first(store, &query, ret_user, why), why);
}

enum fault builtin_user_of(struct store *store, const struct member_id *id, struct builtin_member *ret_user,
			   struct why *why)
{
	const struct query query = {.sql = USER_SELECT "WHERE u.id = ?", VALUES(VALUE_ID(id))};

	return of_id("user", id, first(store, &query, ret_user, why), why);
}

enum fault builtin_group_named(struct store *store, const char *name, struct builtin_member *ret_group,
			       struct why *why)
{
	const struct query query = {.sql = GROUP_SELECT "WHERE g.name = ?", VALUES(VALUE_TEXT(name))};

	return named("group", name, first(store, &query, ret_group, why), why);
}

enum fault builtin_group_of(struct store *store, const struct member_id *id, struct builtin_member *ret_group,
			    struct why *why)
{
	const struct query query = {.sql = GROUP_SELECT "WHERE g.id = ?", VALUES(VALUE_ID(id))};

	return of_id("group", id, first(store, &query, ret_group, why), why);
}

enum fault builtin_find_group(struct store *store, const char *name, struct builtin_member *ret_group,
			      struct why *why)
{
	return builtin_group_named(store, name, ret_group, why);
}

enum fault builtin_find_member(struct store *store, const char *name, struct builtin_member *ret_member,
			       struct why *why)
{
	enum fault fault = builtin_user_named(store, name, ret_member, why);

	if (fault == FAULT_MISSING)
		fault = builtin_group_named(store, name, ret_member, why);
	return named("user or group", name, fault, why);
}

struct id_walk {
	struct member_id id;
	builtin_each_id *each;
	void *context;
};

static enum fault next_id(void *context, struct why *why)
{
	struct id_walk *walk = context;

	return walk->each(walk->context, &walk->id, why);
}

enum fault builtin_groups_of(struct store *store, const struct member_id *member, builtin_each_id *each,
			     void *context, struct why *why)
{
	static const struct column id_columns[] = {{COLUMN_EXACT, COLUMN_AT(struct id_walk, id)}};
	struct id_walk walk = {.each = each, .context = context};
	const struct query query = {.sql = "SELECT group_id FROM memberships WHERE member = ?",
				    VALUES(VALUE_ID(member)),
				    COLUMNS(id_columns),
				    .into = &walk};

	return rows_each(store, &query, next_id, &walk, why);
}

enum fault builtin_is_direct(struct store *store, const struct member_id *member,
			     const struct member_id *group, bool *ret_is, struct why *why)
{
	const struct query query = {
		.sql = "SELECT count(*) FROM memberships WHERE member = ? AND group_id = ?",
		VALUES(VALUE_ID(member), VALUE_ID(group))};
	int64_t count = 0;
	enum fault fault = rows_number(store, &query, 0, &count, why);

	if (!fault)
		*ret_is = count > 0;
	return fault;
}

struct member_walk {
	struct builtin_member member;
	builtin_each *each;
	void *context;
};

static enum fault next_member(void *context, struct why *why)
{
	struct member_walk *walk = context;

	return walk->each(walk->context, &walk->member, why);
}

static enum fault walk_rows(struct store *store, const struct query *wanted, builtin_each *each,
			    void *context, struct why *why)
{
	struct member_walk walk = {.each = each, .context = context};
	struct query query = *wanted;

	query.columns = columns;
	query.column_count = sizeof columns / sizeof *columns;
	query.into = &walk.member;
	return rows_each(store, &query, next_member, &walk, why);
}

enum fault builtin_members_of(struct store *store, const struct member_id *group, enum builtin_kind kind,
			      builtin_each *each, void *context, struct why *why)
{
	const struct query users = {.sql = USER_SELECT "JOIN memberships m ON m.member = u.id"
						       " WHERE m.group_id = ? AND m.kind = 1 ORDER BY u.name",
				    VALUES(VALUE_ID(group))};
	const struct query groups = {.sql = GROUP_SELECT
				     "JOIN memberships m ON m.member = g.id"
				     " WHERE m.group_id = ? AND m.kind = 2 ORDER BY g.name",
				     VALUES(VALUE_ID(group))};

	return walk_rows(store, kind == BUILTIN_USER ? &users : &groups, each, context, why);
}

enum fault builtin_members(struct store *store, const struct member_id *group, builtin_each *each,
			   void *context, struct why *why)
{
	enum fault fault = builtin_members_of(store, group, BUILTIN_GROUP, each, context, why);

	return fault ? fault : builtin_members_of(store, group, BUILTIN_USER, each, context, why);
}

enum fault builtin_users(struct store *store, builtin_each *each, void *context, struct why *why)
{
	const struct query query = {.sql = USER_SELECT "ORDER BY u.name"};

	return walk_rows(store, &query, each, context, why);
}

enum fault builtin_count(struct store *store, enum builtin_kind kind, uint64_t *ret_count, struct why *why)
{
	static const struct query users = {.sql = "SELECT count(*) FROM directory_users"};
	static const struct query groups = {.sql = "SELECT count(*) FROM directory_groups"};
	int64_t count = 0;
	enum fault fault = rows_number(store, kind == BUILTIN_USER ? &users : &groups, 0, &count, why);

	if (!fault)
		*ret_count = (uint64_t)count;
	return fault;
}

/* -- changes ------------------------------------------------------------------------------ */

struct naming {
	const struct organisation_id *organisation;
	enum builtin_kind kind;
	const char *name;
	struct member_id *ret_id;
};

/* hash("builtin-id", organisation || kind || le32 n || name), n how often the name was given. */
static enum fault next_id_of(struct store *store, const struct naming *naming, struct member_id *ret_id,
			     struct why *why)
{
	const struct query count = {
		.sql = "INSERT INTO names_given (kind, name, count) VALUES (?, ?, 1) ON CONFLICT (kind, name)"
		       " DO UPDATE SET count = names_given.count + 1",
		VALUES(VALUE_INTEGER(naming->kind), VALUE_TEXT(naming->name))};
	const struct query read = {.sql = "SELECT count FROM names_given WHERE kind = ? AND name = ?",
				   VALUES(VALUE_INTEGER(naming->kind), VALUE_TEXT(naming->name))};
	uint8_t hashed[ID_SIZE + 1 + 4 + DISPLAY_NAME_MAX];
	size_t length = strlen(naming->name);
	struct digest hash;
	int64_t given = 0;
	enum fault fault = rows_change(store, &count, NULL, why);

	if (!fault)
		fault = rows_number(store, &read, 0, &given, why);
	if (fault)
		return fault;
	memcpy(hashed, naming->organisation->bytes, ID_SIZE);
	hashed[ID_SIZE] = (uint8_t)naming->kind;
	le32_put(hashed + ID_SIZE + 1, (uint32_t)given);
	memcpy(hashed + ID_SIZE + 1 + 4, naming->name, length);
	hash = kdf_hash(KDF_HASH_BUILTIN_ID, hashed, ID_SIZE + 1 + 4 + length);
	memcpy(ret_id->bytes, hash.bytes, ID_SIZE);
	return FAULT_NONE;
}

static enum fault insert(struct store *store, const struct naming *naming, const struct member_id *id,
			 struct why *why)
{
	const struct query user = {.sql = "INSERT INTO directory_users (id, name, enabled) VALUES (?, ?, 1)",
				   VALUES(VALUE_ID(id), VALUE_TEXT(naming->name))};
	const struct query group = {.sql = "INSERT INTO directory_groups (id, name) VALUES (?, ?)",
				    VALUES(VALUE_ID(id), VALUE_TEXT(naming->name))};
	enum fault fault = rows_change_seen(store, naming->kind == BUILTIN_USER ? &user : &group, NULL, why);

	if (fault == FAULT_EXISTS)
		return why_set(why, fault, "there is a %s '%s' already",
			       naming->kind == BUILTIN_USER ? "user" : "group", naming->name);
	return fault;
}

static enum fault add(struct store *store, const void *context, struct why *why)
{
	const struct naming *naming = context;
	struct member_id id;
	enum fault fault = next_id_of(store, naming, &id, why);

	if (!fault)
		fault = insert(store, naming, &id, why);
	if (!fault)
		*naming->ret_id = id;
	return fault;
}

static enum fault add_named(struct store *store, struct naming naming, struct why *why)
{
	enum fault fault = identity_check_name(naming.name, why);

	if (fault)
		return why_in(why, fault, "'%s'", naming.name);
	return rows_together(store, add, &naming, why);
}

enum fault builtin_add_user(struct store *store, const struct organisation_id *organisation, const char *name,
			    struct member_id *ret_id, struct why *why)
{
	return add_named(store, (struct naming){organisation, BUILTIN_USER, name, ret_id}, why);
}

enum fault builtin_add_group(struct store *store, const struct organisation_id *organisation,
			     const char *name, struct member_id *ret_id, struct why *why)
{
	return add_named(store, (struct naming){organisation, BUILTIN_GROUP, name, ret_id}, why);
}

enum fault builtin_adopt_group(struct store *store, const struct member_id *id, const char *name,
			       struct why *why)
{
	const struct query query = {.sql = "SELECT count(*) FROM directory_groups WHERE id = ? AND name = ?",
				    VALUES(VALUE_ID(id), VALUE_TEXT(name))};
	const struct naming naming = {.kind = BUILTIN_GROUP, .name = name};
	int64_t count = 0;
	enum fault fault = rows_number(store, &query, 0, &count, why);

	return fault || count ? fault : insert(store, &naming, id, why);
}

static enum fault remove_group(struct store *store, const void *context, struct why *why)
{
	const struct member_id *id = context;
	const struct query memberships = {.sql = "DELETE FROM memberships WHERE group_id = ? OR member = ?",
					  VALUES(VALUE_ID(id), VALUE_ID(id))};
	const struct query group = {.sql = "DELETE FROM directory_groups WHERE id = ?", VALUES(VALUE_ID(id))};
	uint64_t changed = 0;
	enum fault fault = rows_change(store, &memberships, NULL, why);

	if (!fault)
		fault = rows_change_seen(store, &group, &changed, why);
	return of_id("group", id, !fault && !changed ? FAULT_MISSING : fault, why);
}

enum fault builtin_remove_group(struct store *store, const struct member_id *id, struct why *why)
{
	return rows_together(store, remove_group, id, why);
}

enum fault builtin_enable_user(struct store *store, const struct member_id *user, bool enabled,
			       struct why *why)
{
	const struct query query = {.sql = "UPDATE directory_users SET enabled = ? WHERE id = ?",
				    VALUES(VALUE_INTEGER(enabled), VALUE_ID(user))};
	uint64_t changed;
	enum fault fault = rows_change_seen(store, &query, &changed, why);

	return of_id("user", user, !fault && !changed ? FAULT_MISSING : fault, why);
}

enum fault builtin_add_member(struct store *store, const struct member_id *group,
			      const struct builtin_member *member, struct why *why)
{
	const struct query query = {
		.sql = "INSERT INTO memberships (member, group_id, kind) VALUES (?, ?, ?)",
		VALUES(VALUE_ID(&member->id), VALUE_ID(group), VALUE_INTEGER(member->kind))};
	enum fault fault;

	if (member_id_equal(&member->id, group))
		return why_set(why, FAULT_INVALID, "a group is no member of itself");
	fault = rows_change_seen(store, &query, NULL, why);
	if (fault == FAULT_EXISTS)
		return why_set(why, fault, "'%s' is a member already", member->name);
	return fault;
}

enum fault builtin_remove_member(struct store *store, const struct member_id *group,
				 const struct member_id *member, struct why *why)
{
	const struct query query = {.sql = "DELETE FROM memberships WHERE member = ? AND group_id = ?",
				    VALUES(VALUE_ID(member), VALUE_ID(group))};
	uint64_t changed;
	enum fault fault = rows_change_seen(store, &query, &changed, why);

	if (!fault && !changed)
		return why_set(why, FAULT_MISSING, "that is no member of the group");
	return fault;
}
