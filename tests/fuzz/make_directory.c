/* fuzz-make-directory DIR - writes the seeds of fuzz-directory again: what the mock answers to each question.
 */
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "tests/ldap/mock_world.h"

/* The questions are the target's own. */
#include "tests/fuzz/directory.c"

static const char plain[] = WORLD_PERSON(
	"alice", "01") "shadowExpire: -1\nnsAccountLock: FALSE\n\n" WORLD_PERSON("bob",
										 "02") "\n" WORLD_GROUP("g",
													"11")
	WORLD_SUBGROUP("sub") WORLD_MEMBER("bob") "memberUid: alice\nuniqueMember: " WORLD_PERSON_DN(
		"bob") "#'01'B\n\n" WORLD_GROUP("sub", "12")
		WORLD_MEMBER(
			"alice") "\n"
				 "dn: cn=g,dc=x\nobjectClass: groupOfNames\nmember: a\nmember: b\nmember: c\nmember: d\nmember: e\n\n"
				 "set range 2\nset limit 1\n";

static const char ad[] = AD_ROOT AD_PERSON("alice", "51040000") AD_TOKEN("61040000") "memberOf: " AD_GROUP_DN(
	"finance") "\n\n"
		   "dn: " AD_GROUP_DN(
			   "finance") "\nobjectClass: group\nsAMAccountName: finance\ngroupType: -2147483646\n"
				      "objectGUID:x 00000000000000000000000000000011\nobjectSid:x " AD_SID("61040000") "\n" AD_MEMBER(
					      "alice") "\n"
						       "dn: cn=g,dc=x\nobjectClass: group\nobjectSid:x " AD_SID(
							       "62040000") "\nmember: a\n\n";

struct relay {
	int near; /* the client's other end */
	int far; /* the mock */
	int seed; /* file */
};

static void *relay(void *argument)
{
	struct relay *at = argument;
	struct pollfd look[] = {{.fd = at->near, .events = POLLIN}, {.fd = at->far, .events = POLLIN}};
	char bytes[65536];

	for (;;) {
		if (poll(look, 2, -1) < 0)
			return NULL;
		for (int i = 0; i < 2; i++) {
			ssize_t size = look[i].revents ? read(look[i].fd, bytes, sizeof bytes) : -1;
			if (size == 0)
				return NULL;
			if (size < 0)
				continue;
			must(write(look[1 - i].fd, bytes, (size_t)size) == size);
			if (i == 1)
				must(write(at->seed, bytes, (size_t)size) == size);
		}
	}
}

static int dial_mock(const struct mock *mock)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_port = htons((uint16_t)mock_port(mock)),
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	must(fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
	return fd;
}

static void make_seed(const char *folder, const char *name, const char *world, uint8_t first,
		      void (*question)(struct conn *, int64_t))
{
	AUTO(mock_stop) struct mock *mock = mock_start(world);
	struct relay at;
	char path[4096];
	struct conn *conn = NULL;
	pthread_t thread;
	int pair[2];
	const struct ldap_settings *settings = settings_of(first >> 2);

	(void)snprintf(path, sizeof path, "%s/%s", folder, name);
	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
	(void)fcntl(pair[0], F_SETFL, O_NONBLOCK);
	at = (struct relay){.near = pair[1],
			    .far = dial_mock(mock),
			    .seed = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644)};
	must(at.seed >= 0 && write(at.seed, &first, 1) == 1);
	must(pthread_create(&thread, NULL, relay, &at) == 0);
	must(!conn_new(settings, &settings->servers[0], pair[0], &conn, NULL));
	question(conn, clock_boot_ms() + WITHIN_MS);
	conn_close(conn);
	must(pthread_join(thread, NULL) == 0);
	file_close(at.near);
	file_close(at.far);
	file_close(at.seed);
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	make_seed(argv[1], "user", plain, 0, ask_for_user);
	make_seed(argv[1], "members", plain, 1, ask_for_members);
	make_seed(argv[1], "list", plain, 2, ask_for_list);
	make_seed(argv[1], "root", plain, 3, ask_for_root);
	make_seed(argv[1], "ad-user", ad, 4, ask_for_user);
	make_seed(argv[1], "ad-members", ad, 5, ask_for_members);
	make_seed(argv[1], "ad-list", ad, 6, ask_for_list);
	make_seed(argv[1], "ad-root", ad, 7, ask_for_root);
	return 0;
}
