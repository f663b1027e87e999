#include "server/addresses.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include "tests/lib/unit.h"

static struct addresses *addresses;

static int set_up(void **state)
{
	struct why why = WHY_NONE;

	(void)state;
	assert_works(addresses_new(2, &addresses, &why));
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	addresses_free(addresses);
	return 0;
}

union any {
	struct sockaddr any;
	struct sockaddr_in four;
	struct sockaddr_in6 six;
	struct sockaddr_un local;
};

static union any address_of(const char *text)
{
	union any address = {.four = {.sin_family = AF_INET}};

	if (inet_pton(AF_INET, text, &address.four.sin_addr) == 1)
		return address;
	address = (union any){.six = {.sin6_family = AF_INET6}};
	assert_int_equal(inet_pton(AF_INET6, text, &address.six.sin6_addr), 1);
	return address;
}

static bool enter(const char *text)
{
	const union any address = address_of(text);

	return addresses_enter(addresses, &address.any);
}

static void leave(const char *text)
{
	const union any address = address_of(text);

	addresses_leave(addresses, &address.any);
}

static void address__has_so_many_connections_and_no_more(void **state)
{
	(void)state;
	assert_true(enter("192.0.2.1"));
	assert_true(enter("192.0.2.1"));
	assert_false(enter("192.0.2.1"));
	assert_true(enter("192.0.2.2"));
	leave("192.0.2.1");
	assert_true(enter("192.0.2.1"));
	assert_false(enter("192.0.2.1"));
}

/* Else one customer of one provider has more addresses than there are connections. */
static void address__of_version_six_is_a_network_of_64_bits(void **state)
{
	(void)state;
	assert_true(enter("2001:db8:1:2::1"));
	assert_true(enter("2001:db8:1:2:ffff::9"));
	assert_false(enter("2001:db8:1:2:3:4:5:6"));
	assert_true(enter("2001:db8:1:3::1"));
	/* whose first bytes are those of an IPv4 address */
	assert_true(enter("192.0.2.1"));
	assert_true(enter("192.0.2.1"));
	assert_true(enter("c000:0201::1"));
}

static void address__is_none_on_a_unix_socket(void **state)
{
	const union any address = {.local = {.sun_family = AF_UNIX}};

	(void)state;
	for (int i = 0; i < 10; i++)
		assert_true(addresses_enter(addresses, &address.any));
	for (int i = 0; i < 10; i++)
		addresses_leave(addresses, &address.any);
}

/* Many more than there are chains, and all gone again. */
static void address__is_forgotten_when_nobody_is_connected_from_it(void **state)
{
	union any address = address_of("10.0.0.0");

	(void)state;
	for (int round = 0; round < 3; round++) {
		for (uint32_t i = 0; i < 5000; i++) {
			address.four.sin_addr.s_addr = htonl(0x0a000000 + i);
			assert_true(addresses_enter(addresses, &address.any));
		}
		for (uint32_t i = 0; i < 5000; i++) {
			address.four.sin_addr.s_addr = htonl(0x0a000000 + i);
			addresses_leave(addresses, &address.any);
		}
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(address__has_so_many_connections_and_no_more),
		TEST(address__of_version_six_is_a_network_of_64_bits),
		TEST(address__is_none_on_a_unix_socket),
		TEST(address__is_forgotten_when_nobody_is_connected_from_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
