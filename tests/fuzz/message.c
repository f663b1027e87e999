/* The first byte chooses the message, the rest is its body: what is read can be written, and is then read
 * as the same. */
#include "keys/message.h"
#include "tests/fuzz/fixed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Reads a body and appends it as it is written again; any fault: it is none. */
typedef enum fault (*rewrite)(const void *body, size_t size, struct bytes *again);

#define PLAIN(name) \
	static enum fault rewrite_##name(const void *body, size_t size, struct bytes *again) \
	{ \
		static struct name read; \
		enum fault fault = name##_read(body, size, &read, NULL); \
		if (fault) \
			return fault; \
		MUST(!name##_write(&read, again, NULL)); \
		return FAULT_NONE; \
	}
#define OWNING(name) \
	static enum fault rewrite_##name(const void *body, size_t size, struct bytes *again) \
	{ \
		AUTO(name##_done) struct name read = {0}; \
		enum fault fault = name##_read(body, size, &read, NULL); \
		if (fault) \
			return fault; \
		MUST(!name##_write(&read, again, NULL)); \
		return FAULT_NONE; \
	}

PLAIN(unlock_request)
PLAIN(unlock_answer)
PLAIN(lease_request)
PLAIN(lease_answer)
PLAIN(heads_answer)
PLAIN(problem)
OWNING(enrol_request)
OWNING(enrol_answer)
OWNING(organisation_answer)
OWNING(user_answer)
OWNING(members_answer)
OWNING(heads_request)

static enum fault rewrite_groups(const void *body, size_t size, bool one, struct bytes *again)
{
	AUTO(groups_answer_done) struct groups_answer read = {0};
	enum fault fault = groups_answer_read(body, size, one, &read, NULL);
	if (fault)
		return fault;
	MUST(!groups_answer_write(&read, one, again, NULL));
	return FAULT_NONE;
}

static enum fault rewrite_one_group(const void *body, size_t size, struct bytes *again)
{
	return rewrite_groups(body, size, true, again);
}

static enum fault rewrite_many_groups(const void *body, size_t size, struct bytes *again)
{
	return rewrite_groups(body, size, false, again);
}

static enum fault rewrite_token(const void *body, size_t size, struct bytes *again)
{
	AUTO(bytes_done) struct bytes sealed = BYTES_EMPTY;
	enum fault fault = token_request_read(body, size, &sealed, NULL);
	if (fault)
		return fault;
	MUST(!token_request_write(sealed.data, sealed.size, again, NULL));
	return FAULT_NONE;
}

/* The letters are those of corpus/message: make_corpus.c. */
static const rewrite rewrites[] = {
	rewrite_unlock_request,	     rewrite_unlock_answer,  rewrite_lease_request,
	rewrite_lease_answer,	     rewrite_enrol_request,  rewrite_enrol_answer,
	rewrite_organisation_answer, rewrite_user_answer,    rewrite_one_group,
	rewrite_many_groups,	     rewrite_members_answer, rewrite_heads_request,
	rewrite_heads_answer,	     rewrite_token,	     rewrite_problem,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(bytes_done) struct bytes once = BYTES_EMPTY;
	AUTO(bytes_done) struct bytes twice = BYTES_EMPTY;
	MUST(fixed_identity());
	if (size == 0)
		return 0;
	const rewrite again = rewrites[(unsigned)(data[0] - 'a') % (sizeof rewrites / sizeof *rewrites)];
	if (again(data + 1, size - 1, &once))
		return 0;
	MUST(!again(once.data, once.size, &twice));
	MUST(once.size == twice.size && memcmp(once.data, twice.data, once.size) == 0);
	return 0;
}
