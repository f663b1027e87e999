/* fs/group_news.h - what a mount hears from its contacts with key servers (keys/contact.h), and what it does
 * then.
 *
 * A contact that has ended: requests that waited for it are done (fs/loop.h), folders that were refused are
 * asked for again, and a recovery group that a newer policy requires is let in (fs/completion.h). A lease that
 * has ended: its folders close, and the kernel forgets them (fs/errand.h). Somebody has left a group: its
 * folders get a new generation (fs/rotation.h). Callbacks only pass on: none
 * waits.
 */
#ifndef FSENC_FS_GROUP_NEWS_H
#define FSENC_FS_GROUP_NEWS_H

#include "fs/errand.h"
#include "fs/tree.h"

struct group_news;

/* Hears of everything from now on, if the share has contacts. Ends before the errands and the loop do. */
MUST_CHECK enum fault group_news_start(struct tree *tree, struct errands *errands,
				       struct group_news **ret_news, struct why *why);
void group_news_stop(struct group_news *news);
AUTO_POINTER(struct group_news *, group_news_stop);

#endif
