/* server/membership.h - the directory, as requests ask it: in time, not all at once, and replaceable.
 *
 *     AUTO(question_end) struct question question = question_begin(membership);
 *     switch (directory_is_member(question.directory, &account, &group, question.deadline, &proof, why)) ...
 *
 * The look-ups of a question, one or several, end QUESTION_MS after it began, whatever the network does.
 * While the directory does not answer, each holds a thread for so long: so once the last contact got no
 * answer, only QUESTIONS_WAITING at a time may wait for it. The others have a deadline that has passed: they
 * are answered from what the directory remembers, else at once with "unknown". Nothing is remembered here.
 *
 * membership_replace() puts another directory in place (a reloaded configuration); the old one is closed when
 * the last question to it has ended. Any thread.
 */
#ifndef FSENC_SERVER_MEMBERSHIP_H
#define FSENC_SERVER_MEMBERSHIP_H

#include "ldap/directory.h"

#define QUESTION_MS 3000
#define QUESTIONS_WAITING 2

struct membership;

/* Both take the directory over, also on failure. */
MUST_CHECK enum fault membership_new(struct directory *directory, struct membership **ret_membership,
				     struct why *why);
MUST_CHECK enum fault membership_replace(struct membership *membership, struct directory *directory,
					 struct why *why);
void membership_free(struct membership *membership);
AUTO_POINTER(struct membership *, membership_free);

struct question {
	struct membership *membership;
	struct placed *placed; /* holds the directory */
	struct directory *directory;
	int64_t deadline; /* of clock_boot_ms(); 0: does not wait */
};
struct question question_begin(struct membership *membership);
void question_end(struct question *question);
AUTO_VALUE(struct question, question_end);

/* The policy's times; they hold for the directory that is in place and for each that takes its place. Cheap
 * when they are the same as before. */
void membership_remember(struct membership *membership, int64_t yes_ms, int64_t no_ms);

/* Asks nobody. */
void membership_state(struct membership *membership, struct directory_state *ret_state);

#endif
