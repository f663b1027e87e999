#include "keys/network.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"

#define KNOWN_MAX 512
#define SLEPT_MS 1000 /* less is the noise of two clocks read one after the other */

/* An address, or a default route by its gateway. */
struct known {
	bool is_route;
	uint8_t family;
	uint32_t interface;
	uint8_t bytes[16];
};

struct network {
	int routes, timer;
	struct known known[KNOWN_MAX];
	size_t known_count;
	int64_t asleep_ms; /* in all, since boot */
};

/* -- what is known ----------------------------------------------------------------------- */

static struct known *find(struct network *network, const struct known *wanted)
{
	for (size_t i = 0; i < network->known_count; i++)
		if (memcmp(&network->known[i], wanted, sizeof *wanted) == 0)
			return &network->known[i];
	return NULL;
}

/* true when it is new. When there are too many to know, the oldest is forgotten. */
static bool add(struct network *network, const struct known *known)
{
	if (find(network, known))
		return false;
	if (network->known_count == KNOWN_MAX)
		memmove(&network->known[0], &network->known[1],
			--network->known_count * sizeof *network->known);
	network->known[network->known_count++] = *known;
	return true;
}

static void drop(struct network *network, const struct known *known)
{
	struct known *found = find(network, known);

	if (found)
		*found = network->known[--network->known_count];
}

/* -- messages ---------------------------------------------------------------------------- */

static void copy_bytes(struct known *known, const struct rtattr *attribute)
{
	size_t size = RTA_PAYLOAD(attribute);

	if (size <= sizeof known->bytes)
		memcpy(known->bytes, RTA_DATA(attribute), size);
}

/* The kernel's macros walk a message by char pointers and compare lengths of two signs, which clang warns of.
 * They keep the alignment of what they are given, and a datagram's is a message's. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wcast-align"
#pragma GCC diagnostic ignored "-Wsign-compare"

/* IFA_ADDRESS is the other end of a point-to-point link, and comes before IFA_LOCAL, which then counts. */
static bool read_address(const struct nlmsghdr *message, struct known *known)
{
	const struct ifaddrmsg *head = NLMSG_DATA(message);
	uint32_t flags = head->ifa_flags;
	int left = (int)IFA_PAYLOAD(message);

	known->family = head->ifa_family;
	known->interface = head->ifa_index;
	for (const struct rtattr *at = IFA_RTA(head); RTA_OK(at, left); at = RTA_NEXT(at, left))
		if (at->rta_type == IFA_ADDRESS || at->rta_type == IFA_LOCAL)
			copy_bytes(known, at);
		else if (at->rta_type == IFA_FLAGS && RTA_PAYLOAD(at) >= sizeof flags)
			memcpy(&flags, RTA_DATA(at), sizeof flags);
	return !(flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED)) || message->nlmsg_type == RTM_DELADDR;
}

static bool read_route(const struct nlmsghdr *message, struct known *known)
{
	const struct rtmsg *head = NLMSG_DATA(message);
	int left = (int)RTM_PAYLOAD(message);

	if (head->rtm_dst_len != 0 || head->rtm_type != RTN_UNICAST)
		return false;
	known->is_route = true;
	known->family = head->rtm_family;
	for (const struct rtattr *at = RTM_RTA(head); RTA_OK(at, left); at = RTA_NEXT(at, left))
		if (at->rta_type == RTA_GATEWAY)
			copy_bytes(known, at);
		else if (at->rta_type == RTA_OIF && RTA_PAYLOAD(at) >= sizeof known->interface)
			memcpy(&known->interface, RTA_DATA(at), sizeof known->interface);
	return true;
}

static bool take_message(struct network *network, const struct nlmsghdr *message)
{
	struct known known;
	bool is_address = message->nlmsg_type == RTM_NEWADDR || message->nlmsg_type == RTM_DELADDR;
	bool is_route = message->nlmsg_type == RTM_NEWROUTE || message->nlmsg_type == RTM_DELROUTE;
	size_t least = is_address ? sizeof(struct ifaddrmsg) : sizeof(struct rtmsg);

	memset(&known, 0, sizeof known); /* it is compared as bytes */
	if ((!is_address && !is_route) || message->nlmsg_len < NLMSG_LENGTH(least))
		return false;
	if (!(is_address ? read_address(message, &known) : read_route(message, &known)))
		return false;
	if (message->nlmsg_type == RTM_NEWADDR || message->nlmsg_type == RTM_NEWROUTE)
		return add(network, &known);
	drop(network, &known);
	return false;
}

struct datagram {
	_Alignas(struct nlmsghdr) uint8_t bytes[32 * 1024];
	ssize_t size;
};

