/* server/limit.h - how much somebody may do in a while.
 *
 * Counts amounts for each of many ids. A window begins with the first amount and lasts as long as the
 * limits were made for; what would go over the most is refused whole and not counted. A sudden rise, more
 * than a quarter of the most in one minute, is told once an hour: that is somebody worth a look, not yet
 * somebody to refuse. In memory only: a restart begins anew. Any thread.
 */
#ifndef FSENC_SERVER_LIMIT_H
#define FSENC_SERVER_LIMIT_H

#include "base/why.h"
#include "keys/id.h"

#define LIMIT_DAY_MS ((int64_t)86400 * 1000)
#define LIMIT_HOUR_MS ((int64_t)3600 * 1000)
#define LIMIT_BURST_MS 60000
#define LIMIT_BURST_PART 4

struct limits;

MUST_CHECK enum fault limits_new(int64_t window_ms, struct limits **ret_limits, struct why *why);
void limits_free(struct limits *limits);
AUTO_POINTER(struct limits *, limits_free);

enum limit_answer {
	LIMIT_WITHIN,
	LIMIT_BURST, /* within, and a sudden rise that was not told in the last hour */
	LIMIT_OVER,
};

/* `now_ms` of the boot clock. No memory for the count is OVER. */
enum limit_answer limits_take(struct limits *limits, const struct member_id *who, uint32_t amount,
			      uint32_t most, int64_t now_ms);
/* Would one more be over? */
bool limits_is_over(struct limits *limits, const struct member_id *who, uint32_t most, int64_t now_ms);

#endif
