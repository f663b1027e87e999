#include "keys/keyring_people.h"

#include <string.h>

#include "base/clock.h"

/* The columns after `certificate` make it findable; the certificate alone is believed. */
struct person_row {
	struct fingerprint fingerprint;
	struct member_id id;
	struct bytes certificate;
	int64_t trusted;
	int64_t added;
};

static void person_row_done(struct person_row *row)
{
	bytes_done(&row->certificate);
}
AUTO_VALUE(struct person_row, person_row_done);

#define PERSON_SELECT "SELECT fingerprint, id, certificate, trusted, added FROM certificates "

static const struct column person_columns[] = {
	{COLUMN_EXACT, COLUMN_AT(struct person_row, fingerprint)},
	{COLUMN_EXACT, COLUMN_AT(struct person_row, id)},
	{COLUMN_WORDS, COLUMN_AT(struct person_row, certificate)},
	{COLUMN_INTEGER, COLUMN_AT(struct person_row, trusted), .most = 1},
	{COLUMN_INTEGER, COLUMN_AT(struct person_row, added), .most = INT64_MAX},
};

void keyring_people_done(struct keyring_people *people)
{
	for (size_t i = 0; i < people->count; i++)
		certificate_free(people->list[i].certificate);
	free(people->list);
	*people = (struct keyring_people){NULL, 0};
}

/* -- reading -------------------------------------------------------------------------- */

static enum fault row_certificate(const struct keyring *held, const struct person_row *row,
				  struct certificate **ret_certificate, struct why *why)
{
	AUTO(certificate_free) struct certificate *certificate = NULL;
	const struct bytes *text = &row->certificate;
	enum fault fault = certificate_parse_text((const char *)text->data, text->size, &certificate, why);
	if (fault == FAULT_MEMORY)
		return fault;
	if (fault) {
		(void)why_in(why, fault, "keyring '%s': a certificate is damaged", held->path);
		return FAULT_KEYRING_READ;
	}
	const struct fingerprint fingerprint = certificate_fingerprint(certificate);
	if (!fingerprint_equal(&fingerprint, &row->fingerprint) ||
	    !member_id_equal(&certificate_identity(certificate)->id, &row->id))
		return store_damaged(held, "the row of a certificate", why);
	*ret_certificate = TAKE(certificate);
	return FAULT_NONE;
}

static enum fault find_row(struct keyring *held, const char *sql, const struct value *key,
			   struct person_row *row, struct why *why)
{
	const struct query query = {
		.sql = sql, .values = key, .value_count = 1, COLUMNS(person_columns), .into = row};

	return store_find(held, &query, why);
}

static enum fault find_by_id(struct keyring *held, const struct member_id *id, struct person_row *row,
			     struct why *why)
{
	const struct value key = VALUE_ID(id);

	return find_row(held, PERSON_SELECT "WHERE id = ?", &key, row, why);
}

static enum fault find_by_fingerprint(struct keyring *held, const struct fingerprint *fingerprint,
				      struct person_row *row, struct why *why)
{
	const struct value key = VALUE_ID(fingerprint);

	return find_row(held, PERSON_SELECT "WHERE fingerprint = ?", &key, row, why);
}

static enum fault count_row(void *context, struct why *why)
{
	(void)why;
	++*(int *)context;
	return FAULT_NONE;
}

static enum fault find_by_name(struct keyring *held, const char *name, struct person_row *row,
			       struct why *why)
{
	int count = 0;
	const struct query query = {.sql = PERSON_SELECT "WHERE name = ? LIMIT 2",
				    VALUES(VALUE_TEXT(name)),
				    COLUMNS(person_columns),
				    .into = row};
	enum fault fault = store_each(held, &query, count_row, &count, why);
	if (!fault && count == 0)
		return why_set(why, FAULT_MISSING, "nobody has this name");
	if (!fault && count > 1)
		return why_set(why, FAULT_INVALID,
			       "several people in the keyring are called '%s': say the id or the fingerprint",
			       name);
	return fault;
}

/* An id or a fingerprint is never taken for a name: else somebody could call himself by another's
 * fingerprint. */
static enum fault find_by_words(struct keyring *held, const char *words, struct person_row *row,
				struct why *why)
{
	struct member_id id;
	struct fingerprint fingerprint;

	if (member_id_from_text(words, &id))
		return find_by_id(held, &id, row, why);
	if (fingerprint_from_text(words, &fingerprint))
		return find_by_fingerprint(held, &fingerprint, row, why);
	return find_by_name(held, words, row, why);
}

static enum fault missing_key(enum fault fault, const char *words, struct why *why)
{
	if (fault != FAULT_MISSING)
		return fault;
	return why_set(why, FAULT_KEY_MISSING,
		       "the key of '%s' is not in the keyring: run 'fsenc key import'", words);
}

