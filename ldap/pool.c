#include "ldap/pool.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/condition.h"
#include "ldap/deadline.h"
#include "ldap/pool_parts.h"

/* -- life -------------------------------------------------------------------------- */

void pool_lock(struct pool *pool)
{
	int code = pthread_mutex_lock(&pool->lock);
	assert(code == 0);
}

void pool_unlock(struct pool *pool)
{
	int code = pthread_mutex_unlock(&pool->lock);
	assert(code == 0);
}

bool pool_wait(struct pool *pool, pthread_cond_t *condition, int64_t deadline)
{
	int left = deadline_left_ms(deadline);

	if (!left)
		return false;
	const struct timespec until = condition_in_ms(left);
	return pthread_cond_timedwait(condition, &pool->lock, &until) != ETIMEDOUT;
}

enum fault pool_new(struct ldap_settings *settings, struct pool **ret_pool, struct why *why)
{
	struct pool *pool = calloc(1, sizeof *pool);

	if (!pool) {
		settings_free(settings);
		return why_set(why, FAULT_MEMORY, "no memory for connections to the directory");
	}
	(void)pthread_mutex_init(&pool->lock, NULL);
	condition_init(&pool->changed);
	pool->references = 1;
	pool->settings = settings;
	strcpy(pool->kind, "not known yet");
	*ret_pool = pool;
	return FAULT_NONE;
}

void pool_release_and_unlock(struct pool *pool)
{
	bool last = --pool->references == 0;

	pool_unlock(pool);
	if (!last)
		return;
	assert(pool->idle_count == 0);
	settings_free(pool->settings);
	(void)pthread_cond_destroy(&pool->changed);
	(void)pthread_mutex_destroy(&pool->lock);
	free(pool);
}

void pool_close(struct pool *pool)
{
	if (!pool)
		return;
	pool_lock(pool);
	pool->closed = true;
	for (size_t i = 0; i < pool->idle_count; i++)
		conn_close(pool->idle[i].conn);
	pool->idle_count = 0;
	pool_release_and_unlock(pool);
}

const struct ldap_settings *pool_settings(const struct pool *pool)
{
	return pool->settings;
}

/* -- idle connections -------------------------------------------------------------- */

static struct conn *take_idle_at(struct pool *pool, size_t i)
{
	struct conn *conn = pool->idle[i].conn;

	pool->idle[i] = pool->idle[--pool->idle_count];
	return conn;
}

static void drop_idle_at(struct pool *pool, size_t i)
{
	pool->servers[pool->idle[i].server].open--;
	conn_close(take_idle_at(pool, i));
}

static bool is_too_old(const struct pool *pool, const struct conn *conn)
{
	return clock_boot_ms() - conn_opened(conn) >= pool->settings->connection_age_ms;
}

/* Old ones and those whose peer hung up; and those of servers that are not asked any more. */
static void drop_stale(struct pool *pool, size_t wanted)
{
	int64_t now = clock_boot_ms();

	for (size_t i = pool->idle_count; i-- > 0;) {
		const struct pool_idle *idle = &pool->idle[i];
		if ((idle->server != wanted && idle->server != pool->good) ||
		    now - idle->since >= pool->settings->connection_idle_ms || is_too_old(pool, idle->conn) ||
		    conn_is_dead(idle->conn))
			drop_idle_at(pool, i);
	}
}

/* The one that was used last: so the others grow old and go. */
static struct conn *take_idle(struct pool *pool, size_t server)
{
	size_t best = pool->idle_count;

	for (size_t i = 0; i < pool->idle_count; i++)
		if (pool->idle[i].server == server &&
		    (best == pool->idle_count || pool->idle[i].since > pool->idle[best].since))
			best = i;
	return best == pool->idle_count ? NULL : take_idle_at(pool, best);
}

void pool_put(struct pool *pool, size_t server, struct conn *conn)
{
	pool_lock(pool);
	if (pool->closed || conn_is_spoiled(conn) || is_too_old(pool, conn) ||
	    pool->idle_count == POOL_IDLE_MAX) {
		pool->servers[server].open--;
		conn_close(conn);
	} else {
		pool->idle[pool->idle_count++] = (struct pool_idle){
			.conn = conn, .server = server, .since = clock_boot_ms()};
	}
	(void)pthread_cond_signal(&pool->changed);
	pool_unlock(pool);
}

/* -- taking ------------------------------------------------------------------------ */

/* A place to open in, made by dropping an idle connection if need be. */
static bool take_place(struct pool *pool, size_t server)
{
	struct pool_server *at = &pool->servers[server];

	for (size_t i = 0; at->open >= pool->settings->connections && i < pool->idle_count; i++)
		if (pool->idle[i].server == server) {
			drop_idle_at(pool, i);
			break;
		}
	if (at->open >= pool->settings->connections)
		return false;
	at->open++;
	return true;
}

/* *ret_conn NULL: there is a place to open one in. */
static enum directory_reason find_or_wait(struct pool *pool, size_t server, bool fresh, int64_t deadline,
					  struct conn **ret_conn, struct why *why)
{
	for (;;) {
		drop_stale(pool, server);
		*ret_conn = fresh ? NULL : take_idle(pool, server);
		if (*ret_conn || take_place(pool, server))
			return DIRECTORY_REASON_NONE;
		if (!pool_wait(pool, &pool->changed, deadline))
			return reason_set(why, DIRECTORY_REASON_TIMEOUT, "%s: all %u connections are busy",
					  pool->settings->servers[server].uri, pool->settings->connections);
	}
}

enum directory_reason pool_take(struct pool *pool, size_t server, bool fresh, int64_t deadline,
				struct conn **ret_conn, bool *ret_reused, struct why *why)
{
	struct conn *conn = NULL;

	pool_lock(pool);
	enum directory_reason reason = find_or_wait(pool, server, fresh, deadline, &conn, why);
	pool_unlock(pool);
	*ret_reused = conn != NULL;
	if (!reason && !conn)
		reason = pool_open(pool, server, deadline, &conn, why);
	if (!reason)
		*ret_conn = conn;
	return reason;
}

/* -- state ------------------------------------------------------------------------- */

void pool_state(struct pool *pool, struct directory_state *ret_state)
{
	pool_lock(pool);
	drop_stale(pool, pool->good);
	memcpy(ret_state->kind, pool->kind, sizeof ret_state->kind);
	ret_state->answered = pool->answered;
	ret_state->answered_age_ms = pool->answered_at ? clock_boot_ms() - pool->answered_at : -1;
	memcpy(ret_state->failure, pool->failure, sizeof ret_state->failure);
	if (pool->answered_at)
		(void)snprintf(ret_state->server, sizeof ret_state->server, "%s",
			       pool->settings->servers[pool->good].uri);
	pool_unlock(pool);
}

unsigned pool_open_connections(struct pool *pool)
{
	unsigned open = 0;

	pool_lock(pool);
	for (size_t i = 0; i < pool->settings->server_count; i++)
		open += pool->servers[i].open;
	pool_unlock(pool);
	return open;
}
