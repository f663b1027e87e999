#include "fs/errand.h"

#include <pthread.h>

#include "fs/fuse.h"

struct errand {
	struct errand *next;
	struct folder *folder; /* reference */
	bool open;
};

struct errands {
	struct tree *tree;
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	struct errand *first, **last;
	bool ending;
};

/* -- a folder that closes ----------------------------------------------------------------------- */

struct closing {
	struct tree *tree;
	const struct folder *folder;
};

static void drop_inode(void *context, struct inode *inode)
{
	const struct closing *closing = context;
	AUTO(inode_unref) struct inode *parent = inode_parent(inode);
	AUTO(folder_unref) struct folder *folder = parent ? inode_folder(parent) : NULL;

	if (folder != closing->folder)
		return;
	inode_forget_content(inode);
	(void)fuse_lowlevel_notify_inval_inode(closing->tree->session, inode_node(inode), 0, 0);
}

static void close_folder(struct tree *tree, const struct folder *folder)
{
	struct closing closing = {tree, folder};

	inode_each(tree->inodes, drop_inode, &closing);
}

/* -- the thread --------------------------------------------------------------------------------- */

static struct errand *next_errand(struct errands *errands)
{
	(void)pthread_mutex_lock(&errands->mutex);
	while (!errands->first && !errands->ending)
		(void)pthread_cond_wait(&errands->changed, &errands->mutex);
	struct errand *errand = errands->first;
	if (errand) {
		errands->first = errand->next;
		if (!errands->first)
			errands->last = &errands->first;
	}
	(void)pthread_mutex_unlock(&errands->mutex);
	return errand;
}

static void *run(void *context)
{
	struct errands *errands = context;

	for (struct errand *errand = next_errand(errands); errand; errand = next_errand(errands)) {
		if (errand->open)
			errand_replay(errands->tree->share);
		else
			close_folder(errands->tree, errand->folder);
		folder_unref(errand->folder);
		free(errand);
	}
	return NULL;
}

static void folder_has_changed(void *context, struct folder *folder, bool open)
{
	struct errands *errands = context;
	struct errand *errand = calloc(1, sizeof(*errand));

	if (!errand)
		return;
	*errand = (struct errand){.folder = folder_ref(folder), .open = open};
	(void)pthread_mutex_lock(&errands->mutex);
	*errands->last = errand;
	errands->last = &errand->next;
	(void)pthread_cond_signal(&errands->changed);
	(void)pthread_mutex_unlock(&errands->mutex);
}

enum fault errands_start(struct tree *tree, struct errands **ret_errands, struct why *why)
{
	struct errands *errands = calloc(1, sizeof(*errands));

	if (!errands)
		return why_set(why, FAULT_MEMORY, "no memory for a mount");
	errands->tree = tree;
	errands->last = &errands->first;
	(void)pthread_mutex_init(&errands->mutex, NULL);
	(void)pthread_cond_init(&errands->changed, NULL);
	if (pthread_create(&errands->thread, NULL, run, errands) != 0) {
		free(errands);
		return why_set(why, FAULT_MEMORY, "no thread for a mount");
	}
	folder_on_change(tree->share, folder_has_changed, errands);
	*ret_errands = errands;
	return FAULT_NONE;
}

void errands_stop(struct errands *errands)
{
	if (!errands)
		return;
	folder_on_change(errands->tree->share, NULL, NULL);
	(void)pthread_mutex_lock(&errands->mutex);
	errands->ending = true;
	(void)pthread_cond_signal(&errands->changed);
	(void)pthread_mutex_unlock(&errands->mutex);
	(void)pthread_join(errands->thread, NULL);
	(void)pthread_cond_destroy(&errands->changed);
	(void)pthread_mutex_destroy(&errands->mutex);
	free(errands);
}
