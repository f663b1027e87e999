#include "ldap/person.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "ldap/account.h"
#include "ldap/search.h"
#include "ldap/uuid.h"

void person_done(struct person *person)
{
	free(person->dn);
	for (size_t i = 0; i < person->name_count; i++)
		free(person->names[i]);
	for (size_t i = 0; person->member_of && person->member_of[i]; i++)
		free(person->member_of[i]);
	free(person->member_of);
	*person = PERSON_EMPTY;
}

/* -- reading ----------------------------------------------------------------------- */

void person_attributes(const struct ldap_settings *settings,
		       const char *attributes[static PERSON_ATTRIBUTES_MAX])
{
	static const char *const always[] = {"objectClass", ACCOUNT_ATTRIBUTES};
	size_t count = sizeof always / sizeof *always;

	memcpy(attributes, always, sizeof always);
	attributes[count++] = settings->user_name;
	attributes[count++] = settings->user_uuid;
	if (settings->schema == SCHEMA_AD) {
		attributes[count++] = "objectSid";
		attributes[count++] = "primaryGroupID";
	}
	if (settings->use_member_of)
		attributes[count++] = "memberOf";
	attributes[count] = NULL;
}

static enum directory_reason hidden(const struct entry *entry, const char *attribute, struct why *why)
{
	return reason_set(
		why, DIRECTORY_REASON_REFUSED,
		"'%.200s' shows no %s that can be used: may the account that fsenc-server binds as read it?",
		entry->dn, attribute);
}

static enum directory_reason read_names(const struct ldap_settings *settings, const struct entry *entry,
					struct person *person, struct why *why)
{
	const struct entry_attribute *names = entry_find(entry, settings->user_name);

	for (size_t i = 0; names && i < names->count && person->name_count < PERSON_NAMES_MAX; i++) {
		const struct berval *value = &names->values[i];
		if (value->bv_len == 0 || value->bv_len > DIRECTORY_NAME_MAX ||
		    memchr(value->bv_val, 0, value->bv_len))
			continue;
		person->names[person->name_count] = strndup(value->bv_val, value->bv_len);
		if (!person->names[person->name_count++])
			return reason_no_memory(why);
	}
	if (!person->name_count)
		return hidden(entry, settings->user_name, why);
	strcpy(person->user.name, person->names[0]);
	return DIRECTORY_REASON_NONE;
}

static enum directory_reason read_sid(const struct entry *entry, struct person *person, struct why *why)
{
	const struct entry_attribute *sid = entry_find(entry, "objectSid");
	int64_t primary = 0;
	enum directory_reason reason = entry_number(entry, "primaryGroupID", 0, &primary, why);

	if (reason)
		return reason;
	if (primary < 0 || primary > UINT32_MAX ||
	    (sid && !sid_from_value(sid->values[0].bv_val, sid->values[0].bv_len, &person->sid)))
		return reason_set(why, DIRECTORY_REASON_MALFORMED,
				  "objectSid or primaryGroupID of '%.200s' is none", entry->dn);
	person->primary_group = (uint32_t)primary;
	return reason;
}

static enum directory_reason read_member_of(const struct entry *entry, struct person *person, struct why *why)
{
	const struct entry_attribute *groups = entry_find(entry, "memberOf");
	size_t count = groups ? groups->count : 0;

	person->member_of = calloc(count + 1, sizeof *person->member_of);
	if (!person->member_of)
		return reason_no_memory(why);
	for (size_t i = 0; i < count; i++) {
		person->member_of[i] = strndup(groups->values[i].bv_val, groups->values[i].bv_len);
		if (!person->member_of[i])
			return reason_no_memory(why);
	}
	return DIRECTORY_REASON_NONE;
}

static enum directory_reason read_all(const struct ldap_settings *settings, const struct entry *entry,
				      struct person *person, struct why *why)
{
	enum directory_reason off = DIRECTORY_REASON_NONE;

	person->dn = strdup(entry->dn);
	if (!person->dn)
		return reason_no_memory(why);
	(void)snprintf(person->user.place, sizeof person->user.place, "%s", entry->dn);
	if (!entry_id(entry, settings->user_uuid, &person->user.id))
		return hidden(entry, settings->user_uuid, why);
	enum directory_reason reason = read_names(settings, entry, person, why);
	if (!reason)
		reason = account_read(entry, clock_wall_ms(), &off, why);
	if (!reason && settings->schema == SCHEMA_AD)
		reason = read_sid(entry, person, why);
	if (!reason && settings->use_member_of)
		reason = read_member_of(entry, person, why);
	person->user.off = off;
	person->user.enabled = !off;
	return reason;
}

