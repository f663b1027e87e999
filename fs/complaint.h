/* fs/complaint.h - the words of a failure that a program on the mount sees only as a number.
 *
 * What means damage goes to the log, not more than a few lines a minute and not the same line twice in one,
 * so that a program that tries again and again does not fill it. Any thread.
 */
#ifndef FSENC_FS_COMPLAINT_H
#define FSENC_FS_COMPLAINT_H

#include "base/why.h"

struct complaints;

MUST_CHECK enum fault complaints_new(struct complaints **ret_complaints, struct why *why);
void complaints_free(struct complaints *complaints);
AUTO_POINTER(struct complaints *, complaints_free);

void complain(struct complaints *complaints, enum fault fault, const struct why *why);

#endif
