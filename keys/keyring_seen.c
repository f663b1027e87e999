#include "keys/keyring_seen.h"

#include <inttypes.h>

static const struct digest no_digest;
const struct seen nothing_seen = {.version = 0, .digest = &no_digest};

enum fault seen_check_forward(const struct seen *before, const struct seen *now, struct why *why)
{
	if (now->version < VERSION_LEAST || now->version > VERSION_MOST)
		return why_set(why, FAULT_INVALID, "no record has the version %" PRIu64, now->version);
	if (now->version < before->version)
		return why_set(why, FAULT_TAMPERED,
			       "version %" PRIu64 " is older than the version %" PRIu64 " seen before",
			       now->version, before->version);
	if (now->version == before->version && !digest_equal(now->digest, before->digest))
		return why_set(why, FAULT_TAMPERED, "version %" PRIu64 " is not the one seen before",
			       now->version);
	return FAULT_NONE;
}
