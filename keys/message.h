/* keys/message.h - the JSON bodies of the protocol, for both sides.
 *
 * One table a message (keys/fields.h), so that what one side writes is what the other reads and nothing else.
 * `_read` is strict and bounded: FAULT_MALFORMED. Reading proves nothing about signatures. Objects
 * that hold heap memory have a `_done`. docs/PROTOCOL.md, "Routes". Any thread.
 */
#ifndef FSENC_KEYS_MESSAGE_H
#define FSENC_KEYS_MESSAGE_H

#include "base/bytes.h"
#include "keys/certificate.h"
#include "keys/organisation.h"

#define UNLOCK_ITEMS_MAX 256
#define LEASE_GROUPS_MAX 1024
#define HEADS_MAX 256
#define ENROL_CODE_MAX 64
#define ENROL_PASSWORD_MAX 1024
#define MESSAGE_BODY_MAX (64 * 1024)
#define UNLOCK_BODY_MAX (256 * 1024)
#define HEADS_BODY_MAX (4 * 1024 * 1024) /* a record with 4096 members is 1 MiB */
#define ANSWER_BODY_MAX (4 * 1024 * 1024)
#define SEALED_TOKEN_MAX 4096

struct unlock_item {
	struct folder_id folder;
	uint32_t generation;
	uint64_t version;
	struct digest head; /* of the record */
	struct point point; /* blinded */
};
struct unlock_request {
	struct member_id group;
	uint32_t epoch;
	struct unlock_item items[UNLOCK_ITEMS_MAX];
	size_t item_count;
	bool has_check;
	struct point check;
};
MUST_CHECK enum fault unlock_request_write(const struct unlock_request *request, struct bytes *ret_body,
					   struct why *why);
MUST_CHECK enum fault unlock_request_read(const void *body, size_t size, struct unlock_request *ret_request,
					  struct why *why);

enum unlock_status { UNLOCK_OK = 1, UNLOCK_DENIED, UNLOCK_STALE, UNLOCK_ROTATE };
struct unlock_answer_item {
	uint32_t status; /* enum unlock_status */
	uint64_t head_version; /* 0: the server knows none */
	struct point point; /* zeros unless OK or ROTATE */
};
struct unlock_answer {
	struct member_id group;
	uint32_t epoch;
	uint32_t lease; /* seconds */
	uint64_t member_counter;
	struct unlock_answer_item items[UNLOCK_ITEMS_MAX];
	size_t item_count;
	bool has_check;
	struct point check;
};
MUST_CHECK enum fault unlock_answer_write(const struct unlock_answer *answer, struct bytes *ret_body,
					  struct why *why);
MUST_CHECK enum fault unlock_answer_read(const void *body, size_t size, struct unlock_answer *ret_answer,
					 struct why *why);

struct lease_request {
	struct member_id groups[LEASE_GROUPS_MAX];
	size_t group_count;
};
MUST_CHECK enum fault lease_request_write(const struct lease_request *request, struct bytes *ret_body,
					  struct why *why);
MUST_CHECK enum fault lease_request_read(const void *body, size_t size, struct lease_request *ret_request,
					 struct why *why);

enum lease_state { LEASE_MEMBER = 1, LEASE_DENIED, LEASE_UNKNOWN };
struct lease_answer_group {
	struct member_id id;
	uint32_t state; /* enum lease_state */
	uint64_t member_counter;
	bool rotate;
};
struct lease_answer {
	uint32_t lease; /* seconds */
	struct lease_answer_group groups[LEASE_GROUPS_MAX];
	size_t group_count;
};
MUST_CHECK enum fault lease_answer_write(const struct lease_answer *answer, struct bytes *ret_body,
					 struct why *why);
MUST_CHECK enum fault lease_answer_read(const void *body, size_t size, struct lease_answer *ret_answer,
					struct why *why);

/* What a user sends to become known; `code` or `password` is "" (the password is wiped by _done). */
struct enrol_request {
	char user[DISPLAY_NAME_MAX + 1];
	struct certificate *certificate; /* self-signed, of the key being enrolled */
	uint8_t proof[SIGNATURE_SIZE]; /* enrol_proof_text(), for the server that is asked */
	char code[ENROL_CODE_MAX + 1];
	char password[ENROL_PASSWORD_MAX + 1];
	struct signed_object *previous; /* or NULL: the old key's word for the new one (keys/succession.h) */
};
void enrol_request_done(struct enrol_request *request);
AUTO_VALUE(struct enrol_request, enrol_request_done);
MUST_CHECK enum fault enrol_request_write(const struct enrol_request *request, struct bytes *ret_body,
					  struct why *why);
MUST_CHECK enum fault enrol_request_read(const void *body, size_t size, struct enrol_request *ret_request,
					 struct why *why);
struct enrol_answer {
	struct certificate *certificate; /* NULL while it waits for approval */
	uint32_t pending; /* seconds, then */
	struct member_id account;
	struct signed_object *organisation, *policy; /* NULL while it waits */
};
void enrol_answer_done(struct enrol_answer *answer);
AUTO_VALUE(struct enrol_answer, enrol_answer_done);
MUST_CHECK enum fault enrol_answer_write(const struct enrol_answer *answer, struct bytes *ret_body,
					 struct why *why);
MUST_CHECK enum fault enrol_answer_read(const void *body, size_t size, struct enrol_answer *ret_answer,
					struct why *why);

