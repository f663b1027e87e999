/* shim_control FILE [NAME[=VALUE]]... - sets what the shim does, or prints a value. FILE is made when it is missing. */
#include "tests/trust/shim.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static _Atomic int64_t *member(struct shim *shim, const char *name, size_t length)
{
	const struct {
		const char *name;
		_Atomic int64_t *value;
	} members[] = {
		{"inode", &shim->inode}, {"skip", &shim->skip},	    {"times", &shim->times}, {"keep", &shim->keep},
		{"error", &shim->error}, {"failed", &shim->failed}, {"shut", &shim->shut},   {"waiting", &shim->waiting},
	};

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		if (strlen(members[i].name) == length && !strncmp(members[i].name, name, length))
			return members[i].value;
	(void)fprintf(stderr, "no such value: %s\n", name);
	exit(2);
}

int main(int argc, char **argv)
{
	int fd = argc > 1 ? open(argv[1], O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
	struct shim *shim;

	if (fd < 0 || ftruncate(fd, sizeof(*shim))) {
		(void)fputs("usage: shim_control FILE [NAME[=VALUE]]...\n", stderr);
		return 2;
	}
	shim = mmap(NULL, sizeof(*shim), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (shim == MAP_FAILED)
		return 2;
	for (int i = 2; i < argc; i++) {
		size_t length = strcspn(argv[i], "=");
		_Atomic int64_t *value = member(shim, argv[i], length);

		if (argv[i][length])
			atomic_store(value, strtoll(argv[i] + length + 1, NULL, 10));
		else
			(void)printf("%lld\n", (long long)atomic_load(value));
	}
	return 0;
}
