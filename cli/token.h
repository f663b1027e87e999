/* cli/token.h - the recovery token on its way to or from a person. */
#ifndef FSENC_CLI_TOKEN_H
#define FSENC_CLI_TOKEN_H

#include "base/auto.h"
#include "base/why.h"

/* Wipes and frees. */
void token_free(char *token);
AUTO_POINTER(char *, token_free);

/* The token alone on stdout; what it is for on stderr. */
MUST_CHECK enum fault token_print(const char *token, struct why *why);
/* The same as the only line of a new file, 0600: what `fsenc recover --token` takes. FAULT_EXISTS. */
MUST_CHECK enum fault token_write(const char *path, const char *token, struct why *why);

#endif
