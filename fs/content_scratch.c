#include "fs/content_state.h"

static pthread_key_t scratch_key;
static pthread_once_t scratch_once = PTHREAD_ONCE_INIT;
static bool scratch_works;

static void scratch_free(void *scratch)
{
	secret_wipe(scratch, sizeof(struct scratch)); /* it held plaintext */
	free(scratch);
}

static void scratch_start(void)
{
	scratch_works = pthread_key_create(&scratch_key, scratch_free) == 0;
}

struct scratch *scratch_get(struct why *why)
{
	(void)pthread_once(&scratch_once, scratch_start);
	struct scratch *scratch = scratch_works ? pthread_getspecific(scratch_key) : NULL;
	if (scratch)
		return scratch;
	scratch = scratch_works ? malloc(sizeof *scratch) : NULL;
	if (!scratch || pthread_setspecific(scratch_key, scratch) != 0) {
		free(scratch);
		(void)why_set(why, FAULT_MEMORY, "no memory for a thread's buffers");
		return NULL;
	}
	return scratch;
}
