#include "server/shelf.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

#define BOARDS 16 /* each with a lock of its own */

struct label {
	bool used;
	uint64_t version;
	uint8_t key[SHELF_KEY_SIZE];
};

struct shelf {
	size_t value_size, places;
	pthread_mutex_t locks[BOARDS];
	struct label *labels;
	uint8_t *values;
};

void shelf_free(struct shelf *shelf)
{
	if (!shelf)
		return;
	for (size_t i = 0; i < BOARDS; i++)
		(void)pthread_mutex_destroy(&shelf->locks[i]);
	free(shelf->labels);
	free(shelf->values);
	free(shelf);
}

enum fault shelf_new(size_t value_size, size_t places, struct shelf **ret_shelf, struct why *why)
{
	struct shelf *shelf = calloc(1, sizeof *shelf);

	assert(places >= BOARDS && (places & (places - 1)) == 0);
	if (!shelf)
		return why_set(why, FAULT_MEMORY, "no memory to remember what was read");
	for (size_t i = 0; i < BOARDS; i++)
		(void)pthread_mutex_init(&shelf->locks[i], NULL);
	shelf->value_size = value_size;
	shelf->places = places;
	shelf->labels = calloc(places, sizeof *shelf->labels);
	shelf->values = calloc(places, value_size);
	if (!shelf->labels || !shelf->values) {
		shelf_free(shelf);
		return why_set(why, FAULT_MEMORY, "no memory to remember what was read");
	}
	*ret_shelf = shelf;
	return FAULT_NONE;
}

static size_t place_of(const struct shelf *shelf, const uint8_t key[static SHELF_KEY_SIZE])
{
	return le64_get(key) & (shelf->places - 1);
}

bool shelf_recall(struct shelf *shelf, const uint8_t key[static SHELF_KEY_SIZE], uint64_t version,
		  void *ret_value)
{
	const size_t place = place_of(shelf, key);
	const struct label *label = &shelf->labels[place];

	(void)pthread_mutex_lock(&shelf->locks[place % BOARDS]);
	bool known = label->used && label->version == version &&
		     memcmp(label->key, key, sizeof label->key) == 0;
	if (known)
		memcpy(ret_value, shelf->values + place * shelf->value_size, shelf->value_size);
	(void)pthread_mutex_unlock(&shelf->locks[place % BOARDS]);
	return known;
}

void shelf_remember(struct shelf *shelf, const uint8_t key[static SHELF_KEY_SIZE], uint64_t version,
		    const void *value)
{
	const size_t place = place_of(shelf, key);
	struct label label = {.used = true, .version = version};

	memcpy(label.key, key, sizeof label.key);
	(void)pthread_mutex_lock(&shelf->locks[place % BOARDS]);
	shelf->labels[place] = label;
	memcpy(shelf->values + place * shelf->value_size, value, shelf->value_size);
	(void)pthread_mutex_unlock(&shelf->locks[place % BOARDS]);
}
