/* fsenc-server run */
#include "base/log.h"
#include "server/commands.h"
#include "server/run.h"

enum fault cmd_run(struct call *call, struct why *why)
{
	enum fault fault;

	if (!call_always(call)->quiet && !call_always(call)->verbose)
		log_set_level(LOG_LEVEL_INFO); /* the audit belongs into the journal, too */
	fault = run_server(call->arguments[0], why);
	return call_hint(call, fault, "fsenc-server status %s", call->arguments[0]);
}
