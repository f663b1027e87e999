#include "fs/loop.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include <linux/fuse.h>

#include "base/clock.h"
#include "fs/killpriv.h"
#include "fs/parked.h"
#include "fs/range.h"

#define RETRIERS 4
#define LINGER_NS 50000
/* After so many lingerings in vain one does not, but for every so many-th request. */
#define LINGERS_IN_VAIN 4
#define LINGER_TRIAL 32

struct loop {
	struct fuse_session *session;
	struct parked_list *parked;
	atomic_int idle; /* workers that wait for a request */
	bool kills_privileges; /* killpriv_is_ours() */
	atomic_bool lingering; /* one of them does not sleep yet */
	pthread_mutex_t mutex; /* what follows */
	pthread_cond_t changed;
	bool ending;
	int error; /* of reading requests */
	pthread_t workers[LOOP_WORKERS], retriers[RETRIERS];
	size_t worker_count, retrier_count;
};

/* What the thread is at. */
struct work {
	struct loop *loop;
	struct fuse_buf buffer;
	struct parked *entry; /* taken up again, or NULL */
	uint64_t round;
	bool parked; /* `entry` met the same again */
	bool interrupted; /* meanwhile */
	bool nameless, kills;
	unsigned vain, skipped; /* lingerings */
};
static _Thread_local struct work *present;

/* -- one request ------------------------------------------------------------------------------------- */

/* What is parked has no request of libfuse's any more. */
static void answer(const struct loop *loop, uint64_t unique, int error)
{
	const struct fuse_out_header out = {.len = sizeof(out), .error = -error, .unique = unique};

	(void)!write(fuse_session_fd(loop->session), &out, sizeof(out));
}

bool loop_makes_nameless(void)
{
	return present && present->nameless;
}

bool loop_kills_privileges(void)
{
	return present && present->kills;
}

/* The kernel's arguments are those of a create. */
static void process(struct work *work)
{
	struct fuse_in_header *header = work->buffer.mem;

	work->nameless = header->opcode == FUSE_TMPFILE;
	if (work->nameless)
		header->opcode = FUSE_CREATE;
	work->kills = work->loop->kills_privileges && killpriv_is_due(header, work->buffer.size);
	work->round = parked_round(work->loop->parked);
	fuse_session_process_buf(work->loop->session, &work->buffer);
}

static bool add(struct work *work, struct parked **ret_entry)
{
	struct fuse_in_header *header = work->buffer.mem;

	if (work->nameless)
		header->opcode = FUSE_TMPFILE;
	return parked_add(work->loop->parked, header->unique, header, work->buffer.size, ret_entry);
}

/* Whoever works at the entry calls this when libfuse has forgotten the request. */
static void offer(struct loop *loop, struct parked *entry, uint64_t round, bool interrupted)
{
	uint64_t unique = entry->unique;

	if (parked_offer(loop->parked, entry, round, interrupted))
		return;
	parked_drop(loop->parked, entry);
	answer(loop, unique, EINTR);
}

/* It is listed before libfuse forgets it: an interrupt finds it here or there. */
static bool park(fuse_req_t req, bool turn)
{
	struct work *work = present;
	struct parked *entry = work ? work->entry : NULL;

	if (!work || (entry && entry->final && !turn) || (!entry && !add(work, &entry)))
		return false;
	entry->turn = turn;
	work->parked = true;
	work->interrupted = fuse_req_interrupted(req);
	fuse_reply_none(req);
	if (!work->entry)
		offer(work->loop, entry, work->round, work->interrupted);
	return true;
}

bool loop_park(fuse_req_t req)
{
	return park(req, false);
}

bool loop_park_for_turn(fuse_req_t req)
{
	return park(req, true);
}

/* -- requests taken up again ---------------------------------------------------------------------------- */

static void retry(struct loop *loop, struct parked *entry)
{
	struct work work = {
		.loop = loop, .entry = entry, .buffer = {.mem = entry->bytes, .size = entry->size}};

	present = &work;
	process(&work);
	present = NULL;
	if (work.nameless)
		((struct fuse_in_header *)work.buffer.mem)->opcode = FUSE_TMPFILE;
	if (work.parked)
		offer(loop, entry, work.round, work.interrupted);
	else
		parked_drop(loop->parked, entry);
}

static void *run_retrier(void *context)
{
	struct loop *loop = context;

	range_serve();
	for (struct parked *entry = parked_take(loop->parked); entry; entry = parked_take(loop->parked))
		retry(loop, entry);
	return NULL;
}

void loop_settled(struct loop *loop)
{
	parked_next_round(loop->parked);
}

/* -- requests as they come -------------------------------------------------------------------------- */

/* True when it was for a parked request, of which libfuse knows nothing. */
static bool interrupts_parked(const struct work *work)
{
	const struct fuse_in_header *header = work->buffer.mem;
	const struct fuse_interrupt_in *interrupt = (const void *)(header + 1);

	if (header->opcode != FUSE_INTERRUPT || work->buffer.size < sizeof(*header) + sizeof(*interrupt))
		return false;
	enum parked_interrupt what = parked_interrupt(work->loop->parked, interrupt->unique);
	if (what == PARKED_GONE)
		answer(work->loop, interrupt->unique, EINTR);
	return what != PARKED_UNKNOWN;
}

static void end_with(struct loop *loop, int error)
{
	fuse_session_exit(loop->session);
	(void)pthread_mutex_lock(&loop->mutex);
	loop->ending = true;
	if (!loop->error)
		loop->error = error;
	(void)pthread_cond_broadcast(&loop->changed);
	(void)pthread_mutex_unlock(&loop->mutex);
}

