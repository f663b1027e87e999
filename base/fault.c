#include "base/fault.h"

#include <stdlib.h>

static const struct {
	const char *name;
	int error;
	int status;
	const char *words;
} rows[] = {
#define X(name, error, status, words) [FAULT_##name] = {#name, error, status, words},
	FAULT_LIST(X)
#undef X
};

static enum fault checked(enum fault fault)
{
	if ((unsigned)fault >= FAULT_COUNT)
		abort();
	return fault;
}

const char *fault_name(enum fault fault)
{
	return rows[checked(fault)].name;
}

const char *fault_words(enum fault fault)
{
	return rows[checked(fault)].words;
}

int fault_errno(enum fault fault)
{
	return rows[checked(fault)].error;
}

int fault_exit_status(enum fault fault)
{
	return rows[checked(fault)].status;
}
