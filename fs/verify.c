#include "fs/verify_state.h"

#include <fcntl.h>
#include <stdio.h>

#include "base/file.h"

static const char *const kinds[FINDING_KINDS] = {
	[FINDING_DAMAGED] = "damaged", [FINDING_TAMPERED] = "tampered", [FINDING_UNCLEAN] = "unclean",
	[FINDING_FOREIGN] = "foreign", [FINDING_LOCKED] = "locked",	[FINDING_REPAIRED] = "repaired",
};

const char *finding_kind_text(enum finding_kind kind)
{
	return kinds[kind];
}

void verify_found(struct verify *verify, enum finding_kind kind, const char *format, ...)
{
	char words[WHY_TEXT_SIZE];
	va_list values;
	const struct finding finding = {
		.kind = kind,
		.stored_path = (const char *)verify->stored.data,
		.plain_path = (const char *)verify->plain.data,
		.words = words,
	};

	va_start(values, format);
	(void)vsnprintf(words, sizeof words, format, values);
	va_end(values);
	verify->totals.findings[kind]++;
	verify->options->found(verify->options->context, &finding);
}

/* -- where we are --------------------------------------------------------------------- */

static void cut(struct bytes *path, size_t size)
{
	path->size = size;
	path->data[size] = 0;
}

static enum fault add(struct bytes *path, const char *name, struct why *why)
{
	enum fault fault = path->size > 0 ? bytes_append_text(path, "/", why) : FAULT_NONE;

	return fault ? fault : bytes_append_text(path, name, why);
}

enum fault verify_push(struct verify *verify, const char *stored, const char *plain,
		       struct verify_mark *ret_mark, struct why *why)
{
	*ret_mark = (struct verify_mark){verify->stored.size, verify->plain.size};
	enum fault fault = add(&verify->stored, stored, why);

	return fault ? fault : add(&verify->plain, plain, why);
}

void verify_pop(struct verify *verify, const struct verify_mark *mark)
{
	cut(&verify->stored, mark->stored);
	cut(&verify->plain, mark->plain);
}

/* -- all of it ------------------------------------------------------------------------ */

static enum fault judge(const struct verify_totals *totals, struct why *why)
{
	const uint64_t *found = totals->findings;

	if (found[FINDING_TAMPERED])
		return why_set(why, FAULT_TAMPERED, "%llu access lists were tampered with or rolled back",
			       (unsigned long long)found[FINDING_TAMPERED]);
	if (found[FINDING_DAMAGED] || found[FINDING_UNCLEAN])
		return why_set(why, FAULT_DAMAGED, "%llu damaged, %llu without a proper end",
			       (unsigned long long)found[FINDING_DAMAGED],
			       (unsigned long long)found[FINDING_UNCLEAN]);
	return FAULT_NONE;
}

static enum fault walk(struct verify *verify, const char *stored_path, struct why *why)
{
	AUTO(file_close) int root = fcntl(share_root(verify->share), F_DUPFD_CLOEXEC, 0);
	if (root < 0)
		return why_system(why, "cannot hold the root of the share");
	enum fault fault = bytes_append_text(&verify->stored, "", why);
	if (!fault)
		fault = bytes_append_text(&verify->plain, "", why);
	if (!fault)
		fault = verify_arrive(verify, root, NULL, stored_path[0] ? stored_path : NULL, why);
	if (!fault)
		fault = verify_gone(verify, stored_path, why);
	return fault;
}

static void verify_done(struct verify *verify)
{
	bytes_done(&verify->stored);
	bytes_done(&verify->plain);
	free(verify->linked);
}
AUTO_VALUE(struct verify, verify_done);

enum fault verify_tree(struct share *share, const char *stored_path, const struct verify_options *options,
		       struct verify_totals *ret_totals, struct why *why)
{
	AUTO(verify_done) struct verify verify = {.share = share, .options = options};
	enum fault fault = walk(&verify, stored_path, why);

	*ret_totals = verify.totals;
	return fault ? fault : judge(&verify.totals, why);
}
