/* ldap/directory.h - who belongs to which group: the one question the key server asks, and three answers.
 *
 *     yes       it was looked up, or is remembered from a look-up at most a minute ago
 *     no        it was looked up: there is no such user, the account is off, or it is no member
 *     unknown   it could not be looked up to the end: no server, no time left, a cut answer
 *
 * Unknown unlocks nothing, removes nothing and is never remembered. It is 0, so that what nobody
 * filled in is unknown. Users and groups are known by ids that never change (entryUUID, objectGUID,
 * ipaUniqueID; random in the builtin directory): a group made again under an old name is another group.
 *
 * A directory is one of several kinds behind the table of calls below: LDAP (ldap/directory_ldap.h), or the
 * server's own store. A kind embeds struct directory first in its own struct and fills in `calls`:
 *
 *     struct builtin { struct directory directory; struct store *store; };
 *     static const struct directory_calls calls = {.find_user = builtin_find_user, ...};   // all of them
 *
 *     struct directory_proof proof;
 *     switch (directory_is_member(directory, &user, &group, clock_boot_ms() + 3000, &proof, &why)) {
 *     case DIRECTORY_YES:     ... proof.path, proof.source, proof.age_ms go to the audit
 *     case DIRECTORY_NO:      ... proof.reason says which "no"; why.text says it for people
 *     case DIRECTORY_UNKNOWN: ... why.text says what failed
 *     }
 *
 * Deadlines are absolute, in milliseconds of clock_boot_ms(); a call returns by then, whatever the network
 * does. One that has passed gets what is remembered, else "unknown", at once. Any thread may make any call
 * at any time, except directory_close(). Out parameters are filled on DIRECTORY_YES only, unless said
 * otherwise. `why` may be NULL; it gets words on no and on unknown.
 */
#ifndef FSENC_LDAP_DIRECTORY_H
#define FSENC_LDAP_DIRECTORY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/secret.h"
#include "keys/id.h"

#define DIRECTORY_NAME_MAX 255 /* bytes; a longer name is no name of ours */
#define DIRECTORY_TEXT_SIZE 512 /* a DN or a path, for people: a longer one is cut */

enum directory_answer { DIRECTORY_UNKNOWN = 0, DIRECTORY_NO, DIRECTORY_YES };

/* Why it is "no" or "unknown", for audit rows and metrics: name, words. */
#define DIRECTORY_REASON_LIST(X) \
	X(NONE, "none", "it is so") \
	X(NO_USER, "no-user", "there is no such user") \
	X(NO_GROUP, "no-group", "there is no such group") \
	X(AMBIGUOUS, "ambiguous", "the name fits more than one entry") \
	X(DISABLED, "disabled", "the account is disabled") \
	X(EXPIRED, "expired", "the account has expired") \
	X(NOT_MEMBER, "not-member", "the user is not a member") \
	X(PASSWORD, "password", "the password is wrong") \
	X(UNREACHABLE, "unreachable", "the directory does not answer") \
	X(TIMEOUT, "timeout", "the directory did not answer in time") \
	X(LIMITED, "limited", "the directory cut its answer at a limit") \
	X(REFERRED, "referred", "the directory refers to another server") \
	X(TOO_DEEP, "too-deep", "groups are nested deeper than is looked") \
	X(REFUSED, "refused", "the directory refuses the question") \
	X(MALFORMED, "malformed", "the directory's answer makes no sense") \
	X(FAILED, "failed", "the question could not be put")

enum directory_reason {
#define X(name, word, words) DIRECTORY_REASON_##name,
	DIRECTORY_REASON_LIST(X)
#undef X
		DIRECTORY_REASON_COUNT
};

/* "no-user": stable, for audit rows. And a half sentence for people. */
const char *directory_reason_word(enum directory_reason reason);
const char *directory_reason_words(enum directory_reason reason);
const char *directory_answer_word(enum directory_answer answer); /* "unknown", "no", "yes" */

enum directory_source { DIRECTORY_LIVE = 0, DIRECTORY_CACHE };

struct directory_user {
	struct member_id id;
	char name[DIRECTORY_NAME_MAX + 1];
	char place[DIRECTORY_TEXT_SIZE]; /* the DN, for people; "" in the builtin directory */
	bool enabled;
	enum directory_reason off; /* DISABLED or EXPIRED when not enabled, else NONE */
};

struct directory_group {
	struct member_id id;
	char name[DIRECTORY_NAME_MAX + 1];
	char place[DIRECTORY_TEXT_SIZE];
};

/* What stands behind the answer of directory_is_member(). */
struct directory_proof {
	enum directory_reason reason; /* NONE on yes */
	enum directory_source source;
	int64_t age_ms; /* of the look-up; 0 when live */
	unsigned level; /* 0: a direct member; 1: of a group in it; ... (yes only) */
	char path[DIRECTORY_TEXT_SIZE]; /* "alice < auditors < finance" (yes only) */
};

/* One user of directory_members(), `path` as above. Belongs to the directory; copy what is kept. */
struct directory_member {
	const struct directory_user *user;
	unsigned level;
	const char *path;
};
/* A fault ends the listing, whose answer is then unknown. */
typedef enum fault directory_each_member(void *context, const struct directory_member *member,
					 struct why *why);

/* What is known without asking: for /readyz, metrics and status. */
struct directory_state {
	char kind[64]; /* "builtin", "OpenLDAP", "Active Directory", ...; "not known yet" */
	char server[256]; /* the URI that answered last; "" when none or builtin */
	bool answered; /* the last contact got an answer */
	int64_t answered_age_ms; /* since the last answer; -1: there was none yet */
	char failure[WHY_TEXT_SIZE]; /* words of the last failure, "" when the last contact was good */
	uint64_t asked; /* questions put to the directory, and those answered from memory */
	uint64_t remembered;
	size_t cache_entries;
	int64_t cache_yes_ms; /* how long a "yes" and a "no" are remembered at most */
	int64_t cache_no_ms;
};

