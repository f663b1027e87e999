/* ldap/pool_parts.h - how pool.c and its neighbours share the work; for nobody else. */
#ifndef FSENC_LDAP_POOL_PARTS_H
#define FSENC_LDAP_POOL_PARTS_H

#include <pthread.h>

#include "ldap/pool.h"
#include "ldap/root_dse.h"

#define POOL_IDLE_MAX 64
#define POOL_LOGINS_MAX 16 /* at one server, under way */

struct pool_server {
	int64_t failed_at; /* boot ms; 0: not since the start */
	unsigned open; /* in use, idle or being opened */
	unsigned logins;
};

struct pool_idle {
	struct conn *conn;
	size_t server;
	int64_t since;
};

struct pool {
	pthread_mutex_t lock; /* over all below but the settings, which do not change */
	pthread_cond_t changed; /* a connection came back, or a place became free */
	unsigned references; /* the owner's, and one each thread that opens */
	bool closed;
	struct ldap_settings *settings;
	struct pool_server servers[SETTINGS_SERVERS_MAX];
	size_t good; /* the server that answered last */
	struct pool_idle idle[POOL_IDLE_MAX];
	size_t idle_count;
	char kind[sizeof((struct root_dse *)NULL)->kind];
	bool answered;
	int64_t answered_at; /* 0: never */
	char failure[WHY_TEXT_SIZE];
};

/* pool.c */
void pool_lock(struct pool *pool);
void pool_unlock(struct pool *pool);
/* Waits, with the lock, until something changed or the deadline; false: it has passed. */
bool pool_wait(struct pool *pool, pthread_cond_t *condition, int64_t deadline);
/* With the lock; the last one frees. Unlocks. */
void pool_release_and_unlock(struct pool *pool);
/* A connection to the server, idle or new; *ret_reused tells which. `fresh`: no idle one. */
MUST_CHECK enum directory_reason pool_take(struct pool *pool, size_t server, bool fresh, int64_t deadline,
					   struct conn **ret_conn, bool *ret_reused, struct why *why);
/* Keeps it for the next question, or closes it. */
void pool_put(struct pool *pool, size_t server, struct conn *conn);

/* pool_open.c; the caller has counted the place, which is given back when this fails or ends late. */
MUST_CHECK enum directory_reason pool_open(struct pool *pool, size_t server, int64_t deadline,
					   struct conn **ret_conn, struct why *why);

#endif
