/* keys/contact_parts.h - the parts of keys/contact.c, each a file.
 *
 *   contact.c         what is asked: open, confirm, wait, words, state
 *   contact_thread.c  the one thread: which contact is next, and what listeners are told
 *   contact_table.c   groups and openings that are known
 *   contact_verdict.c what a contact has come to: countdown, log, refusals
 *   contact_unlock.c  unlock of one group by t of its servers, blame
 *   contact_lease.c   renewals and confirmations
 *   contact_sync.c    organisation, policy and groups
 *   contact_report.c  heads for the witnesses
 *
 * All of struct contacts is under its mutex, but what only the thread touches. "held" is one that is locked.
 * The thread talks to servers with the mutex open. What listeners are to be told is gathered in struct
 * contact_news and told when the mutex is open again.
 */
#ifndef FSENC_KEYS_CONTACT_PARTS_H
#define FSENC_KEYS_CONTACT_PARTS_H

#include <pthread.h>

#include "keys/contact.h"
#include "keys/network.h"
#include "keys/notice.h"

#define CONTACT_HOST_SIZE 256
#define DENIAL_KEPT_MS 60000
#define UNAVAILABLE_KEPT_MS 30000 /* directory-unavailable, and what is not the whole contact's failure */
#define NO_NETWORK_KEPT_MS 3000 /* no countdown, but no attempt for every access either */
#define STALE_MS 60000 /* how long the share may lag behind the key servers */
#define LIAR_KEPT_MS 600000
#define TICKET_MS 1000 /* an answer under a lease of zero serves who waited for it, and soon */
#define POLICY_KEPT_MS 3600000
#define WATCH_LEAST_MS 5000 /* between questions about groups that are only watched */
#define WATCH_MOST_MS 60000

/* A refusal that holds for a while without a contact; FAULT_NONE: none. */
struct refusal {
	enum fault fault;
	int64_t until_ms;
	struct why why;
};

struct contact_group {
	struct contact_group *next;
	struct member_id id;
	char name[DISPLAY_NAME_MAX + 1];
	struct group_lease *lease; /* NULL: not warm */
	struct refusal refusal;
	bool is_unanswered; /* in this contact: by too few of its servers */
	bool is_watched;
	unsigned waiting; /* accesses that wait for an answer under a lease of zero */
	int64_t waiting_since_ms;
	unsigned tickets; /* accesses that may go on by the last answer */
	int64_t tickets_until_ms;
};

enum opening_state { OPENING_IDLE, OPENING_WANTED, OPENING_OPEN };

/* A folder by a group. */
struct contact_opening {
	struct contact_opening *next;
	struct contact_group *group;
	struct unlock_target target;
	enum opening_state state;
	int64_t asked_ms; /* WANTED since */
	struct secret *key; /* OPEN: the folder key of the target's generation */
	struct refusal refusal; /* of this folder alone */
	uint64_t head_version; /* that a key server knows, when it is more than the target's; else 0 */
	int64_t stale_since_ms;
};

struct contact_liar {
	struct member_id server;
	int64_t until_ms;
};

struct contact_report; /* contact_report.c */

struct contacts {
	pthread_mutex_t mutex;
	pthread_cond_t idle; /* a contact has ended */
	pthread_t thread;
	bool has_thread;
	struct keyring *keyring;
	bool is_background;
	struct contacts_listener listener;

	/* The thread's own. */
	struct network *network; /* NULL: not watched */
	int wake_fd;

	/* Who we are. */
	struct service *service; /* NULL: not enrolled; only the thread replaces it */
	struct service **retired; /* commands may have borrowed them */
	size_t retired_count;
	struct organisation_id organisation;
	char organisation_name[DISPLAY_NAME_MAX + 1];
	uint64_t organisation_version;
	bool has_policy;
	struct policy policy;
	int64_t policy_received; /* unix seconds */

	/* When servers may be asked. */
	struct countdown countdown;
	uint8_t boot_id[COUNTDOWN_BOOT_ID_SIZE];
	uint32_t data_version;
	int64_t no_network_until_ms;
	bool is_down; /* the last contact failed, or there was no network for it */
	bool has_failed; /* one of this process did */
	struct why down_why;
	int64_t said_ms; /* the remaining minutes went to the log */

	/* What is wanted. */
	bool is_busy; /* a contact is under way */
	bool is_telling; /* listeners are being told */
	bool must_stop;
	uint64_t rounds; /* how often the thread has looked around */
	bool was_woken; /* contacts_wake() */
	bool must_probe; /* the network came while something was refused */
	unsigned sync_wanted, sync_done; /* calls of contacts_sync() begun, and answered */
	enum fault sync_fault;
	struct why sync_why;
	char sync_host[CONTACT_HOST_SIZE];
	int64_t policy_due_ms;
	int64_t watch_due_ms;
	struct contact_group *groups;
	struct contact_opening *openings;
	struct contact_liar liars[GROUP_SERVERS_MAX];
	size_t liar_count;
	struct contact_report *reports;
	int64_t reports_due_ms; /* not before */
	unsigned lost; /* leases that ran out since the last success */
};

struct contacts *contacts_hold(struct contacts *contacts);
void contacts_let_go(struct contacts *contacts);
AUTO_POINTER(struct contacts *, contacts_let_go);

/* -- contact_table.c ------------------------------------------------------------------- */

