/* keys/recovery.h - opening a folder, or a recovery token in escrow, with the officers of a recovery group,
 * by text blocks, without a network.
 *
 *     asker    recovery_ask()            a request block, signed by him
 *     officer  recovery_request_read()   looks who asks for what and why
 *              recovery_answer()         an answer block
 *     asker    recovery_combine()        M answers: the shared point S = k*R, and what is sealed to it
 *
 * The key k is never put together. An answer is one point, with a proof that it was made with the officer's
 * share for this request: a wrong one is named, and one answer opens one envelope. The blind comes from the
 * asker's own key and the nonce in the request: nothing is kept between asking and opening, nobody else can
 * use the answers, and no officer learns what is opened. So what is asked for is only declared: an officer
 * decides by who asks. Which of the two kinds it is stands in the signature's type and in the blind: answers
 * to a request for the one are refused where the other is to be opened. docs/PROTOCOL.md, "Recovery". Any
 * thread.
 */
#ifndef FSENC_KEYS_RECOVERY_H
#define FSENC_KEYS_RECOVERY_H

#include "keys/armor.h"
#include "keys/keyring.h"
#include "keys/organisation.h"

#define RECOVERY_REQUEST_TYPE "fsenc-recovery-request+v1" /* for a folder */
#define RECOVERY_TOKEN_REQUEST_TYPE "fsenc-token-request+v1"
#define RECOVERY_REQUEST_LABEL "FSENC RECOVERY REQUEST"
#define RECOVERY_ANSWER_LABEL "FSENC RECOVERY ANSWER"
#define RECOVERY_TEXT_MAX 200
#define RECOVERY_NONCE_SIZE 16

/* What is to be opened. */
enum recovery_kind { RECOVERY_FOLDER, RECOVERY_TOKEN, RECOVERY_KIND_COUNT };

/* What a request says. */
struct recovery_request {
	enum recovery_kind kind;
	struct organisation_id organisation;
	struct member_id group;
	uint32_t epoch;
	struct folder_id folder; /* of a folder only, like the next two */
	uint32_t generation; /* of the folder key */
	char place[RECOVERY_TEXT_MAX + 1]; /* as the asker calls it; "" */
	struct member_id user; /* of a token only: whose it is, like the next */
	char user_name[DISPLAY_NAME_MAX + 1];
	char reason[RECOVERY_TEXT_MAX + 1]; /* "" */
	int64_t created; /* unix seconds */
	uint8_t nonce[RECOVERY_NONCE_SIZE];
	struct point point; /* B = b*R */
};

/* `what` without time, nonce and point; `point` is R. `certificate` is of the asker's key: what officers know
 * him by. */
MUST_CHECK enum fault recovery_ask(const struct recovery_request *what, const struct point *point,
				   const struct identity *asker, const struct certificate *certificate,
				   struct bytes *ret_block, struct why *why);

/* A request with who signed it. */
struct recovery_asked {
	struct recovery_request request;
	struct certificate *certificate; /* owned; whoever asks may call himself anything in it */
	struct digest digest; /* what answers refer to */
};
void recovery_asked_done(struct recovery_asked *asked);
AUTO_VALUE(struct recovery_asked, recovery_asked_done);
/* Form, and the signature by the certificate's key; of either kind. FAULT_MALFORMED, FAULT_REFUSED. */
MUST_CHECK enum fault recovery_request_read(const void *text, size_t size, struct recovery_asked *ret_asked,
					    struct why *why);

/* Who the asker is to this keyring: not by the name he gives himself. FAULT_KEY_MISSING: it does not know
 * him; FAULT_IDENTITY: it knows the user by another key. */
MUST_CHECK enum fault recovery_find_asker(const struct recovery_asked *asked, struct keyring *keyring,
					  struct certificate **ret_certificate, struct why *why);

/* The officer's part. FAULT_INVALID: a request for another group or epoch than the share's, or the group is
 * no recovery group. FAULT_REFUSED: the share does not fit the group. */
MUST_CHECK enum fault recovery_answer(const struct recovery_asked *asked,
				      const struct group_descriptor *group, const struct group_share *share,
				      struct bytes *ret_block, struct why *why);

/* Text blocks of answers, in any order; each officer's counts once. */
struct recovery_block {
	const char *name; /* for the words */
	const void *text;
	size_t size;
};
/* The envelope that is to be opened. */
struct recovery_goal {
	enum recovery_kind kind;
	struct point point; /* R */
};
/* `asker` is who signed the request. Every answer given must be right, also where fewer would do.
 * FAULT_INVALID: the request is another's, of the other kind, or for another point, group or epoch; or an
 * answer is to another request. FAULT_IDENTITY: a wrong answer; the words name block and officer's number.
 * FAULT_MISSING: how many answers are missing. */
MUST_CHECK enum fault recovery_combine(const struct recovery_asked *asked, const struct recovery_goal *goal,
				       const struct identity *asker, const struct group_descriptor *group,
				       const struct recovery_block *answers, size_t answer_count,
				       struct point *ret_shared, struct why *why);

#endif
