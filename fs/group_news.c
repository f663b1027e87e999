#include "fs/group_news.h"

#include "fs/loop.h"
#include "keys/contact.h"

struct group_news {
	struct tree *tree;
	struct errands *errands;
};

static void settled(void *context)
{
	struct group_news *news = context;

	loop_settled(news->tree->loop);
	errands_settled(news->errands);
}

static void lease_ended(void *context, struct group_lease *lease)
{
	struct group_news *news = context;

	folder_lease_ended(news->tree->share, lease);
}

static void rotation_due(void *context, const struct member_id *group)
{
	struct group_news *news = context;

	errands_rotate(news->errands, group);
}

enum fault group_news_start(struct tree *tree, struct errands *errands, struct group_news **ret_news,
			    struct why *why)
{
	struct group_news *news = calloc(1, sizeof(*news));

	if (!news)
		return why_set(why, FAULT_MEMORY, "no memory for a mount");
	*news = (struct group_news){tree, errands};
	if (share_contacts(tree->share))
		contacts_listen(share_contacts(tree->share),
				&(struct contacts_listener){.settled = settled,
							    .lease_ended = lease_ended,
							    .rotation_due = rotation_due,
							    .context = news});
	*ret_news = news;
	return FAULT_NONE;
}

void group_news_stop(struct group_news *news)
{
	if (!news)
		return;
	if (share_contacts(news->tree->share))
		contacts_listen(share_contacts(news->tree->share), NULL);
	free(news);
}
