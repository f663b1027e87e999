/* server/store_parts.h - what the files that make up the store have in common: for server/store*.c and
 * builtin*.c.
 *
 * FAULT_MISSING comes without words: those are the caller's ("there is no group 'finance'").
 */
#ifndef FSENC_SERVER_STORE_PARTS_H
#define FSENC_SERVER_STORE_PARTS_H

#include "server/store.h"
#include "server/store_engine.h"

struct store {
	struct store_engine *engine;
};

/* The first row; FAULT_MISSING when there is none. `into` is changed also on failure. */
MUST_CHECK enum fault rows_first(struct store *store, const struct query *query, struct why *why);
MUST_CHECK enum fault rows_each(struct store *store, const struct query *query, store_row *each,
				void *context, struct why *why);

/* An integer of one row; `otherwise` when there is none. */
MUST_CHECK enum fault rows_number(struct store *store, const struct query *query, int64_t otherwise,
				  int64_t *ret_number, struct why *why);
/* For its query: the one column, into an int64_t. */
extern const struct column rows_number_column[1];

/* *ret_changed (may be NULL) is how many rows it touched. */
MUST_CHECK enum fault rows_change(struct store *store, const struct query *query, uint64_t *ret_changed,
				  struct why *why);
/* The same, and the store's version grows: in the transaction that this thread is in, or in one of its own.
 */
MUST_CHECK enum fault rows_change_seen(struct store *store, const struct query *query, uint64_t *ret_changed,
				       struct why *why);
/* The store's version grows. */
MUST_CHECK enum fault rows_touch(struct store *store, struct why *why);

/* Runs `work` in the transaction that this thread is in, or in one of its own. After a failure nothing of it
 * is there, or (in the caller's) the caller's must not be committed. */
typedef enum fault rows_work(struct store *store, const void *context, struct why *why);
MUST_CHECK enum fault rows_together(struct store *store, rows_work *work, const void *context,
				    struct why *why);

/* The group's key opens, or stands in the record of, this folder in this generation. */
MUST_CHECK enum fault rows_note_folder(struct store *store, const struct member_id *group,
				       const struct unlocked_folder *folder, struct why *why);

#endif
