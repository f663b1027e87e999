/* fs/folder_remove.h - giving up a folder whose directory is empty.
 *
 * A pinned folder that vanishes is an alarm to every client, so its end is signed: the closing record goes
 * into `.fsenc-backup/<folder id>/` (with the log that leads to it) before anything is taken away. Clients
 * that find it drop their pin. The caller then removes the directory; if that fails because somebody was
 * faster and made a file in it, folder_remove_undo() puts the access list back. docs/FORMAT.md, "Pins".
 */
#ifndef FSENC_FS_FOLDER_REMOVE_H
#define FSENC_FS_FOLDER_REMOVE_H

#include "fs/access.h"

/* FAULT_DENIED unless the share's user is an admin. The access list as it was is appended to *ret_text. */
MUST_CHECK enum fault folder_remove(const struct access_place *place, struct bytes *ret_text,
				    struct why *why);
void folder_remove_undo(const struct access_place *place, const struct bytes *text);

#endif
