/* fs/completion.h - recovery groups that the policy has named since a folder was made.
 *
 * Such a folder is served as before. The mount of an admin lets the group in by itself, under the lock of the
 * folder's log, where whoever comes later finds it done; commands that change the list do it on the way
 * (fs/access_groups.h). What is required is the last verified policy in the keyring, and only where the share
 * is of the keyring's organisation. A group whose descriptor is not in the keyring waits for it. With
 * `offline = block` the key servers must have answered within the last minute, and a program older than the
 * policy's `minimum_client` signs nothing.
 */
#ifndef FSENC_FS_COMPLETION_H
#define FSENC_FS_COMPLETION_H

#include "fs/folder.h"

/* The required recovery groups that `folder` is without, as last seen: their names, or their ids while the
 * keyring has no descriptor; at most ORGANISATION_RECOVERY_MAX. 0 also when its list is not accepted. */
struct completion_lacks {
	char names[ORGANISATION_RECOVERY_MAX][DISPLAY_NAME_MAX + 1];
	size_t count;
};
void completion_lacks(struct folder *folder, struct completion_lacks *ret_lacks);

/* Lets them in where an entry of ours makes us admin; all folders met so far, or one. Takes half a second
 * when somebody else holds the lock, so not for a worker. One line in the log when it is done, and one a
 * folder when it cannot be. */
void complete_folders(struct share *share);
void complete_folder(struct folder *folder);

#endif
