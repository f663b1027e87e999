#include "base/secret.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "base/log.h"

struct secret {
	size_t size;
	uint8_t *bytes;
};

static void warn_if_memory_cannot_be_locked(void)
{
	static uint8_t page[4096];

	if (mlock(page, sizeof page) != 0)
		log_warning(
			"memory cannot be locked; keys may reach the swap space (raise the memlock limit)");
	else
		(void)munlock(page, sizeof page);
}

enum fault secret_start(struct why *why)
{
	if (sodium_init() < 0)
		return why_set(why, FAULT_FAILED, "libsodium does not start");
	const struct rlimit no_core = {0, 0};
	if (setrlimit(RLIMIT_CORE, &no_core) != 0)
		return why_system(why, "cannot turn core files off");
	if (prctl(PR_SET_DUMPABLE, 0) != 0)
		return why_system(why, "cannot make the process undumpable");
	warn_if_memory_cannot_be_locked();
	return FAULT_NONE;
}

enum fault secret_new(size_t size, struct secret **ret_secret, struct why *why)
{
	struct secret *secret = calloc(1, sizeof *secret);
	if (!secret)
		return why_set(why, FAULT_MEMORY, "no memory for a key");
	secret->bytes = sodium_malloc(size);
	if (!secret->bytes) {
		free(secret);
		return why_set(why, FAULT_MEMORY, "no guarded memory for a key");
	}
	secret->size = size;
	memset(secret->bytes, 0, size);
	*ret_secret = secret;
	return FAULT_NONE;
}

enum fault secret_copy(const void *bytes, size_t size, struct secret **ret_secret, struct why *why)
{
	struct secret *secret = NULL;
	enum fault fault = secret_new(size, &secret, why);
	if (fault)
		return fault;
	memcpy(secret->bytes, bytes, size);
	*ret_secret = secret;
	return FAULT_NONE;
}

void secret_free(struct secret *secret)
{
	if (!secret)
		return;
	sodium_free(secret->bytes);
	free(secret);
}

size_t secret_size(const struct secret *secret)
{
	return secret->size;
}

const uint8_t *secret_bytes(const struct secret *secret)
{
	assert(secret);
	return secret->bytes;
}

uint8_t *secret_bytes_to_fill(struct secret *secret)
{
	assert(secret);
	return secret->bytes;
}

void secret_wipe(void *bytes, size_t size)
{
	sodium_memzero(bytes, size);
}

void wiped_key(struct wiped_key *key)
{
	sodium_memzero(key->bytes, sizeof key->bytes);
}
