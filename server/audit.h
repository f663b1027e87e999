/* server/audit.h - who was let in where, written before he is.
 *
 * Append-only rows in the store, each chained to all before it:
 *
 *     link(n) = hash("audit", link(n-1) || le64 n || text(n)),  link(0) = zeros
 *
 * `text` is one JSON object on one line. audit_write() returns when the row is on the disk; rows of many
 * threads share one sync (the first writes what has come meanwhile), so nobody waits for more than two. If it
 * fails nothing is unlocked: the caller answers `audit-unavailable`. Unlocks that were granted are counted in
 * the same transaction (store_unlocked_write), so that the rule for leavers never knows less than the log.
 * Each row also goes to the log of the system. Any thread.
 */
#ifndef FSENC_SERVER_AUDIT_H
#define FSENC_SERVER_AUDIT_H

#include "ldap/directory.h"
#include "server/store.h"

#define AUDIT_REQUEST_MAX 40 /* characters of a request id */
#define AUDIT_ITEMS_MAX 256

/* What somebody did or asked for. Columns: name, word. */
#define AUDIT_ACTION_LIST(X) \
	X(START, "start") \
	X(STOP, "stop") \
	X(REQUEST, "request") /* one that was refused before anything was looked at */ \
	X(UNLOCK, "unlock") \
	X(LEASE, "lease") \
	X(ENROL, "enroll") \
	X(HEADS, "heads") \
	X(TOKEN, "recovery-token") \
	X(LEFT, "left") /* noticed that somebody who had unlocked something is no member any more */ \
	X(ADMIN, "admin") /* a command of an administrator: `detail` says which */

enum audit_action {
#define X(name, word) AUDIT_##name,
	AUDIT_ACTION_LIST(X)
#undef X
		AUDIT_ACTION_COUNT
};

enum audit_decision { AUDIT_GRANTED, AUDIT_DENIED, AUDIT_UNKNOWN, AUDIT_REFUSED };
const char *audit_action_word(enum audit_action action);
const char *audit_decision_word(enum audit_decision decision); /* "granted", ... */

/* NULL, zero or none where it does not apply. All is borrowed. */
struct audit_event {
	enum audit_action action;
	enum audit_decision decision;
	const char *reason; /* "not-member", "stale", "replay": a stable word */
	const char *request; /* request id */
	const char *peer; /* address, without port */
	struct member_id account;
	const char *user; /* the directory's name */
	struct member_id group;
	const char *group_name;
	const struct unlocked_folder *folders; /* as the client declared them */
	size_t folder_count;
	const struct directory_proof *proof; /* source, age and path of the membership */
	const char *detail; /* words for people */
};

struct audit;

/* `server` (the name) stands in every row. The store must outlive it. */
MUST_CHECK enum fault audit_open(struct store *store, const char *server, struct audit **ret_audit,
				 struct why *why);
void audit_close(struct audit *audit);
AUTO_POINTER(struct audit *, audit_close);

/* An UNLOCK that is GRANTED also counts as unlocked. */
MUST_CHECK enum fault audit_write(struct audit *audit, const struct audit_event *event, struct why *why);

/* A part of the transaction that this thread is in: what an administrator changes and the row that says so
 * are there together, or neither is. */
MUST_CHECK enum fault audit_write_inside(struct audit *audit, const struct audit_event *event,
					 struct why *why);

struct audit_report {
	uint64_t rows;
	struct digest link; /* of the last row: note it down elsewhere to notice a log that was cut off */
	uint64_t first_bad; /* 0: none */
};
/* FAULT_TAMPERED with the first row that does not fit; *ret_report is filled then, too. */
MUST_CHECK enum fault audit_verify(struct store *store, struct audit_report *ret_report, struct why *why);

#endif
