#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "server/store_engine.h"
#include "server/store_sqlite_connection.h"
#include "server/store_sqlite_layout.h"

/* A connection that nobody uses. */
struct idle {
	struct idle *next;
	struct connection *connection;
};

struct sqlite_store {
	struct store_engine engine;
	char *path;
	pthread_mutex_t pool_mutex;
	struct idle *pool; /* for reading outside of transactions */
	pthread_mutex_t writer_mutex; /* held from begin to end */
	struct connection *writer;
	atomic_uintptr_t owner; /* the thread that holds it: an address of its own, or 0 */
};

static _Thread_local char this_thread;

static struct sqlite_store *store_of(struct store_engine *engine)
{
	return (struct sqlite_store *)engine;
}

/* -- connections ---------------------------------------------------------------------- */

static void idle_free(struct idle *idle)
{
	if (!idle)
		return;
	connection_close(idle->connection);
	free(idle);
}
AUTO_POINTER(struct idle *, idle_free);

static enum fault borrow(struct sqlite_store *store, struct idle **ret_idle, struct why *why)
{
	AUTO(idle_free) struct idle *idle = NULL;
	enum fault fault;

	(void)pthread_mutex_lock(&store->pool_mutex);
	idle = store->pool;
	if (idle)
		store->pool = idle->next;
	(void)pthread_mutex_unlock(&store->pool_mutex);
	if (!idle && !(idle = calloc(1, sizeof *idle)))
		return why_set(why, FAULT_MEMORY, "no memory for the store");
	fault = idle->connection ? FAULT_NONE : connection_open(store->path, &idle->connection, why);
	if (!fault)
		*ret_idle = TAKE(idle);
	return fault;
}

static void give_back(struct sqlite_store *store, struct idle *idle)
{
	(void)pthread_mutex_lock(&store->pool_mutex);
	idle->next = store->pool;
	store->pool = idle;
	(void)pthread_mutex_unlock(&store->pool_mutex);
}

/* The owner's own address is all that a thread compares with: another's, half written, is never that. */
static bool is_ours(struct sqlite_store *store)
{
	return atomic_load_explicit(&store->owner, memory_order_relaxed) == (uintptr_t)&this_thread;
}

static void take_writer(struct sqlite_store *store)
{
	assert(!is_ours(store));
	(void)pthread_mutex_lock(&store->writer_mutex);
	atomic_store_explicit(&store->owner, (uintptr_t)&this_thread, memory_order_relaxed);
}

static void release_writer(struct sqlite_store *store)
{
	atomic_store_explicit(&store->owner, 0, memory_order_relaxed);
	(void)pthread_mutex_unlock(&store->writer_mutex);
}

/* -- the calls ------------------------------------------------------------------------ */

static bool sqlite_is_inside(struct store_engine *engine)
{
	return is_ours(store_of(engine));
}

static enum fault sqlite_begin(struct store_engine *engine, struct why *why)
{
	struct sqlite_store *store = store_of(engine);
	enum fault fault;

	take_writer(store);
	fault = connection_script(store->writer, "BEGIN IMMEDIATE", why);
	if (fault)
		release_writer(store);
	return fault;
}

static enum fault sqlite_end(struct store_engine *engine, enum fault fault, struct why *why)
{
	struct sqlite_store *store = store_of(engine);

	assert(is_ours(store));
	if (!fault)
		fault = connection_script(store->writer, "COMMIT", why);
	if (fault)
		connection_roll_back(store->writer);
	release_writer(store);
	return fault;
}

static enum fault run_alone(struct sqlite_store *store, const struct query *query, uint64_t *ret_rows,
			    struct why *why)
{
	enum fault fault;

	take_writer(store);
	fault = connection_run(store->writer, query, NULL, NULL, ret_rows, why);
	release_writer(store);
	return fault;
}

static enum fault sqlite_run(struct store_engine *engine, const struct query *query, store_row *each,
			     void *context, uint64_t *ret_rows, struct why *why)
{
	struct sqlite_store *store = store_of(engine);
	struct idle *idle = NULL;
	enum fault fault;

	if (is_ours(store))
		return connection_run(store->writer, query, each, context, ret_rows, why);
	if (query->column_count == 0)
		return run_alone(store, query, ret_rows, why);
	fault = borrow(store, &idle, why);
	if (fault)
		return fault;
	fault = connection_run(idle->connection, query, each, context, ret_rows, why);
	give_back(store, idle);
	return fault;
}

/* Nobody else may read it, as the store. */
static enum fault claim(const char *path, struct why *why)
{
	AUTO(file_close) int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0 && errno == EEXIST)
		return why_set(why, FAULT_EXISTS, "there is already a file '%s'", path);
	return fd < 0 ? why_system(why, "cannot make '%s'", path) : FAULT_NONE;
}

static enum fault copy_into(struct sqlite_store *store, const char *path, struct why *why)
{
	AUTO(connection_close) struct connection *from = NULL;
	AUTO(connection_close) struct connection *to = NULL;
	enum fault fault = connection_open(store->path, &from, why);

	if (!fault)
		fault = connection_open(path, &to, why);
	if (!fault)
		fault = connection_copy(from, to, why);
	if (!fault) /* one file, to be carried; opened again as a store it goes back to WAL */
		fault = connection_script(to, "PRAGMA journal_mode = DELETE", why);
	return fault;
}

static enum fault sqlite_backup(struct store_engine *engine, const char *path, struct why *why)
{
	enum fault fault = claim(path, why);

