#include "server/audit.h"

#include <assert.h>
#include <inttypes.h>
#include <jansson.h>
#include <pthread.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "keys/fields.h"
#include "keys/kdf.h"

/* A row whose writer waits for it. */
struct waiting {
	struct waiting *next;
	const struct audit_event *event;
	char *text;
	int64_t now_ms;
	bool done;
	enum fault fault;
	struct why why;
};

struct audit {
	struct store *store;
	char *server;
	pthread_mutex_t mutex; /* over all below, and the rows' `done` */
	pthread_cond_t changed;
	struct waiting *first, **last; /* not yet taken by a writer */
	bool writing;
};

const char *audit_action_word(enum audit_action action)
{
	static const char *const words[] = {
#define X(name, word) [AUDIT_##name] = word,
		AUDIT_ACTION_LIST(X)
#undef X
	};

	assert(action < AUDIT_ACTION_COUNT);
	return words[action];
}

const char *audit_decision_word(enum audit_decision decision)
{
	static const char *const words[] = {[AUDIT_GRANTED] = "granted",
					    [AUDIT_DENIED] = "denied",
					    [AUDIT_UNKNOWN] = "unknown",
					    [AUDIT_REFUSED] = "refused"};

	assert(decision <= AUDIT_REFUSED);
	return words[decision];
}

enum fault audit_open(struct store *store, const char *server, struct audit **ret_audit, struct why *why)
{
	struct audit *audit = calloc(1, sizeof *audit);
	char *name = strdup(server);

	if (!audit || !name) {
		free(audit);
		free(name);
		return why_set(why, FAULT_MEMORY, "no memory for the audit");
	}
	audit->store = store;
	audit->server = name;
	audit->last = &audit->first;
	(void)pthread_mutex_init(&audit->mutex, NULL);
	(void)pthread_cond_init(&audit->changed, NULL);
	*ret_audit = audit;
	return FAULT_NONE;
}

void audit_close(struct audit *audit)
{
	if (!audit)
		return;
	assert(!audit->first && !audit->writing);
	(void)pthread_cond_destroy(&audit->changed);
	(void)pthread_mutex_destroy(&audit->mutex);
	free(audit->server);
	free(audit);
}

/* -- a row as text ----------------------------------------------------------------------- */

/* Names come from directories: one that is no UTF-8 is written with '?' for what is not ASCII. */
static json_t *words_new(const char *words)
{
	json_t *text = json_string(words);
	char plain[256];
	size_t i = 0;

	if (text)
		return text;
	for (; words[i] && i < sizeof plain - 1; i++)
		plain[i] = words[i];
	plain[i] = '\0';
	for (char *at = plain; *at; at++)
		*at = (unsigned char)*at < 0x80 ? *at : '?';
	return json_string(plain);
}

static bool put_words(json_t *row, const char *name, const char *words)
{
	return !words || !*words || json_object_set_new(row, name, words_new(words)) == 0;
}

static bool put_id(json_t *row, const char *name, const struct member_id *id)
{
	char text[ID_TEXT_SIZE];

	member_id_text(id, text);
	return member_id_is_none(id) || json_object_set_new(row, name, json_string(text)) == 0;
}

static bool put_folders(json_t *row, const struct audit_event *event)
{
	json_t *list = event->folder_count ? json_array() : NULL;
	bool good = true;

	for (size_t i = 0; i < event->folder_count; i++) {
		char text[ID_TEXT_SIZE];

		folder_id_text(&event->folders[i].folder, text);
		good = good &&
		       json_array_append_new(list, json_pack("[s, I]", text,
							     (json_int_t)event->folders[i].generation)) == 0;
	}
	return good && (!event->folder_count || json_object_set_new(row, "folders", list) == 0);
}

static bool put_proof(json_t *row, const struct directory_proof *proof)
{
	if (!proof)
		return true;
	return put_words(row, "source", proof->source == DIRECTORY_CACHE ? "cache" : "live") &&
	       json_object_set_new(row, "age_ms", json_integer(proof->age_ms)) == 0 &&
	       put_words(row, "path", proof->path);
}

static enum fault row_text(const struct audit *audit, const struct audit_event *event, int64_t now_ms,
			   char **ret_text, struct why *why)
{
	AUTO(json_decref)
	json_t *row = json_pack("{s:I, s:s, s:s}", "time_ms", (json_int_t)now_ms, "action",
				audit_action_word(event->action), "decision",
				audit_decision_word(event->decision));
	char *text;

	if (!row || !put_words(row, "server", audit->server) || !put_words(row, "reason", event->reason) ||
	    !put_words(row, "request", event->request) || !put_words(row, "peer", event->peer) ||
	    !put_id(row, "account", &event->account) || !put_words(row, "user", event->user) ||
	    !put_id(row, "group", &event->group) || !put_words(row, "group_name", event->group_name) ||
	    !put_folders(row, event) || !put_proof(row, event->proof) ||
	    !put_words(row, "detail", event->detail))
		return why_set(why, FAULT_MEMORY, "no memory for the audit");
	text = json_dumps(row, JSON_COMPACT);
	if (!text)
		return why_set(why, FAULT_MEMORY, "no memory for the audit");
	*ret_text = text;
	return FAULT_NONE;
}

static void tell_log(const struct audit_event *event)
{
	log_info("audit: %s %s%s%s%s%s%s%s%s%s%s%s", audit_action_word(event->action),
		 audit_decision_word(event->decision), event->reason ? ": " : "",
		 event->reason ? event->reason : "", event->user ? ", user " : "",
		 event->user ? event->user : "", event->group_name ? ", group " : "",
		 event->group_name ? event->group_name : "", event->request ? ", request " : "",
		 event->request ? event->request : "", event->detail ? ", " : "",
		 event->detail ? event->detail : "");
}

