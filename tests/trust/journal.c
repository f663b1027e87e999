#include "tests/trust/journal.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct journal *journal_map(const char *path, bool create)
{
	int fd = open(path, create ? O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC : O_RDWR | O_CLOEXEC, 0600);
	void *map;

	if (fd < 0 || (create && ftruncate(fd, sizeof(struct journal)))) {
		perror(path);
		exit(2);
	}
	map = mmap(NULL, sizeof(struct journal), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED) {
		perror("mmap");
		exit(2);
	}
	(void)close(fd);
	return map;
}

void journal_mark(struct journal *journal, struct marks *marks)
{
	for (unsigned i = 0; i < LANES; i++) {
		marks->acked[i] = atomic_load(&journal->lanes[i].acked);
		marks->begun[i] = atomic_load(&journal->lanes[i].begun);
	}
}

/* Eight bytes at once. */
static uint64_t pattern_word(uint64_t seed, int64_t offset)
{
	uint64_t mixed = (seed * 0x2545F4914F6CDD1DULL + (uint64_t)(offset >> 3)) * 0x9E3779B97F4A7C15ULL;

	mixed ^= mixed >> 29;
	mixed *= 0xBF58476D1CE4E5B9ULL;
	return (mixed ^ mixed >> 32) | 0x0101010101010101ULL;
}

uint8_t pattern_byte(uint64_t seed, int64_t offset)
{
	return (uint8_t)(pattern_word(seed, offset) >> (offset % 8 * 8));
}

void pattern_fill(uint8_t *bytes, uint64_t seed, int64_t offset, int64_t size)
{
	int64_t end = offset + size;

	while (offset < end) {
		uint64_t word = pattern_word(seed, offset) >> (offset % 8 * 8);

		do {
			*bytes++ = (uint8_t)word;
			word >>= 8;
		} while (++offset < end && offset % 8);
	}
}

static void model_resize(struct model *model, int64_t size)
{
	if (size > model->size)
		memset(model->bytes + model->size, 0, (size_t)(size - model->size));
	model->size = size;
}

void model_apply(struct model *model, const struct record *record)
{
	int64_t end = record->offset + record->size;

	switch ((enum operation)record->operation) {
	case OPERATION_CREATE:
		model->exists = true;
		model->name = record->name;
		model->size = 0;
		break;
	case OPERATION_WRITE:
		if (record->offset > model->size)
			model_resize(model, record->offset);
		pattern_fill(model->bytes + record->offset, record->seed, record->offset, record->size);
		model->size = end > model->size ? end : model->size;
		break;
	case OPERATION_TRUNCATE:
		model_resize(model, record->offset);
		break;
	case OPERATION_REPLACE:
		pattern_fill(model->bytes, record->seed, 0, record->size);
		model->size = record->size;
		break;
	case OPERATION_UNLINK:
		model->exists = false;
		model->size = 0;
		break;
	case OPERATION_FSYNC:
		break;
	}
}

bool slot_has_directory(unsigned slot)
{
	return slot % 3 == 2;
}

void slot_place(unsigned lane, unsigned slot, uint64_t name, const char *suffix, char place[PLACE_SIZE])
{
	char filler[181];

	memset(filler, 'n', sizeof(filler) - 1);
	filler[sizeof(filler) - 1] = '\0';
	if (slot % 3 == 0)
		(void)snprintf(place, PLACE_SIZE, "lane-%u/plain-%u%s", lane, slot, suffix);
	else if (slot % 3 == 1) /* stored in a file of its own */
		(void)snprintf(place, PLACE_SIZE, "lane-%u/long-%u-%s%s", lane, slot, filler, suffix);
	else
		(void)snprintf(place, PLACE_SIZE, "lane-%u/dir-%u-%llu/file%s", lane, slot,
			       (unsigned long long)name, suffix);
}
