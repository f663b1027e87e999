#include "fs/device.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/uio.h>
#include <unistd.h>

#include <linux/fuse.h>

/* One mount a process: the first answer is that to INIT. */
static atomic_bool answered;

static bool is_init_answer(const struct iovec *parts, int count)
{
	const struct fuse_out_header *header = parts[0].iov_base;
	const struct fuse_init_out *answer = count == 2 ? parts[1].iov_base : NULL;

	return answer && parts[0].iov_len == sizeof(*header) && parts[1].iov_len >= sizeof(*answer) &&
	       header->error == 0 && answer->major == FUSE_KERNEL_VERSION;
}

static ssize_t write_answer(int fd, struct iovec *parts, int count, void *context)
{
	(void)context;
	if (!atomic_load(&answered) && !atomic_exchange(&answered, true) && is_init_answer(parts, count))
		((struct fuse_init_out *)parts[1].iov_base)->flags |= FUSE_PARALLEL_DIROPS | FUSE_HANDLE_KILLPRIV_V2;
	return writev(fd, parts, count);
}

static ssize_t read_request(int fd, void *buffer, size_t size, void *context)
{
	(void)context;
	return read(fd, buffer, size);
}

enum fault device_prepare(struct fuse_session *session, struct why *why)
{
	static const struct fuse_custom_io io = {.writev = write_answer, .read = read_request};

	atomic_store(&answered, false);
	if (fuse_session_custom_io(session, &io, fuse_session_fd(session)) != 0)
		return why_set(why, FAULT_FAILED, "FUSE does not take the device");
	return FAULT_NONE;
}
