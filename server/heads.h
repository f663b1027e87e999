/* server/heads.h - a witness for access lists: what was the newest record of a folder that anybody showed.
 *
 * Whoever can write to the share can put an old record back; a client that has never seen the newer one
 * cannot know. The server can, because every signed change is shown to it: an unlock that comes with an older
 * record is refused as stale. It verifies what it is shown by the same rules as clients (keys/record.h),
 * believes a first record when its maker's key is known here, and keeps both of two that contradict each
 * other.
 */
#ifndef FSENC_SERVER_HEADS_H
#define FSENC_SERVER_HEADS_H

#include "keys/message.h"
#include "server/store.h"

enum head_judgement {
	HEAD_FITS, /* the newest known here, or newer, or of a folder that is not known */
	HEAD_STALE, /* older than the newest, or another one of its version */
	HEAD_IMPOSSIBLE, /* names a generation that the record does not have */
};

/* How the record that an unlock names stands to the one known here; `*ret_version` is that one's, 0 when
 * there is none. Any thread. */
MUST_CHECK enum fault heads_judge(struct store *store, const struct unlock_item *item,
				  enum head_judgement *ret_judgement, uint64_t *ret_version, struct why *why);

#endif
