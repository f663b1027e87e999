#include "ldap/settings.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "ldap/filter.h"
#include "ldap/settings_parts.h"
#include "ldap/tls.h"

/* Every key of the section: name, what it is, where it goes, and for numbers least, most, default. OTHER keys
 * are read by functions of their own. */
#define KEY_LIST(X) \
	X(ldap_uri, OTHER, texts, 0, 0, 0) \
	X(ldap_schema, OTHER, schema, 0, 0, 0) \
	X(ldap_search_base, OTHER, users, 0, 0, 0) \
	X(ldap_user_search_base, OTHER, users, 0, 0, 0) \
	X(ldap_group_search_base, OTHER, groups, 0, 0, 0) \
	X(ldap_user_object_class, OTHER, user_classes, 0, 0, 0) \
	X(ldap_user_name, ATTRIBUTE, user_name, 0, 0, 0) \
	X(ldap_user_uuid, ATTRIBUTE, user_uuid, 0, 0, 0) \
	X(ldap_group_object_class, OTHER, group_classes, 0, 0, 0) \
	X(ldap_group_name, ATTRIBUTE, group_name, 0, 0, 0) \
	X(ldap_group_uuid, ATTRIBUTE, group_uuid, 0, 0, 0) \
	X(ldap_group_member, OTHER, members, 0, 0, 0) \
	X(ldap_group_nesting_level, NUMBER, nesting_level, 0, 100, 10) \
	X(ldap_use_tokengroups, OTHER, use_token_groups, 0, 0, 0) \
	X(ldap_groups_use_matching_rule_in_chain, FLAG, use_chain_rule, 0, 0, 0) \
	X(use_member_of, FLAG, use_member_of, 0, 0, 0) \
	X(use_distribution_groups, FLAG, distribution_groups, 0, 0, 0) \
	X(ldap_page_size, NUMBER, page_size, 1, 100000, 1000) \
	X(ldap_referrals, OTHER, schema, 0, 0, 0) \
	X(ldap_id_use_start_tls, FLAG, start_tls, 0, 0, 0) \
	X(allow_plaintext, FLAG, allow_plaintext, 0, 0, 0) \
	X(ldap_tls_reqcert, OTHER, schema, 0, 0, 0) \
	X(ldap_tls_cacert, FILE, tls_ca, 0, 0, 0) \
	X(ldap_tls_cert, FILE, tls_cert, 0, 0, 0) \
	X(ldap_tls_key, FILE, tls_key, 0, 0, 0) \
	X(ldap_default_bind_dn, OTHER, bind_dn, 0, 0, 0) \
	X(ldap_default_authtok_file, OTHER, password_file, 0, 0, 0) \
	X(ldap_sasl_mech, OTHER, bind_way, 0, 0, 0) \
	X(ldap_krb5_keytab, OTHER, keytab, 0, 0, 0) \
	X(ldap_network_timeout, SECONDS, network_timeout_ms, 1, 60, 3) \
	X(ldap_search_timeout, SECONDS, search_timeout_ms, 1, 60, 3) \
	X(ldap_enumeration_search_timeout, SECONDS, listing_timeout_ms, 1, 3600, 60) \
	X(ldap_connection_expire_timeout, SECONDS, connection_age_ms, 1, 86400, 900) \
	X(ldap_connection_idle_timeout, SECONDS, connection_idle_ms, 1, 86400, 300) \
	X(connections, NUMBER, connections, 1, 64, 8) \
	X(membership_cache, SECONDS, cache_yes_ms, 0, 60, 60) \
	X(denial_cache, SECONDS, cache_no_ms, 0, 10, 0)

enum row_kind { ROW_OTHER, ROW_ATTRIBUTE, ROW_FILE, ROW_NUMBER, ROW_SECONDS, ROW_FLAG };

struct row {
	const char *key;
	enum row_kind kind;
	size_t offset;
	struct ini_range range;
};