static bool receive(int socket, struct datagram *datagram)
{
	do
		datagram->size = recv(socket, datagram->bytes, sizeof datagram->bytes, 0);
	while (datagram->size < 0 && errno == EINTR);
	return datagram->size > 0;
}

/* `ret_is_last` (may be NULL): the answer to a question ends with it. */
static bool take_datagram(struct network *network, const struct datagram *datagram, bool *ret_is_last)
{
	int left = (int)datagram->size;
	bool changed = false;

	for (const struct nlmsghdr *message = (const void *)datagram->bytes; NLMSG_OK(message, left);
	     message = NLMSG_NEXT(message, left)) {
		changed |= take_message(network, message);
		if (ret_is_last && (message->nlmsg_type == NLMSG_DONE || message->nlmsg_type == NLMSG_ERROR))
			*ret_is_last = true;
	}
	return changed;
}

#pragma GCC diagnostic pop

/* -- beginning --------------------------------------------------------------------------- */

static int open_socket(int flags, uint32_t groups)
{
	const struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = groups};
	AUTO(file_close) int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | flags, NETLINK_ROUTE);

	if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof address) != 0)
		return -1;
	int taken = fd;
	fd = -1;
	return taken;
}

/* The addresses there are. Routes are not asked for: a router may have a million; the first word about a
 * default route may so be taken for news. */
static enum fault list_addresses(struct network *network, struct why *why)
{
	struct {
		struct nlmsghdr head;
		struct ifaddrmsg body;
	} question = {
		.head = {.nlmsg_len = sizeof question,
			 .nlmsg_type = RTM_GETADDR,
			 .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
		.body = {.ifa_family = AF_UNSPEC},
	};
	struct datagram datagram;
	bool is_last = false;
	AUTO(file_close) int fd = open_socket(0, 0);

	if (fd < 0 || send(fd, &question, sizeof question, 0) != (ssize_t)sizeof question)
		return why_system(why, "cannot ask the kernel for the machine's addresses");
	while (!is_last) {
		if (!receive(fd, &datagram))
			return why_system(why, "cannot read the machine's addresses");
		(void)take_datagram(network, &datagram, &is_last);
	}
	return FAULT_NONE;
}

static int64_t clock_ms(clockid_t which)
{
	struct timespec now;

	(void)clock_gettime(which, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t asleep_ms(void)
{
	return clock_ms(CLOCK_BOOTTIME) - clock_ms(CLOCK_MONOTONIC);
}

/* It never runs out; a step of the wall clock cancels it, and waking is one. */
static bool arm(const struct network *network)
{
	const struct itimerspec never = {.it_value = {.tv_sec = INT32_MAX}};

	return timerfd_settime(network->timer, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL) ==
	       0;
}

enum fault network_open(struct network **ret_network, struct why *why)
{
	AUTO(network_close) struct network *network = calloc(1, sizeof *network);
	if (!network)
		return why_set(why, FAULT_MEMORY, "no memory to watch the network");
	network->routes = network->timer = -1;
	network->routes = open_socket(SOCK_NONBLOCK, RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR |
							     RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE);
	if (network->routes < 0)
		return why_system(why, "cannot watch the network");
	network->timer = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	if (network->timer < 0 || !arm(network))
		return why_system(why, "cannot watch the clock");
	network->asleep_ms = asleep_ms();
	enum fault fault = list_addresses(network, why);
	if (!fault)
		*ret_network = TAKE(network);
	return fault;
}

void network_close(struct network *network)
{
	if (!network)
		return;
	file_close(network->routes);
	file_close(network->timer);
	free(network);
}

struct network_fds network_fds(const struct network *network)
{
	return (struct network_fds){network->routes, network->timer};
}

/* -- changes ----------------------------------------------------------------------------- */

/* News that the kernel had to drop may have been the one we wait for. */
static bool has_route(struct network *network)
{
	struct datagram datagram;
	bool changed = false;

	while (receive(network->routes, &datagram))
		changed |= take_datagram(network, &datagram, NULL);
	return changed || errno == ENOBUFS;
}

static bool has_woken(struct network *network)
{
	int64_t before_ms = network->asleep_ms;
	uint64_t times;

	if (read(network->timer, &times, sizeof times) < 0 && errno == ECANCELED)
		(void)arm(network);
	network->asleep_ms = asleep_ms();
	return network->asleep_ms - before_ms >= SLEPT_MS;
}

bool network_has_changed(struct network *network)
{
	bool has_new_route = has_route(network);
	bool woken = has_woken(network);

	return has_new_route || woken;
}
