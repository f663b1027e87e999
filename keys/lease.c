#include "keys/lease.h"

#include "base/clock.h"

/* So that a lease too short for tries every 10 s has as many of them as one of two minutes. */
#define RETRIES_A_LEASE 12

void lease_grant(struct lease *lease, int64_t sent_ms, uint32_t seconds)
{
	int64_t length_ms = (int64_t)(seconds < LEASE_SECONDS_MAX ? seconds : LEASE_SECONDS_MAX) *
			    MS_PER_SECOND;

	lease->granted_ms = sent_ms;
	lease->length_ms = length_ms;
	lease->renew_at_ms = sent_ms + length_ms / 3;
	atomic_store(&lease->valid_until_ms, length_ms > 0 ? sent_ms + length_ms : 0);
}

void lease_extend(struct lease *lease, uint32_t seconds)
{
	int64_t end_ms = atomic_load(&lease->valid_until_ms);

	if (end_ms > 0)
		atomic_store(&lease->valid_until_ms, end_ms + (int64_t)seconds * MS_PER_SECOND);
}

void lease_renewal_failed(struct lease *lease, int64_t now_ms, int64_t jitter_ms)
{
	int64_t share_ms = lease->length_ms / RETRIES_A_LEASE;
	int64_t retry_ms = share_ms < LEASE_RETRY_MS ? share_ms : LEASE_RETRY_MS;

	lease->renew_at_ms = now_ms + retry_ms + jitter_ms * retry_ms / LEASE_RETRY_MS;
}

void lease_end(struct lease *lease)
{
	atomic_store(&lease->valid_until_ms, 0);
}

bool lease_is_valid(const struct lease *lease, int64_t now_ms)
{
	return now_ms < atomic_load(&lease->valid_until_ms);
}

bool lease_renewal_is_due(const struct lease *lease, int64_t now_ms)
{
	return lease_is_valid(lease, now_ms) && now_ms >= lease->renew_at_ms;
}

int64_t lease_next_ms(const struct lease *lease)
{
	int64_t end_ms = atomic_load(&lease->valid_until_ms);

	if (end_ms == 0)
		return INT64_MAX;
	return lease->renew_at_ms < end_ms ? lease->renew_at_ms : end_ms;
}
