/* server/nonce.h - each signed request counts once.
 *
 * A request is good for REQUEST_CLOCK_MS before and after the time it names; so long its nonce is
 * remembered, in memory and in a file, `nonces`, which the kernel keeps when the server is killed and started
 * again: a request taken from before cannot be repeated then. After a restart of the machine, or without the
 * file, nothing is remembered; then what names a time before this server's start is refused.
 *
 * Bounded: NONCES_MAX in each span of NONCE_SPAN_MS; more are refused, never forgotten. The file is a ring of
 * NONCE_FILE_MAX rows, no sync: losing power is a restart of the machine. One server a directory: a lock on
 * the file keeps a second away. Any thread.
 */
#ifndef FSENC_SERVER_NONCE_H
#define FSENC_SERVER_NONCE_H

#include "keys/request.h"

#define NONCE_FILE "nonces" /* in the server's directory */
#define NONCE_SPAN_MS 150000
#define NONCES_MAX (1 << 20)
#define NONCE_FILE_MAX (1 << 21)

struct nonces;

/* `directory` -1: in memory only, nothing refused for its age (for tests). FAULT_BUSY: another server
 * runs here. */
MUST_CHECK enum fault nonces_open(int directory, int64_t now_ms, struct nonces **ret_nonces, struct why *why);
void nonces_close(struct nonces *nonces);
AUTO_POINTER(struct nonces *, nonces_close);

enum nonce_answer {
	NONCE_FRESH,
	NONCE_SEEN,
	NONCE_EARLY, /* from before what is remembered */
	NONCE_FULL,
};

/* Looks only: whoever has no key must not be able to use nonces up. */
enum nonce_answer nonces_look(struct nonces *nonces, const struct request_claim *claim, int64_t now_ms);
/* FRESH: it is remembered from now on, and no other thread gets FRESH for it. */
enum nonce_answer nonces_take(struct nonces *nonces, const struct request_claim *claim, int64_t now_ms);

size_t nonces_count(struct nonces *nonces);

#endif