enum directory_reason person_read(const struct ldap_settings *settings, const struct entry *entry,
				  struct person *ret_person, struct why *why)
{
	AUTO(person_done) struct person person = PERSON_EMPTY;
	enum directory_reason reason = read_all(settings, entry, &person, why);

	if (!reason) {
		*ret_person = person;
		person = PERSON_EMPTY;
	}
	return reason;
}

/* -- finding ----------------------------------------------------------------------- */

void person_filter(const struct ldap_settings *settings, struct filter *filter)
{
	filter_open(filter, FILTER_OR);
	for (size_t i = 0; settings->user_classes[i]; i++)
		filter_equal_text(filter, "objectClass", settings->user_classes[i]);
	filter_close(filter);
	/* Active Directory makes every computer a user. */
	if (settings->schema == SCHEMA_AD) {
		filter_open(filter, FILTER_NOT);
		filter_equal_text(filter, "objectClass", "computer");
		filter_close(filter);
	}
	filter_add(filter, settings->users.filter);
}

struct finding {
	const struct ldap_settings *settings;
	struct person *person;
	size_t count;
};

static enum directory_reason take(void *context, const struct entry *entry, struct why *why)
{
	struct finding *finding = context;

	if (finding->count++ == 0)
		return person_read(finding->settings, entry, finding->person, why);
	return reason_set(why, DIRECTORY_REASON_AMBIGUOUS, "two entries: '%.150s' and '%.150s'",
			  finding->person->dn, entry->dn);
}

static enum directory_reason find(struct conn *conn, const void *value, size_t size, const char *attribute,
				  int64_t deadline, struct person *person, struct why *why)
{
	const struct ldap_settings *settings = conn_settings(conn);
	AUTO(filter_done) struct filter filter = FILTER_EMPTY;
	const char *attributes[PERSON_ATTRIBUTES_MAX];
	struct finding finding = {.settings = settings, .person = person};

	person_attributes(settings, attributes);
	filter_open(&filter, FILTER_AND);
	person_filter(settings, &filter);
	filter_equal(&filter, attribute, value, size);
	filter_close(&filter);
	const struct search search = {.base = settings->users.dn,
				      .scope = settings->users.scope,
				      .filter = filter_text(&filter),
				      .attributes = attributes};
	enum directory_reason reason = search_run(conn, &search, deadline, take, &finding, why);
	if (!reason && finding.count == 0)
		return reason_set(why, DIRECTORY_REASON_NO_USER, "there is no such user under '%.200s'",
				  settings->users.dn);
	return reason;
}

/* Of several names, the one that was asked for. */
static void prefer_name(struct person *person, const char *name)
{
	for (size_t i = 0; i < person->name_count; i++)
		if (!strcasecmp(person->names[i], name))
			strcpy(person->user.name, person->names[i]);
}

enum directory_reason person_find(struct conn *conn, const char *name, int64_t deadline,
				  struct person *ret_person, struct why *why)
{
	AUTO(person_done) struct person person = PERSON_EMPTY;
	enum directory_reason reason = find(conn, name, strlen(name), conn_settings(conn)->user_name,
					    deadline, &person, why);

	if (reason)
		return reason_in(why, reason, "user '%.100s'", name);
	prefer_name(&person, name);
	*ret_person = person;
	person = PERSON_EMPTY;
	return reason;
}

enum directory_reason person_find_by_id(struct conn *conn, const struct member_id *id, int64_t deadline,
					struct person *ret_person, struct why *why)
{
	AUTO(person_done) struct person person = PERSON_EMPTY;
	const char *attribute = conn_settings(conn)->user_uuid;
	char value[UUID_TEXT_SIZE];
	size_t size = uuid_to_value(uuid_form_of(attribute), id, value);
	enum directory_reason reason = find(conn, value, size, attribute, deadline, &person, why);

	if (reason)
		return reason;
	*ret_person = person;
	person = PERSON_EMPTY;
	return reason;
}
