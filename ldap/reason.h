/* ldap/reason.h - how a look-up ended, inside this layer.
 *
 * Functions of this layer return an enum directory_reason; NONE (0) is success, as with faults. The
 * words travel in a struct why. What the reason means for the caller of the directory, yes, no or
 * unknown, is said in one table here, so that "no" is never made out of a failure by accident.
 */
#ifndef FSENC_LDAP_REASON_H
#define FSENC_LDAP_REASON_H

#include "ldap/directory.h"

/* Sets the words and returns `reason`. */
enum directory_reason reason_set(struct why *why, enum directory_reason reason, const char *format, ...)
	PRINTF_LIKE(3, 4);
/* Puts words in front; NONE changes nothing. */
enum directory_reason reason_in(struct why *why, enum directory_reason reason, const char *format, ...)
	PRINTF_LIKE(3, 4);
enum directory_reason reason_no_memory(struct why *why);

enum directory_answer reason_answer(enum directory_reason reason);

/* true: the same question may find an answer at another server, or on a new connection. */
bool reason_is_of_server(enum directory_reason reason);

#endif
