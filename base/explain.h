/* base/explain.h - a fault as words on stderr and an exit status.
 *
 *     fsenc: folder 'Finance': no key of yours opens it
 *     try: fsenc members DIR, and ask an admin to add you
 *
 * The first line is the words of the failure, the second what to do next: the call's own hint,
 * or the program's for that fault. This is the only place that translates a fault for people.
 */
#ifndef FSENC_BASE_EXPLAIN_H
#define FSENC_BASE_EXPLAIN_H

#include "base/call.h"

/* Prints nothing for FAULT_NONE. Returns the exit status. */
int explain(const struct call *call, enum fault fault, const struct why *why);

#endif
