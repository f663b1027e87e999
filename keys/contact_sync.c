#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "keys/contact_parts.h"

/* -- what the keyring has ------------------------------------------------------------------ */

static void take_policy(struct contacts *held)
{
	struct keyring_policy known;

	if (keyring_policy(held->keyring, &known, NULL))
		return;
	held->has_policy = true;
	held->policy = known.policy;
	held->policy_received = known.received;
}

static enum fault retire(struct contacts *held, struct why *why)
{
	struct service **retired = reallocarray(held->retired, held->retired_count + 1, sizeof(void *));
	if (!retired)
		return why_set(why, FAULT_MEMORY, "no memory for the key servers");
	held->retired = retired;
	if (held->service)
		held->retired[held->retired_count++] = TAKE(held->service);
	return FAULT_NONE;
}

static enum fault take_organisation(struct contacts *held, const struct keyring_organisation *known,
				    struct why *why)
{
	AUTO(service_free) struct service *service = NULL;
	const struct identity *identity = NULL;
	enum fault fault = keyring_identity(held->keyring, &identity, why);
	if (!fault)
		fault = service_new(known, identity, &service, why);
	if (!fault)
		fault = retire(held, why);
	if (fault)
		return fault;
	held->service = TAKE(service);
	held->organisation = organisation_id_of(&known->organisation);
	held->organisation_version = known->organisation.version;
	memcpy(held->organisation_name, known->organisation.root.name, sizeof held->organisation_name);
	return FAULT_NONE;
}

static bool is_new(const struct contacts *held, const struct keyring_organisation *known)
{
	struct service_state states[GROUP_SERVERS_MAX];

	return !held->service || held->organisation_version != known->organisation.version ||
	       service_states(held->service, states, GROUP_SERVERS_MAX) != known->server_count;
}

enum fault contact_load(struct contacts *held, struct why *why)
{
	AUTO(keyring_organisation_done) struct keyring_organisation known = {.object = NULL};
	enum fault fault = keyring_organisation(held->keyring, &known, why);
	if (fault)
		return fault == FAULT_MISSING ? FAULT_NONE : fault; /* not enrolled (yet) */
	take_policy(held);
	return is_new(held, &known) ? take_organisation(held, &known, why) : FAULT_NONE;
}

/* -- one group ------------------------------------------------------------------------------- */

static enum fault read_group(struct contacts *contacts, const struct signed_object *object,
			     struct group_descriptor *ret_group, struct why *why)
{
	const struct organisation *organisation = service_organisation_of(contacts->service);
	struct group_descriptor group;
	enum fault fault = group_descriptor_read(object, organisation, &group, why);
	if (!fault)
		fault = keyring_set_group(contacts->keyring, object, &group, why);
	if (!fault)
		*ret_group = group;
	return fault;
}

struct group_search {
	struct contacts *contacts;
	const struct member_id *wanted;
	struct group_descriptor *group;
	bool is_found;
	enum fault fault; /* what the last one said */
	struct why why;
};

static enum fault take_group(struct group_search *search, const struct service_answer *answer,
			     struct why *why)
{
	AUTO(groups_answer_done) struct groups_answer groups = {.count = 0};
	struct group_descriptor group;

	if (answer->is_problem) {
		problem_words(answer, why);
		return problem_meaning(answer->problem.type).fault;
	}
	enum fault fault = groups_answer_read(answer->body.data, answer->body.size, true, &groups, why);
	if (!fault)
		fault = read_group(search->contacts, groups.list[0], &group, why);
	if (!fault && !member_id_equal(&group.id, search->wanted))
		fault = why_set(why, FAULT_REFUSED, "it answers with another group");
	if (fault)
		return why_in(why, fault, "key server %s", answer->host);
	*search->group = group;
	search->is_found = true;
	return FAULT_NONE;
}

/* Each server knows its own groups alone: another may know what this one does not. */
static bool look_at_group(void *context, const struct service_answer *answer)
{
	struct group_search *search = context;

	search->why = WHY_NONE;
	search->fault = take_group(search, answer, &search->why);
	return search->fault != FAULT_NONE;
}

static enum fault fetch_group(struct contact_run *run, const struct member_id *id,
			      struct group_descriptor *ret_group, struct why *why)
{
	struct group_search search = {.contacts = run->contacts, .wanted = id, .group = ret_group};
	struct member_id servers[GROUP_SERVERS_MAX];
	struct service_answer last = {.no_network = false};
	char target[sizeof "/v1/groups/" + ID_TEXT_SIZE] = "/v1/groups/";
	const struct service_call call = {.method = "GET", .target = target, .deadline_ms = run->deadline_ms};
	size_t count = contact_all_servers(run->contacts->service, servers);

