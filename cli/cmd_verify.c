/* fsenc verify */
#include "base/answer.h"
#include "cli/commands.h"
#include "cli/group_keys.h"
#include "cli/target.h"
#include "cli/session_open.h"
#include "base/table.h"
#include "fs/verify.h"
#include "keys/fields.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

const struct option_row options_verify[] = {
	{"repair", 0, NULL, "mend what can be mended from copies, the log and the redo rings", OPTION_FLAG,
	 OPTION_AT(repair)},
	OPTION_ROWS_END,
};

#define PROGRESS_SECONDS 1

struct report {
	const struct call *call;
	json_t *findings; /* NULL: print each as it comes */
	time_t shown;
	bool progress; /* stderr is a terminal, and something stands on its last line */
};

static void forget_progress(struct report *report)
{
	if (report->progress)
		(void)fputs("\r\033[K", stderr);
	report->progress = false;
}

static void print_finding(const struct finding *finding)
{
	const char *path = finding->plain_path && *finding->plain_path ? finding->plain_path
								       : finding->stored_path;
	char clean[4096], words[WHY_TEXT_SIZE];

	table_clean(clean, sizeof(clean), path);
	table_clean(words, sizeof(words), finding->words);
	(void)printf("%-9s %s: %s\n", finding_kind_text(finding->kind), *clean ? clean : "/", words);
}

static void found(void *context, const struct finding *finding)
{
	struct report *report = context;

	forget_progress(report);
	if (!report->findings) {
		print_finding(finding);
		return;
	}
	(void)json_array_append_new(
		report->findings,
		json_pack("{s:s, s:s, s:s?, s:s}", "kind", finding_kind_text(finding->kind), "stored",
			  finding->stored_path, "path", finding->plain_path, "words", finding->words));
}

static void progress(void *context, const struct verify_totals *totals)
{
	struct report *report = context;
	time_t now = time(NULL);

	if (now - report->shown < PROGRESS_SECONDS)
		return;
	report->shown = now;
	report->progress = true;
	(void)fprintf(stderr, "\r\033[K%llu files, %llu MiB", (unsigned long long)totals->files,
		      (unsigned long long)(totals->bytes >> 20));
	(void)fflush(stderr);
}

static json_t *totals_json(const struct verify_totals *totals)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "folders", (json_int_t)totals->folders,
			 "directories", (json_int_t)totals->directories, "files", (json_int_t)totals->files,
			 "symlinks", (json_int_t)totals->symlinks, "blocks", (json_int_t)totals->blocks,
			 "bytes", (json_int_t)totals->bytes);
}

static enum fault answer(const struct report *report, const struct verify_totals *totals, bool sound,
			 struct why *why)
{
	if (report->findings)
		return answer_print(json_pack("{s:b, s:O, s:o}", "sound", sound, "findings", report->findings,
					      "totals", totals_json(totals)),
				    why);
	call_say(report->call, "%llu folders, %llu directories, %llu files, %llu blocks checked%s",
		 (unsigned long long)totals->folders, (unsigned long long)totals->directories,
		 (unsigned long long)totals->files, (unsigned long long)totals->blocks,
		 sound ? ": all sound" : "");
	return answer_end(why);
}

static bool is_finding(enum fault fault)
{
	return fault == FAULT_NONE || fault == FAULT_DAMAGED || fault == FAULT_TAMPERED;
}

static enum fault verify(struct call *call, struct share *share, const char *stored, struct why *why)
{
	AUTO(json_decref) json_t *findings = call->options->json ? json_array() : NULL;
	struct report report = {.call = call, .findings = findings, .shown = time(NULL)};
	struct verify_options options = {.repair = call->options->repair, .found = found, .context = &report};
	struct verify_totals totals = {0};
	struct why unsaid = WHY_NONE;
	enum fault fault, printed;

	if (!call->options->always.quiet && isatty(STDERR_FILENO))
		options.progress = progress;
	fault = verify_tree(share, stored, &options, &totals, why);
	forget_progress(&report);
	if (!is_finding(fault))
		return fault;
	printed = answer(&report, &totals, !fault, &unsaid);
	if (!fault && printed)
		*why = unsaid;
	return fault ? fault : printed;
}

enum fault cmd_verify(struct call *call, struct why *why)
{
	AUTO(keyring_close) struct keyring *keyring = NULL;
	AUTO(contacts_free) struct contacts *contacts = NULL;
	AUTO(share_close) struct share *share = NULL;
	AUTO(free) char *stored = NULL;
	enum fault fault = session_unlocked(call, &keyring, why);

	if (!fault)
		fault = target_share(keyring, call->arguments[0], &share, &stored, why);
	if (!fault)
		fault = group_keys_open(keyring, share, &contacts, why);
	if (!fault)
		fault = verify(call, share, stored, why);
	if (fault == FAULT_DAMAGED && call->options->repair)
		(void)call_hint(call, fault,
				"a copy of those files from a backup; writing them anew mends them");
	return fault;
}
