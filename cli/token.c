#include "cli/token.h"

#include "base/secret.h"
#include "base/answer.h"
#include "cli/input.h"
#include "keys/token.h"

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

enum fault token_write(const char *path, const char *token, struct why *why)
{
	char line[TOKEN_TEXT_SIZE + 1];
	const int size = snprintf(line, sizeof(line), "%s\n", token);
	const struct bytes contents = {.data = (uint8_t *)line, .size = (size_t)size};
	enum fault fault = output_create(path, &contents, why);

	secret_wipe(line, sizeof(line));
	return fault;
}
