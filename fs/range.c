#include "fs/range.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <time.h>

#include "base/clock.h"

_Static_assert(LOCK_BLOCKS > FILE_SIZE_MAX, "docs/FORMAT.md: Locks of our own lie beyond any data");

#define PAUSE_FIRST_US 50
#define PAUSE_LAST_US 1000

static _Thread_local bool serves;
static atomic_uint trying;

void range_serve(void)
{
	serves = true;
}

void range_table_init(struct range_table *table, bool local)
{
	*table = (struct range_table){.held = NULL, .local = local};
	(void)pthread_mutex_init(&table->mutex, NULL);
	(void)pthread_cond_init(&table->changed, NULL);
}

void range_table_done(struct range_table *table)
{
	assert(!table->held);
	(void)pthread_cond_destroy(&table->changed);
	(void)pthread_mutex_destroy(&table->mutex);
}

/* Two shared ranges of one process exclude each other too. Both would stand for one OFD lock when they
 * go through one description, and the first to unlock would take it from the other. Only reads that
 * have already failed once come here, so nobody feels it. */
static bool overlap(const struct range *one, const struct range *other)
{
	return one->first <= other->last && other->first <= one->last;
}

/* The list is in the order of arrival, waiters included. Waiting for all that came before and overlaps
 * keeps a range up to the end from starving under a stream of small ones, and cannot deadlock: each
 * waits only for older ones, and nobody holds two. */
static bool must_wait(const struct range_table *table, const struct range *mine, bool *ret_stuck)
{
	bool waits = false;

	*ret_stuck = false;
	for (const struct range *other = table->held; other != mine; other = other->next) {
		if (!overlap(other, mine))
			continue;
		waits = true;
		*ret_stuck |= other->stuck;
	}
	return waits;
}

static void add(struct range_table *table, struct range *mine)
{
	struct range **tail = &table->held;

	while (*tail)
		tail = &(*tail)->next;
	*tail = mine;
}

static void take_out(struct range *mine)
{
	struct range **link = &mine->table->held;

	while (*link != mine)
		link = &(*link)->next;
	*link = mine->next;
	(void)pthread_cond_broadcast(&mine->table->changed);
}

static void leave_process(struct range *mine)
{
	struct range_table *table = mine->table;

	(void)pthread_mutex_lock(&table->mutex);
	take_out(mine);
	(void)pthread_mutex_unlock(&table->mutex);
	*mine = RANGE_NONE;
}

/* False: behind somebody who is stuck, where a thread that serves requests has no business. */
static bool wait_in_process(struct range_table *table, struct range *mine)
{
	bool stuck;

	(void)pthread_mutex_lock(&table->mutex);
	add(table, mine);
	bool waits = must_wait(table, mine, &stuck);
	while (waits && !(serves && stuck)) {
		if (mine->stuck != stuck)
			(void)pthread_cond_broadcast(&table->changed);
		mine->stuck = stuck;
		(void)pthread_cond_wait(&table->changed, &table->mutex);
		waits = must_wait(table, mine, &stuck);
	}
	mine->stuck = false;
	if (waits)
		take_out(mine);
	(void)pthread_mutex_unlock(&table->mutex);
	return !waits;
}

/* Whoever serves and is behind this one leaves. */
static void set_stuck(struct range *mine, bool stuck)
{
	(void)pthread_mutex_lock(&mine->table->mutex);
	mine->stuck = stuck;
	(void)pthread_cond_broadcast(&mine->table->changed);
	(void)pthread_mutex_unlock(&mine->table->mutex);
}

static struct flock lock_of(const struct range *range, short type)
{
	int64_t first = LOCK_BLOCKS + (int64_t)range->first;
	int64_t last = range->last == RANGE_END ? LOCK_BLOCKS_LAST : LOCK_BLOCKS + (int64_t)range->last;

	return (struct flock){
		.l_type = type, .l_whence = SEEK_SET, .l_start = first, .l_len = last - first + 1};
}

static bool has_no_locks(int error)
{
	return error == ENOLCK || error == EOPNOTSUPP || error == ENOSYS;
}

static bool somebody_has_it(int error)
{
	return error == EAGAIN || error == EACCES;
}

static enum fault give_turn(struct why *why)
{
	return why_set(why, FAULT_TURN, "another client is at the same blocks of a stored file");
}

static enum fault ask(struct range *mine, int fd, int command, struct why *why)
{
	struct flock lock = lock_of(mine, mine->kind == RANGE_EXCLUSIVE ? F_WRLCK : F_RDLCK);

	while (fcntl(fd, command, &lock) != 0) {
		if (errno == EINTR)
			continue;
		if (has_no_locks(errno))
			return FAULT_NONE;
		if (somebody_has_it(errno))
			return give_turn(why);
		return why_system(why, "cannot lock blocks of a stored file");
	}
	mine->fd = fd;
	return FAULT_NONE;
}

/* Clients that are well hold a range for less. */
static enum fault try_for_a_while(struct range *mine, int fd, struct why *why)
{
	int64_t end = clock_boot_ms() + RANGE_TRY_MS;
	struct timespec pause = {.tv_nsec = PAUSE_FIRST_US * 1000L};
	enum fault fault = FAULT_TURN;

	while (fault == FAULT_TURN && clock_boot_ms() < end) {
		(void)nanosleep(&pause, NULL);
		fault = ask(mine, fd, F_OFD_SETLK, why);
		if (pause.tv_nsec < PAUSE_LAST_US * 1000L)
			pause.tv_nsec *= 2;
	}
	return fault;
}

static enum fault wait_for_other_clients(struct range *mine, int fd, struct why *why)
{
	enum fault fault = ask(mine, fd, F_OFD_SETLK, why);

	if (fault != FAULT_TURN)
		return fault;
	set_stuck(mine, true);
	if (!serves)
		fault = ask(mine, fd, F_OFD_SETLKW, why);
	else if (atomic_fetch_add(&trying, 1) < RANGE_TRYING)
		fault = try_for_a_while(mine, fd, why);
	if (serves)
		atomic_fetch_sub(&trying, 1);
	if (!fault)
		set_stuck(mine, false);
	return fault;
}

enum fault range_take(struct range_table *table, int fd, enum range_kind kind, uint64_t first, uint64_t last,
		      struct range *held, struct why *why)
{
	assert(!held->table && first <= last);
	assert(first <= (uint64_t)FILE_SIZE_MAX && (last == RANGE_END || last <= (uint64_t)FILE_SIZE_MAX));
	*held = (struct range){.table = table, .fd = -1, .kind = kind, .first = first, .last = last};
	if (!wait_in_process(table, held)) {
		*held = RANGE_NONE;
		return give_turn(why);
	}
	enum fault fault = table->local ? FAULT_NONE : wait_for_other_clients(held, fd, why);
	if (fault)
		leave_process(held);
	return fault;
}

void range_release(struct range *held)
{
	if (!held->table)
		return;
	/* First the share, then the process: the other way round a thread of ours could get the same OFD
	 * lock (it is held already, so that succeeds at once) and lose it to this unlock. */
	if (held->fd >= 0) {
		struct flock unlock = lock_of(held, F_UNLCK);
		(void)fcntl(held->fd, F_OFD_SETLK, &unlock);
	}
	leave_process(held);
}