enum fault keyring_find_person(struct keyring *keyring, const char *words,
			       struct certificate **ret_certificate, bool *ret_trusted, struct why *why)
{
	AUTO(keyring_let_go) struct keyring *held = keyring_hold(keyring);
	AUTO(person_row_done) struct person_row row = {.certificate = BYTES_EMPTY};
	enum fault fault = find_by_words(held, words, &row, why);
	if (!fault)
		fault = row_certificate(held, &row, ret_certificate, why);
	if (!fault && ret_trusted)
		*ret_trusted = row.trusted;
	return missing_key(fault, words, why);
}

enum fault keyring_find_certificate(struct keyring *keyring, const struct fingerprint *fingerprint,
				    struct certificate **ret_certificate, struct why *why)
{
	AUTO(keyring_let_go) struct keyring *held = keyring_hold(keyring);
	AUTO(person_row_done) struct person_row row = {.certificate = BYTES_EMPTY};
	char text[DIGEST_TEXT_SIZE];
	enum fault fault = find_by_fingerprint(held, fingerprint, &row, why);
	if (!fault)
		fault = row_certificate(held, &row, ret_certificate, why);
	fingerprint_text(fingerprint, text);
	return missing_key(fault, text, why);
}

enum fault keyring_own_certificate(struct keyring *keyring, struct certificate **ret_certificate,
				   struct why *why)
{
	AUTO(keyring_let_go) struct keyring *held = keyring_hold(keyring);
	AUTO(person_row_done) struct person_row row = {.certificate = BYTES_EMPTY};
	const struct fingerprint own = public_identity_fingerprint(&held->own.public);
	enum fault fault = find_by_fingerprint(held, &own, &row, why);
	if (fault == FAULT_MISSING)
		return store_damaged(held, "the row of your own certificate", why);
	return fault ? fault : row_certificate(held, &row, ret_certificate, why);
}

bool keyring_trusts(struct keyring *keyring, const struct fingerprint *fingerprint)
{
	AUTO(keyring_let_go) struct keyring *held = keyring_hold(keyring);
	AUTO(person_row_done) struct person_row row = {.certificate = BYTES_EMPTY};

	return find_by_fingerprint(held, fingerprint, &row, NULL) == FAULT_NONE && row.trusted;
}

/* -- everybody ------------------------------------------------------------------------ */

struct gathering {
	const struct keyring *held;
	struct person_row row;
	struct keyring_people people;
	size_t room;
};

static void gathering_done(struct gathering *gathering)
{
	person_row_done(&gathering->row);
	keyring_people_done(&gathering->people);
}
AUTO_VALUE(struct gathering, gathering_done);

static enum fault make_room(struct gathering *gathering, struct why *why)
{
	if (gathering->people.count < gathering->room)
		return FAULT_NONE;
	size_t room = gathering->room ? 2 * gathering->room : 16;
	struct keyring_person *list = reallocarray(gathering->people.list, room, sizeof *list);
	if (!list)
		return why_set(why, FAULT_MEMORY, "no memory for the people in the keyring");
	gathering->people.list = list;
	gathering->room = room;
	return FAULT_NONE;
}

static enum fault gather(void *context, struct why *why)
{
	struct gathering *gathering = context;
	const struct person_row *row = &gathering->row;
	struct certificate *certificate;
	enum fault fault = make_room(gathering, why);
	if (!fault)
		fault = row_certificate(gathering->held, row, &certificate, why);
	if (fault)
		return fault;
	gathering->people.list[gathering->people.count++] = (struct keyring_person){
		.certificate = certificate,
		.own = member_id_equal(&row->id, &gathering->held->own.public.id),
		.trusted = row->trusted,
		.added = row->added,
	};
	return FAULT_NONE;
}

enum fault keyring_people(struct keyring *keyring, struct keyring_people *ret_people, struct why *why)
{
	AUTO(keyring_let_go) struct keyring *held = keyring_hold(keyring);
	AUTO(gathering_done) struct gathering gathering = {.held = held};
	const struct query query = {
		.sql = PERSON_SELECT "ORDER BY name, id", COLUMNS(person_columns), .into = &gathering.row};
	enum fault fault = store_each(held, &query, gather, &gathering, why);
	if (fault)
		return fault;
	*ret_people = gathering.people;
	gathering.people = (struct keyring_people){NULL, 0};
	return FAULT_NONE;
}

/* -- adding --------------------------------------------------------------------------- */

