#include "server/addresses.h"

#include <assert.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

#define CHAINS 1024

/* IPv4 in four bytes and zeros; the first eight of IPv6 and a mark. */
struct key {
	uint8_t bytes[9];
};

struct address {
	struct address *next;
	struct key key;
	unsigned count;
};

struct addresses {
	pthread_mutex_t lock;
	unsigned most;
	uint8_t hash_key[crypto_shorthash_KEYBYTES];
	struct address *chains[CHAINS];
};

enum fault addresses_new(unsigned most, struct addresses **ret_addresses, struct why *why)
{
	struct addresses *addresses = calloc(1, sizeof *addresses);

	if (!addresses)
		return why_set(why, FAULT_MEMORY, "no memory for addresses");
	addresses->most = most;
	randombytes_buf(addresses->hash_key, sizeof addresses->hash_key);
	(void)pthread_mutex_init(&addresses->lock, NULL);
	*ret_addresses = addresses;
	return FAULT_NONE;
}

void addresses_free(struct addresses *addresses)
{
	if (!addresses)
		return;
	for (size_t i = 0; i < CHAINS; i++)
		for (struct address *address = addresses->chains[i], *next; address; address = next) {
			next = address->next;
			free(address);
		}
	(void)pthread_mutex_destroy(&addresses->lock);
	free(addresses);
}

/* false: it has none. */
static bool key_of(const struct sockaddr *peer, struct key *ret_key)
{
	const void *any = peer;
	struct key key = {{0}};

	if (peer->sa_family == AF_INET) {
		memcpy(key.bytes, &((const struct sockaddr_in *)any)->sin_addr, 4);
	} else if (peer->sa_family == AF_INET6) {
		memcpy(key.bytes, &((const struct sockaddr_in6 *)any)->sin6_addr, 8);
		key.bytes[8] = 6;
	} else {
		return false;
	}
	*ret_key = key;
	return true;
}

/* Where the address stands, or where it would be put: *place is NULL then. */
static struct address **place_of(struct addresses *addresses, const struct key *key)
{
	uint8_t hash[crypto_shorthash_BYTES];

	(void)crypto_shorthash(hash, key->bytes, sizeof key->bytes, addresses->hash_key);
	struct address **place = &addresses->chains[le32_get(hash) % CHAINS];
	while (*place && memcmp(&(*place)->key, key, sizeof *key) != 0)
		place = &(*place)->next;
	return place;
}

static bool enter(struct addresses *addresses, const struct key *key)
{
	struct address **place = place_of(addresses, key);

	if (!*place) {
		*place = calloc(1, sizeof **place);
		if (!*place)
			return false;
		(*place)->key = *key;
	}
	if ((*place)->count >= addresses->most)
		return false;
	(*place)->count++;
	return true;
}

bool addresses_enter(struct addresses *addresses, const struct sockaddr *peer)
{
	struct key key;

	if (!key_of(peer, &key))
		return true;
	(void)pthread_mutex_lock(&addresses->lock);
	bool entered = enter(addresses, &key);
	(void)pthread_mutex_unlock(&addresses->lock);
	return entered;
}

static void leave(struct addresses *addresses, const struct key *key)
{
	struct address **place = place_of(addresses, key);
	struct address *address = *place;

	assert(address && address->count > 0);
	if (--address->count > 0)
		return;
	*place = address->next;
	free(address);
}

void addresses_leave(struct addresses *addresses, const struct sockaddr *peer)
{
	struct key key;

	if (!key_of(peer, &key))
		return;
	(void)pthread_mutex_lock(&addresses->lock);
	leave(addresses, &key);
	(void)pthread_mutex_unlock(&addresses->lock);
}
