#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "keys/contact_parts.h"

#define REPORTS_MAX 64
#define REPORT_AGAIN_MS 60000
#define BODY_BUDGET (HEADS_BODY_MAX / 2) /* of records: base64 and certificates come on top */

/* A record that this user has written, with those before it, for the key servers as witnesses. */
struct contact_report {
	struct contact_report *next; /* written later */
	struct signed_object **records; /* consecutive versions; the last is the one that was written */
	size_t record_count;
	uint64_t version; /* of the last */
	struct certificate **certificates; /* of their signers */
	size_t certificate_count;
};

static void report_free(struct contact_report *report)
{
	if (!report)
		return;
	for (size_t i = 0; i < report->record_count; i++)
		signed_free(report->records[i]);
	for (size_t i = 0; i < report->certificate_count; i++)
		certificate_free(report->certificates[i]);
	free(report->records);
	free(report->certificates);
	free(report);
}
AUTO_POINTER(struct contact_report *, report_free);

/* -- what is to be told ---------------------------------------------------------------------- */

static enum fault copy_record(const struct signed_object *record, struct signed_object **ret_copy,
			      struct why *why)
{
	AUTO(free) char *text = NULL;
	enum fault fault = signed_text(record, &text, why);

	return fault ? fault : signed_parse_text(text, strlen(text), RECORD_TYPE, ret_copy, why);
}

static uint64_t version_of(const struct signed_object *record)
{
	return (uint64_t)json_integer_value(json_object_get(signed_payload(record), "version"));
}

/* How many of the earlier ones lead up to the record without a gap. */
static size_t count_consecutive(uint64_t version, const struct signed_object *const *earlier, size_t count)
{
	size_t fit = 0;

	while (fit < count && version_of(earlier[count - 1 - fit]) + fit + 1 == version)
		fit++;
	return fit;
}

static enum fault copy_records(const struct folder_file *file, const struct signed_object *const *earlier,
			       size_t earlier_count, struct contact_report *report, struct why *why)
{
	size_t fit = count_consecutive(file->record->version, earlier, earlier_count);
	enum fault fault = FAULT_NONE;

	report->version = file->record->version;
	report->records = calloc(fit + 1, sizeof(void *));
	if (!report->records)
		return why_set(why, FAULT_MEMORY, "no memory to report an access list");
	for (size_t i = 0; i <= fit && !fault; i++) {
		const struct signed_object *record = i < fit ? earlier[earlier_count - fit + i]
							     : file->object;
		fault = copy_record(record, &report->records[i], why);
		report->record_count += !fault;
	}
	return fault;
}

static bool has_certificate(const struct contact_report *report, const struct fingerprint *signer)
{
	for (size_t i = 0; i < report->certificate_count; i++) {
		const struct fingerprint known = certificate_fingerprint(report->certificates[i]);
		if (fingerprint_equal(&known, signer))
			return true;
	}
	return false;
}

/* Those of the signers: the servers may not know a user who came from elsewhere. */
static enum fault copy_certificates(const struct folder_file *file, struct contact_report *report,
				    struct why *why)
{
	report->certificates = calloc(HEADS_MAX, sizeof(void *));
	if (!report->certificates)
		return why_set(why, FAULT_MEMORY, "no memory to report an access list");
	for (size_t i = 0; i < report->record_count && report->certificate_count < HEADS_MAX; i++) {
		const struct fingerprint signer = signed_signer(report->records[i]);
		const struct certificate *certificate = folder_file_find_certificate(file, &signer);
		if (!certificate || has_certificate(report, &signer))
			continue;
		enum fault fault = certificate_copy(certificate,
						    &report->certificates[report->certificate_count], why);
		if (fault)
			return fault;
		report->certificate_count++;
	}
	return FAULT_NONE;
}

static void append(struct contacts *held, struct contact_report *report)
{
	struct contact_report **end = &held->reports;
	size_t count = 0;

	for (; *end; end = &(*end)->next)
		count++;
	*end = report;
	if (count < REPORTS_MAX)
		return;
	struct contact_report *oldest = held->reports; /* a later head says more */
	held->reports = oldest->next;
	report_free(oldest);
}

void contacts_report_chain(struct contacts *contacts, const struct folder_file *file,
			   const struct signed_object *const *earlier, size_t earlier_count)
{
	AUTO(report_free) struct contact_report *report = calloc(1, sizeof *report);
	struct why why = WHY_NONE;
	if (!report)
		return;
	enum fault fault = copy_records(file, earlier, earlier_count, report, &why);
	if (!fault)
		fault = copy_certificates(file, report, &why);
	if (fault) {
		log_warning("An access list is not reported: %s", why_text(&why, fault));
		return;
	}
	AUTO(contacts_let_go) struct contacts *held = contacts_hold(contacts);
	if (!held->service || !organisation_id_equal(&file->record->organisation, &held->organisation))
		return;
	append(held, TAKE(report));
	contact_wake_thread(held);
}

void contacts_report(struct contacts *contacts, const struct folder_file *file)
{
	contacts_report_chain(contacts, file, NULL, 0);
}

bool contact_has_reports(const struct contacts *held, int64_t now_ms)
{
	return held->reports && now_ms >= held->reports_due_ms;
}

void contact_reports_free(struct contacts *contacts)
{
	for (struct contact_report *report = contacts->reports, *next; report; report = next) {
		next = report->next;
		report_free(report);
	}
	contacts->reports = NULL;
}

