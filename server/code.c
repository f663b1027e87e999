#include "server/code.h"

#include "keys/kdf.h"

enum fault code_new(struct store *store, const struct member_id *account, int64_t now,
		    char text[static TOKEN_TEXT_SIZE], struct why *why)
{
	AUTO(token_wipe) struct token token;
	struct digest hash;
	enum fault fault;

	randombytes_buf(token.bytes, sizeof token.bytes);
	hash = kdf_hash(KDF_HASH_ENROL_CODE, token.bytes, sizeof token.bytes);
	fault = store_code_write(store, account, &hash, now + STORE_CODE_LIFE, why);
	if (!fault)
		token_text(&token, text);
	return fault;
}

enum fault code_use(struct store *store, const struct member_id *account, const char *text, int64_t now,
		    struct why *why)
{
	AUTO(token_wipe) struct token token;
	struct digest hash;
	enum fault fault = token_from_text(text, &token, why);

	if (fault)
		return fault == FAULT_PASSPHRASE ? FAULT_DENIED : fault;
	hash = kdf_hash(KDF_HASH_ENROL_CODE, token.bytes, sizeof token.bytes);
	fault = store_code_use(store, account, &hash, now, why);
	return fault == FAULT_MISSING ? FAULT_DENIED : fault;
}
