/* keys/share_record.h - `.fsenc-share`, the signed record that makes a directory a share.
 *
 * A JWS of `typ` "fsenc-share+v1" in an object {"record": JWS, "certificates": [CERT]}.
 * Payload: share id, lobby, organisation, require_encryption, recovery groups, version,
 * prev, created, signer. Version 1 is signed by its maker; a later one by the same key. Pinned by clients:
 * another share id at a known path is FAULT_TAMPERED, and so is a lower version.
 */
#ifndef FSENC_KEYS_SHARE_RECORD_H
#define FSENC_KEYS_SHARE_RECORD_H

#include "base/bytes.h"
#include "keys/certificate.h"

#define SHARE_RECORD_TYPE "fsenc-share+v1"
#define SHARE_RECORD_MAX (1024 * 1024)

struct share_record {
	struct share_id share;
	struct organisation_id organisation;
	bool lobby;
	bool require_encryption;
	uint64_t version;
	struct digest previous;
	int64_t created;
	struct public_identity maker;
	struct fingerprint signer;
	struct digest digest;
};

/* A new share, version 1, of the organisation that certified its maker. The text for `.fsenc-share` is
 * appended to *ret_text. */
MUST_CHECK enum fault share_record_make(bool lobby, const struct certificate *maker,
					const struct identity *identity, struct share_record *ret_record,
					struct bytes *ret_text, struct why *why);
/* Parses, checks form and that the named maker signed it. Who he is, is the caller's question. */
MUST_CHECK enum fault share_record_parse(const void *text, size_t size, struct share_record *ret_record,
					 struct why *why);
/* The maker's certificate in a text that share_record_parse() took: the organisation's where there is one. */
MUST_CHECK enum fault share_record_maker(const void *text, size_t size, const struct share_record *record,
					 struct certificate **ret_certificate, struct why *why);

#endif
