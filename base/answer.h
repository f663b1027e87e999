/* base/answer.h - what --json prints: one object on one line, {"schema":1,...}.
 *
 * "schema" changes when a member changes its meaning or goes away; new members may come.
 */
#ifndef FSENC_BASE_ANSWER_H
#define FSENC_BASE_ANSWER_H

#include "base/why.h"

#include <jansson.h>

#define ANSWER_SCHEMA 1

/* Takes over `object` (NULL: no memory), puts the schema into it and prints it. */
MUST_CHECK enum fault answer_print(json_t *object, struct why *why);
/* Flushes stdout: FAULT_SYSTEM when what was printed did not get through. */
MUST_CHECK enum fault answer_end(struct why *why);

#endif
