/* tests/lib/key_server.h - a key server for tests of its client: in this process, on a loopback port, http.
 *
 * It knows a company, one user and some groups, signs every answer, counts what it is asked, and says what
 * the script tells it: a problem, a lie, an answer by another key. Faults below HTTP are
 * tests/offline/faults.py.
 *
 *     struct key_server server = {.company = &company, .index = 0, .user = identity_public(alice)};
 *     key_server_start(&server);
 *     key_server_add_group(&server, &finance);
 *     server.script...                          under key_server_hold()
 *     key_server_stop(&server);                  the port stays its own: key_server_start() again
 */
#ifndef FSENC_TESTS_LIB_KEY_SERVER_H
#define FSENC_TESTS_LIB_KEY_SERVER_H

#include <pthread.h>

#include "keys/message.h"
#include "tests/lib/organisations.h"

struct MHD_Daemon;

enum key_server_route {
	ROUTE_ORGANISATION,
	ROUTE_GROUPS, /* all of the user's */
	ROUTE_GROUP, /* one by id */
	ROUTE_ENROL,
	ROUTE_UNLOCK,
	ROUTE_LEASE,
	ROUTE_HEADS,
	ROUTE_TOKEN,
	ROUTE_OTHER,
	ROUTE_COUNT
};

#define KEY_SERVER_GROUPS_MAX 8
#define KEY_SERVER_CODE "one-time"

struct key_server_script {
	bool has_problem[ROUTE_COUNT];
	enum problem_type problem[ROUTE_COUNT];
	uint32_t lease; /* seconds */
	enum lease_state state[KEY_SERVER_GROUPS_MAX]; /* 0: member */
	enum unlock_status status; /* of every point; 0: ok */
	uint64_t head_version; /* older versions are stale; 0: none is */
	uint64_t member_counter;
	bool rotate;
	bool lies; /* points of a key that is not the group's */
	bool signs_with_another_key;
	bool signs_for_another_request;
	bool does_not_sign;
	bool is_not_json;
	bool claims_another_id; /* of the organisation's servers, in /v1/organisation */
	bool enrols_pending;
	unsigned epoch_behind; /* its share is of an earlier epoch: conflict */
	int64_t delay_ms; /* before each answer */
	const struct policy *policy; /* NULL: the default */
	const struct bytes *body; /* the answer to everything but the organisation's route; NULL: none */
};

struct key_server {
	const struct company *company;
	size_t index;
	const struct public_identity *user;
	pthread_mutex_t mutex; /* over all below */
	struct key_server_script script;
	const struct company_group *groups[KEY_SERVER_GROUPS_MAX];
	size_t group_count;
	unsigned counts[ROUTE_COUNT];
	unsigned points; /* evaluated */
	unsigned largest_batch;
	unsigned refused; /* requests that were not signed as they must be */
	size_t last_lease_groups;
	uint64_t last_head_version;
	char last_target[1024]; /* with query, as it came */
	size_t last_head_count;
	uint64_t knows_head; /* of the folder that is reported, before it is; 0: all that leads up to it */
	struct MHD_Daemon *daemon;
	unsigned short port; /* 0: any, the first time */
	char url[64];
	char host[32];
};

void key_server_start(struct key_server *server);
void key_server_stop(struct key_server *server);
void key_server_add_group(struct key_server *server, const struct company_group *group);
struct key_server *key_server_hold(struct key_server *server);
void key_server_let_go(struct key_server *server);
AUTO_POINTER(struct key_server *, key_server_let_go);
unsigned key_server_count(struct key_server *server, enum key_server_route route);
unsigned key_server_count_all(struct key_server *server);

#endif
