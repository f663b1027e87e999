/* tests/lib/fake_contacts.h - keys/contact.h played by a script: what the key servers would say, at once.
 *
 * Linked in place of keys/contact.c. A folder opens with the identity that the script names, as if that one's
 * envelope were the group's. A test with more than one thread holds fake_mutex while it changes the script.
 */
#ifndef FSENC_TESTS_LIB_FAKE_CONTACTS_H
#define FSENC_TESTS_LIB_FAKE_CONTACTS_H

#include <pthread.h>

#include "keys/contact.h"

struct fake_contacts {
	enum fault open; /* what contacts_open() gives; FAULT_NONE: keys */
	enum fault confirm; /* what contacts_confirm() gives for a lease that is not valid */
	const struct identity *opener;
	enum role role;
	uint32_t lease_seconds;
	struct group_lease *lease; /* the last one given; a reference */
	unsigned opens, confirms, waits, reports, wakes; /* calls */
	uint64_t reported; /* version of the last record told */
	size_t reported_earlier; /* how many before it came along */
	struct member_id watched;
	unsigned watches;
	void (*waiting)(struct fake_contacts *fake); /* called by contacts_wait() */
	struct contacts_listener listener;
};
extern struct fake_contacts fake;
extern pthread_mutex_t fake_mutex;

/* Any pointer does: there is one script. */
static inline struct contacts *fake_contacts(void)
{
	return (struct contacts *)(void *)&fake;
}

#endif
