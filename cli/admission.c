#include "cli/admission.h"

#include "keys/inquiry.h"
#include "keys/keyring_certified.h"

#include <string.h>

void admission_done(struct admission *admission)
{
	enrolled_done(&admission->enrolled);
}

struct admission admission_of(struct call *call, struct keyring *keyring)
{
	return (struct admission){.call = call, .keyring = keyring, .enrolled = ENROLLED_NONE};
}

struct admission admission_after(struct call *call, struct enrolled *enrolled)
{
	struct admission admission = {
		.call = call, .keyring = enrolled->keyring, .enrolled = *enrolled, .asked = true};

	*enrolled = ENROLLED_NONE;
	return admission;
}

enum fault admission_ask(struct admission *admission, struct why *why)
{
	if (!admission->asked) {
		admission->why = WHY_NONE;
		admission->fault = enrolled_open(admission->call, admission->keyring, &admission->enrolled,
						 &admission->why);
		if (!admission->fault)
			admission->fault = enrolled_sync(admission->call, &admission->enrolled,
							 &admission->why);
		admission->asked = true;
	}
	*why = admission->why;
	return admission->fault;
}

enum fault admission_may_change(struct admission *admission, struct why *why)
{
	bool contact;
	enum fault fault = enrolled_change_needs(admission->call, admission->keyring, &contact, why);

	if (fault || !contact)
		return fault;
	return why_in(why, admission_ask(admission, why),
		      "the policy allows no change while the key servers are down");
}

enum fault admission_allows_change(struct call *call, struct keyring *keyring, struct why *why)
{
	AUTO(admission_done) struct admission admission = admission_of(call, keyring);

	return admission_may_change(&admission, why);
}

enum fault admission_role(const struct call *call, enum role *ret_role, struct why *why)
{
	const char *text = call->options->role ? call->options->role : "reader";

	if (role_from_text(text, ret_role))
		return FAULT_NONE;
	return why_set(why, FAULT_USAGE, "'%s' is no role; there are reader, writer and admin", text);
}

/* -- users ------------------------------------------------------------------------------ */

static enum fault check_trust(struct admission *admission, const struct certificate *certificate,
			      struct why *why)
{
	const char *name = certificate_identity(certificate)->name;
	struct fingerprint fingerprint = certificate_fingerprint(certificate);
	char text[DIGEST_TEXT_SIZE];
	enum fault fault = keyring_vouches(admission->keyring, &fingerprint, NULL, why);

	if (fault != FAULT_KEY_MISSING)
		return fault;
	fingerprint_text(&fingerprint, text);
	fault = why_set(why, FAULT_DENIED, "the key of '%s' is in the keyring, but not trusted", name);
	return call_hint(admission->call, fault,
			 "compare the fingerprint with its owner, then: fsenc key trust %s", text);
}

/* An account keeps its key and the name in it when the directory renames it: then nobody is let in under a name
 * that the list would not show. */
static enum fault check_name(struct admission *admission, const struct user_answer *answer, struct why *why)
{
	const char *certified = certificate_identity(answer->certificate)->name;

	if (strcmp(certified, answer->name) == 0)
		return FAULT_NONE;
	enum fault fault = why_set(why, FAULT_DENIED, "the directory's '%s' enrolled under another name: '%s'",
				   answer->name, certified);
	return call_hint(admission->call, fault, "the same with '%s', if that is who you mean", certified);
}

/* What the directory and its server say of a name. */
static enum fault ask_for_user(struct admission *admission, const char *name,
			       struct certificate **ret_certificate, struct why *why)
{
	AUTO(user_answer_done) struct user_answer answer = {.certificate = NULL};
	enum fault fault = inquiry_user(admission->enrolled.service, name, &answer, why);

	if (fault == FAULT_MISSING)
		return why_set(why, FAULT_KEY_MISSING,
			       "'%s' is neither in the keyring nor in the organisation's directory", name);
	if (fault)
		return fault;
	if (!answer.enabled)
		return why_set(why, FAULT_DENIED, "the account of '%s' is disabled", name);
	if (!answer.certificate) {
		fault = why_set(why, FAULT_KEY_MISSING, "'%s' has no key yet: not enrolled", name);
		return call_hint(admission->call, fault, "'%s' runs 'fsenc enroll' first", name);
	}
	fault = keyring_accept_certified(admission->keyring, answer.certificate, why);
	if (fault == FAULT_REFUSED)
		return why_in(why, FAULT_IDENTITY, "the key server");
	if (!fault)
		fault = check_name(admission, &answer, why);
	if (!fault)
		*ret_certificate = TAKE(answer.certificate);
	return fault;
}

