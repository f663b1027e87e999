#include "server/heads.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "keys/record.h"
#include "server/handlers.h"
#include "server/server.h"

enum fault heads_judge(struct store *store, const struct unlock_item *item,
		       enum head_judgement *ret_judgement, uint64_t *ret_version, struct why *why)
{
	struct stored_head head;

	enum fault fault = store_head_look(store, &item->folder, &head, why);
	if (fault && fault != FAULT_MISSING)
		return fault;
	*ret_version = fault ? 0 : head.version;
	*ret_judgement = HEAD_FITS;
	if (fault || item->version > head.version)
		return FAULT_NONE;
	if (item->version < head.version || !digest_equal(&item->head, &head.digest))
		*ret_judgement = HEAD_STALE;
	else if (item->generation > head.generation)
		*ret_judgement = HEAD_IMPOSSIBLE;
	return FAULT_NONE;
}

/* -- what was sent ---------------------------------------------------------------------------------- */

struct report {
	struct exchange *exchange;
	struct heads_request request;
	struct record *records[HEADS_MAX];
	struct certificate *of_store; /* the last one that find_key took from there */
	size_t forked_at; /* index of the record that contradicts; record_count: none */
	size_t added;
	uint64_t version; /* the highest known afterwards */
};

static void report_free(struct report *report)
{
	if (!report)
		return;
	for (size_t i = 0; i < report->request.record_count; i++)
		record_free(report->records[i]);
	heads_request_done(&report->request);
	certificate_free(report->of_store);
	free(report);
}
AUTO_POINTER(struct report *, report_free);

static enum fault find_in_store(struct report *report, const struct fingerprint *fingerprint, struct why *why)
{
	AUTO(stored_certificate_done) struct stored_certificate stored = {0};
	struct certificate *certificate = NULL;

	enum fault fault = store_certificate_of_key(report->exchange->server->home->store, fingerprint,
						    &stored, why);
	if (!fault)
		fault = certificate_parse_text((const char *)stored.text.data, stored.text.size, &certificate,
					       why);
	if (fault)
		return fault;
	certificate_free(report->of_store);
	report->of_store = certificate;
	return FAULT_NONE;
}

static const struct public_identity *find_key(void *context, const struct fingerprint *fingerprint)
{
	struct report *report = context;

	for (size_t i = 0; i < report->request.certificate_count; i++) {
		const struct fingerprint print = certificate_fingerprint(report->request.certificates[i]);
		if (fingerprint_equal(&print, fingerprint))
			return certificate_identity(report->request.certificates[i]);
	}
	return find_in_store(report, fingerprint, NULL) ? NULL : certificate_identity(report->of_store);
}

/* A folder belongs to whoever makes its first record; that must be somebody whom we know. */
static enum fault check_maker(struct report *report, struct why *why)
{
	const struct record *first = report->records[0];
	AUTO(stored_certificate_done) struct stored_certificate stored = {0};

	enum fault fault = store_certificate_of_key(report->exchange->server->home->store,
						    &first->signer_fingerprint, &stored, why);
	if (fault == FAULT_MISSING)
		return exchange_refuse(report->exchange, PROBLEM_DENIED, why,
				       "the folder was made with a key that is not enrolled here");
	return fault;
}

static enum fault check_belonging(struct report *report, size_t i, struct why *why)
{
	const struct record *record = report->records[i];
	const struct organisation_id *ours = &report->exchange->charter->id;

	if (!organisation_id_is_none(&record->organisation) &&
	    !organisation_id_equal(&record->organisation, ours))
		return why_set(why, FAULT_MALFORMED, "it belongs to another organisation");
	if (i > 0 && (!folder_id_equal(&record->folder, &report->records[i - 1]->folder) ||
		      record->version != report->records[i - 1]->version + 1))
		return why_set(why, FAULT_MALFORMED, "it does not come next after the one before it");
	return FAULT_NONE;
}

/* Links of one chain, each proved by the one before; the first only if it is a folder's first. */
static enum fault read_records(struct report *report, struct why *why)
{
	const struct heads_request *request = &report->request;
	enum fault fault = FAULT_NONE;

	for (size_t i = 0; !fault && i < request->record_count; i++) {
		fault = record_read(request->records[i], &report->records[i], why);
		if (!fault)
			fault = check_belonging(report, i, why);
		if (!fault && i > 0)
			fault = record_follows(report->records[i - 1], report->records[i],
					       request->records[i], find_key, report, why);
		else if (!fault && report->records[0]->version == 1)
			fault = record_is_first(report->records[0], request->records[0], find_key, report,
						why);
		if (fault)
			(void)why_in(why, fault, "record %zu", i + 1);
	}
	if (fault)
		return exchange_refuse_why(report->exchange, PROBLEM_MALFORMED, why);
	return report->records[0]->version == 1 ? check_maker(report, why) : FAULT_NONE;
}

/* -- against what is known: in one transaction of the store
 * -------------------------------------------------- */

static enum fault keep(struct report *report, size_t i, bool is_fork, struct why *why)
{
	const struct record *record = report->records[i];
	AUTO(free) struct member_id *groups = calloc(record->entry_count, sizeof *groups);
	AUTO(free) char *text = NULL;
	size_t group_count = 0;

