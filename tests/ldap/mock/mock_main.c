/* mock-ldap SCRIPT - the mock LDAP server as a program: prints its URI, then its log, until standard input
 * ends. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/ldap/mock/mock.h"

#include <fcntl.h>
#include <poll.h>

#define SCRIPT_MAX (64 << 20)

/* What is new in the log since `told` bytes. */
static size_t print_news(struct mock *mock, size_t told)
{
	AUTO(free) char *log = mock_log(mock);
	size_t size = 0;

	while (log && log[size])
		size++;
	(void)fwrite(log + told, 1, size - told, stdout);
	(void)fflush(stdout);
	return size;
}

int main(int argc, char **argv)
{
	AUTO(bytes_done) struct bytes script = BYTES_EMPTY;
	struct why why = WHY_NONE;
	struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
	char byte;

	if (argc != 2 || file_read(AT_FDCWD, argv[1], SCRIPT_MAX, &script, &why)) {
		(void)fprintf(stderr, "usage: mock-ldap SCRIPT (%s)\n", why.text);
		return 2;
	}
	AUTO(mock_stop) struct mock *mock = mock_start((const char *)script.data);
	(void)printf("%s\n", mock_uri(mock));
	for (size_t told = 0;; told = print_news(mock, told))
		if (poll(&input, 1, 100) > 0 && read(STDIN_FILENO, &byte, 1) <= 0)
			return 0;
}
