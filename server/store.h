/* server/store.h - what a key server keeps: keys sealed, certificates, codes, heads, the audit rows.
 *
 * One database that the running server and the administrators' commands share; each call is one
 * transaction by itself, seen by others whole or not at all, and durable when it returns. Several calls
 * become one transaction between store_transaction_begin() and store_transaction_end(), which belong to the
 * thread that made them:
 *
 *     fault = store_transaction_begin(store, why);
 *     return fault ? fault : store_transaction_end(store, work(store, ..., why), why);
 *
 * What was read in a transaction stays true until it ends. Keep it short: there is one writer at a time, in
 * all processes. store_version() grows with every change that could make something remembered wrong (anything
 * but audit rows, heads and who unlocked what): look at it before using what you keep.
 *
 * The store knows forms and keys, no rules: who may replace a key, and whether a signature is good, was
 * decided by the caller. Private keys and shares arrive sealed (server/master.h) and leave sealed. The engine
 * below is a table of calls (server/store_engine.h), so that another database can take the place of sqlite3.
 *
 * Any thread may call at any time, except store_close(). Texts are heap copies in struct bytes, owned by the
 * caller. FAULT_MISSING: there is no such row. FAULT_KEYRING_READ and FAULT_KEYRING_WRITE: the database
 * failed.
 */
#ifndef FSENC_SERVER_STORE_H
#define FSENC_SERVER_STORE_H

#include <stdbool.h>

#include "base/bytes.h"
#include "keys/group.h"
#include "keys/identity.h"
#include "keys/keyring_seal.h"

#define STORE_FILE "store.db" /* in the server's directory */

struct store;

/* FAULT_MISSING when there is none; FAULT_EXISTS from _create when there is. An older layout is migrated. */
MUST_CHECK enum fault store_create(const char *path, struct store **ret_store, struct why *why);
MUST_CHECK enum fault store_open(const char *path, struct store **ret_store, struct why *why);
void store_close(struct store *store);
AUTO_POINTER(struct store *, store_close);

MUST_CHECK enum fault store_transaction_begin(struct store *store, struct why *why);
/* Commits when `fault` is none, else rolls back and returns it. */
MUST_CHECK enum fault store_transaction_end(struct store *store, enum fault fault, struct why *why);

/* Cheap enough for every request. */
MUST_CHECK enum fault store_version(struct store *store, uint64_t *ret_version, struct why *why);
/* Could something be written now? For /readyz. */
MUST_CHECK enum fault store_check(struct store *store, struct why *why);
/* A whole copy as of one moment into a new file, while others read and write. */
MUST_CHECK enum fault store_backup(struct store *store, const char *path, struct why *why);

/* -- what the organisation signed ------------------------------------------------------- */

enum store_document { STORE_ORGANISATION = 1, STORE_POLICY, STORE_DOCUMENT_COUNT };

/* The JWS as text. FAULT_EXISTS when the store has that version or a higher one (with other bytes). */
MUST_CHECK enum fault store_document_write(struct store *store, enum store_document document,
					   uint64_t version, const char *text, struct why *why);
MUST_CHECK enum fault store_document_read(struct store *store, enum store_document document,
					  struct bytes *ret_text, struct why *why);

/* -- the server's own keys -------------------------------------------------------------- */

#define IDENTITY_STORED_SIZE SEALED_SIZE(IDENTITY_PRIVATE_SIZE)
#define SHARE_STORED_SIZE SEALED_SIZE(SCALAR_SIZE)

enum store_key { STORE_KEY_SERVER = 1, STORE_KEY_ROOT, STORE_KEY_COUNT }; /* the root's may be elsewhere */

struct stored_identity {
	struct public_identity public;
	uint8_t sealed[IDENTITY_STORED_SIZE];
};
MUST_CHECK enum fault store_key_write(struct store *store, enum store_key key,
				      const struct stored_identity *identity, struct why *why);
