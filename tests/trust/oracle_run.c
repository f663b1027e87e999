/* The workload: each lane is a thread with files of its own, and reads back what it wrote. */
#include "tests/trust/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

struct worker {
	struct lane *lane;
	const struct run_options *options;
	unsigned number;
	int directory;
	uint64_t random;
	struct model models[SLOTS];
	int fds[SLOTS]; /* kept open for a while, or -1 */
	uint8_t *buffer; /* CONTENT_MAX */
	bool failed;
};

static volatile sig_atomic_t stopped;
static _Atomic uint64_t operations;
static sem_t time_to_kill;

static void stop(int signal)
{
	(void)signal;
	stopped = 1;
}

static uint64_t draw(struct worker *worker, uint64_t below)
{
	worker->random ^= worker->random << 13;
	worker->random ^= worker->random >> 7;
	worker->random ^= worker->random << 17;
	return (worker->random * 0x2545F4914F6CDD1DULL >> 16) % below;
}

/* -- asking the mount --------------------------------------------------------------------- */

static bool open_slot(struct worker *worker, const struct record *record, int flags, int *fd)
{
	char place[PLACE_SIZE];

	slot_place(worker->number, record->slot, record->name, "", place);
	*fd = openat(worker->directory, place, flags | O_CLOEXEC, 0644);
	return *fd >= 0;
}

static void close_slot(struct worker *worker, unsigned slot)
{
	if (worker->fds[slot] >= 0)
		(void)close(worker->fds[slot]);
	worker->fds[slot] = -1;
}

static bool create(struct worker *worker, const struct record *record)
{
	char place[PLACE_SIZE];

	if (slot_has_directory(record->slot)) {
		slot_place(worker->number, record->slot, record->name, "", place);
		*strrchr(place, '/') = '\0';
		if (mkdirat(worker->directory, place, 0755))
			return false;
	}
	return open_slot(worker, record, O_RDWR | O_CREAT | O_EXCL, &worker->fds[record->slot]);
}

static bool write_all(int fd, const uint8_t *bytes, int64_t size, int64_t offset)
{
	while (size > 0) {
		ssize_t done = offset < 0 ? write(fd, bytes, (size_t)size) : pwrite(fd, bytes, (size_t)size, offset);

		if (done <= 0) {
			errno = done ? errno : EIO;
			return false;
		}
		bytes += done;
		size -= done;
		offset += offset < 0 ? 0 : done;
	}
	return true;
}

static bool write_some(struct worker *worker, const struct record *record)
{
	bool append = record->offset == worker->models[record->slot].size && (record->seed & 1);
	int fd = worker->fds[record->slot];
	bool done;

	pattern_fill(worker->buffer, record->seed, record->offset, record->size);
	if (append && !open_slot(worker, record, O_WRONLY | O_APPEND, &fd))
		return false;
	done = write_all(fd, worker->buffer, record->size, append ? -1 : record->offset);
	if (append)
		done = !close(fd) && done;
	return done;
}

