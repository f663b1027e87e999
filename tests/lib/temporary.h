/* tests/lib/temporary.h - where tests make their files: $TMPDIR, or /var/tmp, which is on a disk. */
#ifndef FSENC_TESTS_LIB_TEMPORARY_H
#define FSENC_TESTS_LIB_TEMPORARY_H

#include <stdio.h>
#include <stdlib.h>

static inline const char *temporary(void)
{
	const char *directory = getenv("TMPDIR");

	return directory ? directory : "/var/tmp";
}

/* "<directory>/fsenc-<name>-XXXXXX" for mkdtemp() and mkstemp(). */
static inline void temporary_template(char *path, size_t size, const char *name)
{
	(void)snprintf(path, size, "%s/fsenc-%s-XXXXXX", temporary(), name);
}

#endif
