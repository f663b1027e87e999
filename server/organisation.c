#include "base/clock.h"
#include "server/handlers.h"
#include "server/server.h"

/* Unsigned, and of no use to who asks: the signatures are the root's. */
enum fault handle_organisation(struct exchange *exchange, struct why *why)
{
	const struct organisation_answer answer = {
		.organisation = exchange->charter->organisation_signed,
		.policy = exchange->charter->policy_signed,
		.server = identity_public(exchange->server->home->identity)->id,
		.time_ms = clock_wall_ms(),
	};

	return organisation_answer_write(&answer, &exchange->body, why);
}