/* -- the chain ----------------------------------------------------------------------------- */

static enum fault link_of(const struct digest *before, uint64_t number, const void *text, size_t size,
			  struct digest *ret_link, struct why *why)
{
	AUTO(bytes_done) struct bytes hashed = BYTES_EMPTY;
	uint8_t le[8];
	enum fault fault;

	le64_put(le, number);
	fault = bytes_append(&hashed, before->bytes, DIGEST_SIZE, why);
	if (!fault)
		fault = bytes_append(&hashed, le, sizeof le, why);
	if (!fault)
		fault = bytes_append(&hashed, text, size, why);
	if (!fault)
		*ret_link = kdf_hash(KDF_HASH_AUDIT, hashed.data, hashed.size);
	return fault;
}

/* `last` is the row before, and becomes this one. */
static enum fault append(struct store *store, struct stored_audit *last, const struct waiting *row,
			 struct why *why)
{
	const struct audit_event *event = row->event;
	size_t size = strlen(row->text);
	enum fault fault = link_of(&last->link, last->number + 1, row->text, size, &last->link, why);

	if (fault)
		return fault;
	last->number++;
	last->text = (struct bytes){.data = (uint8_t *)row->text, .size = size};
	fault = store_audit_write(store, last, why);
	last->text = BYTES_EMPTY;
	if (fault || event->action != AUDIT_UNLOCK || event->decision != AUDIT_GRANTED)
		return fault;
	return store_unlocked_write(store, &event->account, &event->group, event->folders,
				    event->folder_count, row->now_ms / MS_PER_SECOND, why);
}

static enum fault append_all(struct store *store, const struct waiting *rows, struct why *why)
{
	struct stored_audit last;
	enum fault fault = store_audit_last(store, &last, why);

	for (; !fault && rows; rows = rows->next)
		fault = append(store, &last, rows, why);
	return fault;
}

/* -- many rows, one sync --------------------------------------------------------------------- */

static void finish(struct waiting *rows, enum fault fault, const struct why *why)
{
	while (rows) {
		struct waiting *next = rows->next; /* the row is its writer's again once it is done */

		rows->fault = fault;
		rows->why = *why;
		rows->done = true;
		rows = next;
	}
}

/* Writes whatever has come until now, its own row among it. The mutex is held before and after. */
static void write_batch(struct audit *audit)
{
	struct waiting *rows = audit->first;
	struct why why = WHY_NONE;
	enum fault fault;

	audit->writing = true;
	audit->first = NULL;
	audit->last = &audit->first;
	(void)pthread_mutex_unlock(&audit->mutex);
	fault = store_transaction_begin(audit->store, &why);
	if (!fault)
		fault = store_transaction_end(audit->store, append_all(audit->store, rows, &why), &why);
	(void)pthread_mutex_lock(&audit->mutex);
	finish(rows, fault, &why);
	audit->writing = false;
	(void)pthread_cond_broadcast(&audit->changed);
}

static void wait_for(struct audit *audit, struct waiting *row)
{
	(void)pthread_mutex_lock(&audit->mutex);
	*audit->last = row;
	audit->last = &row->next;
	while (!row->done) {
		if (audit->writing)
			(void)pthread_cond_wait(&audit->changed, &audit->mutex);
		else
			write_batch(audit);
	}
	(void)pthread_mutex_unlock(&audit->mutex);
}

enum fault audit_write(struct audit *audit, const struct audit_event *event, struct why *why)
{
	struct waiting row = {.event = event, .now_ms = clock_wall_ms(), .why = WHY_NONE};
	enum fault fault = row_text(audit, event, row.now_ms, &row.text, why);

	if (fault)
		return fault;
	wait_for(audit, &row);
	free(row.text);
	if (row.fault)
		return why_set(why, row.fault, "the audit could not be written: %s",
			       why_text(&row.why, row.fault));
	tell_log(event);
	return FAULT_NONE;
}

enum fault audit_write_inside(struct audit *audit, const struct audit_event *event, struct why *why)
{
	struct waiting row = {.event = event, .now_ms = clock_wall_ms(), .why = WHY_NONE};
	enum fault fault = row_text(audit, event, row.now_ms, &row.text, why);

	if (!fault)
		fault = append_all(audit->store, &row, why);
	free(row.text);
	return why_in(why, fault, "the audit could not be written");
}

/* -- checking --------------------------------------------------------------------------------- */

static enum fault check_row(void *context, const struct stored_audit *row, struct why *why)
{
	struct audit_report *report = context;
	struct digest link;
	enum fault fault = link_of(&report->link, report->rows + 1, row->text.data, row->text.size, &link,
				   why);

	if (fault)
		return fault;
	if (row->number != report->rows + 1 || !digest_equal(&link, &row->link)) {
		report->first_bad = report->rows + 1;
		return why_set(why, FAULT_TAMPERED, "audit row %" PRIu64 " is not what was written",
			       report->rows + 1);
	}
	report->rows++;
	report->link = link;
	return FAULT_NONE;
}

enum fault audit_verify(struct store *store, struct audit_report *ret_report, struct why *why)
{
	struct audit_report report = {0};
	enum fault fault = store_audit(store, 0, check_row, &report, why);

	*ret_report = report;
	return fault;
}
