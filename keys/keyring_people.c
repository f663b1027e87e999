#include "base/clock.h"
#include "keys/keyring_store.h"

void keyring_people_done(struct keyring_people *people)
{
	for (size_t i = 0; i < people->count; i++)
		certificate_free(people->list[i].certificate);
	free(people->list);
	*people = (struct keyring_people){NULL, 0};
}

static enum fault read_certificate(struct keyring *keyring, sqlite3_stmt *row, int column,
				   struct certificate **ret_certificate, struct why *why)
{
	const char *text = (const char *)sqlite3_column_text(row, column);
	if (!text)
		return why_set(why, FAULT_KEYRING_READ, "keyring '%s': a certificate is damaged",
			       keyring->path);
	enum fault fault = certificate_parse_text(text, strlen(text), ret_certificate, why);
	if (!fault)
		return FAULT_NONE;
	(void)why_in(why, fault, "keyring '%s': a certificate is damaged", keyring->path);
	return FAULT_KEYRING_READ;
}

enum fault keyring_own_certificate(struct keyring *keyring, struct certificate **ret_certificate,
				   struct why *why)
{
	AUTO(store_unlock) struct keyring *held = store_lock(keyring);
	AUTO(store_finalize) sqlite3_stmt *row = NULL;
	bool found = false;
	enum fault fault = store_query(held, &row, why, "SELECT text FROM certificates WHERE own = 1", "");
	if (!fault)
		fault = store_next(held, row, &found, why);
	if (fault)
		return fault;
	if (!found)
		return why_set(why, FAULT_KEYRING_READ, "keyring '%s' holds no certificate of yours",
			       held->path);
	return read_certificate(held, row, 0, ret_certificate, why);
}

/* One id, one key: a second key of a known person is somebody else until proven. */
static enum fault check_same_key(struct keyring *keyring, const struct public_identity *person,
				 const struct fingerprint *fingerprint, struct why *why)
{
	AUTO(store_finalize) sqlite3_stmt *row = NULL;
	bool found = false;
	enum fault fault = store_query(
		keyring, &row, why, "SELECT name FROM certificates WHERE id = ? AND fingerprint != ?", "bb",
		person->id.bytes, (size_t)ID_SIZE, fingerprint->bytes, (size_t)DIGEST_SIZE);
	if (!fault)
		fault = store_next(keyring, row, &found, why);
	if (fault || !found)
		return fault;
	return why_set(why, FAULT_EXISTS, "the keyring has another key for the id of '%s'", person->name);
}

static enum fault insert_certificate(struct keyring *keyring, const struct certificate *certificate,
				     bool trusted, struct why *why)
{
	const struct public_identity *person = certificate_identity(certificate);
	struct fingerprint fingerprint = certificate_fingerprint(certificate);
	AUTO(free) char *text = NULL;
	enum fault fault = check_same_key(keyring, person, &fingerprint, why);
	if (!fault)
		fault = signed_text(certificate_signed(certificate), &text, why);
	if (fault)
		return fault;
	return store_run(
		keyring, why,
		"INSERT INTO certificates VALUES (?, ?, ?, ?, 0, ?, ?) ON CONFLICT (fingerprint) DO UPDATE "
		"SET trusted = max(trusted, excluded.trusted)",
		"bbttii", fingerprint.bytes, (size_t)DIGEST_SIZE, person->id.bytes, (size_t)ID_SIZE,
		person->name, text, (int64_t)trusted, clock_wall_ms() / MS_PER_SECOND);
}

enum fault keyring_add_certificate(struct keyring *keyring, const struct certificate *certificate,
				   bool trusted, struct why *why)
{
	AUTO(store_unlock) struct keyring *held = store_lock(keyring);
	enum fault fault = store_begin(held, why);
	if (fault)
		return fault;
	return store_end(held, insert_certificate(held, certificate, trusted, why), why);
}

enum fault keyring_trust(struct keyring *keyring, const struct fingerprint *fingerprint, struct why *why)
{
	AUTO(store_unlock) struct keyring *held = store_lock(keyring);
	enum fault fault = store_run(held, why, "UPDATE certificates SET trusted = 1 WHERE fingerprint = ?",
				     "b", fingerprint->bytes, (size_t)DIGEST_SIZE);
	if (!fault && sqlite3_changes(held->db) == 0) {
		char text[DIGEST_TEXT_SIZE];
		fingerprint_text(fingerprint, text);
		fault = why_set(why, FAULT_KEY_MISSING, "the keyring has no key with the fingerprint %s",
				text);
	}
	return fault;
}

