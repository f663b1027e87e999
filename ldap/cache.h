/* ldap/cache.h - memberships that were looked up a moment ago.
 *
 * A "yes" is remembered for at most CACHE_YES_MAX_MS, a "no" for at most CACHE_NO_MAX_MS and by default
 * not at all, so that a denial is asked for live the next time: somebody who was just let in need not
 * wait. "Unknown" cannot be put in. Age counts from when the question was asked, so no answer is older than
 * it says.
 *
 * Memory is bounded: CACHE_SETS times CACHE_WAYS places; where a set is full, its oldest goes. Any thread.
 */
#ifndef FSENC_LDAP_CACHE_H
#define FSENC_LDAP_CACHE_H

#include "ldap/directory.h"

#define CACHE_YES_MAX_MS 60000
#define CACHE_NO_MAX_MS 10000
#define CACHE_SETS 16384
#define CACHE_WAYS 4

struct cache;

/* Longer times than the greatest are the greatest. */
MUST_CHECK enum fault cache_new(int64_t yes_ms, int64_t no_ms, struct cache **ret_cache, struct why *why);
void cache_free(struct cache *cache);
AUTO_POINTER(struct cache *, cache_free);

/* UNKNOWN: nothing that is young enough. Else the answer, with *ret_proof as it was put, source and age
 * apart. */
MUST_CHECK enum directory_answer cache_find(struct cache *cache, const struct member_id *user,
					    const struct member_id *group, struct directory_proof *ret_proof);
/* `asked` in boot ms. Takes the place of what was there. Without memory nothing is remembered. */
void cache_put(struct cache *cache, const struct member_id *user, const struct member_id *group,
	       enum directory_answer answer, const struct directory_proof *proof, int64_t asked);
void cache_drop_all(struct cache *cache);
/* From now on no answer older than that is found; times above those of cache_new() are those. */
void cache_limit(struct cache *cache, int64_t yes_ms, int64_t no_ms);

/* cache_entries (those not too old), remembered, cache_yes_ms, cache_no_ms. */
void cache_state(struct cache *cache, struct directory_state *ret_state);

#endif
