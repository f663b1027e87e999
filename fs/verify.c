#include "fs/verify_state.h"

#include <fcntl.h>
#include <stdio.h>

#include "base/file.h"
#include "fs/access_state.h"

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

/* -- folders that are gone ------------------------------------------------------------ */

/* Pinned paths; the keyring is not to be asked while it lists them. */
struct pins {
	const char *below;
	struct bytes paths; /* each ends with a zero */
	enum fault fault;
};

static bool is_below(const char *path, const char *directory)
{
	size_t length = strlen(directory);

	return length == 0 ||
	       (strncmp(path, directory, length) == 0 && (path[length] == '/' || path[length] == 0));
}

static bool collect(void *context, const char *path, const struct pin_folder *pin)
{
	struct pins *pins = context;
	(void)pin;
	if (is_below(path, pins->below))
		pins->fault = bytes_append(&pins->paths, path, strlen(path) + 1, NULL);
	return pins->fault == FAULT_NONE;
}

static enum fault list_pins(struct verify *verify, struct pins *pins, struct why *why)
{
	enum fault fault = keyring_each_folder_pin(
		share_keyring(verify->share), &share_record_of(verify->share)->share, collect, pins, why);

	return fault ? fault : pins->fault;
}

/* By descriptors, never through a link; anything but "not there" counts as there. */
static bool is_gone(struct verify *verify, const char *path)
{
	AUTO(free) char *copy = strdup(path);
	AUTO(file_close) int fd = fcntl(share_root(verify->share), F_DUPFD_CLOEXEC, 0);
	char *rest = copy;

	for (char *name = rest ? strsep(&rest, "/") : NULL; name && *name; name = strsep(&rest, "/")) {
		int next = openat(fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (next < 0)
			return errno == ENOENT || errno == ENOTDIR;
		file_close(fd);
		fd = next;
	}
	return false;
}

/* An admin who removes a folder leaves its closing record; then it is nobody's loss. */
static enum fault check_gone(struct verify *verify, const char *path, struct why *why)
{
	const struct access_place place = {.share = verify->share, .directory = -1, .path = path};
	AUTO(access_seen_done) struct access_seen seen = ACCESS_SEEN_NOTHING;
	struct verify_mark mark;
	bool closed = false;
	enum fault fault = access_recall(&place, &seen, why);
	if (!fault && seen.pinned)
		fault = access_was_closed(&place, &seen, &closed, why);
	if (fault || closed || !seen.pinned)
		return fault;
	cut(&verify->stored, 0);
	cut(&verify->plain, 0);
	fault = verify_push(verify, path, path, &mark, why);
	if (!fault)
		verify_found(verify, FINDING_DAMAGED, "a folder seen here before is gone");
	return fault;
}

static enum fault check_pins(struct verify *verify, const char *below, struct why *why)
{
	struct pins pins = {.below = below};
	enum fault fault = list_pins(verify, &pins, why);

	for (size_t at = 0; !fault && at < pins.paths.size;) {
		const char *path = (const char *)pins.paths.data + at;
		at += strlen(path) + 1;
		if (is_gone(verify, path))
			fault = check_gone(verify, path, why);
	}
	bytes_done(&pins.paths);
	return fault;
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
		fault = check_pins(verify, stored_path, why);
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
