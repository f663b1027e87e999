/* tests/fuzz/seeds.h - the files of a corpus: what tests/fuzz/make_*.c share. */
#ifndef FSENC_TESTS_FUZZ_SEEDS_H
#define FSENC_TESTS_FUZZ_SEEDS_H

#include "tests/fuzz/fixed.h"

static const char *seed_directory;

static inline void write_seed(const char *name, const char *text)
{
	char path[4096];

	MUST(snprintf(path, sizeof path, "%s/%s", seed_directory, name) < (int)sizeof path);
	FILE *file = fopen(path, "we");
	MUST(file && fputs(text, file) >= 0 && fclose(file) == 0);
}

static inline void write_json(const char *name, const json_t *json)
{
	AUTO(free) char *text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);

	MUST(text);
	write_seed(name, text);
}

#endif
