/* keys/keyring_make.h - a new keyring around an identity that is there already. */
#ifndef FSENC_KEYS_KEYRING_MAKE_H
#define FSENC_KEYS_KEYRING_MAKE_H

#include "keys/keyring_store.h"

/* keyring_create(), but for the name in `options`: `own` is the certificate of `identity`, which is taken
 * over also on failure. */
MUST_CHECK enum fault keyring_make(const struct keyring_new_options *options, struct identity *identity,
				   const struct certificate *own, struct keyring **ret_keyring,
				   struct why *why);

#endif
