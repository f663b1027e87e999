/* Which server is asked, for how long, and what follows when it does not answer. */
#include <string.h>

#include "base/log.h"
#include "ldap/deadline.h"
#include "ldap/pool_parts.h"

/* -- order ------------------------------------------------------------------------- */

/* Whoever finds that the first server's minute is over tries it; the others go on where it works meanwhile.
 */
static bool is_primary_due(struct pool *pool, int64_t now)
{
	struct pool_server *primary = &pool->servers[0];

	if (pool->good == 0 || now - primary->failed_at < POOL_PRIMARY_AGAIN_MS)
		return false;
	primary->failed_at = now;
	return true;
}

static size_t order_servers(struct pool *pool, size_t order[static SETTINGS_SERVERS_MAX])
{
	size_t count = 0;

	pool_lock(pool);
	size_t first = is_primary_due(pool, clock_boot_ms()) ? 0 : pool->good;
	size_t second = first == pool->good ? SIZE_MAX : pool->good;
	order[count++] = first;
	if (second != SIZE_MAX)
		order[count++] = second;
	for (size_t i = 0; i < pool->settings->server_count; i++)
		if (i != first && i != second)
			order[count++] = i;
	pool_unlock(pool);
	return count;
}

/* -- what is remembered ------------------------------------------------------------ */

static void note_answer(struct pool *pool, size_t server)
{
	const char *uri = pool->settings->servers[server].uri;

	pool_lock(pool);
	if (pool->answered_at && !pool->answered)
		log_info("the directory answers again: %s", uri);
	else if (pool->answered_at && pool->good != server)
		log_info("the directory is now asked at %s", uri);
	pool->good = server;
	pool->answered = true;
	pool->answered_at = clock_boot_ms();
	*pool->failure = 0;
	pool_unlock(pool);
}

static void note_failure(struct pool *pool, size_t server)
{
	pool_lock(pool);
	pool->servers[server].failed_at = clock_boot_ms();
	pool_unlock(pool);
}

static void note_silence(struct pool *pool, const struct why *why)
{
	pool_lock(pool);
	if (pool->answered || !*pool->failure)
		log_warning("the directory does not answer: %s", why->text);
	pool->answered = false;
	(void)snprintf(pool->failure, sizeof pool->failure, "%s", why->text);
	pool_unlock(pool);
}

/* -- asking ------------------------------------------------------------------------ */

struct asking {
	pool_question *question;
	void *context;
	bool put; /* a connection was there to put it on */
};

/* *ret_again: the connection was at fault, not the server: it dropped, or it was an old one and is silent. */
static enum directory_reason ask_once(struct pool *pool, size_t server, bool fresh, int64_t deadline,
				      struct asking *asking, bool *ret_again, struct why *why)
{
	struct conn *conn = NULL;
	bool reused = false;
	enum directory_reason reason = pool_take(pool, server, fresh, deadline, &conn, &reused, why);

	*ret_again = false;
	asking->put = !reason;
	if (reason)
		return reason;
	if (reused)
		conn_doubt(conn, deadline_share(deadline, 2));
	reason = asking->question(conn, deadline, asking->context, why);
	*ret_again = conn_is_spoiled(conn) &&
		     (reason == DIRECTORY_REASON_UNREACHABLE ||
		      (reason == DIRECTORY_REASON_TIMEOUT && conn_is_in_doubt(conn)));
	if (reason_is_of_server(reason))
		conn_spoil(conn);
	pool_put(pool, server, conn);
	return reason;
}

static enum directory_reason ask_server(struct pool *pool, size_t server, int64_t deadline,
					struct asking *asking, struct why *why)
{
	bool again = false;
	enum directory_reason reason = ask_once(pool, server, false, deadline, asking, &again, why);

	if (again && !deadline_has_passed(deadline))
		reason = ask_once(pool, server, true, deadline, asking, &again, why);
	return reason;
}

enum directory_reason pool_ask(struct pool *pool, int64_t deadline, pool_question *question, void *context,
			       struct why *why)
{
	struct asking asking = {.question = question, .context = context};
	struct why words = WHY_NONE;
	size_t order[SETTINGS_SERVERS_MAX];
	size_t count = order_servers(pool, order);
	enum directory_reason reason = DIRECTORY_REASON_UNREACHABLE;

	for (size_t i = 0; i < count; i++) {
		int64_t share = deadline_share(deadline, (unsigned)(count - i));
		reason = ask_server(pool, order[i], share, &asking, &words);
		if (asking.put && !reason_is_of_server(reason)) {
			note_answer(pool, order[i]);
			return reason ? reason_set(why, reason, "%s", words.text) : reason;
		}
		note_failure(pool, order[i]);
	}
	note_silence(pool, &words);
	return reason_set(why, reason, "%s", words.text);
}