bool keyring_trusts(struct keyring *keyring, const struct fingerprint *fingerprint)
{
	AUTO(store_unlock) struct keyring *held = store_lock(keyring);
	AUTO(store_finalize) sqlite3_stmt *row = NULL;
	bool found = false;

	return store_query(held, &row, NULL,
			   "SELECT 1 FROM certificates WHERE fingerprint = ? AND trusted = 1", "b",
			   fingerprint->bytes, (size_t)DIGEST_SIZE) == FAULT_NONE &&
	       store_next(held, row, &found, NULL) == FAULT_NONE && found;
}

static enum fault add_person(struct keyring *keyring, sqlite3_stmt *row, struct keyring_people *people,
			     struct why *why)
{
	struct keyring_person *list = realloc(people->list, (people->count + 1) * sizeof *list);
	if (!list)
		return why_set(why, FAULT_MEMORY, "no memory for a list of people");
	people->list = list;
	struct keyring_person *person = &list[people->count];
	enum fault fault = read_certificate(keyring, row, 0, &person->certificate, why);
	if (fault)
		return fault;
	person->own = sqlite3_column_int64(row, 1) != 0;
	person->trusted = sqlite3_column_int64(row, 2) != 0;
	person->added = sqlite3_column_int64(row, 3);
	people->count++;
	return FAULT_NONE;
}

enum fault keyring_people(struct keyring *keyring, struct keyring_people *ret_people, struct why *why)
{
	AUTO(store_unlock) struct keyring *held = store_lock(keyring);
	AUTO(keyring_people_done) struct keyring_people people = {NULL, 0};
	AUTO(store_finalize) sqlite3_stmt *row = NULL;
	bool found = false;
	enum fault fault = store_query(
		held, &row, why,
		"SELECT text, own, trusted, added FROM certificates ORDER BY own DESC, name, id", "");
	while (!fault && !(fault = store_next(held, row, &found, why)) && found)
		fault = add_person(held, row, &people, why);
	if (fault)
		return fault;
	*ret_people = people;
	people = (struct keyring_people){NULL, 0};
	return FAULT_NONE;
}

/* Gives the one row of `row`; two of them are no answer. */
static enum fault only_row(struct keyring *keyring, sqlite3_stmt *row, const char *words,
			   struct certificate **ret_certificate, bool *ret_trusted, struct why *why)
{
	AUTO(certificate_free) struct certificate *certificate = NULL;
	bool found = false;
	enum fault fault = store_next(keyring, row, &found, why);
	if (fault)
		return fault;
	if (!found)
		return why_set(why, FAULT_KEY_MISSING, "the key of '%s' is not in the keyring", words);
	fault = read_certificate(keyring, row, 0, &certificate, why);
	bool trusted = sqlite3_column_int64(row, 1) != 0;
	if (!fault)
		fault = store_next(keyring, row, &found, why);
	if (fault)
		return fault;
	if (found)
		return why_set(why, FAULT_INVALID,
			       "there are several people called '%s'; name one by id or fingerprint", words);
	*ret_certificate = TAKE(certificate);
	if (ret_trusted)
		*ret_trusted = trusted;
	return FAULT_NONE;
}

enum fault keyring_find_person(struct keyring *keyring, const char *words,
			       struct certificate **ret_certificate, bool *ret_trusted, struct why *why)
{
	AUTO(store_unlock) struct keyring *held = store_lock(keyring);
	AUTO(store_finalize) sqlite3_stmt *row = NULL;
	struct member_id id = {{0}};
	struct fingerprint fingerprint = {{0}};
	bool is_id = member_id_from_text(words, &id);
	bool is_fingerprint = !is_id && fingerprint_from_text(words, &fingerprint);
	enum fault fault = store_query(
		held, &row, why,
		"SELECT text, trusted FROM certificates WHERE (?1 AND id = ?2) OR (?3 AND fingerprint = ?4) "
		"OR (NOT ?1 AND NOT ?3 AND name = ?5)",
		"ibibt", (int64_t)is_id, id.bytes, (size_t)ID_SIZE, (int64_t)is_fingerprint,
		fingerprint.bytes, (size_t)DIGEST_SIZE, words);
	return fault ? fault : only_row(held, row, words, ret_certificate, ret_trusted, why);
}

enum fault keyring_find_certificate(struct keyring *keyring, const struct fingerprint *fingerprint,
				    struct certificate **ret_certificate, struct why *why)
{
	char text[DIGEST_TEXT_SIZE];

	fingerprint_text(fingerprint, text);
	return keyring_find_person(keyring, text, ret_certificate, NULL, why);
}