	if (!groups)
		return why_set(why, FAULT_MEMORY, "no memory for a record");
	enum fault fault = signed_text(report->request.records[i], &text, why);
	if (fault)
		return fault;
	for (size_t entry = 0; entry < record->entry_count; entry++)
		if (record->entries[entry].kind == MEMBER_GROUP)
			groups[group_count++] = record->entries[entry].id;
	const struct stored_head head = {.folder = record->folder,
					 .version = record->version,
					 .generation = record_newest(record)->number,
					 .digest = record->digest,
					 .seen = clock_wall_ms() / MS_PER_SECOND,
					 .record = {.data = (uint8_t *)text, .size = strlen(text)}};
	struct store *store = report->exchange->server->home->store;
	return is_fork ? store_head_fork(store, &head, why)
		       : store_head_write(store, &head, groups, group_count, why);
}

/* Does the first record that was sent follow the head? */
static enum fault follows_head(struct report *report, const struct stored_head *head, struct why *why)
{
	AUTO(signed_free) struct signed_object *object = NULL;
	AUTO(record_free) struct record *record = NULL;

	enum fault fault = signed_parse_text((const char *)head->record.data, head->record.size, RECORD_TYPE,
					     &object, why);
	if (!fault)
		fault = record_read(object, &record, why);
	if (fault)
		return why_in(why, fault, "a record in the store");
	if (record_follows(record, report->records[0], report->request.records[0], find_key, report, why))
		return exchange_refuse_why(report->exchange, PROBLEM_MALFORMED, why);
	return FAULT_NONE;
}

static enum fault was_known(struct report *report, size_t i, bool *ret_known, struct why *why)
{
	const struct record *record = report->records[i];

	return store_head_was(report->exchange->server->home->store, &record->folder, record->version,
			      &record->digest, ret_known, why);
}

/* Records of versions that are known: each is the known one, or the first that is not contradicts it, being
 * proved by the one before. */
static enum fault compare(struct report *report, uint64_t head_version, size_t *ret_next, struct why *why)
{
	size_t i = 0;

	for (; i < report->request.record_count && report->records[i]->version <= head_version; i++) {
		bool known = false;
		enum fault fault = was_known(report, i, &known, why);
		if (fault)
			return fault;
		if (known)
			continue;
		if (i == 0 && report->records[0]->version > 1)
			return exchange_refuse(report->exchange, PROBLEM_CONFLICT, why,
					       "version %llu of the folder is another one here; begin with a "
					       "version that both know",
					       (unsigned long long)report->records[0]->version);
		report->forked_at = i;
		return keep(report, i, true, why);
	}
	*ret_next = i;
	return FAULT_NONE;
}

static enum fault add(struct report *report, size_t from, struct why *why)
{
	enum fault fault = FAULT_NONE;

	for (size_t i = from; !fault && i < report->request.record_count; i++) {
		fault = keep(report, i, false, why);
		if (!fault) {
			report->version = report->records[i]->version;
			report->added++;
		}
	}
	return fault;
}

/* A gap is no failure: the answer says what is known, and the client sends what comes next. */
static enum fault witness(struct report *report, struct why *why)
{
	AUTO(stored_head_done) struct stored_head head = {0};
	const struct record *first = report->records[0];
	bool has_fork = false;
	size_t next = 0;

	enum fault fault = store_head_find(report->exchange->server->home->store, &first->folder, &head,
					   &has_fork, why);
	if (fault == FAULT_MISSING)
		return first->version == 1 ? add(report, 0, why) : FAULT_NONE;
	if (fault)
		return fault;
	report->version = head.version;
	if (has_fork)
		report->forked_at = 0;
	if (first->version > head.version + 1)
		return FAULT_NONE;
	if (first->version == head.version + 1)
		fault = follows_head(report, &head, why);
	else
		fault = compare(report, head.version, &next, why);
	if (fault || report->forked_at < report->request.record_count)
		return fault;
	return add(report, next, why);
}

/* -- the answer
 * ------------------------------------------------------------------------------------------------ */

static enum fault write_down(struct report *report, struct why *why)
{
	const struct record *record = report->records[0];
	const bool is_fork = report->forked_at < report->request.record_count;
	const struct unlocked_folder folder = {.folder = record->folder,
					       .generation = record_newest(record)->number};
	struct audit_event event = {.action = AUDIT_HEADS,
				    .decision = is_fork ? AUDIT_REFUSED : AUDIT_GRANTED,
				    .reason = is_fork ? "fork" : NULL,
				    .folders = &folder,
				    .folder_count = 1};

	if (is_fork) {
		metrics_add(&report->exchange->server->metrics, METRICS_FORKS, 1);
		log_warning("request %s: two records of one folder contradict each other; see 'fsenc-server "
			    "audit'",
			    report->exchange->id);
	}
	if (is_fork)
		return exchange_audit_refusal(report->exchange, &event, why);
	return report->added ? exchange_audit(report->exchange, &event, why) : FAULT_NONE;
}

enum fault handle_heads(struct exchange *exchange, struct why *why)
{
	AUTO(report_free) struct report *report = calloc(1, sizeof *report);
	struct store *store = exchange->server->home->store;

	if (!report)
		return why_set(why, FAULT_MEMORY, "no memory for records");
	report->exchange = exchange;
	if (heads_request_read(exchange->request->body, exchange->request->body_size, &report->request, why))
		return exchange_refuse_why(exchange, PROBLEM_MALFORMED, why);
	report->forked_at = report->request.record_count;
	enum fault fault = read_records(report, why);
	if (!fault)
		fault = store_transaction_begin(store, why);
	if (fault)
		return fault;
	fault = store_transaction_end(store, witness(report, why), why);
	if (!fault)
		fault = write_down(report, why);
	if (fault)
		return fault;
	const struct heads_answer answer = {.fork = report->forked_at < report->request.record_count,
					    .version = report->version};
	return heads_answer_write(&answer, &exchange->body, why);
}
