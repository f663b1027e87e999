/* keys/contact.h - who may talk to the key servers, and when: contacts, leases, the countdown, together.
 *
 * One struct contacts a process. A thread of its own does all talking, so nobody who asks ever waits for a
 * server, unless he calls contacts_wait(). One contact at a time: who asks meanwhile shares its result
 * and its 5 s. The rules are product.md's offline rules 1 to 7 and 11; the pure parts are keys/lease.h and
 * keys/countdown.h. The countdown lies in the keyring and so holds for all processes of the user; that
 * another process has ended it is noticed at the next question.
 *
 *     fault = contacts_open(contacts, file, &opened, why);
 *     FAULT_NONE         opened.keys, role and lease are there
 *     FAULT_PENDING      a contact is under way: ask again when `settled` was called
 *     FAULT_UNREACHABLE  countdown, no network, or the contact failed; `why` has the reason and the minutes
 *     FAULT_DENIED       a server answered: not a member, disabled, limit, clock, unknown key
 *     FAULT_LOCKED       no group of this organisation on the list, or not enrolled
 *     FAULT_MISSING      stale: the servers know a newer access list than `file`; look at the share again. When
 *                        it has not come after 60 s it is FAULT_TAMPERED
 *     FAULT_TAMPERED     an envelope that does not fit; FAULT_IDENTITY  a lying server, named
 *
 * Any thread. Callbacks come from the contacts' thread, with no lock held. contacts_open(), contacts_confirm() and
 * contacts_words() may be called with locks held that callbacks take: they never call back.
 */
#ifndef FSENC_KEYS_CONTACT_H
#define FSENC_KEYS_CONTACT_H

#include "keys/lease.h"
#include "keys/service.h"
#include "keys/unlock.h"

struct contacts;

/* A group whose key was used: shared by all folders opened through it; counted. */
struct group_lease {
	struct lease lease;
	struct member_id group;
	char name[DISPLAY_NAME_MAX + 1];
	atomic_uint references;
};
struct group_lease *group_lease_ref(struct group_lease *lease);
void group_lease_unref(struct group_lease *lease);
AUTO_POINTER(struct group_lease *, group_lease_unref);

struct contacts_listener {
	/* A contact has ended, a countdown or the network changed: who was PENDING or refused may ask again.
	 */
	void (*settled)(void *context);
	/* A lease ran out or was denied: `group_lease_is` the one; its keys must go (product.md, rule 4). */
	void (*lease_ended)(void *context, struct group_lease *lease);
	/* The group's folders are due for a new generation (member counter): an admin's mount rotates. */
	void (*rotation_due)(void *context, const struct member_id *group);
	void *context;
};

struct contacts_options {
	struct keyring *keyring; /* unlocked; borrowed */
	bool background; /* a mount: renews leases, watches the network; else (a command) only what is asked
			  */
};
/* A keyring without organisation is fine: everything asked is then FAULT_LOCKED. */
MUST_CHECK enum fault contacts_new(const struct contacts_options *options, struct contacts **ret_contacts,
				   struct why *why);
void contacts_free(struct contacts *contacts);
AUTO_POINTER(struct contacts *, contacts_free);
/* In place of who listened before; NULL: nobody. None of his calls is under way any more when it returns. */
void contacts_listen(struct contacts *contacts, const struct contacts_listener *listener);

struct contact_opened {
	struct folder_keys *keys; /* owned by the caller */
	enum role role; /* the highest of the groups that are open */
	struct group_lease *lease; /* a reference */
};
void contact_opened_done(struct contact_opened *opened);
AUTO_VALUE(struct contact_opened, contact_opened_done);
MUST_CHECK enum fault contacts_open(struct contacts *contacts, const struct folder_file *file,
				    struct contact_opened *ret_opened, struct why *why);
/* Asked when `lease` is not valid. With a policy of lease 0: may this access use the keys? NONE, PENDING or a
 * refusal. A lease that has run out or was denied: FAULT_UNREACHABLE or FAULT_DENIED at once, with the words, and
 * no contact. NONE at once for a valid lease. */
MUST_CHECK enum fault contacts_confirm(struct contacts *contacts, struct group_lease *lease, struct why *why);
/* Waits until no contact is under way, or the time (boot ms) has come. */
void contacts_wait(struct contacts *contacts, int64_t deadline_ms);
/* The present words for a refused group folder: "key server HOST not responding; next try in 12 min". */
void contacts_words(struct contacts *contacts, const struct folder_file *file,
		    char text[static WHY_TEXT_SIZE]);

/* A new operation of the user (`sync`, `enroll`, `add-group`): one contact whatever the countdown says;
 * fetches organisation, policy and groups; success ends the countdown. Waits. `ret_host` 256 bytes. */
MUST_CHECK enum fault contacts_sync(struct contacts *contacts, char ret_host[static 256], struct why *why);
/* A folder with this group, which we administer by an entry of our own, is in use: at the next lease request and
 * after contacts_sync() or contacts_wake() the group is asked for as well, only for `rotation_due`. Opens nothing.
 * May be called again. */
void contacts_watch(struct contacts *contacts, const struct member_id *group);
/* Another process has synchronised, or the network came back. */
void contacts_wake(struct contacts *contacts);
/* A record was written by us: `/v1/heads` is told, in the background (a command: before contacts_free() returns, if
 * it can be without waiting for a server that is down). Copied. Without an organisation, or in a share of
 * another one, nothing. A server that does not know the version before asks for it: so give the records
 * before it, in ascending order, as many as are at hand. */
void contacts_report(struct contacts *contacts, const struct folder_file *file);
void contacts_report_chain(struct contacts *contacts, const struct folder_file *file,
			   const struct signed_object *const *earlier, size_t earlier_count);
/* The service, for commands that ask for users, groups and members; NULL when not enrolled. Borrowed. */
struct service *contacts_service(struct contacts *contacts);

struct contacts_state {
	bool enrolled;
	char organisation[DISPLAY_NAME_MAX + 1];
	int64_t policy_received; /* unix seconds; 0 never */
	uint64_t policy_version;
	int64_t countdown_left_ms; /* 0: none */
};
void contacts_state(struct contacts *contacts, struct contacts_state *ret_state);
/* Every warm group: name and milliseconds left; 0 under a policy of lease 0. `each` must not call contacts. */
void contacts_each_lease(struct contacts *contacts,
			 void (*each)(void *context, const char *name, int64_t left_ms), void *context);

#endif