	if (contact_is_hopeless(run, servers, count, 1))
		return why_set(why, FAULT_UNREACHABLE, "%s", run->why.text);
	member_id_text(id, target + strlen(target));
	enum fault fault = service_ask_all(run->contacts->service, &call, servers, count, 1, look_at_group,
					   &search, &last, why);
	run_note(run, fault, &last, why);
	if (fault || search.is_found)
		return fault;
	return why_set(why, search.fault, "%s", search.why.text);
}

enum fault contact_descriptor(struct contact_run *run, const struct member_id *group, bool fresh,
			      struct group_descriptor *ret_group, struct why *why)
{
	enum fault fault = fresh ? FAULT_MISSING
				 : keyring_group(run->contacts->keyring, group, ret_group, NULL, why);

	return fault == FAULT_MISSING ? fetch_group(run, group, ret_group, why) : fault;
}

/* -- organisation and policy ----------------------------------------------------------------- */

/* The newest of what the servers say. */
struct hearing {
	struct signed_object *organisation, *policy; /* owned */
	struct organisation signer;
	struct policy newest;
	char host[CONTACT_HOST_SIZE]; /* who said it */
	bool wants_all;
	enum fault fault;
	struct why why;
};

static void hearing_done(struct hearing *hearing)
{
	signed_free(hearing->organisation);
	signed_free(hearing->policy);
}
AUTO_VALUE(struct hearing, hearing_done);

static enum fault copy_object(const struct signed_object *object, const char *type,
			      struct signed_object **into, struct why *why)
{
	AUTO(free) char *text = NULL;
	struct signed_object *copy = NULL;
	enum fault fault = signed_text(object, &text, why);
	if (!fault)
		fault = signed_parse_text(text, strlen(text), type, &copy, why);
	if (fault)
		return fault;
	signed_free(*into);
	*into = copy;
	return FAULT_NONE;
}

static enum fault take_heard(struct hearing *hearing, const struct service_organisation *heard,
			     struct why *why)
{
	struct policy policy;
	enum fault fault = policy_read(heard->message->policy, heard->organisation, &policy, why);
	if (fault)
		return fault;
	if (!hearing->organisation || heard->organisation->version > hearing->signer.version) {
		fault = copy_object(heard->message->organisation, ORGANISATION_TYPE, &hearing->organisation,
				    why);
		if (!fault)
			hearing->signer = *heard->organisation;
	}
	if (!fault && (!hearing->policy || policy.version > hearing->newest.version)) {
		fault = copy_object(heard->message->policy, POLICY_TYPE, &hearing->policy, why);
		if (!fault)
			hearing->newest = policy;
		(void)snprintf(hearing->host, sizeof hearing->host, "%s", heard->host);
	}
	return fault;
}

static bool hear(void *context, const struct service_organisation *heard)
{
	struct hearing *hearing = context;
	struct why why = WHY_NONE;
	enum fault fault = take_heard(hearing, heard, &why);

	if (fault) {
		hearing->fault = why_in(&why, fault, "key server %s", heard->host);
		hearing->why = why;
		log_error("%s", why_text(&why, fault));
	}
	return hearing->wants_all || fault;
}

/* What a server says of itself is kept, so that the next process need not ask who it is. */
static void learn_ids(struct contacts *contacts, struct keyring_organisation *known)
{
	struct service_state states[GROUP_SERVERS_MAX];
	size_t count = service_states(contacts->service, states, GROUP_SERVERS_MAX);

	for (size_t i = 0; i < known->server_count && i < count; i++)
		if (!member_id_is_none(&states[i].id))
			known->servers[i].id = states[i].id;
}

static enum fault keep_organisation(struct contacts *contacts, struct hearing *hearing, struct why *why)
{
	AUTO(keyring_organisation_done) struct keyring_organisation known = {.object = NULL};
	enum fault fault = keyring_organisation(contacts->keyring, &known, why);
	if (fault)
		return fault;
	signed_free(known.object);
	known.object = TAKE(hearing->organisation);
	known.organisation = hearing->signer;
	learn_ids(contacts, &known);
	return keyring_set_organisation(contacts->keyring, &known, why);
}

static enum fault keep_policy(struct contacts *contacts, const struct hearing *hearing, struct why *why)
{
	struct keyring_policy policy = {
		.policy = hearing->newest,
		.received = clock_wall_ms() / MS_PER_SECOND,
	};
	(void)snprintf(policy.from, sizeof policy.from, "%s", hearing->host);
	return keyring_set_policy(contacts->keyring, hearing->policy, &policy, why);
}

