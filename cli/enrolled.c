#include "cli/enrolled.h"

#include "base/clock.h"
#include "keys/client_version.h"

void enrolled_done(struct enrolled *enrolled)
{
	contacts_free(enrolled->contacts);
	keyring_organisation_done(&enrolled->own);
	*enrolled = ENROLLED_NONE;
}

static enum fault open_into(struct keyring *keyring, struct enrolled *enrolled, struct why *why)
{
	const struct contacts_options options = {.keyring = keyring, .background = false};
	enum fault fault = keyring_organisation(keyring, &enrolled->own, why);

	enrolled->keyring = keyring;
	if (!fault)
		fault = service_global_start(why);
	if (!fault)
		fault = contacts_new(&options, &enrolled->contacts, why);
	if (!fault)
		enrolled->service = contacts_service(enrolled->contacts);
	return fault;
}

enum fault enrolled_open(struct call *call, struct keyring *keyring, struct enrolled *ret_enrolled,
			 struct why *why)
{
	AUTO(enrolled_done) struct enrolled enrolled = ENROLLED_NONE;
	enum fault fault = open_into(keyring, &enrolled, why);

	if (fault == FAULT_MISSING)
		return call_hint(call, fault, "fsenc enroll URL --user NAME --code CODE --fingerprint ORG");
	if (fault)
		return fault;
	*ret_enrolled = enrolled;
	enrolled = ENROLLED_NONE;
	return FAULT_NONE;
}

enum fault enrolled_sync(struct call *call, struct enrolled *enrolled, struct why *why)
{
	enum fault fault = contacts_sync(enrolled->contacts, enrolled->host, why);

	if (fault == FAULT_UNREACHABLE)
		return call_hint(call, fault, "fsenc sync, when the network or the server is back");
	if (fault)
		return fault;
	/* Another organisation's descriptor or other servers may have come. */
	keyring_organisation_done(&enrolled->own);
	enrolled->service = contacts_service(enrolled->contacts);
	return keyring_organisation(enrolled->keyring, &enrolled->own, why);
}

/* -- around changes of access lists ----------------------------------------------------- */

enum fault enrolled_change_needs(struct call *call, struct keyring *keyring, bool *ret_contact,
				 struct why *why)
{
	struct keyring_policy policy;
	enum fault fault = keyring_policy(keyring, &policy, why);

	*ret_contact = false;
	if (fault)
		return fault == FAULT_MISSING ? FAULT_NONE : fault;
	fault = client_version_check(&policy.policy, why);
	if (fault)
		return call_hint(call, fault, "install a newer fsenc; what your own key opens stays open");
	*ret_contact = policy.policy.offline == OFFLINE_BLOCK;
	return FAULT_NONE;
}

/* The mount of whoever looks next tells it, too: what does not get through now is not lost. */
void enrolled_report(const struct call *call, struct keyring *keyring, const struct folder_file *file)
{
	AUTO(enrolled_done) struct enrolled enrolled = ENROLLED_NONE;
	struct contacts_state state;

	(void)call;
	if (open_into(keyring, &enrolled, NULL))
		return;
	contacts_state(enrolled.contacts, &state);
	if (state.countdown_left_ms > 0)
		return;
	contacts_report(enrolled.contacts, file);
	contacts_wait(enrolled.contacts, clock_boot_ms() + SERVICE_DEADLINE_MS);
}
