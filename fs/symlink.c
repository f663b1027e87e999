#include "fs/symlink.h"

#include <limits.h>
#include <unistd.h>

#include "fs/seal.h"

enum fault symlink_read(struct tree *tree, struct inode *inode, struct bytes *ret_target, struct why *why)
{
	AUTO(scope_leave) struct scope scope = SCOPE_NONE;
	AUTO(reach_close) struct reach reach = REACH_NONE;
	char text[PATH_MAX];
	enum fault fault = scope_enter_of(tree, inode, PLACE_SEEN, &scope, why);

	if (!fault && !scope.view)
		fault = why_set(why, FAULT_FORBIDDEN, "a lobby holds only directories");
	if (!fault)
		fault = reach_open(inode, &reach, why);
	if (fault)
		return fault;
	ssize_t got = readlinkat(reach.fd, "", text, sizeof(text));
	if (got < 0)
		return why_system(why, "cannot read a link");
	return seal_open_symlink(scope.view->terms.keys, scope.view->terms.min_read, text, (size_t)got,
				 ret_target, why);
}
