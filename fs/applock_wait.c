#include "fs/applock_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <time.h>

#include "base/condition.h"

#define PAUSE_FIRST_MS 2
#define PAUSE_LAST_MS 200
#define PARKED_STACK (256 * 1024)

enum fault applocks_new(struct tree *tree, struct applocks **ret_locks, struct why *why)
{
	struct applocks *locks = calloc(1, sizeof(*locks));

	if (!locks)
		return why_set(why, FAULT_MEMORY, "no memory for locks");
	locks->tree = tree;
	(void)pthread_mutex_init(&locks->mutex, NULL);
	condition_init(&locks->changed);
	*ret_locks = locks;
	return FAULT_NONE;
}

void applocks_free(struct applocks *locks)
{
	if (!locks)
		return;
	(void)pthread_mutex_lock(&locks->mutex);
	locks->ending = true;
	(void)pthread_cond_broadcast(&locks->changed);
	while (locks->parked > 0)
		(void)pthread_cond_wait(&locks->changed, &locks->mutex);
	(void)pthread_mutex_unlock(&locks->mutex);
	applock_drop_all(locks);
	(void)pthread_cond_destroy(&locks->changed);
	(void)pthread_mutex_destroy(&locks->mutex);
	free(locks);
}

void applock_wake(struct applocks *locks)
{
	(void)pthread_mutex_lock(&locks->mutex);
	locks->wakes++;
	(void)pthread_cond_broadcast(&locks->changed);
	(void)pthread_mutex_unlock(&locks->mutex);
}

/* -- parked requests --------------------------------------------------------------------------- */

struct parked {
	struct applocks *locks;
	struct applock_owner *owner; /* reference */
	fuse_req_t request;
	struct flock stored;
	bool granted;
	bool interrupted; /* locks->mutex */
};

/* Runs in a FUSE worker that holds the request's lock: no more than a word to the parked thread. */
static void interrupt(fuse_req_t request, void *data)
{
	struct parked *parked = data;

	(void)request;
	(void)pthread_mutex_lock(&parked->locks->mutex);
	parked->interrupted = true;
	(void)pthread_cond_broadcast(&parked->locks->changed);
	(void)pthread_mutex_unlock(&parked->locks->mutex);
}

static int try_lock(int fd, struct flock stored)
{
	while (fcntl(fd, F_OFD_SETLK, &stored) != 0)
		if (errno != EINTR)
			return errno;
	return 0;
}

/* False when it was interrupted. A wake that came between the attempt and here is not missed: `wakes` was
 * read before it. */
static bool pause_until(struct parked *parked, unsigned pause, uint64_t *wakes)
{
	struct applocks *locks = parked->locks;
	struct timespec until = condition_in_ms(pause);
	int timed_out = 0;

	(void)pthread_mutex_lock(&locks->mutex);
	while (!timed_out && !parked->interrupted && !locks->ending && locks->wakes == *wakes)
		timed_out = pthread_cond_timedwait(&locks->changed, &locks->mutex, &until);
	*wakes = locks->wakes;
	bool go_on = !parked->interrupted && !locks->ending;
	(void)pthread_mutex_unlock(&locks->mutex);
	return go_on;
}

static uint64_t wakes_now(struct applocks *locks)
{
	(void)pthread_mutex_lock(&locks->mutex);
	uint64_t wakes = locks->wakes;
	(void)pthread_mutex_unlock(&locks->mutex);
	return wakes;
}

static int wait_for_lock(struct parked *parked)
{
	unsigned pause = PAUSE_FIRST_MS;
	uint64_t wakes = wakes_now(parked->locks);

	for (;;) {
		int error = try_lock(parked->owner->fd, parked->stored);
		if (error != EAGAIN && error != EACCES)
			return error;
		if (!pause_until(parked, pause, &wakes))
			return EINTR;
		pause = pause * 2 > PAUSE_LAST_MS ? PAUSE_LAST_MS : pause * 2;
	}
}

/* What the kernel and we remember of the file is from before the lock. */
static void make_fresh(struct applocks *locks, struct inode *inode)
{
	if (locks->tree->session)
		(void)fuse_lowlevel_notify_inval_inode(locks->tree->session, inode_node(inode), 0, 0);
	inode_forget_content(inode);
}

