/* fs/handle.h - what a mount has open for the kernel: files and listings.
 *
 * The kernel releases each handle, except those that are open when the mount is taken away: then it says
 * nothing more, and whoever ends the mount ends them. So each is linked, embedded as the first member of what
 * it is:
 *
 *     struct listing { struct handle handle; ... };
 *     handle_add(&tree->handles, &listing->handle, end_listing);
 *
 * Any thread. The mutex is held for a few instructions, never during input or output.
 */
#ifndef FSENC_FS_HANDLE_H
#define FSENC_FS_HANDLE_H

#include <pthread.h>

struct handle {
	struct handle *next, **link; /* what points to it */
	void (*end)(struct handle *handle);
};

struct handles {
	pthread_mutex_t mutex;
	struct handle *first;
};

void handles_init(struct handles *handles);
/* Ends every one that is left, by its `end`, which drops it. No other thread uses any by now. */
void handles_done(struct handles *handles);

void handle_add(struct handles *handles, struct handle *handle, void (*end)(struct handle *handle));
void handle_drop(struct handles *handles, struct handle *handle);

#endif
