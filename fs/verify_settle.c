/* What is of the folder above in a folder's own directory. */
#include "fs/strangers.h"
#include "fs/verify_state.h"

#include <time.h>

#include "base/clock.h"

#define PAUSE_NS 20000000L

/* In a lobby nothing tells them. */
static bool strangers_of(const struct zone *zone, struct strangers *ret_strangers)
{
	if (!zone || !zone->view || zone->place.path[0] == 0 || !zone->above || !zone->above->view)
		return false;
	*ret_strangers = (struct strangers){
		.place = &zone->place,
		.own = zone->view,
		.above = zone->above->view,
	};
	return true;
}

/* Once a folder. */
static bool has_patience(struct zone *zone)
{
	const struct timespec pause = {.tv_nsec = PAUSE_NS};
	int64_t now = clock_boot_ms();

	if (zone->patient_until_ms == 0)
		zone->patient_until_ms = now + 2 * STRANGERS_PATIENCE_MS;
	if (now >= zone->patient_until_ms)
		return false;
	(void)nanosleep(&pause, NULL);
	return true;
}

bool verify_finds_stranger(int directory, struct zone *zone, const char *entry)
{
	struct strangers strangers;
	bool is_one = strangers_of(zone, &strangers) && directory == zone->place.directory &&
		      stranger_is_one(&strangers, entry);

	while (is_one && has_patience(zone))
		is_one = stranger_is_one(&strangers, entry);
	return is_one;
}

bool verify_finds_strange_attribute(const struct zone *zone, const char *stored)
{
	struct strangers strangers;

	return strangers_of(zone, &strangers) && stranger_is_attribute(&strangers, stored);
}

enum fault verify_settle(struct verify *verify, const struct zone *zone, struct why *why)
{
	struct strangers strangers;
	struct why unsaid = WHY_NONE;
	size_t count;

	if (!verify->options->repair || !strangers_of(zone, &strangers))
		return FAULT_NONE;
	/* What stays is told of as it is met. */
	enum fault fault = strangers_settle(&strangers, &count, &unsaid);
	if (count > 0)
		verify_found(
			verify, FINDING_REPAIRED,
			"%zu names or attributes from when it became a folder were still of the folder above",
			count);
	if (fault == FAULT_MEMORY)
		*why = unsaid;
	return fault == FAULT_MEMORY ? fault : FAULT_NONE;
}