/* An older organisation or policy than the one that was seen: a server that lies, or was put back. */
static enum fault keep_heard(struct contacts *contacts, struct hearing *hearing, struct why *why)
{
	enum fault fault = keep_organisation(contacts, hearing, why);
	if (!fault)
		fault = keep_policy(contacts, hearing, why);
	if (fault)
		return why_in(why, fault, "key server %s", hearing->host);
	AUTO(contacts_let_go) struct contacts *held = contacts_hold(contacts);
	return contact_load(held, why);
}

static enum fault fetch_policy(struct contact_run *run, bool everybody, struct hearing *hearing,
			       char ret_host[static CONTACT_HOST_SIZE], struct why *why)
{
	struct service_answer last = {.no_network = false};

	hearing->wants_all = everybody;
	enum fault fault = service_ask_organisation(run->contacts->service, everybody, run->deadline_ms, hear,
						    hearing, &last, why);
	if (fault)
		run_note(run, fault, &last, why);
	(void)snprintf(ret_host, CONTACT_HOST_SIZE, "%s", fault ? last.host : hearing->host);
	if (fault || hearing->policy)
		return fault;
	return why_set(why, hearing->fault, "%s", hearing->why.text);
}

/* -- the user's groups ------------------------------------------------------------------------ */

static void keep_group(struct contacts *contacts, const struct signed_object *object, const char *host)
{
	struct group_descriptor group;
	struct why why = WHY_NONE;
	enum fault fault = read_group(contacts, object, &group, &why);

	if (fault)
		log_warning("key server %s: %s", host, why_text(&why, fault));
}

/* Signed, and so the proof that it is the key server that answers. */
static enum fault fetch_groups(struct contact_run *run, struct why *why)
{
	AUTO(service_answer_done) struct service_answer answer = {.body = BYTES_EMPTY};
	AUTO(groups_answer_done) struct groups_answer groups = {.count = 0};
	const struct service_call call = {
		.method = "GET", .target = "/v1/groups", .deadline_ms = run->deadline_ms};
	struct why local = WHY_NONE;
	enum fault fault = service_ask(run->contacts->service, &call, &answer, &local);

	run_note(run, fault, &answer, &local);
	if (fault)
		return why_set(why, fault, "%s", local.text);
	if (answer.is_problem) {
		problem_words(&answer, &local);
		log_warning("The groups of the organisation are not known: %s", local.text);
		return FAULT_NONE; /* it has answered; the policy is there */
	}
	fault = groups_answer_read(answer.body.data, answer.body.size, false, &groups, why);
	if (fault)
		return why_in(why, fault, "key server %s", answer.host);
	for (size_t i = 0; i < groups.count; i++)
		keep_group(run->contacts, groups.list[i], answer.host);
	return FAULT_NONE;
}

/* The groups that every folder must have: nobody need be a member of them to wrap to them. */
static void fetch_recovery_groups(struct contact_run *run)
{
	struct keyring_policy known;

	if (keyring_policy(run->contacts->keyring, &known, NULL))
		return;
	for (size_t i = 0; i < known.policy.recovery_count; i++) {
		struct group_descriptor group;
		struct why why = WHY_NONE;
		enum fault fault = fetch_group(run, &known.policy.recovery[i], &group, &why);
		if (fault)
			log_warning("A recovery group of the policy is not known: %s", why_text(&why, fault));
	}
}

static void say_outdated(struct contacts *contacts)
{
	AUTO(contacts_let_go) struct contacts *held = contacts_hold(contacts);
	struct why why = WHY_NONE;

	if (contact_check_version(held, &why))
		log_warning("Folders of groups stay closed: %s", why.text);
}

/* -- all of it ---------------------------------------------------------------------------------- */

enum fault contact_synchronise(struct contact_run *run, bool everybody,
			       char ret_host[static CONTACT_HOST_SIZE], struct why *why)
{
	AUTO(hearing_done) struct hearing hearing = {.policy = NULL};
	enum fault fault = fetch_policy(run, everybody, &hearing, ret_host, why);
	if (fault)
		return fault;
	/* A policy that is refused is no reason to do without the groups: the server is there. */
	enum fault refused = keep_heard(run->contacts, &hearing, why);
	fault = fetch_groups(run, refused ? NULL : why);
	if (!fault)
		fetch_recovery_groups(run);
	if (refused || fault)
		return refused ? refused : fault;
	log_info("Successfully synchronized policy with %s", ret_host);
	say_outdated(run->contacts);
	return FAULT_NONE;
}
