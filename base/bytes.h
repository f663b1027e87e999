/* base/bytes.h - little-endian numbers, and a buffer that grows.
 *
 * struct bytes is a plain value that owns its heap memory: start with BYTES_EMPTY, end with
 * bytes_done() (AUTO(bytes_done) does it). A zero byte, not counted in `size`, always
 * follows the data after an append or a read, so text in it is a C string.
 */
#ifndef FSENC_BASE_BYTES_H
#define FSENC_BASE_BYTES_H

#include "base/auto.h"
#include "base/why.h"

#include <stddef.h>
#include <stdint.h>

static inline void le32_put(uint8_t out[static 4], uint32_t value)
{
	for (unsigned i = 0; i < 4; i++)
		out[i] = (uint8_t)(value >> (8 * i));
}

static inline void le64_put(uint8_t out[static 8], uint64_t value)
{
	for (unsigned i = 0; i < 8; i++)
		out[i] = (uint8_t)(value >> (8 * i));
}

static inline uint32_t le32_get(const uint8_t in[static 4])
{
	return (uint32_t)in[0] | (uint32_t)in[1] << 8 | (uint32_t)in[2] << 16 | (uint32_t)in[3] << 24;
}

static inline uint64_t le64_get(const uint8_t in[static 8])
{
	return (uint64_t)le32_get(in) | (uint64_t)le32_get(in + 4) << 32;
}

struct bytes {
	uint8_t *data;
	size_t size;
	size_t room;
};

#define BYTES_EMPTY ((struct bytes){NULL, 0, 0})

void bytes_done(struct bytes *bytes);
AUTO_VALUE(struct bytes, bytes_done);

/* FAULT_MEMORY is the only failure; the contents are then unchanged. */
MUST_CHECK enum fault bytes_reserve(struct bytes *bytes, size_t room, struct why *why);
MUST_CHECK enum fault bytes_append(struct bytes *bytes, const void *data, size_t size, struct why *why);
MUST_CHECK enum fault bytes_append_text(struct bytes *bytes, const char *text, struct why *why);

#endif