static enum fault insert(struct keyring *held, const struct certificate *certificate, bool trusted,
			 struct why *why)
{
	const struct public_identity *person = certificate_identity(certificate);
	const struct fingerprint fingerprint = certificate_fingerprint(certificate);
	AUTO(free) char *text = NULL;
	enum fault fault = signed_text(certificate_signed(certificate), &text, why);
	if (fault)
		return fault;
	const struct query query = {
		.sql = "INSERT INTO certificates (fingerprint, id, name, certificate, trusted, added)"
		       " VALUES (?, ?, ?, ?, ?, ?)"
		       " ON CONFLICT (fingerprint) DO UPDATE SET name = excluded.name,"
		       " certificate = excluded.certificate, trusted = max(trusted, excluded.trusted)",
		VALUES(VALUE_ID(&fingerprint), VALUE_ID(&person->id), VALUE_TEXT(person->name),
		       VALUE_TEXT(text), VALUE_INTEGER(trusted),
		       VALUE_INTEGER(clock_wall_ms() / MS_PER_SECOND)),
	};
	return store_change(held, &query, NULL, why);
}

static enum fault set_trusted(struct keyring *held, const struct fingerprint *fingerprint, struct why *why)
{
	int64_t changed;
	char text[DIGEST_TEXT_SIZE];
	const struct query query = {.sql = "UPDATE certificates SET trusted = 1 WHERE fingerprint = ?",
				    VALUES(VALUE_ID(fingerprint))};
	enum fault fault = store_change(held, &query, &changed, why);
	if (fault || changed)
		return fault;
	fingerprint_text(fingerprint, text);
	return missing_key(FAULT_MISSING, text, why);
}

/* A newer certificate for the same key takes the place of the older, and a server's that of a self-signed one;
 * but whoever changes his own name shows it only when somebody vouches for him, or he could call himself what he
 * likes in everybody's keyring. A server's certificate is the directory's word for the name. */
static enum fault renew(struct keyring *held, const struct person_row *known,
			const struct certificate *certificate, bool trusted, struct why *why)
{
	const struct fingerprint fingerprint = certificate_fingerprint(certificate);
	AUTO(certificate_free) struct certificate *older = NULL;
	enum fault fault = row_certificate(held, known, &older, why);
	if (fault)
		return fault;
	const bool certified = !certificate_is_self_signed(certificate);
	const bool older_certified = !certificate_is_self_signed(older);
	const bool is_newer = certified == older_certified
				      ? certificate_serial(certificate) > certificate_serial(older)
				      : certified;
	bool same_name = strcmp(certificate_identity(certificate)->name, certificate_identity(older)->name) ==
			 0;
	if (is_newer && (same_name || trusted || certified))
		return insert(held, certificate, trusted, why);
	return trusted && !known->trusted ? set_trusted(held, &fingerprint, why) : FAULT_NONE;
}

static enum fault refuse_other_key(const struct person_row *known, const struct certificate *certificate,
				   struct why *why)
{
	const struct fingerprint fingerprint = certificate_fingerprint(certificate);
	const char *name = certificate_identity(certificate)->name;
	char here[DIGEST_TEXT_SIZE];
	char there[DIGEST_TEXT_SIZE];

	if (fingerprint_equal(&known->fingerprint, &fingerprint))
		return why_set(why, FAULT_EXISTS, "the key of '%s' is in the keyring under another id", name);
	fingerprint_text(&known->fingerprint, here);
	fingerprint_text(&fingerprint, there);
	return why_set(why, FAULT_EXISTS,
		       "the keyring holds another key of '%s' (%s): the new one (%s) may be somebody else's;"
		       " compare the fingerprint with him",
		       name, here, there);
}

enum fault people_put(struct keyring *held, const struct certificate *certificate, bool trusted,
		      struct why *why)
{
	AUTO(person_row_done) struct person_row known = {.certificate = BYTES_EMPTY};
	const struct fingerprint fingerprint = certificate_fingerprint(certificate);
	const struct member_id *id = &certificate_identity(certificate)->id;
	enum fault fault = find_by_id(held, id, &known, why);
	if (fault == FAULT_MISSING)
		fault = find_by_fingerprint(held, &fingerprint, &known, why);
	if (fault == FAULT_MISSING)
		return insert(held, certificate, trusted, why);
	if (fault)
		return fault;
	if (!member_id_equal(&known.id, id) || !fingerprint_equal(&known.fingerprint, &fingerprint))
		return refuse_other_key(&known, certificate, why);
	return renew(held, &known, certificate, trusted, why);
}

enum fault keyring_add_certificate(struct keyring *keyring, const struct certificate *certificate,
				   bool trusted, struct why *why)
{
	AUTO(keyring_let_go) struct keyring *held = keyring_hold(keyring);
	enum fault fault = store_begin(held, why);

	return fault ? fault : store_end(held, people_put(held, certificate, trusted, why), why);
}

enum fault keyring_trust(struct keyring *keyring, const struct fingerprint *fingerprint, struct why *why)
{
	AUTO(keyring_let_go) struct keyring *held = keyring_hold(keyring);

	return set_trusted(held, fingerprint, why);
}
