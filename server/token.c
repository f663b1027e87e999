#include "base/clock.h"
#include "keys/message.h"
#include "server/handlers.h"
#include "server/server.h"

/* A recovery token, sealed to the recovery group: this server cannot read it. The newest one counts. */
enum fault handle_token(struct exchange *exchange, struct why *why)
{
	AUTO(bytes_done) struct bytes sealed = BYTES_EMPTY;
	struct audit_event event = {.action = AUDIT_TOKEN, .decision = AUDIT_GRANTED};

	if (token_request_read(exchange->request->body, exchange->request->body_size, &sealed, why))
		return exchange_refuse_why(exchange, PROBLEM_MALFORMED, why);
	enum fault fault = exchange_audit(exchange, &event, why);
	if (!fault)
		fault = store_token_write(exchange->server->home->store, &exchange->caller.account,
					  sealed.data, sealed.size, clock_wall_ms() / MS_PER_SECOND, why);
	return fault ? fault : bytes_append_text(&exchange->body, "{}", why);
}
