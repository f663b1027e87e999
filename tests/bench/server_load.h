/* tests/bench/server_load.h - the users that the load on a key server comes from.
 *
 * User number n has keys made from n, so that who fills a server and who loads it need not talk. Nothing
 * here is secret.
 */
#ifndef FSENC_TESTS_BENCH_SERVER_LOAD_H
#define FSENC_TESTS_BENCH_SERVER_LOAD_H

#include <stdio.h>
#include <stdlib.h>

#include "keys/identity.h"

#define LOAD_GROUP "load"

/* Ends the program with the words of the failure. */
#define MUST(call) \
	do { \
		enum fault fault_ = (call); \
		if (fault_) { \
			(void)fprintf(stderr, "%s: %s\n", #call, why_text(&why, fault_)); \
			exit(1); \
		} \
	} while (0)

static inline void load_user_name(unsigned number, char name[static DISPLAY_NAME_MAX + 1])
{
	(void)snprintf(name, DISPLAY_NAME_MAX + 1, "user%06u", number);
}

static inline struct identity *load_user(unsigned number)
{
	struct why why = WHY_NONE;
	uint8_t bytes[IDENTITY_PRIVATE_SIZE];
	char name[DISPLAY_NAME_MAX + 1];
	struct member_id id;
	struct identity *identity = NULL;

	load_user_name(number, name);
	(void)crypto_generichash(bytes, sizeof bytes, (const uint8_t *)name, sizeof "user000000", NULL, 0);
	(void)crypto_generichash(id.bytes, sizeof id.bytes, (const uint8_t *)name, sizeof "user000000", NULL,
				 0);
	MUST(identity_restore(&id, name, bytes, &identity, &why));
	return identity;
}

#endif
