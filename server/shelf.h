/* server/shelf.h - values read from the store, remembered as long as its version stays the same.
 *
 *     store_version(store, &version, why);                   first: what is read later is not older
 *     if (!shelf_recall(shelf, key, version, &value)) {
 *             ... read it from the store ...
 *             shelf_remember(shelf, key, version, &value);
 *     }
 *
 * Values are plain and of one size; keys are SHELF_KEY_SIZE bytes that nobody can choose (ids, hashes). A
 * value takes the place of another in the same place, so memory is bounded and a crowd costs reads. Any
 * thread.
 */
#ifndef FSENC_SERVER_SHELF_H
#define FSENC_SERVER_SHELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/why.h"

#define SHELF_KEY_SIZE 16

struct shelf;

/* `places` is a power of two. */
MUST_CHECK enum fault shelf_new(size_t value_size, size_t places, struct shelf **ret_shelf, struct why *why);
void shelf_free(struct shelf *shelf);
AUTO_POINTER(struct shelf *, shelf_free);

MUST_CHECK bool shelf_recall(struct shelf *shelf, const uint8_t key[static SHELF_KEY_SIZE], uint64_t version,
			     void *ret_value);
void shelf_remember(struct shelf *shelf, const uint8_t key[static SHELF_KEY_SIZE], uint64_t version,
		    const void *value);

#endif
