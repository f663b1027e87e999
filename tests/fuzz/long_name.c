/* Directory entries and the contents of long-name files as the server gives them, and names as a member may
 * seal them.
 *
 * The first line of the input is a directory entry, the rest the contents of its long-name file; the whole is
 * also sealed as if it were a name. A name that is shown must be one that would be stored the same way. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "fs/cipher.h"
#include "fs/name.h"

int LLVMFuzzerInitialize(int *count, char ***arguments);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t siv[64] = {'f', 'u', 'z', 'z'};
static const struct folder_id folder = {{'f'}};
static struct name_key *key;

int LLVMFuzzerInitialize(int *count, char ***arguments)
{
	(void)count;
	(void)arguments;
	return sodium_init() < 0 || name_key_new(siv, &folder, &key, NULL) ? 1 : 0;
}

static void check_that_it_may_be_shown(const char *plain)
{
	if (!*plain || strchr(plain, '/') || strcmp(plain, ".") == 0 || strcmp(plain, "..") == 0 ||
	    strncmp(plain, FORMAT_PREFIX, 6) == 0)
		abort();
}

static void decode(const char *text, size_t length)
{
	char plain[NAME_MAX_PLAIN + 1];
	char lower[NAME_LONG_MAX + 1];
	struct stored_name stored;

	if (name_decode(key, text, length, plain, NULL))
		return;
	check_that_it_may_be_shown(plain);
	if (name_encode(key, plain, &stored, NULL))
		abort();
	for (size_t i = 0; i < length; i++)
		lower[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] + 32 : text[i]);
	lower[length] = 0;
	if (strcmp(stored.is_long ? stored.long_text : stored.entry, lower) != 0)
		abort();
}

static void decode_sealed(const uint8_t *plain, size_t size)
{
	uint8_t sealed[NAME_SIV_SIZE + 300];
	char text[BASE32_LENGTH(sizeof sealed) + 1];

	if (size == 0 || size > 300)
		return;
	cipher_siv_seal(siv, folder.bytes, ID_SIZE, plain, size, sealed);
	text_base32(text, sealed, NAME_SIV_SIZE + size);
	decode(text, strlen(text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	const char *end = size ? memchr(data, '\n', size) : NULL;
	size_t entry_length = end ? (size_t)(end - text) : size;
	size_t rest = end ? entry_length + 1 : size;
	char *entry = strndup(text ? text : "", entry_length);
	char back[XATTR_NAME_MAX_PLAIN + 1];

	if (!entry)
		return 0;
	if (name_classify(entry) == NAME_ENTRY)
		decode(entry, strlen(entry));
	if (name_long_matches(entry, text + rest, size - rest))
		decode(text + rest, size - rest);
	decode(text, size);
	(void)!name_decode_xattr(key, entry, back, NULL);
	decode_sealed(data, size);
	free(entry);
	return 0;
}