MUST_CHECK enum fault store_key_read(struct store *store, enum store_key key,
				     struct stored_identity *ret_identity, struct why *why);

/* -- groups with a key ------------------------------------------------------------------ */

struct stored_group {
	struct member_id id; /* the directory's immutable id */
	char name[DISPLAY_NAME_MAX + 1]; /* as in the descriptor */
	bool recovery;
	uint64_t version; /* of the descriptor */
	uint32_t epoch;
	struct bytes descriptor; /* JWS as text */
	unsigned index; /* of the share that lies here; 0: none does */
	uint8_t share[SHARE_STORED_SIZE];
	uint64_t member_counter; /* grows when somebody leaves who had unlocked something */
	int64_t rotate_since; /* unix seconds; 0: nobody left */
};
void stored_group_done(struct stored_group *group);
AUTO_VALUE(struct stored_group, stored_group_done);

/* Descriptor and share together; the older ones are gone. The counter is kept. FAULT_EXISTS when the store
 * has that version or a higher one, or another group of that name. */
MUST_CHECK enum fault store_group_write(struct store *store, const struct stored_group *group,
					struct why *why);
/* Share and descriptor are gone, and who unlocked something of it. FAULT_MISSING. */
MUST_CHECK enum fault store_group_remove(struct store *store, const struct member_id *id, struct why *why);
MUST_CHECK enum fault store_group_find(struct store *store, const struct member_id *id,
				       struct stored_group *ret_group, struct why *why);
MUST_CHECK enum fault store_group_find_name(struct store *store, const char *name,
					    struct stored_group *ret_group, struct why *why);
/* By name; `group` belongs to the store until `each` returns. A fault ends the walk. */
typedef enum fault store_each_group(void *context, const struct stored_group *group, struct why *why);
MUST_CHECK enum fault store_groups(struct store *store, store_each_group *each, void *context,
				   struct why *why);

/* -- users' certificates ---------------------------------------------------------------- */

enum certificate_state {
	CERTIFICATE_ACTIVE = 1, /* at most one an account */
	CERTIFICATE_REPLACED, /* a later one took its place */
	CERTIFICATE_REVOKED,
};

struct stored_certificate {
	struct member_id account; /* the directory's immutable id */
	struct member_id user; /* the user's own */
	struct fingerprint fingerprint;
	char name[DISPLAY_NAME_MAX + 1];
	uint64_t serial; /* 1.. of this account: never seen before here */
	struct fingerprint previous; /* zeros in the first */
	enum certificate_state state;
	int64_t created; /* unix seconds */
	struct bytes text; /* JWS, signed by this server */
};
void stored_certificate_done(struct stored_certificate *certificate);
AUTO_VALUE(struct stored_certificate, stored_certificate_done);

/* The account's active one, or FAULT_MISSING. */
MUST_CHECK enum fault store_certificate_of_account(struct store *store, const struct member_id *account,
						   struct stored_certificate *ret_certificate,
						   struct why *why);
MUST_CHECK enum fault store_certificate_of_user(struct store *store, const struct member_id *user,
						struct stored_certificate *ret_certificate, struct why *why);
/* In any state: whether a key is known, replaced or revoked are different answers. */
MUST_CHECK enum fault store_certificate_of_key(struct store *store, const struct fingerprint *fingerprint,
					       struct stored_certificate *ret_certificate, struct why *why);
/* The last one in any state: what a next one's `previous` and serial follow. */
MUST_CHECK enum fault store_certificate_last(struct store *store, const struct member_id *account,
					     struct stored_certificate *ret_certificate, struct why *why);
/* Becomes the active one; the one before is replaced. FAULT_EXISTS when its serial is not above every serial
 * of the account, or key or user id belong to another account or were used before. */
MUST_CHECK enum fault store_certificate_write(struct store *store,
					      const struct stored_certificate *certificate, struct why *why);
/* FAULT_MISSING when none is active. */
MUST_CHECK enum fault store_certificate_revoke(struct store *store, const struct member_id *account,
					       struct why *why);
