/* fs/rotation.h - new generations where somebody has left a group.
 *
 * The key servers mark a group when a member leaves who had unlocked something of it (contacts'
 * `rotation_due`). The first admin's client that gets the lock of a folder's log makes the new generation;
 * those that come after find it done and leave it at that.
 */
#ifndef FSENC_FS_ROTATION_H
#define FSENC_FS_ROTATION_H

#include "fs/folder.h"

/* All folders met so far whose list has the group and an entry of ours as admin. Takes seconds when others
 * hold locks, so not for a worker. What does not work is a line in the log; the mark stays with the servers.
 */
void rotate_folders(struct share *share, const struct member_id *group);

#endif