void loop_end(struct loop *loop)
{
	end_with(loop, 0);
}

static bool may_linger(struct work *work)
{
	if (work->vain >= LINGERS_IN_VAIN && ++work->skipped % LINGER_TRIAL != 0)
		return false;
	return !atomic_exchange(&work->loop->lingering, true);
}

/* A program that has its answer mostly asks again at once, and to wake a thread, on another processor at that,
 * takes longer than most requests. So whoever has answered looks a while for the next before it sleeps, one
 * worker at a time and only where that has been of use of late. */
static void linger(struct work *work)
{
	struct pollfd request = {.fd = fuse_session_fd(work->loop->session), .events = POLLIN};
	bool found;

	if (!may_linger(work))
		return;
	const int64_t until = clock_span_ns() + LINGER_NS;
	do
		found = poll(&request, 1, 0) != 0;
	while (!found && clock_span_ns() < until);
	atomic_store(&work->loop->lingering, false);
	work->vain = found ? 0 : work->vain + 1;
}

/* Cancelled in the read alone: whatever was read is done. */
static int receive(struct work *work)
{
	int before;

	(void)pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &before);
	int got = fuse_session_receive_buf(work->loop->session, &work->buffer);
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
	return got;
}

static void work_done(void *context)
{
	struct work *work = context;

	present = NULL;
	free(work->buffer.mem);
}

static void *run_worker(void *context);

/* As many as there have ever been requests at once: few that are always at work have what they need in the
 * processor's caches. None ends before the mount does. */
static void start_worker(struct loop *loop)
{
	(void)pthread_mutex_lock(&loop->mutex);
	if (!loop->ending && loop->worker_count < LOOP_WORKERS &&
	    pthread_create(&loop->workers[loop->worker_count], NULL, run_worker, loop) == 0)
		loop->worker_count++;
	(void)pthread_mutex_unlock(&loop->mutex);
}

static void serve(struct work *work)
{
	struct loop *loop = work->loop;

	while (!fuse_session_exited(loop->session)) {
		atomic_fetch_add(&loop->idle, 1);
		linger(work);
		int got = receive(work);
		bool last = atomic_fetch_sub(&loop->idle, 1) == 1;
		if (got == -EINTR || got == -EAGAIN)
			continue;
		if (got <= 0) {
			end_with(loop, -got);
			return;
		}
		if (last)
			start_worker(loop);
		if (!interrupts_parked(work))
			process(work);
	}
}

static void *run_worker(void *context)
{
	struct work work = {.loop = context};
	int before;

	range_serve();
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
	present = &work;
	pthread_cleanup_push(work_done, &work);
	serve(&work);
	pthread_cleanup_pop(1);
	return NULL;
}

/* -- all of them ----------------------------------------------------------------------------------- */

static void start_retriers(struct loop *loop)
{
	while (loop->retrier_count < RETRIERS &&
	       pthread_create(&loop->retriers[loop->retrier_count], NULL, run_retrier, loop) == 0)
		loop->retrier_count++;
}

static void join(const pthread_t *threads, size_t count)
{
	for (size_t i = 0; i < count; i++)
		(void)pthread_join(threads[i], NULL);
}

/* Every worker sees the end at its next read, or is in one that would not return. */
static void stop(struct loop *loop)
{
	for (size_t i = 0; i < loop->worker_count; i++)
		(void)pthread_cancel(loop->workers[i]);
	join(loop->workers, loop->worker_count);
	parked_end(loop->parked);
	join(loop->retriers, loop->retrier_count);
	loop->worker_count = loop->retrier_count = 0;
	for (uint64_t unique = parked_drop_any(loop->parked); unique; unique = parked_drop_any(loop->parked))
		answer(loop, unique, EHOSTUNREACH);
}

enum fault loop_run(struct loop *loop, struct why *why)
{
	start_retriers(loop);
	start_worker(loop);
	(void)pthread_mutex_lock(&loop->mutex);
	/* Told to end before anybody could be started: that is no failure. */
	bool served = loop->ending || (loop->worker_count > 0 && loop->retrier_count > 0);
	loop->ending |= !served;
	while (!loop->ending)
		(void)pthread_cond_wait(&loop->changed, &loop->mutex);
	int error = loop->error;
	(void)pthread_mutex_unlock(&loop->mutex);
	stop(loop);
	if (!served)
		return why_set(why, FAULT_MEMORY, "no threads for a mount");
	errno = error;
	return error ? why_system(why, "the mount ended") : FAULT_NONE;
}

enum fault loop_new(struct fuse_session *session, int64_t patience_ms, struct loop **ret_loop,
		    struct why *why)
{
	struct loop *loop = calloc(1, sizeof(*loop));

	if (!loop)
		return why_set(why, FAULT_MEMORY, "no memory for a mount");
	enum fault fault = parked_list_new(patience_ms, &loop->parked, why);
	if (fault) {
		free(loop);
		return fault;
	}
	loop->session = session;
	loop->kills_privileges = killpriv_is_ours();
	(void)pthread_mutex_init(&loop->mutex, NULL);
	(void)pthread_cond_init(&loop->changed, NULL);
	*ret_loop = loop;
	return FAULT_NONE;
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	parked_list_free(loop->parked);
	(void)pthread_cond_destroy(&loop->changed);
	(void)pthread_mutex_destroy(&loop->mutex);
	free(loop);
}
