#include "base/file.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lib/temporary.h"
#include "tests/lib/unit.h"

struct place {
	char path[200];
	int directory;
};

static int make_place(void **state)
{
	static struct place place;

	temporary_template(place.path, sizeof(place.path), "file");
	if (!mkdtemp(place.path))
		return -1;
	place.directory = open(place.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = &place;
	return place.directory >= 0 ? 0 : -1;
}

static int remove_place(void **state)
{
	static const char *const names[] = {"file", "pipe", "link", "none"};
	struct place *place = *state;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		(void)unlinkat(place->directory, names[i], 0);
	(void)unlinkat(place->directory, "directory", AT_REMOVEDIR);
	(void)close(place->directory);
	return rmdir(place->path);
}

static void put(int directory, const char *name, const char *text)
{
	int fd = openat(directory, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	assert_int_equal(close(fd), 0);
}

static const int accesses[] = {O_RDONLY, O_WRONLY, O_RDWR};

static void assert_refused(int directory, const char *name, int error)
{
	for (size_t i = 0; i < sizeof(accesses) / sizeof(accesses[0]); i++) {
		errno = 0;
		assert_int_equal(file_open_regular(directory, name, accesses[i], 0), -1);
		/* A directory cannot be opened for writing in the first place. */
		if (errno != EISDIR || accesses[i] == O_RDONLY)
			assert_int_equal(errno, error);
	}
}

static void open_regular__opens_a_file_in_every_way(void **state)
{
	const struct place *place = *state;

	put(place->directory, "file", "text");
	for (size_t i = 0; i < sizeof(accesses) / sizeof(accesses[0]); i++) {
		int fd = file_open_regular(place->directory, "file", accesses[i], 0);
		assert_true(fd >= 0);
		assert_int_equal(fcntl(fd, F_GETFL) & O_ACCMODE, accesses[i]);
		assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
		(void)close(fd);
	}
}

static void open_regular__makes_a_file_if_asked_to(void **state)
{
	const struct place *place = *state;
	struct stat stat;

	assert_refused(place->directory, "none", ENOENT);
	int fd = file_open_regular(place->directory, "none", O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &stat), 0);
	assert_int_equal(stat.st_mode, S_IFREG | 0600);
	(void)close(fd);
}

/* Without O_NONBLOCK this test would wait for ever. */
static void open_regular__waits_for_no_pipe(void **state)
{
	const struct place *place = *state;

	assert_int_equal(mkfifoat(place->directory, "pipe", 0600), 0);
	assert_refused(place->directory, "pipe", ENXIO);
}

static void open_regular__follows_no_link(void **state)
{
	const struct place *place = *state;

	put(place->directory, "file", "text");
	assert_int_equal(symlinkat("file", place->directory, "link"), 0);
	assert_refused(place->directory, "link", ELOOP);
}

static void open_regular__takes_no_directory_and_no_device(void **state)
{
	const struct place *place = *state;
	int devices = open("/dev", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_int_equal(mkdirat(place->directory, "directory", 0700), 0);
	assert_refused(place->directory, "directory", ENXIO);
	assert_true(devices >= 0);
	assert_refused(devices, "null", ENXIO);
	(void)close(devices);
}

static int leased = -1;

static void give_the_lease_back(int signal)
{
	(void)signal;
	(void)fcntl(leased, F_SETLEASE, F_UNLCK);
}

/* As Samba does with kernel oplocks: it gives a file back when somebody asks for it. */
static _Noreturn void hold_a_lease(const struct place *place, int ready)
{
	const struct sigaction action = {.sa_handler = give_the_lease_back};

	leased = openat(place->directory, "file", O_RDONLY | O_CLOEXEC);
	if (leased < 0 || sigaction(SIGIO, &action, NULL) != 0 || fcntl(leased, F_SETLEASE, F_RDLCK) != 0)
		_exit(77);
	if (write(ready, "", 1) != 1)
		_exit(1);
	(void)poll(NULL, 0, 20000);
	_exit(0);
}

static void open_regular__waits_for_a_lease_of_a_file_server(void **state)
{
	const struct place *place = *state;
	int ready[2];
	char byte;

	put(place->directory, "file", "text");
	assert_int_equal(pipe(ready), 0);
	pid_t holder = fork();
	assert_true(holder >= 0);
	if (holder == 0)
		hold_a_lease(place, ready[1]);
	(void)close(ready[1]);
	bool held = read(ready[0], &byte, 1) == 1;
	(void)close(ready[0]);
	int fd = held ? file_open_regular(place->directory, "file", O_RDWR, 0) : -1;
	(void)kill(holder, SIGKILL);
	(void)waitpid(holder, NULL, 0);
	if (!held)
		skip();
	assert_true(fd >= 0);
	(void)close(fd);
}

static void file_read__takes_nothing_but_a_regular_file(void **state)
{
	const struct place *place = *state;
	struct why why = WHY_NONE;
	AUTO(bytes_done) struct bytes text = BYTES_EMPTY;

	assert_int_equal(mkfifoat(place->directory, "pipe", 0600), 0);
	assert_int_equal(symlinkat("file", place->directory, "link"), 0);
	assert_int_equal(mkdirat(place->directory, "directory", 0700), 0);
	put(place->directory, "file", "text");
	assert_fault(FAULT_MALFORMED, file_read(place->directory, "pipe", 100, &text, &why));
	assert_fault(FAULT_MALFORMED, file_read(place->directory, "link", 100, &text, &why));
	assert_fault(FAULT_MALFORMED, file_read(place->directory, "directory", 100, &text, &why));
	assert_fault(FAULT_MALFORMED, file_read(place->directory, "file", 3, &text, &why));
	assert_fault(FAULT_MISSING, file_read(place->directory, "none", 100, &text, &why));
	assert_int_equal(text.size, 0);
	assert_works(file_read(place->directory, "file", 4, &text, &why));
	assert_string_equal((const char *)text.data, "text");
}

#define IN_A_PLACE(test) cmocka_unit_test_setup_teardown(test, make_place, remove_place)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_A_PLACE(open_regular__opens_a_file_in_every_way),
		IN_A_PLACE(open_regular__makes_a_file_if_asked_to),
		IN_A_PLACE(open_regular__waits_for_no_pipe),
		IN_A_PLACE(open_regular__follows_no_link),
		IN_A_PLACE(open_regular__takes_no_directory_and_no_device),
		IN_A_PLACE(open_regular__waits_for_a_lease_of_a_file_server),
		IN_A_PLACE(file_read__takes_nothing_but_a_regular_file),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
