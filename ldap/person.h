/* ldap/person.h - a user's entry: found by name or by id, exactly one.
 *
 * Two entries that fit are AMBIGUOUS, which is "no": nobody gets in as one of two.
 */
#ifndef FSENC_LDAP_PERSON_H
#define FSENC_LDAP_PERSON_H

#include "ldap/conn.h"
#include "ldap/entry.h"
#include "ldap/filter.h"
#include "ldap/sid.h"

#define PERSON_NAMES_MAX 8
#define PERSON_ATTRIBUTES_MAX 16

struct person {
	struct directory_user user;
	char *dn;
	char *names[PERSON_NAMES_MAX]; /* all values of the name, as a posixGroup may list any */
	size_t name_count;
	struct sid sid; /* size 0: none */
	uint32_t primary_group; /* RID in the same domain; 0: none */
	char **member_of; /* DNs, ends with NULL; read where settings->use_member_of */
};

#define PERSON_EMPTY ((struct person){.dn = NULL})

void person_done(struct person *person);
AUTO_VALUE(struct person, person_done);

MUST_CHECK enum directory_reason person_find(struct conn *conn, const char *name, int64_t deadline,
					     struct person *ret_person, struct why *why);
MUST_CHECK enum directory_reason person_find_by_id(struct conn *conn, const struct member_id *id,
						   int64_t deadline, struct person *ret_person,
						   struct why *why);

/* The attributes that person_read() wants to see; end with NULL. */
void person_attributes(const struct ldap_settings *settings,
		       const char *attributes[static PERSON_ATTRIBUTES_MAX]);
/* What the filter of every search for users holds: classes, and what the administrator added. Inside a
 * FILTER_AND. */
void person_filter(const struct ldap_settings *settings, struct filter *filter);
MUST_CHECK enum directory_reason person_read(const struct ldap_settings *settings, const struct entry *entry,
					     struct person *ret_person, struct why *why);

#endif
