/* base/why.h - the words of a failure.
 *
 * The function that notices a failure sets the words; each layer above puts in front what
 * only it knows ("folder 'Finance': version 3 is older than the version 5 seen before").
 * A struct why lives on the stack of whoever will print it, starts as WHY_NONE, and may
 * be NULL for a caller that wants no words. Words never hold a key, a passphrase or the
 * contents of a file. Not shared between threads.
 *
 *     return why_set(why, FAULT_REFUSED, "the envelope is not for this key and folder");
 *     return why_in(why, fault, "folder '%s'", name);
 *     return why_system(why, "cannot open '%s'", path);         // reads errno
 */
#ifndef FSENC_BASE_WHY_H
#define FSENC_BASE_WHY_H

#include "base/auto.h"
#include "base/fault.h"

#define WHY_TEXT_SIZE 512

struct why {
	int error; /* errno of a FAULT_SYSTEM, else 0 */
	char text[WHY_TEXT_SIZE];
};

#define WHY_NONE ((struct why){.error = 0, .text = ""})

/* Sets the words, forgets older ones, and returns `fault`. */
enum fault why_set(struct why *why, enum fault fault, const char *format, ...) PRINTF_LIKE(3, 4);

/* Puts "FORMAT: " before the words and returns `fault`; FAULT_NONE changes nothing. */
enum fault why_in(struct why *why, enum fault fault, const char *format, ...) PRINTF_LIKE(3, 4);

/* FAULT_SYSTEM with the present errno, whose description ends the words. */
enum fault why_system(struct why *why, const char *format, ...) PRINTF_LIKE(2, 3);

/* The errno a program on the mount gets for this failure. */
int why_errno(const struct why *why, enum fault fault);

/* The words, or the general meaning of `fault` when there are none. */
const char *why_text(const struct why *why, enum fault fault);

#endif
