#include "server/server.h"

#include <stdlib.h>

#include "base/clock.h"

#define REFUSALS_MS 60000

void server_free(struct server *server)
{
	if (!server)
		return;
	membership_free(server->membership);
	callers_free(server->callers);
	nonces_close(server->nonces);
	charters_free(server->charters);
	groups_free(server->groups);
	limits_free(server->points);
	limits_free(server->passwords);
	limits_free(server->refusals);
	audit_close(server->audit);
	(void)pthread_mutex_destroy(&server->health.lock);
	free(server);
}

static enum fault make_limits(struct server *server, struct why *why)
{
	enum fault fault = limits_new(LIMIT_DAY_MS, &server->points, why);

	if (!fault)
		fault = limits_new(LIMIT_HOUR_MS, &server->passwords, why);
	if (!fault)
		fault = limits_new(REFUSALS_MS, &server->refusals, why);
	return fault;
}

static enum fault make_parts(struct server *server, int nonce_directory, struct why *why)
{
	struct home *home = server->home;
	struct charter *charter = NULL;

	enum fault fault = audit_open(home->store, home->config->name, &server->audit, why);
	if (!fault)
		fault = nonces_open(nonce_directory, clock_wall_ms(), &server->nonces, why);
	if (!fault)
		fault = callers_new(home->store, server->nonces, home->identity, &server->callers, why);
	if (!fault)
		fault = charters_new(home->store, &home->fingerprint, &server->charters, why);
	if (!fault)
		fault = groups_new(home->store, &server->groups, why);
	if (!fault)
		fault = make_limits(server, why);
	if (!fault)
		fault = charters_take(server->charters, &charter, why);
	charter_give(charter);
	return fault;
}

enum fault server_new(struct home *home, struct directory *directory, int nonce_directory,
		      struct server **ret_server, struct why *why)
{
	AUTO(directory_close) struct directory *taken = directory;
	AUTO(server_free) struct server *server = calloc(1, sizeof *server);

	if (!server)
		return why_set(why, FAULT_MEMORY, "no memory for the server");
	server->home = home;
	(void)pthread_mutex_init(&server->health.lock, NULL);
	enum fault fault = membership_new(TAKE(taken), &server->membership, why);
	if (!fault)
		fault = make_parts(server, nonce_directory, why);
	if (fault)
		return fault;
	*ret_server = TAKE(server);
	return FAULT_NONE;
}
