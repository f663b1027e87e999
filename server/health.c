#include "server/health.h"

#include "base/clock.h"
#include "base/log.h"
#include "server/handlers.h"
#include "server/server.h"

static bool store_works(struct server *server, struct why *why)
{
	struct health *health = &server->health;
	const int64_t now_ms = clock_boot_ms();

	if (!health->tried_ms || now_ms - health->tried_ms >= HEALTH_STORE_MS) {
		health->tried_ms = now_ms;
		health->store_works = store_check(server->home->store, why) == FAULT_NONE;
	}
	if (!health->store_works)
		(void)why_set(why, FAULT_KEYRING_WRITE, "the store cannot be written");
	return health->store_works;
}

static bool directory_answers(struct server *server, struct why *why)
{
	struct directory_state state;

	membership_state(server->membership, &state);
	if (state.answered)
		return true;
	(void)why_set(why, FAULT_UNREACHABLE, "the directory: %s",
		      state.failure[0] ? state.failure : "it was not asked yet");
	return false;
}

bool health_is_ready(struct server *server, struct why *why)
{
	struct health *health = &server->health;

	(void)pthread_mutex_lock(&health->lock);
	bool is_ready = store_works(server, why) && directory_answers(server, why);
	if (is_ready != health->was_ready) {
		if (is_ready)
			log_info("ready");
		else
			log_warning("not ready: %s", why_text(why, FAULT_FAILED));
	}
	health->was_ready = is_ready;
	(void)pthread_mutex_unlock(&health->lock);
	return is_ready;
}

enum fault handle_health(struct exchange *exchange, struct why *why)
{
	return bytes_append_text(&exchange->body, "{}", why);
}

enum fault handle_ready(struct exchange *exchange, struct why *why)
{
	if (!health_is_ready(exchange->server, why))
		exchange->status = 503;
	return bytes_append_text(&exchange->body, "{}", why);
}
