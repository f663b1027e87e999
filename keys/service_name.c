#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "keys/service_parts.h"

/* Shared by who asks and by the thread that looks up; the last of them frees it. */
struct name_query {
	pthread_mutex_t mutex; /* over all below but host and fd, which never change */
	unsigned references;
	bool done;
	int result; /* of getaddrinfo() */
	struct service_addresses addresses;
	char host[SERVICE_HOST_SIZE];
	int fd;
};

/* -- addresses ------------------------------------------------------------------------- */

static bool is_loopback(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET) {
		const struct sockaddr_in *four = (const void *)address;
		return ntohl(four->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	}
	const struct sockaddr_in6 *six = (const void *)address;
	return IN6_IS_ADDR_LOOPBACK(&six->sin6_addr);
}

static bool address_text(const struct addrinfo *found, struct service_address *address)
{
	char numbers[INET6_ADDRSTRLEN + 12];
	bool is_six = found->ai_family == AF_INET6;

	if ((!is_six && found->ai_family != AF_INET) ||
	    getnameinfo(found->ai_addr, found->ai_addrlen, numbers, sizeof numbers, NULL, 0, NI_NUMERICHOST))
		return false;
	(void)snprintf(address->text, sizeof address->text, is_six ? "[%s]" : "%s", numbers);
	address->loopback = is_loopback(found->ai_addr);
	return true;
}

static void take_addresses(const struct addrinfo *found, struct service_addresses *addresses)
{
	for (; found && addresses->count < SERVICE_ADDRESSES_MAX; found = found->ai_next)
		addresses->count += address_text(found, &addresses->list[addresses->count]);
}

static int look_up(const char *host, int flags, struct service_addresses *addresses)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = flags};
	struct addrinfo *found = NULL;
	char bare[SERVICE_HOST_SIZE];
	size_t length = strlen(host);

	/* "[::1]" as it stands in a URL */
	(void)snprintf(bare, sizeof bare, "%s", host + (*host == '['));
	if (*host == '[')
		bare[length - 2] = 0;
	int result = getaddrinfo(bare, NULL, &hints, &found);
	if (result == 0) {
		take_addresses(found, addresses);
		freeaddrinfo(found);
	}
	return result;
}

/* -- the thread ------------------------------------------------------------------------ */

static void hold(struct name_query *query)
{
	int failed = pthread_mutex_lock(&query->mutex);

	assert(!failed);
	(void)failed;
}

static void let_go(struct name_query *query)
{
	(void)pthread_mutex_unlock(&query->mutex);
}

void name_query_free(struct name_query *query)
{
	if (!query)
		return;
	hold(query);
	unsigned left = --query->references;
	let_go(query);
	if (left > 0)
		return;
	(void)pthread_mutex_destroy(&query->mutex);
	(void)close(query->fd);
	free(query);
}

static void *look_up_in_thread(void *context)
{
	struct name_query *query = context;
	struct service_addresses addresses = {.count = 0};
	int result = look_up(query->host, 0, &addresses);
	static const uint64_t one = 1;

	hold(query);
	query->result = result;
	query->addresses = addresses;
	query->done = true;
	let_go(query);
	(void)!write(query->fd, &one, sizeof one);
	name_query_free(query);
	return NULL;
}

static enum fault begin_thread(struct name_query *query, struct why *why)
{
	pthread_attr_t attributes;
	pthread_t thread;

	(void)pthread_attr_init(&attributes);
	(void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	query->references++;
	int failed = pthread_create(&thread, &attributes, look_up_in_thread, query);
	(void)pthread_attr_destroy(&attributes);
	if (!failed)
		return FAULT_NONE;
	query->references--;
	errno = failed;
	return why_system(why, "cannot start a thread that looks up '%s'", query->host);
}

enum fault name_query_start(const char *host, struct name_query **ret_query, struct why *why)
{
	AUTO(name_query_free) struct name_query *query = calloc(1, sizeof *query);
	if (!query)
		return why_set(why, FAULT_MEMORY, "no memory to look up a name");
	query->references = 1;
	(void)pthread_mutex_init(&query->mutex, NULL);
	(void)snprintf(query->host, sizeof query->host, "%s", host);
	query->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (query->fd < 0)
		return why_system(why, "cannot look up '%s'", host);
	query->done = look_up(host, AI_NUMERICHOST, &query->addresses) == 0;
	enum fault fault = query->done ? FAULT_NONE : begin_thread(query, why);
	if (!fault)
		*ret_query = TAKE(query);
	return fault;
}

/* -- the result ------------------------------------------------------------------------ */

int name_query_fd(const struct name_query *query)
{
	return query->fd;
}

bool name_query_is_done(struct name_query *query)
{
	hold(query);
	bool done = query->done;
	let_go(query);
	return done;
}

enum fault name_query_result(struct name_query *query, struct service_addresses *ret_addresses,
			     bool *ret_no_network, struct why *why)
{
	hold(query);
	int result = query->done ? query->result : EAI_AGAIN;
	if (result == 0)
		*ret_addresses = query->addresses;
	let_go(query);
	if (result == 0 && ret_addresses->count > 0)
		return FAULT_NONE;
	*ret_no_network = result == EAI_AGAIN;
	if (result == EAI_AGAIN)
		return why_set(why, FAULT_UNREACHABLE, "no name server answers");
	return why_set(why, FAULT_UNREACHABLE, "its name is not found");
}
