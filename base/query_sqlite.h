/* base/query_sqlite.h - a query on a prepared statement of sqlite3.
 *
 * What everybody who runs a struct query on sqlite3 has in common: the two steps, and the reasons of
 * failures. Connections and transactions are the caller's.
 */
#ifndef FSENC_BASE_QUERY_SQLITE_H
#define FSENC_BASE_QUERY_SQLITE_H

#include <sqlite3.h>

#include "base/query.h"

/* SQLITE_OK, or what went wrong. The values must live until the statement is reset. As many as the SQL has
 * question marks, or it aborts. */
MUST_CHECK int query_sqlite_bind(const struct query *query, sqlite3_stmt *statement);

/* The present row into `query->into`. *ret_misfit is the name of the column that is damaged, or NULL. */
MUST_CHECK enum fault query_sqlite_fill(const struct query *query, sqlite3_stmt *row, const char **ret_misfit,
					struct why *why);

/* What went wrong last, in words that help. `foreign` and `corrupt` are the caller's own, for a file that is
 * no such database, and for one that is damaged. Borrowed until the next call on `db`. */
const char *query_sqlite_reason(sqlite3 *db, const char *foreign, const char *corrupt);

#endif
