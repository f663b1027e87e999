/* fsenc answer-recovery */
#include "base/clock.h"
#include "cli/commands.h"
#include "cli/input.h"
#include "cli/letters.h"
#include "cli/session_open.h"
#include "cli/terminal.h"
#include "keys/keyring_certified.h"
#include "keys/parcel.h"

#include <stdio.h>
#include <time.h>

const struct option_row options_answer_recovery[] = {
	{"parcel", 0, "FILE", "what 'fsenc-server recovery-group add' wrote for you", OPTION_TEXT,
	 OPTION_AT(parcel)},
	OPTION_ROWS_END,
};

/* What an officer has: a share of the recovery group's key. */
struct office {
	struct parcel parcel;
	struct organisation organisation;
	struct group_descriptor group;
	struct group_share share;
};

static void office_done(struct office *office)
{
	parcel_done(&office->parcel);
	scalar_wipe(&office->share.value);
}
AUTO_VALUE(struct office, office_done);

/* -- the share ----------------------------------------------------------------------------- */

/* Whoever is enrolled nowhere sees in the words whose officer he is. */
static enum fault read_organisation(struct keyring *keyring, struct office *office, struct why *why)
{
	struct fingerprint expected;
	enum fault fault = letters_organisation(keyring, office->parcel.organisation, &expected, why);

	return fault ? fault
		     : organisation_read(office->parcel.organisation, &expected, &office->organisation, why);
}

static enum fault open_office(struct call *call, struct keyring *keyring, struct office *office,
			      struct why *why)
{
	AUTO(bytes_done) struct bytes text = BYTES_EMPTY;
	const struct identity *identity;
	enum fault fault = input_read(call->options->parcel, PARCEL_MAX, &text, why);

	if (!fault)
		fault = parcel_read(text.data, text.size, &office->parcel, why);
	if (!fault && !office->parcel.group)
		fault = why_set(why, FAULT_INVALID, "the parcel holds no share");
	if (!fault)
		fault = read_organisation(keyring, office, why);
	if (!fault)
		fault = group_descriptor_read(office->parcel.group, &office->organisation, &office->group,
					      why);
	if (!fault)
		fault = keyring_identity(keyring, &identity, why);
	if (!fault)
		fault = parcel_open_share(&office->parcel, &office->group, identity, NULL, &office->share,
					  why);
	return why_in(why, fault, "'%s'", call->options->parcel);
}

/* -- who asks for what --------------------------------------------------------------------- */

static void say_wanted(const struct call *call, const struct recovery_request *request)
{
	char id[ID_TEXT_SIZE];

	if (request->kind == RECOVERY_TOKEN) {
		member_id_text(&request->user, id);
		call_say(call,
			 "for      the RECOVERY TOKEN of the user %s (%s): with it and that user's keyring "
			 "one opens all that the user can",
			 request->user_name, id);
		return;
	}
	folder_id_text(&request->folder, id);
	call_say(call, "for      the folder %s (%s), generation %u", request->place, id, request->generation);
}

static void say_request(const struct call *call, const struct recovery_asked *asked,
			const struct office *office)
{
	const struct recovery_request *request = &asked->request;
	char when[32] = "";
	time_t created = (time_t)request->created;
	struct tm local;

	if (localtime_r(&created, &local))
		(void)strftime(when, sizeof(when), "%Y-%m-%d %H:%M", &local);
	say_wanted(call, request);
	call_say(call, "reason   %s", request->reason[0] ? request->reason : "none given");
	call_say(call, "on       %s", when);
	call_say(call, "takes    %u of %zu officers of '%s' in '%s'", office->group.threshold,
		 office->group.server_count, office->group.name, office->organisation.root.name);
}

/* Last, so that nothing in the request can stand in its place on the terminal. */
static enum fault say_asker(const struct call *call, struct keyring *keyring,
			    const struct recovery_asked *asked, struct why *why)
{
	const struct fingerprint key = certificate_fingerprint(asked->certificate);
	AUTO(certificate_free) struct certificate *known = NULL;
	char text[DIGEST_TEXT_SIZE];
	enum fault fault = recovery_find_asker(asked, keyring, &known, why);

	fingerprint_text(&key, text);
	if (fault == FAULT_KEY_MISSING)
		call_say(call,
			 "asks     somebody NOT KNOWN HERE who calls himself '%s': compare the fingerprint",
			 certificate_identity(asked->certificate)->name);
	else if (!fault)
		call_say(call, "asks     %s%s", certificate_identity(known)->name,
			 certificate_is_expired(known, clock_wall_ms()) ? ", whose certificate has EXPIRED"
									: "");
	else
		return why_in(why, fault, "who asks");
	call_say(call, "key      %s", text);
	return FAULT_NONE;
}

static enum fault confirm(struct call *call, struct why *why)
{
	bool yes = call_always(call)->yes;
	enum fault fault = FAULT_NONE;

	if (!yes && (call_always(call)->no_input || call_always(call)->quiet || !terminal_exists()))
		return call_hint(call, why_set(why, FAULT_FAILED, "nobody is here to say yes"),
				 "fsenc answer-recovery FILE --parcel FILE --yes");
	if (!yes)
		fault = terminal_ask_yes("Answer", &yes, why);
	if (!fault && !yes)
		fault = why_set(why, FAULT_FAILED, "no answer was made");
	return fault;
}

enum fault cmd_answer_recovery(struct call *call, struct why *why)
{
	AUTO(keyring_close) struct keyring *keyring = NULL;
	AUTO(office_done) struct office office = {.parcel = PARCEL_EMPTY};
	AUTO(recovery_asked_done) struct recovery_asked asked = {.certificate = NULL};
	AUTO(bytes_done) struct bytes text = BYTES_EMPTY;
	AUTO(bytes_done) struct bytes block = BYTES_EMPTY;
	enum fault fault = call->options->parcel
				   ? FAULT_NONE
				   : why_set(why, FAULT_USAGE, "--parcel FILE is missing: your share");

	if (!fault)
		fault = input_read(call->arguments[0], ARMOR_MAX, &text, why);
	if (!fault)
		fault = recovery_request_read(text.data, text.size, &asked, why);
	if (!fault)
		fault = session_unlocked(call, &keyring, why);
	if (!fault)
		fault = open_office(call, keyring, &office, why);
	if (fault)
		return fault;
	say_request(call, &asked, &office);
	fault = say_asker(call, keyring, &asked, why);
	if (!fault)
		fault = confirm(call, why);
	if (!fault)
		fault = recovery_answer(&asked, &office.group, &office.share, &block, why);
	if (!fault)
		(void)fwrite(block.data, 1, block.size, stdout);
	return fault;
}