/* One line of `status --directory`: a step, what it found, how long it took. */
struct directory_step {
	const char *name; /* "connect", "TLS", "bind", "server", "user", "groups, level 0", "warning" */
	const char *found;
	bool good;
	int64_t took_ms; /* -1: no step that takes time */
};
typedef void directory_each_step(void *context, const struct directory_step *step);

struct directory;

/* Every kind fills in all of them; the functions below say what each does. */
struct directory_calls {
	enum directory_answer (*find_user)(struct directory *directory, const char *name, int64_t deadline,
					   struct directory_user *ret_user, struct why *why);
	enum directory_answer (*find_user_by_id)(struct directory *directory, const struct member_id *id,
						 int64_t deadline, struct directory_user *ret_user,
						 struct why *why);
	enum directory_answer (*find_group)(struct directory *directory, const char *words, int64_t deadline,
					    struct directory_group *ret_group, struct why *why);
	enum directory_answer (*find_group_by_id)(struct directory *directory, const struct member_id *id,
						  int64_t deadline, struct directory_group *ret_group,
						  struct why *why);
	enum directory_answer (*is_member)(struct directory *directory, const struct member_id *user,
					   const struct member_id *group, int64_t deadline,
					   struct directory_proof *ret_proof, struct why *why);
	enum directory_answer (*members)(struct directory *directory, const struct member_id *group,
					 int64_t deadline, directory_each_member *each, void *context,
					 struct why *why);
	enum directory_answer (*authenticate)(struct directory *directory, const char *name,
					      const struct secret *password, int64_t deadline,
					      struct directory_user *ret_user, struct why *why);
	enum directory_answer (*check)(struct directory *directory, int64_t deadline, struct why *why);
	enum directory_answer (*describe)(struct directory *directory, const char *user_name,
					  int64_t deadline, directory_each_step *each, void *context,
					  struct why *why);
	void (*state)(struct directory *directory, struct directory_state *ret_state);
	void (*remember)(struct directory *directory, int64_t yes_ms, int64_t no_ms);
	void (*forget)(struct directory *directory);
	void (*close)(struct directory *directory);
};

/* First member of every kind. */
struct directory {
	const struct directory_calls *calls;
};

void directory_close(struct directory *directory);
AUTO_POINTER(struct directory *, directory_close);

/* A name, not a pattern: '*' in it is a letter. More than one entry is "no". A disabled account is
 * found (yes, with enabled false). */
MUST_CHECK enum directory_answer directory_find_user(struct directory *directory, const char *name,
						     int64_t deadline, struct directory_user *ret_user,
						     struct why *why);
MUST_CHECK enum directory_answer directory_find_user_by_id(struct directory *directory,
							   const struct member_id *id, int64_t deadline,
							   struct directory_user *ret_user, struct why *why);

/* `words` is a name, or in LDAP a DN. */
MUST_CHECK enum directory_answer directory_find_group(struct directory *directory, const char *words,
						      int64_t deadline, struct directory_group *ret_group,
						      struct why *why);
MUST_CHECK enum directory_answer directory_find_group_by_id(struct directory *directory,
							    const struct member_id *id, int64_t deadline,
							    struct directory_group *ret_group,
							    struct why *why);

/* Yes: the user exists, the account is enabled, and is in the group directly or through other groups.
 * One call is all that an unlock needs. *ret_proof is filled on every answer (reason, source, age). */
MUST_CHECK enum directory_answer directory_is_member(struct directory *directory,
						     const struct member_id *user,
						     const struct member_id *group, int64_t deadline,
						     struct directory_proof *ret_proof, struct why *why);

/* All users in the group, each once by the shortest path, disabled ones included (user->enabled false).
 * Yes: the list was whole. On any other answer what `each` was given is worth nothing. No: no such group. */
MUST_CHECK enum directory_answer directory_members(struct directory *directory, const struct member_id *group,
						   int64_t deadline, directory_each_member *each,
						   void *context, struct why *why);

/* Proves who somebody is, for enrolment. An empty password is "no" and is not sent anywhere. No as well:
 * wrong password, no such user, account off. The password goes to the directory only. The builtin
 * directory knows no passwords: always no. */
MUST_CHECK enum directory_answer directory_authenticate(struct directory *directory, const char *name,
							const struct secret *password, int64_t deadline,
							struct directory_user *ret_user, struct why *why);

/* One small question: does the directory answer? Yes or unknown. Keeps the state fresh for /readyz. */
MUST_CHECK enum directory_answer directory_check(struct directory *directory, int64_t deadline,
						 struct why *why);

/* Goes through every step with new connections and tells of each, to the first that fails: for
 * `status --directory`. With `user_name` (may be NULL) also that user's account and groups by level. */
MUST_CHECK enum directory_answer directory_describe(struct directory *directory, const char *user_name,
						    int64_t deadline, directory_each_step *each,
						    void *context, struct why *why);

/* Asks nobody and never blocks for long. */
void directory_state(struct directory *directory, struct directory_state *ret_state);

/* A "yes" and a "no" are remembered for at most so long from now on (the policy's times); shorter ones of the
 * configuration stay. */
void directory_remember(struct directory *directory, int64_t yes_ms, int64_t no_ms);

/* Drops whatever is remembered, so that the next question is asked live. */
void directory_forget(struct directory *directory);

#endif