/* NULL when there is no memory; `name` NULL: unknown. */
struct contact_group *group_get(struct contacts *held, const struct member_id *id, const char *name);
struct contact_group *group_find(struct contacts *held, const struct member_id *id);
/* The opening of a target; another generation or envelope of the same folder begins anew. NULL: no memory. */
struct contact_opening *opening_get(struct contacts *held, struct contact_group *group,
				    const struct unlock_target *target);
struct contact_opening *opening_find(struct contacts *held, const struct contact_group *group,
				     const struct unlock_target *target);
/* Wipes every key that was opened by the group. */
void group_forget_keys(struct contacts *held, const struct contact_group *group);
bool group_is_warm(const struct contact_group *group, int64_t now_ms);
bool group_has_zero_lease(const struct contact_group *group);
/* Grants or renews. false: no memory. */
bool group_grant(struct contacts *held, struct contact_group *group, int64_t sent_ms, uint32_t seconds);
void refuse_for(struct refusal *refusal, enum fault fault, int64_t now_ms, int64_t kept_ms,
		const struct why *why);
bool refusal_holds(const struct refusal *refusal, int64_t now_ms);
void contacts_forget_refusals(struct contacts *held);
void contacts_forget_all(struct contacts *held);

/* -- news for listeners ---------------------------------------------------------------- */

struct contact_news {
	bool settled;
	struct group_lease **ended;
	size_t ended_count;
	struct member_id *due; /* groups whose folders are to be rotated */
	size_t due_count;
};
void contact_news_done(struct contact_news *news);
AUTO_VALUE(struct contact_news, contact_news_done);
/* Ends the group's lease and wipes its keys. */
void news_end_lease(struct contact_news *news, struct contacts *held, struct contact_group *group);
void news_rotation(struct contact_news *news, const struct member_id *group);
void news_tell(struct contacts *contacts, const struct contact_news *news);

/* -- one contact ----------------------------------------------------------------------- */

struct contact_run {
	struct contacts *contacts;
	struct contact_news *news;
	int64_t begun_ms, deadline_ms;
	bool somebody_waits; /* then a failure starts the countdown */
	bool was_answered; /* by as many servers as a question needed */
	bool has_failed; /* a question was answered by too few */
	bool has_reached; /* of those that failed: something left this machine */
	struct why why;
};
/* What a call of the service came to, for the run. */
void run_note(struct contact_run *run, enum fault fault, const struct service_answer *last,
	      const struct why *why);
/* Countdown, log, refusals; wakes who waits. */
void run_conclude(struct contact_run *run);

/* contact_verdict.c: may the client make a contact by itself? */
bool contact_is_allowed(const struct contacts *held, int64_t now_ms);
/* The policy's minimum_client: while it closes group keys to this program nothing is asked, and no lease stays. */
MUST_CHECK enum fault contact_check_version(const struct contacts *held, struct why *why);
/* Why not, for people. */
void contact_refusal_words(struct contacts *held, int64_t now_ms, struct why *why);
/* Once a minute. */
void contact_log_minutes(struct contacts *held, int64_t now_ms);
/* Another process may have started or ended the countdown. */
void contact_look_at_keyring(struct contacts *held);
void contact_network_changed(struct contacts *held, int64_t now_ms);
/* How a signed problem is taken. */
struct problem_meaning {
	enum fault fault;
	int64_t kept_ms;
	bool is_denial; /* counts among the n-t+1 */
};
struct problem_meaning problem_meaning(enum problem_type type);
/* "key server HOST: DETAIL" */
void problem_words(const struct service_answer *answer, struct why *why);
bool contact_is_liar(const struct contacts *held, const struct member_id *server, int64_t now_ms);
void contact_exclude(struct contacts *held, const struct member_id *server, int64_t now_ms);
/* The group's servers that are not excluded, those who answered last first. */
size_t contact_servers(struct contacts *contacts, const struct group_descriptor *group,
		       struct member_id servers[static GROUP_SERVERS_MAX]);
/* So many of these were silent in this contact already that `wanted` others cannot be found. */
bool contact_is_hopeless(const struct contact_run *run, const struct member_id *servers, size_t server_count,
			 size_t wanted);
/* The organisation's servers, as far as a URL may lead to them, in the same order. */
size_t contact_all_servers(struct service *service, struct member_id servers[static GROUP_SERVERS_MAX]);
/* From the keyring, or asked for; `fresh`: asked for. */
MUST_CHECK enum fault contact_descriptor(struct contact_run *run, const struct member_id *group, bool fresh,
					 struct group_descriptor *ret_group, struct why *why);
/* As often as leases are renewed, within bounds. */
int64_t contact_watch_ms(const struct contacts *held);
/* Not more than the policy says. */
uint32_t contact_lease_seconds(const struct contacts *held, uint32_t answered);

/* All wanted openings. */
void contact_unlock(struct contact_run *run);
/* Every warm group in one request a set of servers, with those that are watched or wait for confirmation. */
void contact_renew(struct contact_run *run);
/* `everybody`: every server, as a command wants it; else who answers first. */
MUST_CHECK enum fault contact_synchronise(struct contact_run *run, bool everybody,
					  char ret_host[static CONTACT_HOST_SIZE], struct why *why);
void contact_send_reports(struct contact_run *run);
bool contact_has_reports(const struct contacts *held, int64_t now_ms);
void contact_reports_free(struct contacts *contacts);
/* Organisation, service and policy from the keyring. */
MUST_CHECK enum fault contact_load(struct contacts *held, struct why *why);

void *contact_thread(void *contacts);
void contact_wake_thread(const struct contacts *contacts);

#endif
