/* tests/lib/stores.h - a key server's store in a directory of its own, for tests.
 *
 *     static int set_up(void **state)    { store = test_store_new(directory); ... }
 *     static int tear_down(void **state) { store_close(store); test_directory_remove(directory); }
 */
#ifndef FSENC_TESTS_LIB_STORES_H
#define FSENC_TESTS_LIB_STORES_H

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include "server/store.h"
#include "tests/lib/temporary.h"
#include "tests/lib/unit.h"

/* Makes it and writes its path. */
static inline void test_directory_new(char directory[static PATH_MAX])
{
	temporary_template(directory, PATH_MAX, "server");
	assert_non_null(mkdtemp(directory));
}

/* With the plain files in it. */
static inline void test_directory_remove(const char *directory)
{
	DIR *open = opendir(directory);
	struct dirent *entry;

	assert_non_null(open);
	while ((entry = readdir(open)))
		if (entry->d_name[0] != '.' || (entry->d_name[1] != '.' && entry->d_name[1]))
			(void)unlinkat(dirfd(open), entry->d_name, 0);
	(void)closedir(open);
	assert_int_equal(rmdir(directory), 0);
}

static inline const char *test_store_path(const char *directory)
{
	static char path[PATH_MAX + 16];

	(void)snprintf(path, sizeof path, "%s/%s", directory, STORE_FILE);
	return path;
}

static inline struct store *test_store_new(char directory[static PATH_MAX])
{
	struct why why = WHY_NONE;
	struct store *store = NULL;

	test_directory_new(directory);
	assert_works(store_create(test_store_path(directory), &store, &why));
	return store;
}

/* Ids and digests that are told apart by one number. */
static inline struct member_id id_of(uint8_t number)
{
	return (struct member_id){{number, 1}};
}
static inline struct digest digest_of(uint8_t number)
{
	return (struct digest){{number, 2}};
}
static inline struct folder_id folder_of(uint8_t number)
{
	return (struct folder_id){{number, 3}};
}
static inline struct bytes bytes_of(const char *text)
{
	struct why why = WHY_NONE;
	struct bytes bytes = BYTES_EMPTY;

	assert_works(bytes_append_text(&bytes, text, &why));
	return bytes;
}

#endif
