/* base/nearest.h - "did you mean": the known word that is nearest to a mistyped one.
 *
 *     struct nearest nearest = nearest_to("staus");
 *     for each word: nearest_look_at(&nearest, word);
 *     nearest_word(&nearest)                          // "status", or NULL when none is near
 *
 * Distance is the number of letters to insert, delete, change or swap.
 */
#ifndef FSENC_BASE_NEAREST_H
#define FSENC_BASE_NEAREST_H

#include <stddef.h>

struct nearest {
	const char *typed;
	const char *word;
	unsigned distance;
};

struct nearest nearest_to(const char *typed);
void nearest_look_at(struct nearest *nearest, const char *word);
const char *nearest_word(const struct nearest *nearest);

#endif
