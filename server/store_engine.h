/* server/store_engine.h - the database behind the store, as a few calls: for server/store*.c alone.
 *
 * Queries are those of base/query.h, in SQL literals that sqlite3 and PostgreSQL read alike; layouts and
 * their migrations are the engine's own (server/store_sqlite_layout.c). Every call may come from any thread
 * at any time.
 *
 * A transaction belongs to the thread that began it: its queries run in it, those of other threads do not
 * see it. There is one at a time. A query outside of one is a transaction by itself.
 */
#ifndef FSENC_SERVER_STORE_ENGINE_H
#define FSENC_SERVER_STORE_ENGINE_H

#include "base/query.h"

struct store_engine;

/* After each row, when `into` is filled; a fault ends the walk and is returned. */
typedef enum fault store_row(void *context, struct why *why);

struct store_engine_calls {
	/* Is the calling thread in a transaction? */
	bool (*is_inside)(struct store_engine *engine);
	/* Waits for other writers, 10 s at most. What is read in it is what it will change. */
	enum fault (*begin)(struct store_engine *engine, struct why *why);
	/* Commits, durably, when `fault` is none; else undoes everything. Returns `fault`, or its own. */
	enum fault (*end)(struct store_engine *engine, enum fault fault, struct why *why);
	/* A query with columns reads: *ret_rows is how many rows there were. One without changes: how many it
	 * touched. `each` and `ret_rows` may be NULL. FAULT_EXISTS when a key is there already. */
	enum fault (*run)(struct store_engine *engine, const struct query *query, store_row *each,
			  void *context, uint64_t *ret_rows, struct why *why);
	/* A copy as of one moment, into a file that is not there yet. */
	enum fault (*backup)(struct store_engine *engine, const char *path, struct why *why);
	void (*close)(struct store_engine *engine);
};

/* First member of every kind. */
struct store_engine {
	const struct store_engine_calls *calls;
};

/* server/store_sqlite.c. `create`: FAULT_EXISTS when the file is there; else FAULT_MISSING when it is not. */
MUST_CHECK enum fault store_sqlite_open(const char *path, bool create, struct store_engine **ret_engine,
					struct why *why);

#endif