enum fault admission_find_user(struct admission *admission, const char *words,
			       struct certificate **ret_certificate, bool *ret_down, struct why *why)
{
	AUTO(certificate_free) struct certificate *known = NULL;
	struct why missing = WHY_NONE;
	enum fault fault = keyring_find_person(admission->keyring, words, &known, NULL, &missing);

	if (!fault) {
		fault = check_trust(admission, known, why);
		if (!fault)
			*ret_certificate = TAKE(known);
		return fault;
	}
	*why = missing;
	if (fault != FAULT_KEY_MISSING)
		return fault;
	fault = admission_ask(admission, why);
	if (!fault)
		return ask_for_user(admission, words, ret_certificate, why);
	if (fault != FAULT_MISSING && fault != FAULT_UNREACHABLE)
		return fault;
	if (ret_down)
		*ret_down = fault == FAULT_UNREACHABLE;
	if (fault == FAULT_UNREACHABLE)
		return why_set(
			why, FAULT_KEY_MISSING,
			"the certificate of '%s' is not in the keyring, and the key servers cannot be asked: "
			"%.300s",
			words, admission->why.text);
	admission->call->hint[0] = '\0';
	*why = missing;
	return FAULT_KEY_MISSING;
}

/* -- groups ----------------------------------------------------------------------------- */

enum fault admission_find_group(struct admission *admission, const char *words,
				struct group_descriptor *ret_group, struct signed_object **ret_object,
				struct why *why)
{
	AUTO(signed_free) struct signed_object *object = NULL;
	struct group_descriptor group;
	enum fault fault = admission_ask(admission, why);

	if (!fault)
		fault = inquiry_group(admission->enrolled.service, &admission->enrolled.own.organisation,
				      words, &group, &object, why);
	if (fault == FAULT_MISSING)
		return call_hint(admission->call, why_in(why, fault, "'%s'", words),
				 "the name as in the directory; an administrator makes its key with "
				 "'fsenc-server group add'");
	if (!fault)
		fault = keyring_set_group(admission->keyring, object, &group, why);
	if (fault)
		return fault;
	*ret_group = group;
	*ret_object = TAKE(object);
	return FAULT_NONE;
}

/* -- the changes ------------------------------------------------------------------------- */

struct addition {
	const struct identity *identity;
	const struct certificate *user; /* or a group's: */
	const struct signed_object *descriptor;
	const struct organisation *organisation;
	enum role role;
};

static enum fault add_one(void *context, const struct folder_file *present, const struct folder_keys *keys,
			  struct folder_file **ret_next, struct why *why)
{
	const struct addition *addition = context;

	if (addition->user)
		return folder_change_add_user(present, keys, addition->identity, addition->user,
					      addition->role, ret_next, why);
	return folder_change_add_group(present, keys, addition->identity, addition->descriptor,
				       addition->organisation, addition->role, ret_next, why);
}

static enum fault change(struct admission *admission, struct target *target, struct addition *addition,
			 struct why *why)
{
	AUTO(folder_file_free) struct folder_file *file = NULL;
	enum fault fault = keyring_identity(target->keyring, &addition->identity, why);

	if (!fault)
		fault = access_change(&target->access, add_one, addition, &file, why);
	if (!fault)
		enrolled_report(admission->call, target->keyring, file);
	return fault;
}

enum fault admission_let_in_user(struct admission *admission, struct target *target,
				 const struct certificate *user, enum role role, struct why *why)
{
	struct addition addition = {.user = user, .role = role};

	return why_in(why, change(admission, target, &addition, why), "'%s'",
		      certificate_identity(user)->name);
}

enum fault admission_let_in_group(struct admission *admission, struct target *target,
				  const struct signed_object *descriptor, enum role role, struct why *why)
{
	struct addition addition = {.descriptor = descriptor,
				    .organisation = &admission->enrolled.own.organisation,
				    .role = role};

	return change(admission, target, &addition, why);
}
