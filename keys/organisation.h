/* keys/organisation.h - what an organisation signs: its servers, its policy, its groups.
 *
 * Each is a JWS of its own `typ`, signed by the root identity, with a version that only grows; a client keeps
 * the highest it has seen. The root identity's id is the organisation's id, its fingerprint what people
 * compare. Root, servers, officers: all are identities (keys/identity.h). docs/PROTOCOL.md, "Signed objects".
 *
 * A struct here is an open, plain value; `_sign` makes the signed object, `_read` checks form, signer and
 * organisation. What was seen before (versions) is the caller's business. Any thread.
 */
#ifndef FSENC_KEYS_ORGANISATION_H
#define FSENC_KEYS_ORGANISATION_H

#include "keys/group.h"
#include "keys/signed.h"

#define ORGANISATION_TYPE "fsenc-organisation+v1"
#define POLICY_TYPE "fsenc-policy+v1"
#define GROUP_TYPE "fsenc-group+v1"
#define ORGANISATION_RECOVERY_MAX 16
#define CLIENT_VERSION_MAX 31

/* Everybody's public identity: member_id `id`, name, keys. */
struct organisation {
	struct public_identity root;
	uint64_t version;
	int64_t created; /* unix seconds */
	struct public_identity servers[GROUP_SERVERS_MAX];
	size_t server_count;
};

MUST_CHECK enum fault organisation_sign(const struct organisation *organisation, const struct identity *root,
					struct signed_object **ret_signed, struct why *why);
/* Signed by the root key in it, whose fingerprint is `expected`. FAULT_MALFORMED; FAULT_IDENTITY when it is
 * another organisation's, or only says that it is this one's. */
MUST_CHECK enum fault organisation_read(const struct signed_object *object,
					const struct fingerprint *expected,
					struct organisation *ret_organisation, struct why *why);
struct organisation_id organisation_id_of(const struct organisation *organisation);
/* Borrowed; NULL when it is none of the organisation's. */
const struct public_identity *organisation_server(const struct organisation *organisation,
						  const struct member_id *id);
const struct public_identity *organisation_server_by_key(const struct organisation *organisation,
							 const struct fingerprint *fingerprint);

enum offline_policy { OFFLINE_STANDALONE, OFFLINE_BLOCK };
enum folder_makers { FOLDER_MAKERS_ANYONE, FOLDER_MAKERS_MEMBERS };

struct policy {
	struct organisation_id organisation;
	uint64_t version;
	int64_t created;
	uint32_t lease, offline_grace, retry_after; /* seconds; lease 0..86400, retry_after 1..86400 */
	uint32_t offline; /* enum offline_policy */
	uint32_t unlock_limit; /* points a user and day */
	uint32_t approve_delay; /* seconds */
	uint32_t cache_positive, cache_negative; /* seconds, at most 60 and 10 */
	uint32_t folder_makers; /* enum folder_makers */
	char minimum_client[CLIENT_VERSION_MAX + 1];
	struct member_id recovery[ORGANISATION_RECOVERY_MAX]; /* required recovery groups */
	size_t recovery_count;
};

/* Version 1 of a fresh organisation: lease 120 s, retry_after 15 min, limit 4096, approve_delay 24 h, cache
 * 60/10 s. */
struct policy policy_default(const struct organisation_id *organisation, int64_t now);
MUST_CHECK enum fault policy_sign(const struct policy *policy, const struct identity *root,
				  struct signed_object **ret_signed, struct why *why);
/* FAULT_MALFORMED; FAULT_REFUSED unless the root of `organisation` signed it. */
MUST_CHECK enum fault policy_read(const struct signed_object *object, const struct organisation *organisation,
				  struct policy *ret_policy, struct why *why);
/* "lease=5": sets one member by its name; FAULT_USAGE names those there are, FAULT_INVALID the range. The
 * recovery groups are set by hand. */
MUST_CHECK enum fault policy_set(struct policy *policy, const char *assignment, struct why *why);

struct group_server {
	struct member_id id;
	unsigned index; /* 1..GROUP_SERVERS_MAX */
};

struct group_descriptor {
	struct organisation_id organisation;
	struct member_id id; /* the directory's immutable id */
	char name[DISPLAY_NAME_MAX + 1];
	bool recovery; /* its shares lie with officers, offline */
	uint64_t version;
	uint32_t epoch; /* of the shares: grows with each dealing; those of two epochs do not combine */
	int64_t created;
	unsigned threshold; /* t; also the number of commitments */
	struct group_server servers[GROUP_SERVERS_MAX];
	size_t server_count; /* n */
	struct point commitments[GROUP_SERVERS_MAX]; /* [0] is K */
};

MUST_CHECK enum fault group_descriptor_sign(const struct group_descriptor *group, const struct identity *root,
					    struct signed_object **ret_signed, struct why *why);
/* Points and indexes are checked; servers must be those of the organisation (officers of a recovery group
 * need not). FAULT_MALFORMED; FAULT_REFUSED when the root of `organisation` did not sign it. */
MUST_CHECK enum fault group_descriptor_read(const struct signed_object *object,
					    const struct organisation *organisation,
					    struct group_descriptor *ret_group, struct why *why);
/* Which group it says it describes, before anything is proved; false: it does not say. */
MUST_CHECK bool group_descriptor_peek(const struct signed_object *object, struct member_id *ret_id);
/* Is `one` of a later epoch, or of the same and a later version? Of the same group. */
bool group_descriptor_is_newer(const struct group_descriptor *one, const struct group_descriptor *other);
/* hash("fingerprint/group", organisation || id): what stands in an access list, so that K may rotate. */
struct fingerprint group_fingerprint(const struct organisation_id *organisation, const struct member_id *id);

#endif
