/* A desktop that writes down what it is shown: a notify-send of the test's own, first in PATH. */
#include "keys/notice.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/lib/temporary.h"
#include "tests/lib/unit.h"

static char directory[128];
static char shown[160];

static const char *path_of(const char *name, char path[static 160])
{
	(void)snprintf(path, 160, "%s/%s", directory, name);
	return path;
}

static void put_command(void)
{
	char path[160];
	FILE *file = fopen(path_of("notify-send", path), "w");

	assert_non_null(file);
	(void)fprintf(file, "#!/bin/sh\nfor word; do echo \"<$word>\"; done >'%s.new'\nmv '%s.new' '%s'\n",
		      shown, shown, shown);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(path, 0700), 0);
}

static void put_first_in_path(void)
{
	char path[4096];

	(void)snprintf(path, sizeof path, "%s:%s", directory, getenv("PATH"));
	assert_int_equal(setenv("PATH", path, 1), 0);
}

static void assert_shows(const char *title, const char *words)
{
	struct why why = WHY_NONE;
	char expected[256];
	AUTO(bytes_done) struct bytes found = BYTES_EMPTY;

	notice_show(title, words);
	for (int i = 0; i < 10000 && access(shown, F_OK) != 0; i++)
		(void)usleep(1000);
	assert_works(file_read(AT_FDCWD, shown, 4096, &found, &why));
	(void)snprintf(expected, sizeof expected, "<--app-name=fsenc>\n<-->\n<%s>\n<%s>\n", title, words);
	assert_string_equal((const char *)found.data, expected);
	assert_int_equal(unlink(shown), 0);
}

static void notice__is_shown_by_the_desktops_command(void **state)
{
	(void)state;
	assert_int_equal(setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere", 1), 0);
	assert_shows("Folders of groups are locked", "No key server answers.");
}

static void notice__is_never_a_command_itself(void **state)
{
	(void)state;
	assert_int_equal(setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere", 1), 0);
	assert_shows("--help", "$(touch x); `touch y` \"; exit 1 #");
}

static void notice__without_a_session_shows_nothing(void **state)
{
	(void)state;
	assert_int_equal(unsetenv("DBUS_SESSION_BUS_ADDRESS"), 0);
	notice_show("title", "words");
	assert_int_equal(access(shown, F_OK), -1);
}

static void notice__without_the_command_does_no_harm(void **state)
{
	(void)state;
	char path[160];

	assert_int_equal(setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere", 1), 0);
	assert_int_equal(unlink(path_of("notify-send", path)), 0);
	notice_show("title", "words");
}

static int start(void **state)
{
	(void)state;
	temporary_template(directory, sizeof directory, "notice");
	assert_non_null(mkdtemp(directory));
	(void)path_of("shown", shown);
	put_command();
	put_first_in_path();
	return 0;
}

static int end(void **state)
{
	(void)state;
	return rmdir(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(notice__is_shown_by_the_desktops_command),
		cmocka_unit_test(notice__is_never_a_command_itself),
		cmocka_unit_test(notice__without_a_session_shows_nothing),
		cmocka_unit_test(notice__without_the_command_does_no_harm),
	};
	return cmocka_run_group_tests(tests, start, end);
}
