#include "fs/forgetting.h"

#include <string.h>

#include "fs/fuse.h"

struct forgetting {
	struct tree *tree;
	struct folder *const *folders;
	const struct folder_view **views; /* references; of those that close with keys still there */
	size_t count;
};

static size_t index_of(const struct forgetting *forgetting, const struct folder *folder)
{
	size_t i = 0;

	while (i < forgetting->count && forgetting->folders[i] != folder)
		i++;
	return i;
}

static void drop_name(const struct forgetting *forgetting, struct inode *inode,
		      const struct folder_view *view)
{
	AUTO(inode_name_done) struct inode_name name = {.parent = NULL};
	char plain[NAME_MAX_PLAIN + 1];

	inode_name(inode, &name);
	if (!name.parent || name.gone || name_classify(name.entry) != NAME_ENTRY ||
	    name_decode(view->names, name.entry, strlen(name.entry), plain, NULL) != FAULT_NONE)
		return;
	(void)fuse_lowlevel_notify_inval_entry(forgetting->tree->session, inode_node(name.parent), plain,
					       strlen(plain));
}

static void drop_inode(void *context, struct inode *inode)
{
	const struct forgetting *forgetting = context;
	AUTO(inode_unref) struct inode *parent = inode_parent(inode);
	AUTO(folder_unref) struct folder *folder = parent ? inode_folder(parent) : NULL;
	size_t i = index_of(forgetting, folder);

	if (i == forgetting->count)
		return;
	(void)fuse_lowlevel_notify_inval_inode(forgetting->tree->session, inode_node(inode), 0, 0);
	inode_forget_content(inode);
	if (forgetting->views && forgetting->views[i] && inode_type(inode) != S_IFDIR)
		drop_name(forgetting, inode, forgetting->views[i]);
}

static void take_views(struct forgetting *forgetting)
{
	for (size_t i = 0; forgetting->views && i < forgetting->count; i++)
		forgetting->views[i] = folder_closing_view(forgetting->folders[i]);
}

static void leave_views(struct forgetting *forgetting)
{
	for (size_t i = 0; forgetting->views && i < forgetting->count; i++)
		folder_leave(forgetting->views[i]);
	free(forgetting->views);
	forgetting->views = NULL;
}

void forget_folders(struct tree *tree, struct folder *const *folders, size_t count)
{
	struct forgetting forgetting = {.tree = tree, .folders = folders, .count = count};

	forgetting.views = calloc(count, sizeof(*forgetting.views));
	take_views(&forgetting);
	inode_each(tree->inodes, drop_inode, &forgetting);
	leave_views(&forgetting);
	for (size_t i = 0; i < count; i++)
		folder_wipe(folders[i]);
	inode_each(tree->inodes, drop_inode, &forgetting);
	for (size_t i = 0; i < count; i++)
		folder_closed(folders[i]);
}