typedef enum fault store_each_certificate(void *context, const struct stored_certificate *certificate,
					  struct why *why);
/* Every active one. */
MUST_CHECK enum fault store_certificates(struct store *store, store_each_certificate *each, void *context,
					 struct why *why);

/* -- enrolment codes: one an account, used once ------------------------------------------ */

#define STORE_CODE_LIFE (7 * 86400) /* seconds */

/* `code` is its hash (server/code.h). Takes the place of an earlier one of the account. */
MUST_CHECK enum fault store_code_write(struct store *store, const struct member_id *account,
				       const struct digest *code, int64_t expires, struct why *why);
/* Is it there? And takes it away: FAULT_MISSING when it is another account's, expired or used. */
MUST_CHECK enum fault store_code_use(struct store *store, const struct member_id *account,
				     const struct digest *code, int64_t now, struct why *why);

/* -- further keys that wait for an administrator ------------------------------------------ */

struct stored_approval {
	struct member_id account;
	struct fingerprint fingerprint; /* of the key that waits */
	char name[DISPLAY_NAME_MAX + 1]; /* the directory's name of the user */
	int64_t requested; /* unix seconds */
	int64_t approved; /* 0: not yet */
	int64_t from; /* when it takes effect, once approved */
};
/* One an account. The same key again changes nothing; another key takes its place, unapproved. */
MUST_CHECK enum fault store_approval_request(struct store *store, const struct stored_approval *approval,
					     struct why *why);
MUST_CHECK enum fault store_approval_find(struct store *store, const struct member_id *account,
					  struct stored_approval *ret_approval, struct why *why);
/* FAULT_MISSING unless exactly this key waits. */
MUST_CHECK enum fault store_approval_grant(struct store *store, const struct member_id *account,
					   const struct fingerprint *fingerprint, int64_t now, int64_t from,
					   struct why *why);
MUST_CHECK enum fault store_approval_drop(struct store *store, const struct member_id *account,
					  struct why *why);
typedef enum fault store_each_approval(void *context, const struct stored_approval *approval,
				       struct why *why);
MUST_CHECK enum fault store_approvals(struct store *store, store_each_approval *each, void *context,
				      struct why *why);

/* -- record heads ------------------------------------------------------------------------ */

struct stored_head {
	struct folder_id folder;
	uint64_t version;
	uint32_t generation; /* the newest in the record */
	struct digest digest;
	int64_t seen; /* unix seconds */
	struct bytes record; /* JWS as text */
};
void stored_head_done(struct stored_head *head);
AUTO_VALUE(struct stored_head, stored_head_done);

/* The head without its record, for every unlock. FAULT_MISSING. */
MUST_CHECK enum fault store_head_look(struct store *store, const struct folder_id *folder,
				      struct stored_head *ret_head, struct why *why);
/* *ret_fork (may be NULL): two records were seen that cannot both be of this folder. */
MUST_CHECK enum fault store_head_find(struct store *store, const struct folder_id *folder,
				      struct stored_head *ret_head, bool *ret_fork, struct why *why);
/* Takes the place of a lower version, of which the digest is kept. `groups` are those of the record's
 * entries. FAULT_EXISTS when the store has that version or a higher one. */
MUST_CHECK enum fault store_head_write(struct store *store, const struct stored_head *head,
				       const struct member_id *groups, size_t group_count, struct why *why);
/* Was this record the head, once or now? */
MUST_CHECK enum fault store_head_was(struct store *store, const struct folder_id *folder, uint64_t version,
				     const struct digest *digest, bool *ret_was, struct why *why);
/* Keeps the other record beside the head: the folder has a fork. The same one again changes nothing. */
MUST_CHECK enum fault store_head_fork(struct store *store, const struct stored_head *other, struct why *why);
/* Every record that is kept of folders with a fork, by folder and version. */
typedef enum fault store_each_head(void *context, const struct stored_head *head, bool is_head,
				   struct why *why);
