/* A file's header as the server gives it. What opens is, byte for byte, what sealing makes. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "fs/header.h"
#include "keys/kdf.h"

int LLVMFuzzerInitialize(int *count, char ***arguments);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t header_key[KEY_SIZE] = {'f', 'u', 'z', 'z'};

int LLVMFuzzerInitialize(int *count, char ***arguments)
{
	(void)count;
	(void)arguments;
	return sodium_init() < 0 ? 1 : 0;
}

static void open_and_seal_again(const uint8_t *hdr)
{
	struct header seen, header;
	uint8_t again[HEADER_SIZE];
	enum fault peeked = header_peek(hdr, &seen, NULL);
	enum fault opened = header_open(hdr, header_key, &header, NULL);

	if (opened)
		return;
	if (peeked)
		abort();
	header_seal(&header, header_key, again);
	if (memcmp(hdr, again, HEADER_SIZE) != 0)
		abort();
	header_wipe(&header);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t hdr[HEADER_SIZE] = {0};

	memcpy(hdr, data, size < HEADER_SIZE ? size : HEADER_SIZE);
	open_and_seal_again(hdr);
	/* Past the commitment, as somebody who has the header key could get. */
	kdf(hdr + HEADER_OFF_COMMIT, KEY_SIZE, header_key, KDF_HEADER_COMMIT, hdr, HEADER_PUBLIC_SIZE);
	open_and_seal_again(hdr);
	return 0;
}
