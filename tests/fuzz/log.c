/* Any bytes as `.fsenc.log`, before and after a good line: the good one is found, whatever stands around it,
 * and what is found under a digest is the record with that digest. */
#include "fs/access_log.h"
#include "tests/fuzz/fixed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_found(const struct access_log *log, const struct digest *digest)
{
	AUTO(record_free) struct record *record = NULL;
	AUTO(signed_free) struct signed_object *object = NULL;

	MUST(access_log_has(log, digest));
	enum fault fault = access_log_find(log, digest, &record, &object, NULL);
	MUST(fault != FAULT_MISSING);
	MUST(fault || digest_equal(&record->digest, digest));
}

static void check_line(const struct access_log *log, const char *text, size_t size)
{
	AUTO(signed_free) struct signed_object *object = NULL;

	if (size == 0 || signed_parse_text(text, size, RECORD_TYPE, &object, NULL))
		return;
	const struct digest digest = signed_digest(object);
	check_found(log, &digest);
}

static void check_lines(const struct access_log *log, const char *text, size_t size)
{
	while (size > 0) {
		const char *end = memchr(text, '\n', size);
		size_t length = end ? (size_t)(end - text) : size;
		check_line(log, text, length);
		size_t step = end ? length + 1 : length;
		text += step;
		size -= step;
	}
}

static const char *good_line(struct digest *ret_digest)
{
	static char *line;
	static struct digest digest;

	if (!line) {
		AUTO(signed_free) struct signed_object *object = NULL;
		AUTO(record_free) struct record *record = fixed_record(&object);
		char *text = NULL;
		MUST(record && !signed_text(object, &text, NULL));
		digest = record->digest;
		line = text;
	}
	*ret_digest = digest;
	return line;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(access_log_done) struct access_log log = ACCESS_LOG_EMPTY;
	struct digest good;
	const char *line = good_line(&good);

	MUST(!access_log_add(&log, data, size, NULL));
	check_lines(&log, (const char *)data, size);
	size_t alone = log.count;
	MUST(!access_log_add(&log, line, strlen(line), NULL));
	check_found(&log, &good);
	MUST(!access_log_add(&log, data, size, NULL));
	MUST(log.count == 2 * alone + 1);
	check_found(&log, &good);
	check_lines(&log, (const char *)data, size);
	return 0;
}
