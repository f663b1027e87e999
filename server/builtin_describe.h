/* server/builtin_describe.h - the steps of `status --directory` for the builtin directory; for
 * server/builtin.c. */
#ifndef FSENC_SERVER_BUILTIN_DESCRIBE_H
#define FSENC_SERVER_BUILTIN_DESCRIBE_H

#include "server/builtin.h"

/* How large it is, and with `user_name` that user's account and groups by level. Every step is told, a failed
 * one too. FAULT_MISSING when there is no such user. */
MUST_CHECK enum fault builtin_describe(struct store *store, const char *user_name, directory_each_step *each,
				       void *context, struct why *why);

#endif
