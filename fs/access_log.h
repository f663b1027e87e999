/* fs/access_log.h - `.fsenc.log`: the earlier records of a folder, one JWS a line.
 *
 * Lines are found by the digest of their record, never by their place: a line torn by a
 * crash, one written twice, or one that is no record at all is passed over, and lines of
 * several copies of the log may be thrown together. What a line proves is keys/record.h's
 * business. The log is also what everybody locks who replaces `.fsenc`, so it is only ever
 * appended to, never replaced.
 */
#ifndef FSENC_FS_ACCESS_LOG_H
#define FSENC_FS_ACCESS_LOG_H

#include "base/bytes.h"
#include "fs/format.h"
#include "keys/record.h"

#define ACCESS_LOG_MAX (256 * 1024 * 1024)

struct access_line;

/* A plain value: start with ACCESS_LOG_EMPTY, end with access_log_done(). */
struct access_log {
	struct bytes text;
	struct access_line *lines; /* sorted by digest */
	size_t count;
};

#define ACCESS_LOG_EMPTY ((struct access_log){BYTES_EMPTY, NULL, 0})

void access_log_done(struct access_log *log);
AUTO_VALUE(struct access_log, access_log_done);

/* Adds every line that is a record. */
MUST_CHECK enum fault access_log_add(struct access_log *log, const void *text, size_t size, struct why *why);
/* Adds the log in `directory`. None, or something else of that name, adds nothing and is no failure. */
MUST_CHECK enum fault access_log_read(struct access_log *log, int directory, struct why *why);

bool access_log_has(const struct access_log *log, const struct digest *digest);
/* FAULT_MISSING when no line has this digest. */
MUST_CHECK enum fault access_log_find(const struct access_log *log, const struct digest *digest,
				      struct record **ret_record, struct signed_object **ret_object,
				      struct why *why);

enum access_lock { ACCESS_LOCK_SHARED, ACCESS_LOCK_EXCLUSIVE };
#define ACCESS_LOCK_FOR_EVER (-1)

/* Opens the log in `directory` and locks it; closing *ret_fd unlocks. An exclusive lock makes the log if
 * there is none; a shared one is then FAULT_MISSING. FAULT_BUSY after `patience_ms`. */
MUST_CHECK enum fault access_log_lock(int directory, enum access_lock kind, int64_t patience_ms, int *ret_fd,
				      struct why *why);
/* Appends one line to the log locked as `fd`, and syncs it. */
MUST_CHECK enum fault access_log_append(int fd, const struct signed_object *record, struct why *why);

#endif
