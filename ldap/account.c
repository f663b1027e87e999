#include "ldap/account.h"

#include <string.h>
#include <strings.h>

#include "base/clock.h"

#define CONTROL_DISABLED 0x2
#define NEVER INT64_MAX
#define TICKS_PER_MS 10000 /* of 100 ns */
#define MS_1601_TO_1970 INT64_C(11644473600000)
#define MS_PER_DAY INT64_C(86400000)
#define LOCKED_FOR_GOOD "000001010000Z"

static enum directory_reason control(const struct entry *entry, const char *name, int64_t wall_ms,
				     enum directory_reason *ret_off, struct why *why)
{
	int64_t flags = 0;
	enum directory_reason reason = entry_number(entry, name, 0, &flags, why);

	(void)wall_ms;
	if (!reason && flags & CONTROL_DISABLED)
		*ret_off = DIRECTORY_REASON_DISABLED;
	return reason;
}

static enum directory_reason file_time(const struct entry *entry, const char *name, int64_t wall_ms,
				       enum directory_reason *ret_off, struct why *why)
{
	int64_t ticks = NEVER;
	enum directory_reason reason = entry_number(entry, name, NEVER, &ticks, why);

	if (!reason && ticks < 0)
		return reason_set(why, DIRECTORY_REASON_MALFORMED, "%s of '%s' is no time", name, entry->dn);
	if (!reason && ticks != 0 && ticks != NEVER && wall_ms >= ticks / TICKS_PER_MS - MS_1601_TO_1970)
		*ret_off = DIRECTORY_REASON_EXPIRED;
	return reason;
}

static enum directory_reason days(const struct entry *entry, const char *name, int64_t wall_ms,
				  enum directory_reason *ret_off, struct why *why)
{
	int64_t day = -1;
	enum directory_reason reason = entry_number(entry, name, -1, &day, why);

	if (!reason && day >= 0 && wall_ms / MS_PER_DAY >= day)
		*ret_off = DIRECTORY_REASON_EXPIRED;
	return reason;
}

static enum directory_reason flag(const struct entry *entry, const char *name, int64_t wall_ms,
				  enum directory_reason *ret_off, struct why *why)
{
	static const char *const no[] = {"false", NULL};

	(void)wall_ms;
	(void)why;
	if (entry_find(entry, name) && !entry_has_one_of(entry, name, no))
		*ret_off = DIRECTORY_REASON_DISABLED;
	return DIRECTORY_REASON_NONE;
}

static enum directory_reason lock_time(const struct entry *entry, const char *name, int64_t wall_ms,
				       enum directory_reason *ret_off, struct why *why)
{
	static const char *const for_good[] = {LOCKED_FOR_GOOD, NULL};

	(void)wall_ms;
	(void)why;
	if (entry_has_one_of(entry, name, for_good))
		*ret_off = DIRECTORY_REASON_DISABLED;
	return DIRECTORY_REASON_NONE;
}

static const struct {
	const char *attribute;
	enum directory_reason (*look)(const struct entry *entry, const char *name, int64_t wall_ms,
				      enum directory_reason *ret_off, struct why *why);
} looks[] = {
	{"accountExpires", file_time}, {"shadowExpire", days},	{"userAccountControl", control},
	{"nsAccountLock", flag},       {"loginDisabled", flag}, {"pwdAccountLockedTime", lock_time},
};

enum directory_reason account_read(const struct entry *entry, int64_t wall_ms, enum directory_reason *ret_off,
				   struct why *why)
{
	enum directory_reason off = DIRECTORY_REASON_NONE;
	enum directory_reason reason = DIRECTORY_REASON_NONE;

	for (size_t i = 0; !reason && i < sizeof looks / sizeof *looks; i++)
		reason = looks[i].look(entry, looks[i].attribute, wall_ms, &off, why);
	if (!reason)
		*ret_off = off;
	return reason;
}
