/* Any text as a recovery request and as an officer's answer, and any JSON in a block as either: what is read
 * as a request was signed by the key it names, and no answer made without a share is believed. */
#include "keys/recovery.h"
#include "tests/fuzz/fixed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct organisation_id organisation = {{0x10, 0x20}};

static struct point fixed_point(void)
{
	static const uint8_t wide[64] = {1, 2, 3};
	struct point point;

	MUST(crypto_core_ristretto255_from_hash(point.bytes, wide) == 0);
	return point;
}

/* One officer, whose share nobody has. */
static const struct group_descriptor *fixed_officers(void)
{
	static struct group_descriptor group = {.id = {{0x60}},
						.name = "officers",
						.recovery = true,
						.epoch = 1,
						.threshold = 1,
						.servers = {{.index = 1}},
						.server_count = 1};

	group.organisation = organisation;
	group.commitments[0] = fixed_point();
	return &group;
}

static const struct recovery_asked *fixed_asked(void)
{
	static struct recovery_asked asked;
	AUTO(bytes_done) struct bytes block = BYTES_EMPTY;
	AUTO(json_decref) json_t *certificate = NULL;
	AUTO(certificate_free) struct certificate *own = NULL;
	const struct point point = fixed_point();
	const struct recovery_request what = {.organisation = organisation,
					      .group = fixed_officers()->id,
					      .epoch = 1,
					      .folder = {{1}},
					      .generation = 1};

	if (asked.certificate)
		return &asked;
	certificate = fixed_certificate();
	MUST(!certificate_parse(certificate, &own, NULL));
	MUST(!recovery_ask(&what, &point, fixed_identity(), own, &block, NULL));
	MUST(!recovery_request_read(block.data, block.size, &asked, NULL));
	return &asked;
}

static void fuzz_request(const void *text, size_t size)
{
	AUTO(recovery_asked_done) struct recovery_asked asked = {.certificate = NULL};

	if (!recovery_request_read(text, size, &asked, NULL))
		MUST(asked.certificate && asked.request.epoch >= 1 &&
		     (asked.request.kind == RECOVERY_TOKEN) == (asked.request.generation == 0));
}

static void fuzz_answer(const void *text, size_t size)
{
	const struct recovery_block block = {"block", text, size};
	const struct recovery_goal goal = {RECOVERY_FOLDER, fixed_point()};
	struct point shared;

	MUST(recovery_combine(fixed_asked(), &goal, fixed_identity(), fixed_officers(), &block, 1, &shared,
			      NULL));
}

static void fuzz_in_block(const char *label, const uint8_t *data, size_t size,
			  void (*fuzz)(const void *text, size_t size))
{
	AUTO(bytes_done) struct bytes block = BYTES_EMPTY;
	AUTO(bytes_done) struct bytes back = BYTES_EMPTY;

	MUST(!armor_write(label, data, size, &block, NULL));
	MUST(!armor_read(label, block.data, block.size, &back, NULL));
	MUST(back.size == size && memcmp(back.data, data, size) == 0);
	fuzz(block.data, block.size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_request(data, size);
	fuzz_answer(data, size);
	if (size == 0 || size > ARMOR_MAX / 2)
		return 0;
	fuzz_in_block(RECOVERY_REQUEST_LABEL, data, size, fuzz_request);
	fuzz_in_block(RECOVERY_ANSWER_LABEL, data, size, fuzz_answer);
	return 0;
}
