/* The first line as the header of a request, the second as that of an answer: whatever parses is written
 * again the same by nobody but its signer, and proves nothing. */
#include "keys/request.h"
#include "tests/fuzz/fixed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size);
	MUST(text);
	char *rest = strchr(text, '\n');
	if (rest)
		*rest++ = 0;
	struct request_claim claim;
	const uint8_t *key = identity_public(fixed_identity())->sign_public;
	const struct request_subject subject = {
		.method = "POST", .target = rest ? rest : "", .body = data, .body_size = size};
	if (!request_parse(text, &claim, NULL)) {
		MUST(strlen(text) < REQUEST_HEADER_SIZE);
		/* Signed over fewer bytes than the subject has: nobody can have made it. */
		MUST(request_verify(&claim, &subject, key, NULL));
		(void)request_digest(&claim);
	}
	const struct answer_subject answer = {.status = 200, .body = data, .body_size = size};
	if (rest)
		MUST(answer_verify(rest, &answer, key, NULL));
	free(text);
	return 0;
}
