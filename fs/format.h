/* fs/format.h - every constant of what lies on the share, once.
 *
 * docs/FORMAT.md draws the same bytes; tests/house compares the two. Numbers are
 * little-endian. A change here makes shares unreadable: there is a share of version 1 in
 * tests/shares/v1 that must open for ever.
 */
#ifndef FSENC_FS_FORMAT_H
#define FSENC_FS_FORMAT_H

#include <assert.h>
#include <stdint.h>

/* Names on the share. */
#define FORMAT_PREFIX ".fsenc" /* no plain name may begin with it */
#define FORMAT_SHARE_FILE ".fsenc-share"
#define FORMAT_FOLDER_FILE ".fsenc"
#define FORMAT_LOG_FILE ".fsenc.log"
#define FORMAT_FOLDER_BACKUP ".fsenc.bak"
#define FORMAT_BACKUP_DIR ".fsenc-backup"
#define FORMAT_LONG_PREFIX ".fsenc-l-"
#define FORMAT_LONG_SUFFIX ".n"
#define FORMAT_XATTR_PREFIX "user.fsenc."

/* A file: 192 bytes of header, then blocks of nonce || ciphertext || tag. */
#define HEADER_SIZE 192
#define NONCE_SIZE 24
#define TAG_SIZE 16
#define SEAL_OVERHEAD (NONCE_SIZE + TAG_SIZE)
#define BLOCK_LOG2_DEFAULT 12
#define BLOCK_LOG2_MAX 16
#define BLOCK_SIZE_MAX (1u << BLOCK_LOG2_MAX)
#define FILE_SIZE_MAX ((int64_t)1 << 60)

#define HEADER_OFF_MAGIC 0
#define HEADER_OFF_VERSION 4
#define HEADER_OFF_SUITE 5
#define HEADER_OFF_BLOCK_LOG2 6
#define HEADER_OFF_FLAGS 7
#define HEADER_OFF_FOLDER 8
#define HEADER_OFF_GENERATION 24
#define HEADER_OFF_SEED_GENERATION 28
#define HEADER_OFF_FILE_ID 32
#define HEADER_OFF_COMMIT 48
#define HEADER_OFF_SEED 80
#define HEADER_OFF_OLD 128
#define HEADER_PUBLIC_SIZE HEADER_OFF_COMMIT /* hdr[0..47], the context of the header's keys */
#define SEED_SIZE 32

_Static_assert(HEADER_OFF_SEED + SEED_SIZE + TAG_SIZE == HEADER_OFF_OLD, "docs/FORMAT.md: A file");
_Static_assert(HEADER_OFF_OLD + 16 + SEED_SIZE + TAG_SIZE == HEADER_SIZE, "docs/FORMAT.md: A file");

#define HEADER_MAGIC "FSE1"
#define HEADER_VERSION 1
#define HEADER_SPARSE 1u
#define HEADER_MIXED 2u

/* Plain names to 255 bytes; a stored name over 143 bytes lies in a long-name file. */
#define NAME_MAX_PLAIN 255
#define NAME_SIV_SIZE 16
#define NAME_MAX_STORED_SHORT 143
#define XATTR_NAME_MAX_PLAIN 136 /* without "user." */
#define SYMLINK_TARGET_MAX 3027

/* Gaps up to this are filled with encrypted zeros; larger ones make a file SPARSE. */
#define GAP_FILL_MAX (1024 * 1024)

/* Lock offsets, beyond any data. docs/FORMAT.md: Locks. */
#define LOCK_APPLICATION ((int64_t)1 << 61) /* fcntl ranges of applications */
#define LOCK_BLOCKS ((int64_t)1 << 62) /* + i: block i */
#define LOCK_BLOCKS_LAST (LOCK_BLOCKS + ((int64_t)1 << 61)) /* the last byte of a range "from i on" */
#define LOCK_FLOCK (LOCK_BLOCKS_LAST + 1) /* the one byte of flock() */

/* A client looks at `.fsenc` again when its last look is older than this. */
#define LOOK_INTERVAL_MS 1000

#endif