MUST_CHECK enum fault store_forks(struct store *store, store_each_head *each, void *context, struct why *why);
/* An administrator decides: this record is the head, the others never were. FAULT_MISSING. */
MUST_CHECK enum fault store_head_settle(struct store *store, const struct folder_id *folder,
					const struct digest *digest, struct why *why);

/* -- escrowed recovery tokens ------------------------------------------------------------- */

#define STORE_TOKEN_MAX 4096
MUST_CHECK enum fault store_token_write(struct store *store, const struct member_id *account,
					const void *sealed, size_t size, int64_t now, struct why *why);
MUST_CHECK enum fault store_token_read(struct store *store, const struct member_id *account,
				       struct bytes *ret_sealed, struct why *why);

/* -- who unlocked what --------------------------------------------------------------------- */

/* Folder and generation that a group's key opened, or stands in the record of. */
struct unlocked_folder {
	struct folder_id folder;
	uint32_t generation;
};
/* The account unlocked something of the group. Written with the audit row (server/audit.h): by the audit
 * alone. */
MUST_CHECK enum fault store_unlocked_write(struct store *store, const struct member_id *account,
					   const struct member_id *group,
					   const struct unlocked_folder *folders, size_t count, int64_t now,
					   struct why *why);
/* Did the account ever, and has not left since? */
MUST_CHECK enum fault store_unlocked_has(struct store *store, const struct member_id *account,
					 const struct member_id *group, bool *ret_has, struct why *why);
/* The account is no member any more: if it had unlocked something, the group's counter grows by one and all
 * its folders are due for a new generation. Once for each time it leaves; *ret_counted says whether. */
MUST_CHECK enum fault store_member_left(struct store *store, const struct member_id *account,
					const struct member_id *group, int64_t now, bool *ret_counted,
					struct why *why);
/* Is a folder whose newest generation is `generation` due? */
MUST_CHECK enum fault store_folder_is_due(struct store *store, const struct member_id *group,
					  const struct unlocked_folder *folder, bool *ret_due,
					  struct why *why);
/* Is any folder of the group that the store knows of due? */
MUST_CHECK enum fault store_group_is_due(struct store *store, const struct member_id *group, bool *ret_due,
					 struct why *why);
/* Everybody who could still leave: for looking whether they have. */
typedef enum fault store_each_unlocked(void *context, const struct member_id *account,
				       const struct member_id *group, struct why *why);
MUST_CHECK enum fault store_unlocked(struct store *store, store_each_unlocked *each, void *context,
				     struct why *why);

/* -- officers of recovery groups ------------------------------------------------------------ */

MUST_CHECK enum fault store_officer_write(struct store *store, const struct public_identity *officer,
					  const char *certificate, struct why *why);
MUST_CHECK enum fault store_officer_find(struct store *store, const char *name,
					 struct public_identity *ret_officer, struct why *why);
typedef enum fault store_each_officer(void *context, const struct public_identity *officer, struct why *why);
MUST_CHECK enum fault store_officers(struct store *store, store_each_officer *each, void *context,
				     struct why *why);

/* -- audit rows: for server/audit.c alone ---------------------------------------------------- */

struct stored_audit {
	uint64_t number; /* 1, 2, ... without a gap */
	struct digest link; /* of this row and all before it */
	struct bytes text;
};
/* The last row's number and link: 0 and zeros in an empty log. `text` is not filled. */
MUST_CHECK enum fault store_audit_last(struct store *store, struct stored_audit *ret_last, struct why *why);
MUST_CHECK enum fault store_audit_write(struct store *store, const struct stored_audit *row, struct why *why);
typedef enum fault store_each_audit(void *context, const struct stored_audit *row, struct why *why);
/* From row `first` on, ascending. */
MUST_CHECK enum fault store_audit(struct store *store, uint64_t first, store_each_audit *each, void *context,
				  struct why *why);

#endif
