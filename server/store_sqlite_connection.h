/* server/store_sqlite_connection.h - one connection to the store's file, for server/store_sqlite.c.
 *
 * Statements stay prepared, known by the address of their SQL: that must be a literal. A connection is used
 * by one thread at a time. Failures are those of server/store_engine.h.
 */
#ifndef FSENC_SERVER_STORE_SQLITE_CONNECTION_H
#define FSENC_SERVER_STORE_SQLITE_CONNECTION_H

#include <sqlite3.h>

#include "server/store_engine.h"

struct connection;

/* The file must be there. Commits are on the disk when they return. */
MUST_CHECK enum fault connection_open(const char *path, struct connection **ret_connection, struct why *why);
void connection_close(struct connection *connection);
AUTO_POINTER(struct connection *, connection_close);

/* As store_engine_calls.run. */
MUST_CHECK enum fault connection_run(struct connection *connection, const struct query *query,
				     store_row *each, void *context, uint64_t *ret_rows, struct why *why);
/* SQL without values, several statements with ';'. */
MUST_CHECK enum fault connection_script(struct connection *connection, const char *sql, struct why *why);
/* Undoes a transaction that may be over already: sqlite3 rolls back by itself after some failures. */
void connection_roll_back(struct connection *connection);
/* All of it into another one's file. */
MUST_CHECK enum fault connection_copy(struct connection *from, struct connection *to, struct why *why);

#endif
