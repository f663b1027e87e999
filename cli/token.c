#include "cli/token.h"

#include "base/secret.h"
#include "base/answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void token_free(char *token)
{
	if (token)
		secret_wipe(token, strlen(token));
	free(token);
}

enum fault token_print(const char *token, struct why *why)
{
	(void)printf("recovery-token  %s\n", token);
	return answer_end(why);
}
