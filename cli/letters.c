#include "cli/letters.h"

#include "cli/input.h"
#include "keys/keyring_service.h"

#include <stdio.h>
#include <string.h>

void letters_done(struct letters *letters)
{
	bytes_done(&letters->request);
	for (size_t i = 0; i < letters->count; i++)
		bytes_done(&letters->texts[i]);
}

enum fault letters_read(const struct call *call, struct letters *letters, struct why *why)
{
	const struct option_list *answers = &call->options->answers;
	enum fault fault = input_read(call->options->request, ARMOR_MAX, &letters->request, why);

	for (size_t i = 0; i < answers->count && !fault; i++) {
		fault = input_read(answers->words[i], ARMOR_MAX, &letters->texts[i], why);
		letters->blocks[i] = (struct recovery_block){answers->words[i], letters->texts[i].data,
							     letters->texts[i].size};
		letters->count++;
	}
	return fault;
}

enum fault letters_fill_text(char text[static RECOVERY_TEXT_MAX + 1], const char *given, const char *what,
			     struct why *why)
{
	if (given && strlen(given) > RECOVERY_TEXT_MAX)
		return why_set(why, FAULT_USAGE, "%s has at most %d bytes", what, RECOVERY_TEXT_MAX);
	(void)snprintf(text, RECOVERY_TEXT_MAX + 1, "%s", given ? given : "");
	return FAULT_NONE;
}

enum fault letters_organisation(struct keyring *keyring, const struct signed_object *organisation,
				struct fingerprint *ret_expected, struct why *why)
{
	AUTO(keyring_organisation_done) struct keyring_organisation own = {.object = NULL};
	enum fault fault = keyring_organisation(keyring, &own, why);

	if (fault && fault != FAULT_MISSING)
		return fault;
	*ret_expected = fault ? signed_signer(organisation) : own.fingerprint;
	return FAULT_NONE;
}
