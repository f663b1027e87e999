/* Opening a connection in a thread that may be left behind. */
#include <assert.h>
#include <signal.h>
#include <string.h>

#include "base/condition.h"
#include "ldap/connect.h"
#include "ldap/deadline.h"
#include "ldap/pool_parts.h"

/* Belongs to the asker and the thread; the second to let go of it frees it. All fields that change are under
 * the pool's lock. */
struct opening {
	struct pool *pool;
	size_t server;
	int64_t deadline;
	char *dn; /* NULL: as the service */
	struct secret *password;
	pthread_cond_t done_condition;
	bool done;
	bool left; /* by its asker */
	struct conn *conn;
	struct root_dse root;
	enum directory_reason reason;
	struct why why;
};

static void opening_free(struct opening *opening)
{
	if (!opening)
		return;
	assert(!opening->conn);
	secret_free(opening->password);
	free(opening->dn);
	(void)pthread_cond_destroy(&opening->done_condition);
	free(opening);
}
AUTO_POINTER(struct opening *, opening_free);

static enum directory_reason opening_new(struct pool *pool, size_t server, int64_t deadline,
					 struct opening **ret_opening, struct why *why)
{
	struct opening *opening = calloc(1, sizeof *opening);

	if (!opening)
		return reason_no_memory(why);
	opening->pool = pool;
	opening->server = server;
	opening->deadline = deadline;
	opening->why = WHY_NONE;
	condition_init(&opening->done_condition);
	*ret_opening = opening;
	return DIRECTORY_REASON_NONE;
}

/* -- the thread -------------------------------------------------------------------- */

static void open_now(struct opening *opening)
{
	const struct ldap_settings *settings = opening->pool->settings;
	const struct ldap_server *server = &settings->servers[opening->server];

	opening->reason = opening->dn ? connect_as_person(settings, server, opening->dn, opening->password,
							  opening->deadline, &opening->why)
				      : connect_as_service(settings, server, opening->deadline, NULL,
							   &opening->conn, &opening->root, &opening->why);
}

static void give_place_back(struct pool *pool, const struct opening *opening)
{
	if (opening->dn)
		pool->servers[opening->server].logins--;
	else
		pool->servers[opening->server].open--;
	(void)pthread_cond_broadcast(&pool->changed);
}

/* Late, but open: somebody will ask again. */
static void keep_late(struct pool *pool, struct opening *opening)
{
	if (!opening->conn)
		return;
	pool_unlock(pool);
	pool_put(pool, opening->server, TAKE(opening->conn));
	pool_lock(pool);
}

static void *run(void *argument)
{
	struct opening *opening = argument;
	struct pool *pool = opening->pool;

	open_now(opening);
	pool_lock(pool);
	opening->done = true;
	if (!opening->conn)
		give_place_back(pool, opening);
	bool left = opening->left;
	if (left)
		keep_late(pool, opening);
	else
		(void)pthread_cond_signal(&opening->done_condition);
	pool_release_and_unlock(pool);
	if (left)
		opening_free(opening);
	return NULL;
}

/* No signal is delivered to it: those are for the threads that the program made for them. */
static bool start(struct opening *opening)
{
	sigset_t all;
	sigset_t before;
	pthread_t thread;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	bool started = pthread_create(&thread, NULL, run, opening) == 0;
	if (started)
		(void)pthread_detach(thread);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return started;
}

/* -- the asker --------------------------------------------------------------------- */

/* Hands the opening over to its thread, and waits for the result or for the deadline. `*opening` is NULL
 * afterwards if the thread keeps it. */
static enum directory_reason open_by(struct pool *pool, struct opening **opening, int64_t deadline,
				     struct why *why)
{
	pool_lock(pool);
	pool->references++;
	if (!start(*opening)) {
		give_place_back(pool, *opening);
		pool->references--;
		pool_unlock(pool);
		return reason_set(why, DIRECTORY_REASON_FAILED, "no thread to connect to the directory with");
	}
	while (!(*opening)->done && pool_wait(pool, &(*opening)->done_condition, deadline))
		;
	bool done = (*opening)->done;
	(*opening)->left = !done;
	if (!done)
		*opening = NULL;
	pool_unlock(pool);
	return DIRECTORY_REASON_NONE;
}

static enum directory_reason result_of(const struct pool *pool, size_t server, const struct opening *opening,
				       struct why *why)
{
	if (!opening)
		return reason_set(why, DIRECTORY_REASON_TIMEOUT, "connecting to %s took too long",
				  pool->settings->servers[server].uri);
	return opening->reason ? reason_set(why, opening->reason, "%s", opening->why.text)
			       : DIRECTORY_REASON_NONE;
}

static void note_kind(struct pool *pool, const struct root_dse *root)
{
	pool_lock(pool);
	memcpy(pool->kind, root->kind, sizeof pool->kind);
	pool_unlock(pool);
}

enum directory_reason pool_open(struct pool *pool, size_t server, int64_t deadline, struct conn **ret_conn,
				struct why *why)
{
	AUTO(opening_free) struct opening *opening = NULL;
	int64_t until = deadline_earlier(deadline, clock_boot_ms() + pool->settings->network_timeout_ms);
	enum directory_reason reason = opening_new(pool, server, until, &opening, why);

	if (reason) {
		pool_lock(pool);
		pool->servers[server].open--;
		pool_unlock(pool);
		return reason;
	}
	reason = open_by(pool, &opening, until, why);
	if (!reason)
		reason = result_of(pool, server, opening, why);
	if (reason)
		return reason;
	note_kind(pool, &opening->root);
	*ret_conn = TAKE(opening->conn);
	return reason;
}

static bool take_login(struct pool *pool, size_t server)
{
	pool_lock(pool);
	bool free_place = pool->servers[server].logins < POOL_LOGINS_MAX;
	pool->servers[server].logins += free_place;
	pool_unlock(pool);
	return free_place;
}

static enum directory_reason login_new(struct pool *pool, size_t server, const char *dn,
				       const struct secret *password, int64_t deadline,
				       struct opening **ret_opening, struct why *why)
{
	AUTO(opening_free) struct opening *opening = NULL;
	enum directory_reason reason = opening_new(pool, server, deadline, &opening, why);

	if (reason)
		return reason;
	opening->dn = strdup(dn);
	if (!opening->dn ||
	    secret_copy(secret_bytes(password), secret_size(password), &opening->password, why))
		return reason_no_memory(why);
	*ret_opening = TAKE(opening);
	return reason;
}

enum directory_reason pool_log_in(struct pool *pool, const struct ldap_server *server, const char *dn,
				  const struct secret *password, int64_t deadline, struct why *why)
{
	AUTO(opening_free) struct opening *opening = NULL;
	size_t at = (size_t)(server - pool->settings->servers);
	enum directory_reason reason = login_new(pool, at, dn, password, deadline, &opening, why);

	if (reason)
		return reason;
	if (!take_login(pool, at))
		return reason_set(why, DIRECTORY_REASON_TIMEOUT, "%s: too many log-ins at once", server->uri);
	reason = open_by(pool, &opening, deadline, why);
	return reason ? reason : result_of(pool, at, opening, why);
}
