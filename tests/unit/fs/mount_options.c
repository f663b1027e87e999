#include <string.h>

#include "fs/mount.h"
#include "tests/lib/unit.h"

static void options__are_read_from_one_text(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(mount_options_done) struct mount_options options = MOUNT_OPTIONS_DEFAULT;
	assert_works(mount_options_parse("ro,nosuid,local,writeback,uid=1000,umask=027,idle=5,attr_timeout=2.5,"
					 "integrity=strict,locks=trusted,writes=trusted,fsname=//server\\,1/share",
					 &options, &why));
	assert_true(options.read_only && options.nosuid && options.local && options.writeback && options.strict);
	assert_true(options.locks_trusted && options.writes_trusted && options.has_uid && options.has_umask && !options.has_gid);
	assert_int_equal(options.uid, 1000);
	assert_int_equal(options.umask, 027);
	assert_int_equal(options.idle_minutes, 5);
	assert_true(options.attr_timeout > 2.4 && options.attr_timeout < 2.6);
	assert_string_equal(options.fsname, "//server,1/share");
}

static void options__of_mount8_are_passed_over(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(mount_options_done) struct mount_options options = MOUNT_OPTIONS_DEFAULT;
	assert_works(mount_options_parse("defaults,noauto,nofail,_netdev,x-systemd.automount,rw,,shared", &options, &why));
	assert_false(options.read_only);
	assert_false(options.local);
}

static void options__that_are_wrong_are_named(void **state)
{
	(void)state;
	static const char *const bad[][2] = {
		{"locl", "local"},	    {"zzz", "zzz"}, {"uid=", "uid"},
		{"uid=-1", "uid"},	    {"umask=9", "umask"},	      {"uid", "uid"},
		{"ro=1", "ro"}, {"integrity=some", "integrity"},   {"attr_timeout=nan", "attr_timeout"},
		{"uid=99999999999", "uid"},
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct why why = WHY_NONE;
		AUTO(mount_options_done) struct mount_options options = MOUNT_OPTIONS_DEFAULT;
		assert_fault(FAULT_USAGE, mount_options_parse(bad[i][0], &options, &why));
		assert_non_null(strstr(why.text, bad[i][1]));
	}
}

static void options__have_a_line_each_for_people(void **state)
{
	(void)state;
	size_t count = 0;
	for (const char *const *line = mount_option_lines(); *line; line++, count++) {
		const char *tab = strchr(*line, '\t');
		assert_non_null(tab);
		assert_non_null(strchr(tab + 1, '\t'));
	}
	assert_true(count > 15);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options__are_read_from_one_text),
		cmocka_unit_test(options__of_mount8_are_passed_over),
		cmocka_unit_test(options__that_are_wrong_are_named),
		cmocka_unit_test(options__have_a_line_each_for_people),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
