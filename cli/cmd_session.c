/* fsenc unlock, lock */
#include "cli/commands.h"
#include "cli/session_open.h"
#include "keys/session.h"

#include <stdlib.h>
#include <string.h>

#define UNLOCK_DEFAULT "8h"
#define UNLOCK_MAX (7 * 24 * 3600u)

const struct option_row options_unlock[] = {
	{"for", 0, "TIME", "how long, as 90s, 30m, 8h or 2d; 8h if not given, 7d at most", OPTION_TEXT,
	 OPTION_AT(duration)},
	OPTION_ROWS_END,
};

static enum fault read_duration(const char *text, unsigned *ret_seconds, struct why *why)
{
	static const struct {
		const char *unit;
		unsigned seconds;
	} units[] = {{"s", 1}, {"", 1}, {"m", 60}, {"h", 3600}, {"d", 24 * 3600}};
	char *unit = NULL;
	unsigned long number = strtoul(text, &unit, 10);

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(unit, units[i].unit) != 0 || *text < '0' || *text > '9')
			continue;
		if (!number || number > UNLOCK_MAX / units[i].seconds)
			break;
		*ret_seconds = (unsigned)number * units[i].seconds;
		return FAULT_NONE;
	}
	return why_set(why, FAULT_USAGE, "'%s' is no time from 1s to 7d, as 30m or 8h", text);
}

enum fault cmd_unlock(struct call *call, struct why *why)
{
	AUTO(keyring_close) struct keyring *keyring = NULL;
	const char *duration = call->options->duration ? call->options->duration : UNLOCK_DEFAULT;
	const struct secret *master = NULL;
	unsigned seconds = 0;
	enum fault fault = read_duration(duration, &seconds, why);

	if (!fault)
		fault = session_with_passphrase(call, &keyring, NULL, why);
	if (!fault)
		fault = keyring_master(keyring, &master, why);
	if (!fault)
		fault = session_store(keyring_path(keyring), master, seconds, why);
	if (!fault)
		call_say(call, "Unlocked for %s; 'fsenc lock' ends it.", duration);
	return fault;
}

enum fault cmd_lock(struct call *call, struct why *why)
{
	AUTO(keyring_close) struct keyring *keyring = NULL;
	enum fault fault = session_locked(call, &keyring, why);

	if (fault)
		return fault;
	fault = session_forget(keyring_path(keyring), why);
	if (fault == FAULT_MISSING) {
		call_say(call, "It was not unlocked.");
		return FAULT_NONE;
	}
	return fault;
}
