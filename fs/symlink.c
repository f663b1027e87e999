#include "fs/symlink.h"

#include <limits.h>
#include <unistd.h>

#include "fs/seal.h"

static enum fault read_sealed(struct inode *inode, char text[static PATH_MAX], size_t *ret_size,
			      struct why *why)
{
	AUTO(reach_close) struct reach reach = REACH_NONE;
	enum fault fault = reach_open(inode, &reach, why);

	if (fault)
		return fault;
	ssize_t got = readlinkat(reach.fd, "", text, PATH_MAX);
	if (got < 0)
		return why_system(why, "cannot read a link");
	*ret_size = (size_t)got;
	return FAULT_NONE;
}

enum fault symlink_read(struct tree *tree, struct inode *inode, struct bytes *ret_target, struct why *why)
{
	AUTO(scope_leave) struct scope scope = SCOPE_NONE;
	char text[PATH_MAX];
	size_t size = 0;
	enum fault fault;

	do {
		fault = scope_enter_of(tree, inode, PLACE_SEEN, &scope, why);
		if (!fault && !scope.view)
			return why_set(why, FAULT_FORBIDDEN, "a lobby holds only directories");
		if (!fault)
			fault = read_sealed(inode, text, &size, why);
		if (!fault)
			fault = seal_open_symlink(scope.view->terms.keys, scope.view->terms.min_read, text,
						  size, ret_target, why);
	} while (scope_was_behind(&scope, &fault));
	return fault;
}