	if (fault)
		return fault;
	fault = copy_into(store_of(engine), path, why);
	if (fault)
		(void)unlink(path);
	return fault;
}

static void sqlite_close(struct store_engine *engine)
{
	struct sqlite_store *store = store_of(engine);

	while (store->pool) {
		struct idle *idle = store->pool;

		store->pool = idle->next;
		idle_free(idle);
	}
	connection_close(store->writer);
	(void)pthread_mutex_destroy(&store->pool_mutex);
	(void)pthread_mutex_destroy(&store->writer_mutex);
	free(store->path);
	free(store);
}

static const struct store_engine_calls calls = {
	.is_inside = sqlite_is_inside,
	.begin = sqlite_begin,
	.end = sqlite_end,
	.run = sqlite_run,
	.backup = sqlite_backup,
	.close = sqlite_close,
};

/* -- opening -------------------------------------------------------------------------- */

static enum fault check_file(const char *path, struct why *why)
{
	struct stat status;

	if (lstat(path, &status) != 0) {
		if (errno == ENOENT || errno == ENOTDIR)
			return why_set(why, FAULT_MISSING, "there is no store '%s'", path);
		return why_system(why, "cannot look at '%s'", path);
	}
	if (!S_ISREG(status.st_mode))
		return why_set(why, FAULT_KEYRING_READ, "'%s' is no store of a key server", path);
	if (status.st_mode & (S_IRWXG | S_IRWXO))
		return why_set(why, FAULT_KEYRING_READ, "others can read the store '%s'; 'chmod 600' it",
			       path);
	return FAULT_NONE;
}

struct layout {
	int64_t version;
	int64_t application;
};

static enum fault read_layout(struct connection *connection, struct layout *layout, struct why *why)
{
	static const struct column columns[] = {
		{COLUMN_INTEGER, COLUMN_AT(struct layout, version), .least = INT32_MIN, .most = INT32_MAX},
		{COLUMN_INTEGER, COLUMN_AT(struct layout, application), .least = INT32_MIN,
		 .most = INT32_MAX},
	};
	const struct query query = {.sql = "SELECT u.user_version, a.application_id"
					   " FROM pragma_user_version u, pragma_application_id a",
				    COLUMNS(columns),
				    .into = layout};

	return connection_run(connection, &query, NULL, NULL, NULL, why);
}

static enum fault check_layout(struct connection *connection, const char *path, struct why *why)
{
	struct layout layout = {0, 0};
	enum fault fault = read_layout(connection, &layout, why);

	if (fault)
		return fault;
	if (layout.application != STORE_APPLICATION_ID)
		return why_set(why, FAULT_KEYRING_READ, "'%s' is no store of a key server", path);
	if (layout.version > (int64_t)store_sqlite_step_count)
		return why_set(why, FAULT_KEYRING_READ,
			       "store '%s' was written by a newer fsenc-server (layout %d)", path,
			       (int)layout.version);
	return FAULT_NONE;
}

static enum fault take_steps(struct connection *connection, const struct layout *layout, struct why *why)
{
	char sql[128];
	enum fault fault = FAULT_NONE;

	for (int64_t i = layout->version; !fault && i < (int64_t)store_sqlite_step_count; i++)
		fault = connection_script(connection, store_sqlite_steps[i], why);
	(void)snprintf(sql, sizeof sql, "PRAGMA application_id = %d; PRAGMA user_version = %d",
		       STORE_APPLICATION_ID, (int)store_sqlite_step_count);
	return fault ? fault : connection_script(connection, sql, why);
}

/* In one transaction, so that of two processes that find an old layout one brings it up. */
static enum fault bring_up(struct connection *connection, struct why *why)
{
	struct layout layout = {0, 0};
	enum fault fault = connection_script(connection, "PRAGMA journal_mode = WAL; BEGIN IMMEDIATE", why);

	if (fault)
		return fault;
	fault = read_layout(connection, &layout, why);
	if (!fault && layout.version < (int64_t)store_sqlite_step_count)
		fault = take_steps(connection, &layout, why);
	if (!fault)
		fault = connection_script(connection, "COMMIT", why);
	if (fault)
		connection_roll_back(connection);
	return fault;
}

static enum fault sqlite_new(const char *path, struct connection *writer, struct store_engine **ret_engine,
			     struct why *why)
{
	struct sqlite_store *store = calloc(1, sizeof *store);
	char *copy = strdup(path);

	if (!store || !copy) {
		free(store);
		free(copy);
		connection_close(writer);
		return why_set(why, FAULT_MEMORY, "no memory for the store");
	}
	store->engine.calls = &calls;
	store->path = copy;
	store->writer = writer;
	(void)pthread_mutex_init(&store->pool_mutex, NULL);
	(void)pthread_mutex_init(&store->writer_mutex, NULL);
	*ret_engine = &store->engine;
	return FAULT_NONE;
}

enum fault store_sqlite_open(const char *path, bool create, struct store_engine **ret_engine, struct why *why)
{
	AUTO(connection_close) struct connection *writer = NULL;
	enum fault fault = create ? claim(path, why) : check_file(path, why);

	if (!fault)
		fault = connection_open(path, &writer, why);
	if (!fault && !create)
		fault = check_layout(writer, path, why);
	if (!fault)
		fault = bring_up(writer, why);
	return fault ? fault : sqlite_new(path, TAKE(writer), ret_engine, why);
}
