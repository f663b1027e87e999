/* fsenc key list, show, import, export */
#include "base/file.h"
#include "base/answer.h"
#include "cli/commands.h"
#include "cli/input.h"
#include "cli/person.h"
#include "cli/session_open.h"
#include "base/table.h"

#include <stdio.h>
#include <string.h>

#define CERTIFICATE_TEXT_MAX (2 * SIGNED_PAYLOAD_MAX)

const struct option_row options_key_import[] = {
	{"trust", 0, "FINGERPRINT", "trust it if this is its fingerprint, else refuse it", OPTION_TEXT,
	 OPTION_AT(trust)},
	OPTION_ROWS_END,
};

/* Ours without an argument, else that of the user it names. */
static enum fault find(struct call *call, struct keyring *keyring, struct certificate **ret_certificate,
		       bool *ret_trusted, struct why *why)
{
	*ret_trusted = true;
	if (!call->argument_count)
		return keyring_own_certificate(keyring, ret_certificate, why);
	return keyring_find_person(keyring, call->arguments[0], ret_certificate, ret_trusted, why);
}

/* -- list ----------------------------------------------------------------------------- */

static json_t *person_row(const struct keyring_person *person)
{
	json_t *object = person_json(person->certificate);

	if (object && (json_object_set_new(object, "own", json_boolean(person->own)) ||
		       json_object_set_new(object, "trusted", json_boolean(person->trusted)) ||
		       json_object_set_new(object, "added", json_integer(person->added)))) {
		json_decref(object);
		return NULL;
	}
	return object;
}

static enum fault list_json(const struct keyring_people *people, struct why *why)
{
	json_t *keys = json_array();

	for (size_t i = 0; i < people->count; i++) {
		if (json_array_append_new(keys, person_row(&people->list[i]))) {
			json_decref(keys);
			return why_set(why, FAULT_MEMORY, "no memory for the answer");
		}
	}
	return answer_print(json_pack("{s:o}", "keys", keys), why);
}

static enum fault list_text(const struct keyring_people *people, struct why *why)
{
	AUTO(table_done) struct table table = TABLE(4);

	table_add(&table, (const char *[]){"NAME", "TRUST", "ID", "FINGERPRINT"});
	for (size_t i = 0; i < people->count; i++) {
		const struct keyring_person *person = &people->list[i];
		struct fingerprint fingerprint = certificate_fingerprint(person->certificate);
		char id[ID_TEXT_SIZE], text[DIGEST_TEXT_SIZE];

		member_id_text(&certificate_identity(person->certificate)->id, id);
		fingerprint_text(&fingerprint, text);
		table_add(&table, (const char *[]){certificate_identity(person->certificate)->name,
						   person->own	     ? "own"
						   : person->trusted ? "trusted"
								     : "no",
						   id, text});
	}
	return table_print(&table, stdout, why);
}

enum fault cmd_key_list(struct call *call, struct why *why)
{
	AUTO(keyring_close) struct keyring *keyring = NULL;
	AUTO(keyring_people_done) struct keyring_people people = {NULL, 0};
	enum fault fault = session_locked(call, &keyring, why);

	if (!fault)
		fault = keyring_people(keyring, &people, why);
	if (fault)
		return fault;
	return call->options->json ? list_json(&people, why) : list_text(&people, why);
}

/* -- show and export ------------------------------------------------------------------ */

enum fault cmd_key_show(struct call *call, struct why *why)
{
	AUTO(keyring_close) struct keyring *keyring = NULL;
	AUTO(certificate_free) struct certificate *certificate = NULL;
	bool trusted;
	json_t *object;
	enum fault fault = session_locked(call, &keyring, why);

	if (!fault)
		fault = find(call, keyring, &certificate, &trusted, why);
	if (fault)
		return fault;
	if (!call->options->json)
		return person_print(certificate, why);
	object = person_json(certificate);
	if (object && (json_object_set_new(object, "trusted", json_boolean(trusted)) ||
		       json_object_set_new(object, "serial",
					   json_integer((json_int_t)certificate_serial(certificate))))) {
		json_decref(object);
		object = NULL;
	}
	return answer_print(object, why);
}

enum fault cmd_key_export(struct call *call, struct why *why)
{
	AUTO(keyring_close) struct keyring *keyring = NULL;
	AUTO(certificate_free) struct certificate *certificate = NULL;
	AUTO(free) char *text = NULL;
	bool trusted;
	enum fault fault = session_locked(call, &keyring, why);

	if (!fault)
		fault = find(call, keyring, &certificate, &trusted, why);
	if (!fault)
		fault = signed_text(certificate_signed(certificate), &text, why);
	if (fault)
		return fault;
	(void)printf("%s\n", text);
	return answer_end(why);
}

/* -- import --------------------------------------------------------------------------- */

static enum fault check_fingerprint(struct call *call, const struct certificate *certificate, struct why *why)
{
	struct fingerprint actual = certificate_fingerprint(certificate);
	struct fingerprint wanted;
	char text[DIGEST_TEXT_SIZE];

	if (!call->options->trust)
		return FAULT_NONE;
	if (!fingerprint_from_text(call->options->trust, &wanted))
		return why_set(why, FAULT_INVALID, "'%s' is no fingerprint", call->options->trust);
	if (fingerprint_equal(&actual, &wanted))
		return FAULT_NONE;
	fingerprint_text(&actual, text);
	return call_hint(
		call,
		why_set(why, FAULT_DENIED, "the certificate in '%s' has another fingerprint: %s",
			call->arguments[0], text),
		"ask its owner for the fingerprint that 'fsenc key show' prints, and for the file again");
}

static enum fault read_certificate(struct call *call, struct certificate **ret_certificate, struct why *why)
{
	AUTO(bytes_done) struct bytes text = BYTES_EMPTY;
	enum fault fault = input_read(call->arguments[0], CERTIFICATE_TEXT_MAX, &text, why);

	if (fault)
		return fault;
	fault = certificate_parse_text((const char *)text.data, text.size, ret_certificate, why);
	(void)call_hint(call, fault, "'fsenc key export' on the other side prints a whole certificate");
	return why_in(why, fault, "'%s'", call->arguments[0]);
}

static enum fault report_import(const struct call *call, const struct certificate *certificate, bool trusted,
				struct why *why)
{
	struct fingerprint fingerprint = certificate_fingerprint(certificate);
	char text[DIGEST_TEXT_SIZE];

	fingerprint_text(&fingerprint, text);
	if (!trusted)
		call_say(call, "Not trusted yet: compare it with its owner, then: fsenc key trust %s", text);
	return call->options->json ? answer_print(person_json(certificate), why)
				   : person_print(certificate, why);
}

enum fault cmd_key_import(struct call *call, struct why *why)
{
	AUTO(keyring_close) struct keyring *keyring = NULL;
	AUTO(certificate_free) struct certificate *certificate = NULL;
	struct fingerprint fingerprint;
	enum fault fault = session_locked(call, &keyring, why);

	if (!fault)
		fault = read_certificate(call, &certificate, why);
	if (!fault)
		fault = check_fingerprint(call, certificate, why);
	if (!fault)
		fault = keyring_add_certificate(keyring, certificate, call->options->trust != NULL, why);
	if (fault)
		return fault;
	fingerprint = certificate_fingerprint(certificate);
	return report_import(call, certificate, keyring_trusts(keyring, &fingerprint), why);
}
