#include "base/nearest.h"

#include <limits.h>
#include <string.h>

#define WORD_MAX 48 /* longer words are nobody's typing error */

static unsigned least(unsigned one, unsigned other)
{
	return one < other ? one : other;
}

/* Damerau-Levenshtein with adjacent swaps; `one` and `other` up to the given lengths. */
static unsigned distance(const char *one, size_t one_length, const char *other, size_t other_length)
{
	unsigned costs[WORD_MAX + 1][WORD_MAX + 1];

	for (size_t i = 0; i <= one_length; i++)
		costs[i][0] = (unsigned)i;
	for (size_t j = 0; j <= other_length; j++)
		costs[0][j] = (unsigned)j;
	for (size_t i = 1; i <= one_length; i++) {
		for (size_t j = 1; j <= other_length; j++) {
			unsigned change = one[i - 1] != other[j - 1];

			costs[i][j] = least(costs[i - 1][j - 1] + change,
					    least(costs[i - 1][j], costs[i][j - 1]) + 1);
			if (i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1])
				costs[i][j] = least(costs[i][j], costs[i - 2][j - 2] + 1);
		}
	}
	return costs[one_length][other_length];
}

struct nearest nearest_to(const char *typed)
{
	return (struct nearest){.typed = typed, .word = NULL, .distance = UINT_MAX};
}

void nearest_look_at(struct nearest *nearest, const char *word)
{
	size_t typed_length = strcspn(nearest->typed, "=");
	size_t word_length = strlen(word);
	unsigned far;

	if (typed_length > WORD_MAX || word_length > WORD_MAX)
		return;
	far = distance(nearest->typed, typed_length, word, word_length);
	if (far >= nearest->distance || far > word_length / 3 + 1)
		return;
	nearest->word = word;
	nearest->distance = far;
}

const char *nearest_word(const struct nearest *nearest)
{
	return nearest->word;
}
