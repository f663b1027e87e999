/* tests/ldap/look.h - a directory opened from lines of configuration, and the questions the tests put to it
 * by name.
 *
 *     AUTO(directory_close) struct directory *directory = look_at(slapd->uri, LOOK_PLAIN "ldap_schema =
 * rfc2307\n"); assert_member(directory, "alice", "finance");
 *
 * Ids are looked up anew each time, so each answer is one of the directory's present state.
 */
#ifndef FSENC_TESTS_LDAP_LOOK_H
#define FSENC_TESTS_LDAP_LOOK_H

#include <stdarg.h>
#include <string.h>

#include "base/clock.h"
#include "ldap/directory_ldap.h"
#include "tests/ldap/slapd.h"
#include "tests/lib/unit.h"

#define LOOK_PATIENCE_MS 20000 /* where time is not the point */
#define LOOK_BASE "ldap_search_base = " SLAPD_SUFFIX "\nldap_search_timeout = 20\nldap_network_timeout = 20\n"
#define LOOK_PLAIN LOOK_BASE "allow_plaintext = true\n"
#define LOOK_UNCACHED "membership_cache = 0\n"

static inline enum fault look_try(const char *uris, const char *lines, struct directory **ret_directory,
				  struct why *why)
{
	const struct ini_section *known[] = {&ldap_section};
	AUTO(ini_free) struct ini *ini = NULL;
	AUTO(free) char *text = NULL;

	assert_true(asprintf(&text, "[ldap]\nldap_uri = %s\n%s", uris, lines) > 0);
	enum fault fault = ini_parse("test.conf", text, strlen(text), known, 1, &ini, why);
	return fault ? fault : directory_ldap_open(ini, "/", ret_directory, why);
}

static inline struct directory *look_at(const char *uris, const char *lines)
{
	struct directory *directory = NULL;
	struct why why = WHY_NONE;

	assert_works(look_try(uris, lines, &directory, &why));
	return directory;
}

static inline int64_t look_patiently(void)
{
	return clock_boot_ms() + LOOK_PATIENCE_MS;
}

#define assert_answer(expected, call) \
	do { \
		enum directory_answer answer_ = (call); \
		if (answer_ != (expected)) \
			fail_msg("%s: %s, not %s: %s", #call, directory_answer_word(answer_), \
				 directory_answer_word(expected), why.text); \
	} while (0)

static inline struct member_id look_user(struct directory *directory, const char *name)
{
	struct directory_user user;
	struct why why = WHY_NONE;

	assert_answer(DIRECTORY_YES, directory_find_user(directory, name, look_patiently(), &user, &why));
	return user.id;
}

static inline struct member_id look_group(struct directory *directory, const char *words)
{
	struct directory_group group;
	struct why why = WHY_NONE;

	assert_answer(DIRECTORY_YES, directory_find_group(directory, words, look_patiently(), &group, &why));
	return group.id;
}

struct look {
	enum directory_answer answer;
	struct directory_proof proof;
	struct why why;
};

static inline struct look look_member(struct directory *directory, const char *user, const char *group)
{
	const struct member_id user_id = look_user(directory, user);
	const struct member_id group_id = look_group(directory, group);
	struct look look = {.why = WHY_NONE};

	look.answer = directory_is_member(directory, &user_id, &group_id, look_patiently(), &look.proof,
					  &look.why);
	return look;
}

#define assert_membership(expected, directory, user, group) \
	do { \
		struct look look_ = look_member(directory, user, group); \
		if (look_.answer != (expected)) \
			fail_msg("is %s in %s? %s, not %s: %s", user, group, \
				 directory_answer_word(look_.answer), directory_answer_word(expected), \
				 look_.why.text); \
	} while (0)
#define assert_member(directory, user, group) assert_membership(DIRECTORY_YES, directory, user, group)
#define assert_no_member(directory, user, group) assert_membership(DIRECTORY_NO, directory, user, group)
#define assert_unknown(directory, user, group) assert_membership(DIRECTORY_UNKNOWN, directory, user, group)

/* The names of directory_members(), in the order told, each with a comma behind. */
struct look_list {
	char names[4096];
	char paths[8192];
	size_t count;
};

static inline enum fault look_take(void *context, const struct directory_member *member, struct why *why)
{
	struct look_list *list = context;

	(void)why;
	list->count++;
	(void)strncat(list->names, member->user->name, sizeof list->names - strlen(list->names) - 1);
	(void)strncat(list->names, ",", sizeof list->names - strlen(list->names) - 1);
	(void)strncat(list->paths, member->path, sizeof list->paths - strlen(list->paths) - 1);
	(void)strncat(list->paths, ";", sizeof list->paths - strlen(list->paths) - 1);
	return FAULT_NONE;
}

static inline enum directory_answer look_list(struct directory *directory, const char *group,
					      struct look_list *list, struct why *why)
{
	const struct member_id id = look_group(directory, group);

	memset(list, 0, sizeof *list);
	return directory_members(directory, &id, look_patiently(), look_take, list, why);
}

/* An inetOrgPerson, and a group of names. */
#define LOOK_PERSON(name) \
	"dn: uid=" name "," SLAPD_PEOPLE "\nobjectClass: inetOrgPerson\nuid: " name "\ncn: " name \
	"\nsn: " name "\nuserPassword: password of " name "\n\n"
#define LOOK_GROUP(name, members) \
	"dn: cn=" name "," SLAPD_GROUPS "\nobjectClass: groupOfNames\ncn: " name "\n" members "\n"
#define LOOK_MEMBER(name) "member: uid=" name "," SLAPD_PEOPLE "\n"
#define LOOK_SUBGROUP(name) "member: cn=" name "," SLAPD_GROUPS "\n"

#endif
