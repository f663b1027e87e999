#include "cli/deferral.h"

#include "base/clock.h"
#include "cli/input.h"

#include <stdio.h>
#include <string.h>

void deferral_words(const struct deferred *deferred, char *words, size_t room)
{
	const char *kind = deferred->kind == DEFERRED_ADD_GROUP ? "group" : "user";

	(void)snprintf(words, room, "let the %s '%s' into %s as %s", kind, deferred->who, deferred->directory,
		       role_text(deferred->role));
}

enum fault deferral_keep(const struct call *call, struct keyring *keyring, enum deferred_kind kind,
			 const char *directory, const char *who, enum role role, struct why *why)
{
	AUTO(free) char *real = NULL;
	char words[512];
	enum fault fault = input_real_path(directory, &real, why);

	if (fault)
		return fault;
	struct deferred deferred = {
		.kind = kind,
		.directory = real,
		.who = (char *)(uintptr_t)who,
		.role = role,
		.created = clock_wall_ms() / MS_PER_SECOND,
	};
	fault = keyring_defer(keyring, &deferred, why);
	if (fault)
		return fault;
	deferral_words(&deferred, words, sizeof(words));
	call_say(call, "Kept for later: %s. The next 'fsenc sync' carries it out.", words);
	return FAULT_NONE;
}

/* -- their turn -------------------------------------------------------------------------- */

static enum fault carry_out(struct admission *admission, const struct deferred *deferred, struct why *why)
{
	AUTO(target_done) struct target target = TARGET_NONE;
	AUTO(certificate_free) struct certificate *user = NULL;
	AUTO(signed_free) struct signed_object *object = NULL;
	struct group_descriptor group;
	enum fault fault = admission_may_change(admission, why);

	if (!fault)
		fault = target_open_in(admission->call, admission->keyring, deferred->directory, &target,
				       why);
	if (fault)
		return fault;
	if (deferred->kind == DEFERRED_ADD_USER) {
		fault = admission_find_user(admission, deferred->who, &user, NULL, why);
		return fault ? fault : admission_let_in_user(admission, &target, user, deferred->role, why);
	}
	fault = admission_find_group(admission, deferred->who, &group, &object, why);
	return fault ? fault : admission_let_in_group(admission, &target, object, deferred->role, why);
}

struct turn {
	struct admission *admission;
	size_t stay;
	size_t done;
};

/* Another command may have had it in its hands, too, and been faster. */
static enum fault unless_gone(enum fault fault)
{
	return fault == FAULT_MISSING ? FAULT_NONE : fault;
}

/* The list is read while it is being changed: each row is dropped by its number. */
static enum fault take_turn(void *context, const struct deferred *deferred, struct why *why)
{
	struct turn *turn = context;
	struct keyring *keyring = turn->admission->keyring;
	struct why trouble = WHY_NONE;
	char words[512];
	enum fault fault = carry_out(turn->admission, deferred, &trouble);

	deferral_words(deferred, words, sizeof(words));
	turn->admission->call->hint[0] = '\0';
	if (!fault || fault == FAULT_EXISTS) {
		turn->done++;
		call_say(turn->admission->call, "%s: %s.", fault ? "Done already" : "Done", words);
		return unless_gone(keyring_drop_deferred(keyring, deferred->number, why));
	}
	turn->stay++;
	call_say(turn->admission->call, "Not done: %s: %s.", words, why_text(&trouble, fault));
	return unless_gone(
		keyring_deferred_trouble(keyring, deferred->number, why_text(&trouble, fault), why));
}

enum fault deferral_run(struct admission *admission, struct why *why)
{
	struct turn turn = {.admission = admission};
	enum fault fault = keyring_each_deferred(admission->keyring, take_turn, &turn, why);

	if (fault || !turn.stay)
		return fault;
	fault = why_set(why, FAULT_PARTIAL, "%zu deferred change(s) could not be carried out", turn.stay);
	return call_hint(admission->call, fault, "fsenc deferred");
}
