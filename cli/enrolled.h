/* cli/enrolled.h - the way of a command to the key servers of its user's organisation.
 *
 * An explicit command is a new operation: enrolled_sync() makes one contact whatever the countdown says,
 * and its success ends the countdown. Then `service` may be asked (keys/inquiry.h).
 *
 *     AUTO(enrolled_done) struct enrolled enrolled = ENROLLED_NONE;
 *     fault = enrolled_open(call, keyring, &enrolled, why);
 *     if (!fault)
 *             fault = enrolled_sync(call, &enrolled, why);         // 20 while they are down
 */
#ifndef FSENC_CLI_ENROLLED_H
#define FSENC_CLI_ENROLLED_H

#include "cli/options.h"
#include "fs/access.h"
#include "keys/contact.h"

struct enrolled {
	struct keyring *keyring; /* borrowed, unlocked */
	struct contacts *contacts;
	struct service *service; /* borrowed from contacts */
	struct keyring_organisation own;
	char host[256]; /* who answered */
};
#define ENROLLED_NONE ((struct enrolled){.keyring = NULL})
void enrolled_done(struct enrolled *enrolled);
AUTO_VALUE(struct enrolled, enrolled_done);

/* FAULT_MISSING: not enrolled. */
MUST_CHECK enum fault enrolled_open(struct call *call, struct keyring *keyring, struct enrolled *ret_enrolled,
				    struct why *why);
MUST_CHECK enum fault enrolled_sync(struct call *call, struct enrolled *enrolled, struct why *why);

/* What the policy that is known wants before a change of access lists: FAULT_DENIED: a newer program than
 * this one. *ret_contact: under `offline = block` the servers must answer first. Without an organisation
 * nothing is wanted. */
MUST_CHECK enum fault enrolled_change_needs(struct call *call, struct keyring *keyring, bool *ret_contact,
					    struct why *why);
/* After a change: tells the witness, if that may be done now. Never fails the command. */
void enrolled_report(const struct call *call, struct keyring *keyring, const struct folder_file *file);

#endif
