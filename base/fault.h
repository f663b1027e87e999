/* base/fault.h - the kinds of failure.
 *
 * A function that can fail returns one of these; the words that go with it travel in a
 * struct why (base/why.h). FAULT_NONE is 0, so `if (fault)` reads as it should.
 * Two places translate a kind: fs/ops.c into an errno for programs on the mount, and
 * base/explain.c into an exit status for scripts. Both read this one table.
 *
 * Columns: name, errno, exit status of the command, what it means.
 * FAULT_SYSTEM takes its errno from why->error: the share said ENOSPC, so do we.
 */
#ifndef FSENC_BASE_FAULT_H
#define FSENC_BASE_FAULT_H

#include <errno.h>

#define FAULT_LIST(X) \
	X(NONE, 0, 0, "no failure") \
	X(SYSTEM, EIO, 1, "the operating system or the share refused") \
	X(FAILED, EIO, 1, "it did not work") \
	X(USAGE, EINVAL, 2, "the command was not understood") \
	X(INVALID, EINVAL, 2, "a value is outside what is allowed") \
	X(PARTIAL, EIO, 3, "only a part was done") \
	X(MOUNT_POINT, EBUSY, 10, "the mount point is not usable") \
	X(PASSPHRASE, EACCES, 12, "the passphrase is wrong") \
	X(DENIED, EACCES, 13, "not allowed") \
	X(LOCKED, ENOKEY, 13, "no key of yours opens it") \
	X(UNREACHABLE, EHOSTUNREACH, 20, "the key server cannot be reached") \
	X(PENDING, EAGAIN, 1, "an answer is awaited") \
	X(TURN, EAGAIN, 1, "another client is at the same bytes") \
	X(IDENTITY, EHOSTUNREACH, 21, "the server is not who it should be") \
	X(PASSPHRASE_EMPTY, EACCES, 22, "the passphrase is empty") \
	X(KEYRING_READ, EIO, 23, "the keyring or configuration cannot be read") \
	X(KEYRING_WRITE, EIO, 24, "the keyring or configuration cannot be written") \
	X(KEY_MISSING, ENOKEY, 25, "a needed key is not in the keyring") \
	X(MALFORMED, EIO, 26, "the bytes are not what the format says") \
	X(REFUSED, EIO, 26, "the bytes do not authenticate") \
	X(DAMAGED, EIO, 26, "what is stored is damaged") \
	X(TAMPERED, EIO, 27, "an access list was tampered with or rolled back") \
	X(MISSING, ENOENT, 1, "it does not exist") \
	X(EXISTS, EEXIST, 1, "it exists already") \
	X(BUSY, EBUSY, 1, "somebody else is using it") \
	X(STORAGE, EROFS, 1, "the storage does not keep what it is given") \
	X(CROSS_FOLDER, EXDEV, 1, "the two places belong to different folders") \
	X(FORBIDDEN, EPERM, 1, "this cannot be done here") \
	X(NAME_TOO_LONG, ENAMETOOLONG, 1, "the name is too long") \
	X(UNSUPPORTED, EOPNOTSUPP, 1, "this is not supported here") \
	X(MEMORY, ENOMEM, 1, "out of memory")

enum fault {
#define X(name, error, status, words) FAULT_##name,
	FAULT_LIST(X)
#undef X
		FAULT_COUNT
};

/* The row of the table. Any value outside it is a bug and aborts. */
const char *fault_name(enum fault fault);
const char *fault_words(enum fault fault);
int fault_errno(enum fault fault);
int fault_exit_status(enum fault fault);

#endif
