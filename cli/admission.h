/* cli/admission.h - letting people and groups into a folder: what add-user, add-group and deferred changes
 * share.
 *
 * Certificates come from the keyring; what it does not have, the key servers are asked for, with one contact
 * for the whole command. A key counts when it is trusted by hand or certified by the organisation.
 */
#ifndef FSENC_CLI_ADMISSION_H
#define FSENC_CLI_ADMISSION_H

#include "cli/enrolled.h"
#include "cli/target.h"

/* The key servers of this command, asked when first needed. */
struct admission {
	struct call *call;
	struct keyring *keyring; /* borrowed, unlocked */
	struct enrolled enrolled;
	bool asked; /* a contact was made, or cannot be */
	enum fault fault; /* of that contact */
	struct why why;
};
void admission_done(struct admission *admission);
AUTO_VALUE(struct admission, admission_done);
/* With a contact that was made already: taken over. */
struct admission admission_of(struct call *call, struct keyring *keyring);
struct admission admission_after(struct call *call, struct enrolled *enrolled);

/* Makes the contact, once. FAULT_MISSING: not enrolled. FAULT_UNREACHABLE, FAULT_IDENTITY. */
MUST_CHECK enum fault admission_ask(struct admission *admission, struct why *why);

/* Before the first change: what the policy wants (enrolled_change_needs()), by the same contact. */
MUST_CHECK enum fault admission_may_change(struct admission *admission, struct why *why);
/* For a change that needs only local keys otherwise. */
MUST_CHECK enum fault admission_allows_change(struct call *call, struct keyring *keyring, struct why *why);

/* A user's certificate, trusted or certified. FAULT_KEY_MISSING names who is missing, also when the servers
 * cannot be asked (then *ret_down, which may be NULL). FAULT_DENIED: known, but not trusted, or disabled. */
MUST_CHECK enum fault admission_find_user(struct admission *admission, const char *words,
					  struct certificate **ret_certificate, bool *ret_down,
					  struct why *why);
/* A group's descriptor, newest. FAULT_UNREACHABLE; FAULT_MISSING: no such group. */
MUST_CHECK enum fault admission_find_group(struct admission *admission, const char *words,
					   struct group_descriptor *ret_group,
					   struct signed_object **ret_object, struct why *why);

/* The changes themselves, reported to the witness. FAULT_EXISTS. */
MUST_CHECK enum fault admission_let_in_user(struct admission *admission, struct target *target,
					    const struct certificate *user, enum role role, struct why *why);
MUST_CHECK enum fault admission_let_in_group(struct admission *admission, struct target *target,
					     const struct signed_object *descriptor, enum role role,
					     struct why *why);

/* --role, or reader. */
MUST_CHECK enum fault admission_role(const struct call *call, enum role *ret_role, struct why *why);

#endif
