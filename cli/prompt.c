#include "cli/prompt.h"

#include "base/file.h"
#include "cli/child.h"
#include "cli/terminal.h"
#include "keys/keyring.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* One line more than the longest passphrase, so that a longer one shows. */
#define LINE_ROOM (PASSPHRASE_MAX + 3)
#define QUESTION_MAX 256

/* What a source has read; `found` says that there is such a source at all. */
struct line {
	struct secret *buffer; /* LINE_ROOM bytes */
	size_t size;
	bool found;
};

static void line_done(struct line *line)
{
	secret_free(line->buffer);
}
AUTO_VALUE(struct line, line_done);

static enum fault check_private(int fd, const char *path, struct why *why)
{
	struct stat status;

	if (fstat(fd, &status))
		return why_system(why, "cannot look at the passphrase file '%s'", path);
	if (S_ISDIR(status.st_mode))
		return why_set(why, FAULT_KEYRING_READ, "the passphrase file '%s' is a directory", path);
	if (status.st_mode & (S_IRWXG | S_IRWXO))
		return why_set(why, FAULT_KEYRING_READ,
			       "others can read the passphrase file '%s' (mode %04o); 'chmod 600' it", path,
			       (unsigned)status.st_mode & 07777);
	if (status.st_uid != geteuid() && status.st_uid != 0)
		return why_set(why, FAULT_KEYRING_READ, "the passphrase file '%s' belongs to somebody else",
			       path);
	return FAULT_NONE;
}

/* read(), not pread(): it may be a pipe. */
static enum fault read_first_bytes(int fd, const char *path, struct line *line, struct why *why)
{
	while (line->size < LINE_ROOM) {
		uint8_t *end = secret_bytes_to_fill(line->buffer) + line->size;
		ssize_t got = read(fd, end, LINE_ROOM - line->size);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return why_system(why, "cannot read the passphrase file '%s'", path);
		if (got == 0)
			break;
		line->size += (size_t)got;
	}
	return FAULT_NONE;
}

static enum fault read_file(const char *path, bool must_be_private, struct line *line, struct why *why)
{
	AUTO(file_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	enum fault fault;

	line->found = true;
	if (fd < 0)
		return why_set(why, FAULT_KEYRING_READ, "cannot open the passphrase file '%s': %s", path,
			       strerror(errno));
	fault = must_be_private ? check_private(fd, path, why) : FAULT_NONE;
	return fault ? fault : read_first_bytes(fd, path, line, why);
}

static enum fault from_passfile(const struct prompt *prompt, struct line *line, struct why *why)
{
	return prompt->passfile ? read_file(prompt->passfile, true, line, why) : FAULT_NONE;
}

static enum fault from_extpass(const struct prompt *prompt, struct line *line, struct why *why)
{
	enum fault fault;

	if (!prompt->extpass || !prompt->extpass[0])
		return FAULT_NONE;
	line->found = true;
	fault = child_run(prompt->extpass, CHILD_STDOUT, secret_bytes_to_fill(line->buffer), LINE_ROOM,
			  &line->size, why);
	return why_in(why, fault, "no passphrase from --extpass");
}

static enum fault from_variable(const struct prompt *prompt, struct line *line, struct why *why)
{
	const char *path = getenv("FSENC_PASSFILE");

	if (prompt->only_these || !path || !*path)
		return FAULT_NONE;
	return why_in(why, read_file(path, true, line, why), "FSENC_PASSFILE");
}

/* The service manager guards that directory; the files' own mode shows an access list's mask. */
static enum fault from_credentials(const struct prompt *prompt, struct line *line, struct why *why)
{
	const char *directory = getenv("CREDENTIALS_DIRECTORY");
	AUTO(free) char *path = NULL;

	if (prompt->only_these || !directory || !*directory)
		return FAULT_NONE;
	if (asprintf(&path, "%s/fsenc.passphrase", directory) < 0) {
		path = NULL;
		return why_set(why, FAULT_MEMORY, "no memory for a path");
	}
	return access(path, F_OK) == 0 ? read_file(path, false, line, why) : FAULT_NONE;
}

static enum fault ask_again(const char *question, const struct line *line, struct why *why)
{
	AUTO(secret_free) struct secret *again = NULL;
	char text[QUESTION_MAX];
	size_t size;
	enum fault fault = secret_new(LINE_ROOM, &again, why);

	if (fault)
		return fault;
	(void)snprintf(text, sizeof(text), "%s, again: ", question);
	fault = terminal_ask_secret(text, secret_bytes_to_fill(again), LINE_ROOM, &size, why);
	if (fault)
		return fault;
	if (size != line->size || memcmp(secret_bytes(again), secret_bytes(line->buffer), size) != 0)
		return why_set(why, FAULT_PASSPHRASE, "the two passphrases differ");
	return FAULT_NONE;
}

static enum fault from_terminal(const struct prompt *prompt, struct line *line, struct why *why)
{
	char text[QUESTION_MAX];
	enum fault fault;

	if (prompt->no_input || !terminal_exists())
		return FAULT_NONE;
	line->found = true;
	(void)snprintf(text, sizeof(text), "%s: ", prompt->question);
	fault = terminal_ask_secret(text, secret_bytes_to_fill(line->buffer), LINE_ROOM, &line->size, why);
	if (fault || !prompt->twice || line->size <= 1)
		return fault;
	return ask_again(prompt->question, line, why);
}

static enum fault from_ask_password(const struct prompt *prompt, struct line *line, struct why *why)
{
	char text[QUESTION_MAX];
	const char *const argv[] = {"systemd-ask-password", "--no-tty", text, NULL};

	if (prompt->no_input || !child_exists(argv[0]))
		return FAULT_NONE;
	line->found = true;
	(void)snprintf(text, sizeof(text), "%s (fsenc):", prompt->question);
	return child_run(argv, CHILD_STDOUT, secret_bytes_to_fill(line->buffer), LINE_ROOM, &line->size, why);
}

typedef enum fault (*source)(const struct prompt *prompt, struct line *line, struct why *why);

static const source sources[] = {
	from_passfile, from_extpass, from_variable, from_credentials, from_terminal, from_ask_password,
};

static enum fault read_line(const struct prompt *prompt, struct line *line, struct why *why)
{
	enum fault fault = secret_new(LINE_ROOM, &line->buffer, why);

	for (size_t i = 0; !fault && !line->found && i < sizeof(sources) / sizeof(sources[0]); i++)
		fault = sources[i](prompt, line, why);
	if (!fault && !line->found)
		return why_set(why, FAULT_PASSPHRASE, "no passphrase was given, and there is nobody to ask");
	return fault;
}

enum fault prompt_passphrase(const struct prompt *prompt, struct secret **ret_passphrase, struct why *why)
{
	AUTO(line_done) struct line line = {NULL, 0, false};
	const uint8_t *bytes, *end;
	size_t length;
	enum fault fault = read_line(prompt, &line, why);

	if (fault)
		return fault;
	bytes = secret_bytes(line.buffer);
	end = memchr(bytes, '\n', line.size);
	length = end ? (size_t)(end - bytes) : line.size;
	if (length && bytes[length - 1] == '\r')
		length--;
	if (!length)
		return why_set(why, FAULT_PASSPHRASE_EMPTY, "the passphrase is empty");
	if (length > PASSPHRASE_MAX)
		return why_set(why, FAULT_INVALID, "the passphrase is longer than %d bytes", PASSPHRASE_MAX);
	return secret_copy(bytes, length, ret_passphrase, why);
}
