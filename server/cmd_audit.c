/* fsenc-server audit, backup */
#include "base/answer.h"
#include "server/commands.h"
#include "server/home.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define FOLLOW_MS 250
#define CHUNK 1000 /* rows read at once: a slow reader of our output must not hold the store */
#define LINE_TIME_SIZE 32

const struct option_row options_audit[] = {
	{"follow", 'f', NULL, "go on with new rows as they come", OPTION_FLAG, OPTION_AT(follow)},
	{"verify", 0, NULL, "check the chain of all rows", OPTION_FLAG, OPTION_AT(verify)},
	OPTION_ROWS_END,
};

/* -- checking ------------------------------------------------------------------------------------ */

static enum fault print_report(const struct call *call, const struct audit_report *report, struct why *why)
{
	char link[DIGEST_TEXT_SIZE];

	digest_text(&report->link, link);
	if (call->options->json)
		return answer_print(json_pack("{s:b, s:I, s:I, s:s}", "sound", report->first_bad == 0, "rows",
					      (json_int_t)report->rows, "first_bad",
					      (json_int_t)report->first_bad, "link", link),
				    why);
	(void)printf("%" PRIu64 " rows are as they were written; the last link is %s\n", report->rows, link);
	return answer_end(why);
}

static enum fault verify(struct call *call, const struct home *home, struct why *why)
{
	struct audit_report report;
	enum fault fault = audit_verify(home->store, &report, why);
	enum fault printed = fault && fault != FAULT_TAMPERED
				     ? FAULT_NONE
				     : print_report(call, &report, fault ? NULL : why);

	return fault ? fault : printed;
}

/* -- showing -------------------------------------------------------------------------------------- */

struct reading {
	bool json;
	uint64_t next; /* row */
	size_t count; /* of the chunk */
};

static const char *member(const json_t *row, const char *name)
{
	const char *text = json_string_value(json_object_get(row, name));

	return text ? text : "";
}

static void print_part(const char *before, const char *text)
{
	if (*text)
		(void)printf("%s%s", before, text);
}

static void print_line(const json_t *row)
{
	time_t seconds = (time_t)(json_integer_value(json_object_get(row, "time_ms")) / 1000);
	char time[LINE_TIME_SIZE] = "";
	size_t folders = json_array_size(json_object_get(row, "folders"));
	struct tm parts;

	if (localtime_r(&seconds, &parts))
		(void)strftime(time, sizeof time, "%F %T", &parts);
	(void)printf("%s %s %s", time, member(row, "action"), member(row, "decision"));
	print_part(": ", member(row, "reason"));
	print_part(", user ", member(row, "user"));
	print_part(", group ", member(row, "group_name"));
	if (folders)
		(void)printf(", %zu folders", folders);
	print_part(", ", member(row, "detail"));
	print_part(", from ", member(row, "peer"));
	print_part(", ", member(row, "path"));
	(void)putchar('\n');
}

/* The row's text is what stands in the store: names come from users, so control characters are escaped there.
 */
static enum fault print_row(void *context, const struct stored_audit *stored, struct why *why)
{
	struct reading *reading = context;
	json_t *row;

	(void)why;
	reading->next = stored->number + 1;
	reading->count++;
	if (reading->json) {
		(void)printf("%s\n", (const char *)stored->text.data);
		return reading->count == CHUNK ? FAULT_BUSY : FAULT_NONE;
	}
	row = json_loadb((const char *)stored->text.data, stored->text.size, 0, NULL);
	print_line(row);
	json_decref(row);
	return reading->count == CHUNK ? FAULT_BUSY : FAULT_NONE;
}

/* Everything that is there by now. */
static enum fault print_rows(const struct home *home, struct reading *reading, struct why *why)
{
	enum fault fault;

	do {
		reading->count = 0;
		fault = store_audit(home->store, reading->next, print_row, reading, why);
		if (!fault || fault == FAULT_BUSY) {
			enum fault written = answer_end(why);

			if (written)
				return written;
		}
	} while (fault == FAULT_BUSY);
	return fault;
}

static enum fault show(const struct call *call, const struct home *home, struct why *why)
{
	struct reading reading = {.json = call->options->json};
	enum fault fault = print_rows(home, &reading, why);

	while (!fault && call->options->follow) {
		(void)poll(NULL, 0, FOLLOW_MS);
		fault = print_rows(home, &reading, why);
	}
	return fault;
}

enum fault cmd_audit(struct call *call, struct why *why)
{
	AUTO(home_close) struct home *home = NULL;
	enum fault fault;

	if (call->options->verify && call->options->follow)
		return why_set(why, FAULT_USAGE, "--verify checks what is there, and does not follow");
	fault = home_open(call->arguments[0], &home, why);
	if (fault)
		return fault;
	return call->options->verify ? verify(call, home, why) : show(call, home, why);
}

/* -- backup -------------------------------------------------------------------------------------------- */

enum fault cmd_backup(struct call *call, struct why *why)
{
	AUTO(home_close) struct home *home = NULL;
	enum fault fault = home_open(call->arguments[0], &home, why);

	if (!fault)
		fault = store_backup(home->store, call->arguments[1], why);
	if (!fault)
		call_say(
			call,
			"Everything in it is sealed under the master key: keep a copy of that one elsewhere, "
			"or the backup opens nothing.");
	return fault;
}
