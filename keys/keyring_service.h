/* keys/keyring_service.h - what the keyring knows of the organisation: its descriptor, servers, groups,
 * policy, the countdown, and changes put off until a server answers.
 *
 * Part of keys/keyring.h: the same connection, the same rules; a keyring need not be unlocked for this. One
 * organisation a keyring. Versions never go back: an older organisation, policy or group descriptor than the
 * stored one is FAULT_TAMPERED, and so is another of the same version.
 */
#ifndef FSENC_KEYS_KEYRING_SERVICE_H
#define FSENC_KEYS_KEYRING_SERVICE_H

#include "keys/countdown.h"
#include "keys/keyring.h"
#include "keys/organisation.h"
#include "keys/record.h"

#define SERVER_URL_MAX 512

struct keyring_server {
	struct member_id id; /* none until it has answered once */
	char url[SERVER_URL_MAX]; /* "https://keys.example.com:8443" */
	char *certificate_authority; /* PEM, heap; NULL: the system's */
};

struct keyring_organisation {
	struct fingerprint fingerprint;
	struct signed_object *object; /* owned */
	struct organisation organisation;
	struct member_id account;
	struct certificate *certificate; /* ours, signed by the organisation; owned */
	struct keyring_server *servers; /* owned */
	size_t server_count;
};
void keyring_organisation_done(struct keyring_organisation *organisation);
AUTO_VALUE(struct keyring_organisation, keyring_organisation_done);

/* FAULT_MISSING: not enrolled. */
MUST_CHECK enum fault keyring_organisation(struct keyring *keyring,
					   struct keyring_organisation *ret_organisation, struct why *why);
/* With its servers, in their order, in place of those before. FAULT_EXISTS: the keyring is another
 * organisation's. */
MUST_CHECK enum fault keyring_set_organisation(struct keyring *keyring,
					       const struct keyring_organisation *organisation,
					       struct why *why);

struct keyring_policy {
	struct policy policy;
	int64_t received; /* unix seconds: its age in `status` */
	char from[SERVER_URL_MAX];
};
/* FAULT_MISSING: none was received. */
MUST_CHECK enum fault keyring_policy(struct keyring *keyring, struct keyring_policy *ret_policy,
				     struct why *why);
/* `object` was read with policy_read(). */
MUST_CHECK enum fault keyring_set_policy(struct keyring *keyring, const struct signed_object *object,
					 const struct keyring_policy *policy, struct why *why);

/* The newest descriptor of a group. FAULT_MISSING. `words`: id in hex, or a name; two groups of one name are
 * FAULT_INVALID. `ret_object` may be NULL. */
MUST_CHECK enum fault keyring_group(struct keyring *keyring, const struct member_id *id,
				    struct group_descriptor *ret_group, struct signed_object **ret_object,
				    struct why *why);
MUST_CHECK enum fault keyring_find_group(struct keyring *keyring, const char *words,
					 struct group_descriptor *ret_group,
					 struct signed_object **ret_object, struct why *why);
/* `object` was read with group_descriptor_read(). */
MUST_CHECK enum fault keyring_set_group(struct keyring *keyring, const struct signed_object *object,
					const struct group_descriptor *group, struct why *why);

/* All zeros when none runs. Cheap: called during refusals. */
MUST_CHECK enum fault keyring_countdown(struct keyring *keyring, struct countdown_stored *ret_countdown,
					struct why *why);
MUST_CHECK enum fault keyring_set_countdown(struct keyring *keyring, const struct countdown_stored *countdown,
					    struct why *why);
/* A number that changes when another process has written to the keyring. */
MUST_CHECK enum fault keyring_data_version(struct keyring *keyring, uint32_t *ret_version, struct why *why);

/* Changes put off (--defer), carried out once, in order. */
enum deferred_kind { DEFERRED_ADD_USER = 1, DEFERRED_ADD_GROUP = 2 };
struct deferred {
	int64_t number; /* ascending */
	enum deferred_kind kind;
	char *directory; /* as the user named it, made absolute; heap */
	char *who; /* the name of the user or group as typed; heap */
	enum role role;
	int64_t created; /* unix seconds */
	char *trouble; /* why the last attempt failed, or NULL; heap */
};
void deferred_done(struct deferred *deferred);
AUTO_VALUE(struct deferred, deferred_done);
/* Takes the next number, whatever `deferred` has. */
MUST_CHECK enum fault keyring_defer(struct keyring *keyring, const struct deferred *deferred,
				    struct why *why);
/* In order, until `each` fails. It may use the keyring, and drop what it is given. */
MUST_CHECK enum fault keyring_each_deferred(struct keyring *keyring,
					    enum fault (*each)(void *context, const struct deferred *deferred,
							       struct why *why),
					    void *context, struct why *why);
/* FAULT_MISSING, also when another process was faster. */
MUST_CHECK enum fault keyring_drop_deferred(struct keyring *keyring, int64_t number, struct why *why);
MUST_CHECK enum fault keyring_deferred_trouble(struct keyring *keyring, int64_t number, const char *trouble,
					       struct why *why);

#endif