struct organisation_answer {
	struct signed_object *organisation, *policy;
	struct member_id server;
	int64_t time_ms;
};
void organisation_answer_done(struct organisation_answer *answer);
AUTO_VALUE(struct organisation_answer, organisation_answer_done);
MUST_CHECK enum fault organisation_answer_write(const struct organisation_answer *answer,
						struct bytes *ret_body, struct why *why);
MUST_CHECK enum fault organisation_answer_read(const void *body, size_t size,
					       struct organisation_answer *ret_answer, struct why *why);

struct user_answer {
	struct member_id account;
	char name[DISPLAY_NAME_MAX + 1];
	bool enabled;
	struct certificate *certificate; /* or NULL: not enrolled */
};
void user_answer_done(struct user_answer *answer);
AUTO_VALUE(struct user_answer, user_answer_done);
MUST_CHECK enum fault user_answer_write(const struct user_answer *answer, struct bytes *ret_body,
					struct why *why);
MUST_CHECK enum fault user_answer_read(const void *body, size_t size, struct user_answer *ret_answer,
				       struct why *why);

struct groups_answer {
	struct signed_object **list;
	size_t count;
};
void groups_answer_done(struct groups_answer *answer);
AUTO_VALUE(struct groups_answer, groups_answer_done);
/* `one`: {"group": JWS} in place of {"groups": [JWS]}. */
MUST_CHECK enum fault groups_answer_write(const struct groups_answer *answer, bool one,
					  struct bytes *ret_body, struct why *why);
MUST_CHECK enum fault groups_answer_read(const void *body, size_t size, bool one,
					 struct groups_answer *ret_answer, struct why *why);

#define MEMBER_PATH_MAX 16
struct members_answer_entry {
	struct member_id account;
	char name[DISPLAY_NAME_MAX + 1];
	char *path[MEMBER_PATH_MAX]; /* names of groups from the one asked for down to his; heap */
	size_t path_count;
	struct certificate *certificate; /* or NULL */
};
struct members_answer {
	struct member_id group;
	struct members_answer_entry *list;
	size_t count;
};
void members_answer_done(struct members_answer *answer);
AUTO_VALUE(struct members_answer, members_answer_done);
MUST_CHECK enum fault members_answer_write(const struct members_answer *answer, struct bytes *ret_body,
					   struct why *why);
MUST_CHECK enum fault members_answer_read(const void *body, size_t size, struct members_answer *ret_answer,
					  struct why *why);

struct heads_request {
	struct signed_object *records[HEADS_MAX];
	size_t record_count;
	struct certificate *certificates[HEADS_MAX];
	size_t certificate_count;
};
void heads_request_done(struct heads_request *request);
AUTO_VALUE(struct heads_request, heads_request_done);
MUST_CHECK enum fault heads_request_write(const struct heads_request *request, struct bytes *ret_body,
					  struct why *why);
MUST_CHECK enum fault heads_request_read(const void *body, size_t size, struct heads_request *ret_request,
					 struct why *why);
struct heads_answer {
	bool fork;
	uint64_t version; /* the highest the server knows */
};
MUST_CHECK enum fault heads_answer_write(const struct heads_answer *answer, struct bytes *ret_body,
					 struct why *why);
MUST_CHECK enum fault heads_answer_read(const void *body, size_t size, struct heads_answer *ret_answer,
					struct why *why);

/* {"sealed": b64} */
MUST_CHECK enum fault token_request_write(const void *sealed, size_t sealed_size, struct bytes *ret_body,
					  struct why *why);
MUST_CHECK enum fault token_request_read(const void *body, size_t size, struct bytes *ret_sealed,
					 struct why *why);

/* Problem documents, RFC 9457. One table: name, status. */
#define PROBLEM_LIST(X) \
	X(MALFORMED, "malformed", 400) \
	X(FRAMING, "framing", 400) \
	X(CLOCK, "clock", 401) \
	X(REPLAY, "replay", 401) \
	X(UNKNOWN_KEY, "unknown-key", 401) \
	X(SIGNATURE, "signature", 401) \
	X(OTHER_SERVER, "other-server", 421) \
	X(DENIED, "denied", 403) \
	X(DISABLED, "disabled", 403) \
	X(CODE, "code", 403) \
	X(APPROVAL, "approval", 403) \
	X(MISSING, "missing", 404) \
	X(METHOD, "method", 405) \
	X(CONFLICT, "conflict", 409) \
	X(TOO_LARGE, "too-large", 413) \
	X(LIMIT, "limit", 429) \
	X(INTERNAL, "internal", 500) \
	X(DIRECTORY, "directory-unavailable", 503) \
	X(AUDIT, "audit-unavailable", 503)

enum problem_type {
#define X(name, text, status) PROBLEM_##name,
	PROBLEM_LIST(X)
#undef X
		PROBLEM_COUNT
};
#define PROBLEM_DETAIL_MAX 500
struct problem {
	enum problem_type type;
	char detail[PROBLEM_DETAIL_MAX + 1];
};
unsigned problem_status(enum problem_type type);
const char *problem_text(enum problem_type type);
/* What it is to a client: docs/PROTOCOL.md, "Problems". */
enum fault problem_fault(enum problem_type type);
MUST_CHECK enum fault problem_write(const struct problem *problem, struct bytes *ret_body, struct why *why);
/* A type that is not in the table is FAULT_MALFORMED. */
MUST_CHECK enum fault problem_read(const void *body, size_t size, struct problem *ret_problem,
				   struct why *why);

#endif