static const struct row rows[] = {
#define X(key, kind, field, least, most, otherwise) \
	{#key, ROW_##kind, offsetof(struct ldap_settings, field), {least, most, otherwise}},
	KEY_LIST(X)
#undef X
};

static const char *const keys[] = {
#define X(key, kind, field, least, most, otherwise) #key,
	KEY_LIST(X)
#undef X
};

const struct ini_section ldap_section = {SETTINGS_SECTION, keys, sizeof keys / sizeof *keys};

/* -- schemas ----------------------------------------------------------------------- */

static const char *const schema_words[] = {[SCHEMA_RFC2307] = "rfc2307",
					   [SCHEMA_RFC2307BIS] = "rfc2307bis",
					   [SCHEMA_AD] = "ad",
					   [SCHEMA_IPA] = "ipa"};
#define SCHEMA_COUNT (sizeof schema_words / sizeof *schema_words)

#define PERSON_CLASSES \
	{ \
		"posixAccount", "inetOrgPerson", "account" \
	}

/* What holds where the configuration does not say otherwise. */
static const struct schema {
	const char *user_classes[SETTINGS_LIST_MAX + 1];
	const char *group_classes[SETTINGS_LIST_MAX + 1];
	struct member_attribute members[SETTINGS_LIST_MAX + 1];
	const char *user_name;
	const char *group_name;
	const char *uuid;
} schemas[] = {
	[SCHEMA_RFC2307] =
		{PERSON_CLASSES, {"posixGroup"}, {{"memberUid", MEMBER_NAME}}, "uid", "cn", "entryUUID"},
	[SCHEMA_RFC2307BIS] =
		{PERSON_CLASSES,
		 {"groupOfNames", "groupOfUniqueNames", "posixGroup", "groupOfURLs", "groupOfMembers"},
		 {{"member", MEMBER_DN}, {"uniqueMember", MEMBER_DN_UID}, {"memberUid", MEMBER_NAME}},
		 "uid",
		 "cn",
		 "entryUUID"},
	[SCHEMA_AD] = {{"user"},
		       {"group"},
		       {{"member", MEMBER_DN}},
		       "sAMAccountName",
		       "sAMAccountName",
		       "objectGUID"},
	[SCHEMA_IPA] = {PERSON_CLASSES,
			{"ipaUserGroup", "groupOfNames", "posixGroup"},
			{{"member", MEMBER_DN}},
			"uid",
			"cn",
			"ipaUniqueID"},
};

static void take_schema(struct ldap_settings *settings, const struct schema *schema)
{
	memcpy(settings->user_classes, schema->user_classes, sizeof settings->user_classes);
	memcpy(settings->group_classes, schema->group_classes, sizeof settings->group_classes);
	memcpy(settings->members, schema->members, sizeof settings->members);
	settings->user_name = schema->user_name;
	settings->group_name = schema->group_name;
	settings->user_uuid = settings->group_uuid = schema->uuid;
}

static enum fault read_schema(const struct ini *ini, struct ldap_settings *settings, struct why *why)
{
	size_t choice;
	enum fault fault = ini_choice(ini, SETTINGS_SECTION, "ldap_schema", schema_words, SCHEMA_COUNT,
				      SCHEMA_RFC2307BIS, &choice, why);
	if (fault)
		return fault;
	settings->schema = (enum ldap_schema)choice;
	take_schema(settings, &schemas[choice]);
	return ini_flag(ini, SETTINGS_SECTION, "ldap_use_tokengroups", choice == SCHEMA_AD,
			&settings->use_token_groups, why);
}

/* -- rows -------------------------------------------------------------------------- */

static enum fault no_memory(struct why *why)
{
	return why_set(why, FAULT_MEMORY, "no memory for the settings of the directory");
}

static enum fault read_attribute(const struct ini *ini, const char *key, struct ldap_settings *settings,
				 const char **ret_name, struct why *why)
{
	const char *text = ini_text(ini, SETTINGS_SECTION, key, NULL);

	if (!text)
		return FAULT_NONE;
	if (!filter_is_attribute(text))
		return ini_wrong(ini, SETTINGS_SECTION, key, why, "'%.60s' is no name of an attribute", text);
	*ret_name = settings_keep(settings, strdup(text));
	return *ret_name ? FAULT_NONE : no_memory(why);
}

static enum fault read_file_name(const struct ini *ini, const char *key, const char *folder,
				 struct ldap_settings *settings, const char **ret_path, struct why *why)
{
	const char *text = ini_text(ini, SETTINGS_SECTION, key, NULL);

	if (!text)
		return FAULT_NONE;
	*ret_path = settings_keep(settings, settings_path_new(folder, text));
	return *ret_path ? FAULT_NONE : no_memory(why);
}

static enum fault read_row(const struct ini *ini, const char *folder, const struct row *row,
			   struct ldap_settings *settings, struct why *why)
{
	void *field = (char *)settings + row->offset;
	int64_t number = 0;
	enum fault fault = FAULT_NONE;

	switch (row->kind) {
	case ROW_OTHER:
		return FAULT_NONE;
	case ROW_ATTRIBUTE:
		return read_attribute(ini, row->key, settings, field, why);
	case ROW_FILE:
		return read_file_name(ini, row->key, folder, settings, field, why);
	case ROW_FLAG:
		return ini_flag(ini, SETTINGS_SECTION, row->key, row->range.otherwise, field, why);
	case ROW_NUMBER:
	case ROW_SECONDS:
		fault = ini_number(ini, SETTINGS_SECTION, row->key, row->range, &number, why);
		if (!fault && row->kind == ROW_NUMBER)
			*(unsigned *)field = (unsigned)number;
		else if (!fault)
			*(int64_t *)field = number * MS_PER_SECOND;
	}
	return fault;
}

/* sssd has switches for these; here they can only be set to what holds anyway. */
static enum fault read_fixed(const struct ini *ini, struct why *why)
{
	bool referrals;
	const char *demanded = ini_text(ini, SETTINGS_SECTION, "ldap_tls_reqcert", "demand");
	enum fault fault = ini_flag(ini, SETTINGS_SECTION, "ldap_referrals", false, &referrals, why);

	if (fault)
		return fault;
	if (referrals)
		return ini_wrong(ini, SETTINGS_SECTION, "ldap_referrals", why,
				 "referrals are never followed; "
				 "name every server in ldap_uri");
	if (strcasecmp(demanded, "demand") != 0 && strcasecmp(demanded, "hard") != 0)
		return ini_wrong(ini, SETTINGS_SECTION, "ldap_tls_reqcert", why,
				 "the directory's certificate is always demanded");
	return FAULT_NONE;
}

/* -- membership -------------------------------------------------------------------- */

static enum member_form form_of(const struct ldap_settings *settings, const char *attribute)
{
	if (!strcasecmp(attribute, "uniqueMember"))
		return MEMBER_DN_UID;
	if (!strcasecmp(attribute, "memberUid") || settings->schema == SCHEMA_RFC2307)
		return MEMBER_NAME;
	return MEMBER_DN;
}

static enum fault read_members(const struct ini *ini, struct ldap_settings *settings, struct why *why)
{
	const char *names[SETTINGS_LIST_MAX + 1] = {NULL};
	enum fault fault = settings_read_list(ini, "ldap_group_member", settings, names, why);

	if (fault || !names[0])
		return fault;
	memset(settings->members, 0, sizeof settings->members);
	for (size_t i = 0; names[i]; i++)
		settings->members[i] = (struct member_attribute){names[i], form_of(settings, names[i])};
	return FAULT_NONE;
}

static enum fault check_ways(const struct ini *ini, const struct ldap_settings *settings, struct why *why)
{
	static const char *const of_ad[] = {"ldap_use_tokengroups", "ldap_groups_use_matching_rule_in_chain",
					    "use_distribution_groups"};
	const bool set[] = {settings->use_token_groups, settings->use_chain_rule,
			    settings->distribution_groups};

	for (size_t i = 0; i < 3; i++)
		if (set[i] && settings->schema != SCHEMA_AD)
			return ini_wrong(ini, SETTINGS_SECTION, of_ad[i], why, "this needs ldap_schema = ad");
	return FAULT_NONE;
}

/* -- all --------------------------------------------------------------------------- */

static enum fault read_rows(const struct ini *ini, const char *folder, struct ldap_settings *settings,
			    struct why *why)
{
	enum fault fault = FAULT_NONE;

	for (size_t i = 0; !fault && i < sizeof rows / sizeof *rows; i++)
		fault = read_row(ini, folder, &rows[i], settings, why);
	return fault;
}

/* ldap_search_base stands in for whichever of the other two is not given. */
static enum fault read_bases(const struct ini *ini, struct ldap_settings *settings, struct why *why)
{
	struct ldap_base all = {.dn = NULL};
	bool needed = !ini_has(ini, SETTINGS_SECTION, "ldap_user_search_base") ||
		      !ini_has(ini, SETTINGS_SECTION, "ldap_group_search_base");
	enum fault fault = settings_read_base(ini, "ldap_search_base", needed ? NULL : &all, settings, &all,
					      why);

	if (!fault)
		fault = settings_read_base(ini, "ldap_user_search_base", &all, settings, &settings->users,
					   why);
	if (!fault)
		fault = settings_read_base(ini, "ldap_group_search_base", &all, settings, &settings->groups,
					   why);
	return fault;
}

enum fault settings_read(const struct ini *ini, const char *folder, struct ldap_settings **ret_settings,
			 struct why *why)
{
	AUTO(settings_free) struct ldap_settings *settings = calloc(1, sizeof *settings);
	if (!settings)
		return no_memory(why);

	enum fault fault = read_schema(ini, settings, why);
	if (!fault)
		fault = read_rows(ini, folder, settings, why);
	if (!fault)
		fault = read_fixed(ini, why);
	if (!fault)
		fault = read_bases(ini, settings, why);
	if (!fault)
		fault = settings_read_list(ini, "ldap_user_object_class", settings, settings->user_classes,
					   why);
	if (!fault)
		fault = settings_read_list(ini, "ldap_group_object_class", settings, settings->group_classes,
					   why);
	if (!fault)
		fault = read_members(ini, settings, why);
	if (!fault)
		fault = check_ways(ini, settings, why);
	if (!fault)
		fault = settings_read_bind(ini, folder, settings, why);
	if (!fault)
		fault = settings_read_servers(ini, settings, why);
	if (!fault)
		fault = tls_new(settings->tls_ca, settings->tls_cert, settings->tls_key, &settings->tls, why);
	if (!fault)
		*ret_settings = TAKE(settings);
	return fault;
}

const char *settings_keep(struct ldap_settings *settings, char *text)
{
	if (!text)
		return NULL;
	if (settings->text_count == settings->text_room) {
		size_t room = settings->text_room ? 2 * settings->text_room : 32;
		char **more = reallocarray(settings->texts, room, sizeof *more);
		if (!more) {
			free(text);
			return NULL;
		}
		settings->texts = more;
		settings->text_room = room;
	}
	return settings->texts[settings->text_count++] = text;
}

void settings_free(struct ldap_settings *settings)
{
	if (!settings)
		return;
	for (size_t i = 0; i < settings->text_count; i++)
		free(settings->texts[i]);
	free(settings->texts);
	tls_free(settings->tls);
	free(settings);
}

bool settings_send_plaintext(const struct ldap_settings *settings)
{
	for (size_t i = 0; i < settings->server_count; i++)
		if (settings->servers[i].protection == NOT_PROTECTED)
			return true;
	return false;
}