static void *serve_parked(void *data)
{
	struct parked *parked = data;
	struct applocks *locks = parked->locks;
	int error = parked->granted ? 0 : wait_for_lock(parked);

	if (error == 0 && !locks->tree->options->local)
		make_fresh(locks, parked->owner->inode);
	/* From here on no interrupt can reach `parked`. */
	fuse_req_interrupt_func(parked->request, NULL, NULL);
	(void)fuse_reply_err(parked->request, error);
	applock_owner_put(locks, parked->owner);
	free(parked);
	(void)pthread_mutex_lock(&locks->mutex);
	locks->parked--;
	(void)pthread_cond_broadcast(&locks->changed);
	(void)pthread_mutex_unlock(&locks->mutex);
	return NULL;
}

static int start_thread(struct parked *parked)
{
	pthread_attr_t attributes;
	pthread_t thread;

	(void)pthread_attr_init(&attributes);
	(void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	(void)pthread_attr_setstacksize(&attributes, PARKED_STACK);
	int error = pthread_create(&thread, &attributes, serve_parked, parked);
	(void)pthread_attr_destroy(&attributes);
	return error;
}

/* Takes over the reference to `owner`, and the answer. */
static void park(struct applocks *locks, struct applock_owner *owner, const struct applock_request *request,
		 const struct flock *stored, bool granted)
{
	struct parked *parked = calloc(1, sizeof(*parked));
	fuse_req_t answer = request->request;

	if (!parked) {
		applock_owner_put(locks, owner);
		(void)fuse_reply_err(answer, ENOLCK);
		return;
	}
	*parked = (struct parked){
		.locks = locks, .owner = owner, .request = answer, .stored = *stored, .granted = granted};
	(void)pthread_mutex_lock(&locks->mutex);
	locks->parked++;
	(void)pthread_mutex_unlock(&locks->mutex);
	if (!granted)
		fuse_req_interrupt_func(answer, interrupt, parked);
	if (start_thread(parked) == 0)
		return;
	/* Without a thread nobody could wait; a lock already granted is still ours to answer. */
	parked->granted = granted;
	fuse_req_interrupt_func(answer, NULL, NULL);
	if (granted && !locks->tree->options->local)
		inode_forget_content(owner->inode);
	(void)fuse_reply_err(answer, granted ? 0 : ENOLCK);
	applock_owner_put(locks, owner);
	free(parked);
	(void)pthread_mutex_lock(&locks->mutex);
	locks->parked--;
	(void)pthread_mutex_unlock(&locks->mutex);
}

/* -- requests --------------------------------------------------------------------------------- */

static void unlock(struct applocks *locks, struct applock_owner *owner, const struct flock *stored,
		   fuse_req_t request)
{
	int error = try_lock(owner->fd, *stored);

	applock_owner_put(locks, owner);
	applock_wake(locks);
	(void)fuse_reply_err(request, error);
}

void applock_set(struct applocks *locks, const struct applock_request *request)
{
	struct why why = WHY_NONE;
	struct flock stored;
	struct applock_owner *owner;
	enum fault fault = applock_place_of(request, &stored, &why);

	if (!fault)
		fault = applock_owner_get(locks, request, &owner, &why);
	if (fault) {
		(void)fuse_reply_err(request->request, why_errno(&why, fault));
		return;
	}
	if (stored.l_type == F_UNLCK) {
		unlock(locks, owner, &stored, request->request);
		return;
	}
	int error = try_lock(owner->fd, stored);
	bool busy = error == EAGAIN || error == EACCES;
	bool fresh = locks->tree->options->local;
	if ((busy && request->waits) || (error == 0 && !fresh)) {
		park(locks, owner, request, &stored, error == 0);
		return;
	}
	applock_owner_put(locks, owner);
	/* A lock made weaker may let others in. */
	if (error == 0)
		applock_wake(locks);
	(void)fuse_reply_err(request->request, busy ? EAGAIN : error);
}

void applock_test(struct applocks *locks, const struct applock_request *request)
{
	struct why why = WHY_NONE;
	struct flock stored;
	struct applock_owner *owner;
	enum fault fault = applock_place_of(request, &stored, &why);

	if (!fault)
		fault = applock_owner_get(locks, request, &owner, &why);
	if (!fault && fcntl(owner->fd, F_OFD_GETLK, &stored) != 0)
		fault = why_system(&why, "cannot test a lock");
	if (fault) {
		(void)fuse_reply_err(request->request, why_errno(&why, fault));
		return;
	}
	struct flock shown = stored;
	if (stored.l_type != F_UNLCK)
		applock_shown(&stored, &shown);
	shown.l_pid = 0;
	applock_owner_put(locks, owner);
	(void)fuse_reply_lock(request->request, &shown);
}