/* -- telling it ------------------------------------------------------------------------------ */

/* Records from index `from` on, as many as one body takes. */
static enum fault write_body(const struct contact_report *report, size_t from, struct bytes *ret_body,
			     struct why *why)
{
	AUTO(free) struct heads_request *request = calloc(1, sizeof *request);
	size_t size = 0;
	if (!request)
		return why_set(why, FAULT_MEMORY, "no memory to report an access list");
	for (size_t i = from; i < report->record_count && request->record_count < HEADS_MAX; i++) {
		AUTO(free) char *text = NULL;
		enum fault fault = signed_text(report->records[i], &text, why);
		if (fault)
			return fault;
		size += strlen(text);
		if (size > BODY_BUDGET && request->record_count > 0)
			break;
		request->records[request->record_count++] = report->records[i];
	}
	memcpy(request->certificates, report->certificates,
	       report->certificate_count * sizeof *report->certificates);
	request->certificate_count = report->certificate_count;
	return heads_request_write(request, ret_body, why); /* what it points to stays the report's */
}

/* Which servers lag behind, and from where on. */
struct witness {
	struct member_id server;
	uint64_t version; /* that it knows */
};
struct witnesses {
	const struct contact_report *report;
	struct witness list[GROUP_SERVERS_MAX];
	size_t count;
};

static bool take_answer(void *context, const struct service_answer *answer)
{
	struct witnesses *witnesses = context;
	uint64_t version = witnesses->report->version;
	struct heads_answer said;
	struct why why = WHY_NONE;

	if (answer->is_problem) {
		problem_words(answer, &why);
		log_warning("Version %" PRIu64 " of an access list is not witnessed: %s", version, why.text);
	} else if (heads_answer_read(answer->body.data, answer->body.size, &said, &why)) {
		log_warning("key server %s: %s", answer->host, why.text);
	} else if (said.fork) {
		log_error("key server %s knows another version of an access list: two admins changed it"
			  " without seeing each other's change, or somebody shows you an old share."
			  " An admin has to look at it",
			  answer->host);
	} else if (said.version < version && witnesses->count < GROUP_SERVERS_MAX) {
		witnesses->list[witnesses->count++] = (struct witness){answer->server, said.version};
	}
	return true; /* each is a witness of its own */
}

static enum fault send_to(struct contact_run *run, struct witnesses *witnesses,
			  const struct member_id *servers, size_t server_count, size_t from)
{
	AUTO(bytes_done) struct bytes body = BYTES_EMPTY;
	struct service_answer last = {.no_network = false};
	struct why why = WHY_NONE;
	enum fault fault = write_body(witnesses->report, from, &body, &why);
	const struct service_call call = {
		.method = "POST",
		.target = "/v1/heads",
		.body = body.data,
		.body_size = body.size,
		.deadline_ms = run->deadline_ms,
	};
	witnesses->count = 0;
	if (!fault)
		fault = service_ask_all(run->contacts->service, &call, servers, server_count, server_count,
					take_answer, witnesses, &last, &why);
	if (fault)
		log_debug("an access list is not reported yet: %s", why_text(&why, fault));
	return fault;
}

/* What comes after what this server knows, until it knows all; without that it stays as it is. */
static void catch_up(struct contact_run *run, const struct contact_report *report, struct witness witness)
{
	uint64_t first = report->version + 1 - report->record_count;
	struct witnesses witnesses = {.report = report};

	while (witness.version + 1 >= first && witness.version < report->version) {
		uint64_t before = witness.version;
		if (send_to(run, &witnesses, &witness.server, 1, (size_t)(before + 1 - first)) ||
		    witnesses.count == 0 || witnesses.list[0].version <= before)
			return;
		witness = witnesses.list[0];
	}
	if (witness.version < report->version)
		log_debug("a key server knows version %" PRIu64 " of an access list; the links to %" PRIu64
			  " are not at hand",
			  witness.version, report->version);
}

static enum fault send_report(struct contact_run *run, const struct contact_report *report)
{
	struct member_id servers[GROUP_SERVERS_MAX];
	struct witnesses witnesses = {.report = report};
	size_t count = contact_all_servers(run->contacts->service, servers);
	enum fault fault = send_to(run, &witnesses, servers, count, report->record_count - 1);
	const struct witnesses behind = witnesses;

	for (size_t i = 0; i < behind.count; i++)
		catch_up(run, report, behind.list[i]);
	return fault;
}

static struct contact_report *take_report(struct contacts *contacts)
{
	AUTO(contacts_let_go) struct contacts *held = contacts_hold(contacts);
	struct contact_report *report = held->reports;

	if (report)
		held->reports = report->next;
	return report;
}

static void put_back(struct contacts *contacts, struct contact_report *report)
{
	AUTO(contacts_let_go) struct contacts *held = contacts_hold(contacts);

	report->next = held->reports;
	held->reports = report;
	held->reports_due_ms = clock_boot_ms() + REPORT_AGAIN_MS;
}

/* One that some servers did not get goes to all of them again: to those who know it it says nothing new. */
void contact_send_reports(struct contact_run *run)
{
	struct contact_report *report;

	while ((report = take_report(run->contacts))) {
		if (send_report(run, report)) {
			put_back(run->contacts, report);
			return;
		}
		report_free(report);
	}
}
