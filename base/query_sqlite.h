/* base/query_sqlite.h - a query on a prepared statement of sqlite3.
 *
 * The two steps that everybody who runs a struct query on sqlite3 has in common. Connections, transactions
 * and the words of failures are the caller's.
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

#endif
