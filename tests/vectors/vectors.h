/* tests/vectors/vectors.h - published test vectors, one a line: "result key nonce aad message sealed".
 *
 * Fields are hex, "-" is empty, '#' begins a comment. VECTORS is the directory of the files.
 * vectors_read() fails the running test when the file is not as it should be.
 */
#ifndef FSENC_TESTS_VECTORS_VECTORS_H
#define FSENC_TESTS_VECTORS_VECTORS_H

#include <sodium.h>
#include <stdbool.h>
#include <string.h>

#include "tests/lib/unit.h"

#define VECTOR_FIELD_MAX 512

struct vector_field {
	size_t size;
	uint8_t bytes[VECTOR_FIELD_MAX];
};

struct vector {
	bool valid;
	struct vector_field key, nonce, aad, message, sealed;
};

static void vector_field_read(const char *word, struct vector_field *field)
{
	if (!word)
		fail_msg("a vector has too few fields");
	field->size = 0;
	if (strcmp(word, "-") == 0)
		return;
	const char *end = NULL;
	assert_int_equal(
	    sodium_hex2bin(field->bytes, sizeof field->bytes, word, strlen(word), "\n", &field->size, &end),
	    0);
	assert_int_equal(*end, 0);
}

static void vector_read(char *line, struct vector *vector)
{
	char *rest = NULL;

	vector->valid = strcmp(strtok_r(line, " ", &rest), "valid") == 0;
	vector_field_read(strtok_r(NULL, " ", &rest), &vector->key);
	vector_field_read(strtok_r(NULL, " ", &rest), &vector->nonce);
	vector_field_read(strtok_r(NULL, " ", &rest), &vector->aad);
	vector_field_read(strtok_r(NULL, " ", &rest), &vector->message);
	vector_field_read(strtok_r(NULL, " ", &rest), &vector->sealed);
}

/* Calls `each` for every vector of the file and returns how many there were. */
static inline size_t vectors_read(const char *path, void (*each)(const struct vector *vector))
{
	char line[4 * VECTOR_FIELD_MAX];
	size_t count = 0;
	struct vector vector;
	FILE *file = fopen(path, "re");

	if (!file)
		fail_msg("cannot open %s", path);
	while (fgets(line, sizeof line, file)) {
		if (*line == '#')
			continue;
		vector_read(line, &vector);
		each(&vector);
		count++;
	}
	(void)fclose(file);
	return count;
}

#endif
