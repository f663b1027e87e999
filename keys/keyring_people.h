/* keys/keyring_people.h - certificates, for the rest of keys/keyring*.c. */
#ifndef FSENC_KEYS_KEYRING_PEOPLE_H
#define FSENC_KEYS_KEYRING_PEOPLE_H

#include "keys/keyring_store.h"

/* keyring_add_certificate() inside a transaction. */
MUST_CHECK enum fault people_put(struct keyring *held, const struct certificate *certificate, bool trusted,
				 struct why *why);

#endif
