/* fs/header.h - the 192 bytes in front of a file's blocks.
 *
 *   off len                                off len
 *     0   4  "FSE1"                         28   4  seed generation
 *     4   1  version 1                      32  16  file id
 *     5   1  suite                          48  32  kdf(fhk, "header-commit", hdr[0..47])
 *     6   1  log2(block)                    80  48  AEAD(kdf(fhk, "header-wrap", hdr[0..47]), 0, aad
 * hdr[0..79], seed) 7   1  flags: SPARSE, MIXED          128  64  zero, or if MIXED the old file id and seed,
 * sealed 8  16  folder id                           likewise under "header-old-seed", aad hdr[0..127] 24   4
 * generation                    192      blocks
 *
 * fhk is the folder's file-header key of `generation` (keys/folder.h). The wrap keys cover
 * hdr[0..47]: a changed flag or generation is sealed under another key, so no key meets two
 * AADs. docs/FORMAT.md, section "A file". A struct header holds seeds: wipe it.
 */
#ifndef FSENC_FS_HEADER_H
#define FSENC_FS_HEADER_H

#include "base/why.h"
#include "fs/cipher.h"
#include "keys/id.h"

struct header {
	enum suite suite;
	unsigned block_log2;
	unsigned flags;
	struct folder_id folder;
	uint32_t generation;
	uint32_t seed_generation;
	struct file_id file;
	uint8_t seed[SEED_SIZE];
	struct file_id old_file; /* if MIXED */
	uint8_t old_seed[SEED_SIZE];
};
void header_wipe(struct header *header);
AUTO_VALUE(struct header, header_wipe);

/* A fresh header: random file id and seed, generation and seed generation alike. */
void header_new(struct header *header, enum suite suite, unsigned block_log2, const struct folder_id *folder,
		uint32_t generation);
/* The same header with new seed and file id of `generation`; the old pair goes into the MIXED field.
 * Never of a header that is MIXED already: its older pair would be lost, so that aborts. */
void header_turn_mixed(struct header *header, uint32_t generation);

void header_seal(const struct header *header, const uint8_t header_key[static KEY_SIZE],
		 uint8_t out[static HEADER_SIZE]);

/* Reads the public part: FAULT_MALFORMED for another magic, version, suite, flag, block
 * size, a seed generation of 0 or above the generation, or a non-zero reserved field. Seeds stay
 * zero. Proves nothing. */
MUST_CHECK enum fault header_peek(const uint8_t in[static HEADER_SIZE], struct header *ret_header,
				  struct why *why);
/* All of it: FAULT_REFUSED when it does not authenticate under `header_key`. */
MUST_CHECK enum fault header_open(const uint8_t in[static HEADER_SIZE],
				  const uint8_t header_key[static KEY_SIZE], struct header *ret_header,
				  struct why *why);

/* ck = kdf(seed, "blocks", file id), of the present and of the old pair. */
void header_content_key(const struct header *header, struct cipher_key *ret_key);
void header_old_content_key(const struct header *header, struct cipher_key *ret_key);

#endif
