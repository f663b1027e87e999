/* Addresses and routes of a network of the test's own; a suspend that only the clocks tell of. */
#include "keys/network.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <net/route.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/lib/unit.h"

#define SKIPPED 77

static int control; /* any socket: for ioctl() */
static int64_t slept_s; /* how much boot time is ahead */

int __real_clock_gettime(clockid_t which, struct timespec *now);
int __wrap_clock_gettime(clockid_t which, struct timespec *now);
int __wrap_clock_gettime(clockid_t which, struct timespec *now)
{
	int result = __real_clock_gettime(which, now);

	if (which == CLOCK_BOOTTIME)
		now->tv_sec += slept_s;
	return result;
}

/* -- a network -------------------------------------------------------------------------- */

static void set_up(bool up)
{
	struct ifreq request = {.ifr_flags = (short)(up ? IFF_UP : 0)};

	(void)strcpy(request.ifr_name, "lo");
	assert_int_equal(ioctl(control, SIOCSIFFLAGS, &request), 0);
}

static struct sockaddr address_of(const char *text)
{
	struct sockaddr_in four = {.sin_family = AF_INET};
	struct sockaddr any;

	assert_int_equal(inet_pton(AF_INET, text, &four.sin_addr), 1);
	memcpy(&any, &four, sizeof any);
	return any;
}

static void add_address(const char *alias, const char *text)
{
	struct ifreq request = {.ifr_addr = address_of(text)};

	(void)snprintf(request.ifr_name, sizeof request.ifr_name, "%s", alias);
	assert_int_equal(ioctl(control, SIOCSIFADDR, &request), 0);
}

static void change_route(unsigned long what, const char *to, const char *mask)
{
	struct rtentry route = {.rt_dst = address_of(to), .rt_genmask = address_of(mask), .rt_flags = RTF_UP};
	char device[] = "lo";

	route.rt_dev = device;
	assert_int_equal(ioctl(control, what, &route), 0);
}

static bool has_news(const struct network *network)
{
	const struct network_fds fds = network_fds(network);
	struct pollfd polls[] = {{.fd = fds.routes, .events = POLLIN}, {.fd = fds.timer, .events = POLLIN}};

	return poll(polls, 2, 0) > 0;
}

static struct network *opened(void)
{
	struct why why = WHY_NONE;
	struct network *network = NULL;

	assert_works(network_open(&network, &why));
	return network;
}

/* -- tests ------------------------------------------------------------------------------ */

static void network__what_is_there_is_no_change(void **state)
{
	(void)state;
	set_up(true);
	AUTO(network_close) struct network *network = opened();

	assert_false(has_news(network));
	assert_false(network_has_changed(network));
}

static void network__that_gets_an_address_has_changed(void **state)
{
	(void)state;
	AUTO(network_close) struct network *network = opened();

	add_address("lo:1", "10.1.2.3");
	assert_true(has_news(network));
	assert_true(network_has_changed(network));
	assert_false(network_has_changed(network));
}

static void network__that_comes_up_has_changed_and_that_goes_down_has_not(void **state)
{
	(void)state;
	set_up(true);
	AUTO(network_close) struct network *network = opened();

	set_up(false);
	assert_true(has_news(network));
	assert_false(network_has_changed(network));
	set_up(true);
	assert_true(network_has_changed(network));
}

static void network__that_gets_a_default_route_has_changed(void **state)
{
	(void)state;
	set_up(true);
	AUTO(network_close) struct network *network = opened();

	change_route(SIOCADDRT, "0.0.0.0", "0.0.0.0");
	assert_true(network_has_changed(network));
	change_route(SIOCDELRT, "0.0.0.0", "0.0.0.0");
	assert_false(network_has_changed(network));
	change_route(SIOCADDRT, "0.0.0.0", "0.0.0.0");
	assert_true(network_has_changed(network));
	change_route(SIOCDELRT, "0.0.0.0", "0.0.0.0");
}

static void network__that_gets_a_route_to_somewhere_has_not_changed(void **state)
{
	(void)state;
	set_up(true);
	AUTO(network_close) struct network *network = opened();

	change_route(SIOCADDRT, "10.77.0.0", "255.255.0.0");
	assert_true(has_news(network));
	assert_false(network_has_changed(network));
	change_route(SIOCDELRT, "10.77.0.0", "255.255.0.0");
}

/* As router advertisements do: the kernel announces the address with its new lifetime. */
static void network__an_address_announced_again_is_no_change(void **state)
{
	(void)state;
	set_up(true);
	add_address("lo:2", "10.1.2.4");
	AUTO(network_close) struct network *network = opened();

	for (int i = 0; i < 3; i++) {
		if (system("ip address change 10.1.2.4/8 dev lo label lo:2 valid_lft 1000 preferred_lft 900") !=
		    0)
			skip();
		assert_true(has_news(network));
		assert_false(network_has_changed(network));
	}
}

static void network__of_a_machine_that_woke_has_changed(void **state)
{
	(void)state;
	AUTO(network_close) struct network *network = opened();

	slept_s += 3600;
	assert_true(network_has_changed(network));
	assert_false(network_has_changed(network));
}

static void network__hundreds_of_addresses_are_still_watched(void **state)
{
	(void)state;
	set_up(true);
	AUTO(network_close) struct network *network = opened();

	for (int i = 0; i < 600; i++) {
		char alias[IFNAMSIZ], text[32];
		(void)snprintf(alias, sizeof alias, "lo:%d", 100 + i);
		(void)snprintf(text, sizeof text, "10.9.%d.%d", 1 + i / 200, 1 + i % 200);
		add_address(alias, text);
		assert_true(network_has_changed(network));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(network__what_is_there_is_no_change),
		cmocka_unit_test(network__that_gets_an_address_has_changed),
		cmocka_unit_test(network__that_comes_up_has_changed_and_that_goes_down_has_not),
		cmocka_unit_test(network__that_gets_a_default_route_has_changed),
		cmocka_unit_test(network__that_gets_a_route_to_somewhere_has_not_changed),
		cmocka_unit_test(network__an_address_announced_again_is_no_change),
		cmocka_unit_test(network__of_a_machine_that_woke_has_changed),
		cmocka_unit_test(network__hundreds_of_addresses_are_still_watched),
	};

	if (unshare(CLONE_NEWNET) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) {
		(void)fprintf(stderr, "no network of one's own may be made here: skipped\n");
		return SKIPPED;
	}
	control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