static bool replace(struct worker *worker, const struct record *record)
{
	char from[PLACE_SIZE], to[PLACE_SIZE];
	bool done;
	int fd;

	slot_place(worker->number, record->slot, record->name, ".new", from);
	slot_place(worker->number, record->slot, record->name, "", to);
	fd = openat(worker->directory, from, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return false;
	pattern_fill(worker->buffer, record->seed, 0, record->size);
	done = write_all(fd, worker->buffer, record->size, 0) && !fsync(fd) &&
	       !renameat(worker->directory, from, worker->directory, to);
	close_slot(worker, record->slot);
	worker->fds[record->slot] = fd;
	return done;
}

static bool remove_slot(struct worker *worker, const struct record *record)
{
	char place[PLACE_SIZE];

	slot_place(worker->number, record->slot, record->name, "", place);
	close_slot(worker, record->slot);
	if (unlinkat(worker->directory, place, 0))
		return false;
	if (!slot_has_directory(record->slot))
		return true;
	*strrchr(place, '/') = '\0';
	return !unlinkat(worker->directory, place, AT_REMOVEDIR);
}

static bool sync_directory(struct worker *worker)
{
	char place[PLACE_SIZE];
	bool done;
	int fd;

	(void)snprintf(place, sizeof(place), "lane-%u", worker->number);
	fd = openat(worker->directory, place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return false;
	done = !fsync(fd);
	(void)close(fd);
	return done;
}

static bool ask(struct worker *worker, const struct record *record)
{
	int fd = worker->fds[record->slot];

	switch ((enum operation)record->operation) {
	case OPERATION_CREATE:
		return create(worker, record);
	case OPERATION_WRITE:
		return write_some(worker, record);
	case OPERATION_TRUNCATE:
		return !ftruncate(fd, record->offset);
	case OPERATION_FSYNC:
		if (!worker->models[record->slot].exists)
			return sync_directory(worker);
		return record->seed & 1 ? !fsync(fd) : !fdatasync(fd);
	case OPERATION_REPLACE:
		return replace(worker, record);
	case OPERATION_UNLINK:
		return remove_slot(worker, record);
	}
	return false;
}

/* -- what to ask ---------------------------------------------------------------------------- */

static int64_t slot_limit(unsigned slot)
{
	if (slot < SLOTS / 2)
		return 3000;
	return slot == SLOTS - 1 ? CONTENT_MAX : 1200000;
}

static int64_t draw_size(struct worker *worker, int64_t limit)
{
	static const int64_t most[] = {100, 5000, 5000, 100000};
	uint64_t kind = draw(worker, 6);
	int64_t size = kind < 4 ? 1 + (int64_t)draw(worker, (uint64_t)most[kind])
				: 4096 * (1 + (int64_t)draw(worker, kind == 4 ? 16 : 256));

	return size < limit ? size : limit;
}

static void draw_write(struct worker *worker, struct record *record)
{
	const struct model *model = &worker->models[record->slot];
	int64_t limit = slot_limit(record->slot);
	uint64_t kind = draw(worker, 16);

	record->operation = OPERATION_WRITE;
	record->size = draw_size(worker, limit);
	if (kind < 3)
		record->offset = model->size;
	else if (kind == 3) /* beyond the end; far beyond makes a sparse file */
		record->offset = model->size + (int64_t)draw(worker, limit == CONTENT_MAX ? 2 << 20 : 9000);
	else
		record->offset = (int64_t)draw(worker, (uint64_t)model->size + 1);
	if (kind > 11)
		record->offset &= ~(int64_t)4095;
	if (record->offset + record->size > limit)
		record->offset = limit - record->size < model->size ? limit - record->size : model->size;
	if (record->offset + record->size > limit)
		record->offset = 0;
}

static void draw_record(struct worker *worker, struct record *record)
{
	unsigned slot = (unsigned)draw(worker, SLOTS);
	const struct model *model = &worker->models[slot];
	uint64_t kind = draw(worker, 100);

	*record = (struct record){.slot = slot, .name = model->name, .seed = draw(worker, UINT32_MAX)};
	if (!model->exists) {
		record->operation = kind < 10 ? OPERATION_FSYNC : OPERATION_CREATE;
		if (slot_has_directory(slot) && record->operation == OPERATION_CREATE)
			record->name = atomic_load(&worker->lane->begun) + 1;
	} else if (kind < 65) {
		draw_write(worker, record);
	} else if (kind < 73) {
		record->operation = OPERATION_TRUNCATE;
		record->offset = (int64_t)draw(worker, (uint64_t)(kind < 67 ? slot_limit(slot) : model->size) + 1);
	} else if (kind < 90) {
		record->operation = OPERATION_FSYNC;
	} else if (kind < 95) {
		record->operation = OPERATION_REPLACE;
		record->size = draw_size(worker, slot_limit(slot));
	} else {
		record->operation = OPERATION_UNLINK;
	}
}

/* -- a lane ----------------------------------------------------------------------------------- */

/* A read under way when the mount dies gives EIO; whether it is dead, statfs() tells, which nothing caches. */
static bool is_end_of_mount(struct worker *worker, int error)
{
	struct statvfs statistics;

	if (error == EIO && fstatvfs(worker->directory, &statistics))
		error = errno;
	return error == ENOTCONN || error == ECONNABORTED;
}

/* A read that the mount's end cuts short is continued, and meets the error. */
static ssize_t read_all(int fd, uint8_t *bytes, int64_t size, int64_t offset)
{
	int64_t done = 0;

	while (done < size) {
		ssize_t got = pread(fd, bytes + done, (size_t)(size - done), offset + done);

		if (got < 0)
			return got;
		if (got == 0)
			break;
		done += got;
	}
	return done;
}

/* The kernel's pages count here: without the writeback cache they hold what the mount acknowledged. */
static bool look(struct worker *worker, unsigned slot)
{
	const struct model *model = &worker->models[slot];
	int64_t offset = (int64_t)draw(worker, (uint64_t)model->size + 1);
	int64_t size = draw_size(worker, CONTENT_MAX);
	ssize_t got = read_all(worker->fds[slot], worker->buffer, size, offset);

	if (got < 0)
		return false;
	size = offset + size > model->size ? model->size - offset : size;
	if (got == size && !memcmp(worker->buffer, model->bytes + offset, (size_t)got))
		return true;
	(void)printf("lane %u, slot %u: a read of %lld bytes at %lld gives %zd, or other bytes than were written\n",
		     worker->number, slot, (long long)size, (long long)offset, got);
	worker->failed = true;
	return false;
}

static bool step(struct worker *worker)
{
	uint64_t number = atomic_load(&worker->lane->begun);
	struct record *record = &worker->lane->records[number];

	draw_record(worker, record);
	atomic_store(&worker->lane->begun, number + 1);
	if (atomic_fetch_add(&operations, 1) + 1 == worker->options->after)
		(void)sem_post(&time_to_kill);
	if (!ask(worker, record))
		return false;
	model_apply(&worker->models[record->slot], record);
	atomic_store(&worker->lane->acked, number + 1);
	if (!worker->models[record->slot].exists || draw(worker, 4))
		return true;
	if (!draw(worker, 4)) {
		close_slot(worker, record->slot);
		if (!open_slot(worker, record, O_RDWR, &worker->fds[record->slot]))
			return false;
	}
	return look(worker, record->slot);
}

static void *work(void *context)
{
	struct worker *worker = context;

	while (!stopped && atomic_load(&worker->lane->begun) < RECORDS) {
		if (step(worker))
			continue;
		int error = errno;

		if (!worker->failed && !is_end_of_mount(worker, error)) {
			(void)printf("lane %u, operation %llu: %s\n", worker->number,
				     (unsigned long long)atomic_load(&worker->lane->begun), strerror(error));
			worker->failed = true;
		}
		break;
	}
	for (unsigned slot = 0; slot < SLOTS; slot++)
		close_slot(worker, slot);
	return NULL;
}

static void *kill_in_time(void *context)
{
	const struct run_options *options = context;

	while (sem_wait(&time_to_kill))
		continue;
	for (volatile uint64_t spin = options->seed % 100000; spin > 0; spin--)
		continue;
	if (!stopped)
		(void)kill(options->kill, SIGKILL);
	return NULL;
}

static void worker_init(struct worker *worker, struct journal *journal, const struct run_options *options,
			unsigned number)
{
	char place[PLACE_SIZE];

	*worker = (struct worker){.lane = &journal->lanes[number], .options = options, .number = number};
	worker->random = options->seed * LANES + number + 1;
	worker->directory = open(options->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	worker->buffer = malloc(CONTENT_MAX);
	(void)snprintf(place, sizeof(place), "lane-%u", number);
	if (worker->directory < 0 || !worker->buffer || mkdirat(worker->directory, place, 0755)) {
		perror(options->directory);
		exit(2);
	}
	for (unsigned slot = 0; slot < SLOTS; slot++) {
		worker->models[slot].bytes = malloc(CONTENT_MAX);
		worker->fds[slot] = -1;
		if (!worker->models[slot].bytes)
			exit(2);
	}
}

int oracle_run(struct journal *journal, const struct run_options *options)
{
	static struct worker workers[LANES];
	pthread_t threads[LANES], killer;
	bool failed = false;

	(void)signal(SIGTERM, stop);
	(void)sem_init(&time_to_kill, 0, 0);
	for (unsigned i = 0; i < LANES; i++)
		worker_init(&workers[i], journal, options, i);
	if (options->kill && pthread_create(&killer, NULL, kill_in_time, (void *)(uintptr_t)options))
		exit(2);
	for (unsigned i = 0; i < LANES; i++)
		if (pthread_create(&threads[i], NULL, work, &workers[i]))
			exit(2);
	for (unsigned i = 0; i < LANES; i++) {
		(void)pthread_join(threads[i], NULL);
		failed = failed || workers[i].failed;
	}
	(void)printf("%llu operations\n", (unsigned long long)atomic_load(&operations));
	return failed ? 1 : 0;
}
