/* keys/keyring_certified.h - what the organisation says of people, beside what is trusted by hand.
 *
 * A certificate by a server of the keyring's organisation is believed on first sight: it says which account
 * of the directory has this key, with the holder's own proof. It never replaces what is known: another key
 * for a known user, or a second user of a known account, is refused, whatever its serial (one server may be
 * bad). Part of keys/keyring.h: the same connection, the same rules.
 */
#ifndef FSENC_KEYS_KEYRING_CERTIFIED_H
#define FSENC_KEYS_KEYRING_CERTIFIED_H

#include "keys/keyring_service.h"

/* The certificate that others are shown: the organisation's, or without one the own. */
MUST_CHECK enum fault keyring_shown_certificate(struct keyring *keyring, struct certificate **ret_certificate,
						struct why *why);
/* Verifies, compares with what is known, and keeps it. FAULT_MISSING: not enrolled. FAULT_REFUSED: not by the
 * organisation. FAULT_IDENTITY: it contradicts what is known of this user or account. */
MUST_CHECK enum fault keyring_accept_certified(struct keyring *keyring, const struct certificate *certificate,
					       struct why *why);
/* Is the key trusted by hand, or certified? `certificate` (or NULL) is one that came with what the key
 * signed; without one that helps, what the keyring has is looked at. FAULT_KEY_MISSING: neither;
 * FAULT_IDENTITY as above. */
MUST_CHECK enum fault keyring_vouches(struct keyring *keyring, const struct fingerprint *fingerprint,
				      const struct certificate *certificate, struct why *why);

#endif
