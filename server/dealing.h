/* server/dealing.h - deals a group key, or deals it anew: who holds it, and how each gets his share.
 *
 * The holder of the root key runs it. A holder whose directory is on this machine is told at once; for any
 * other a parcel is written (keys/parcel.h), to be carried to him. k is in the memory of this process while a
 * fresh key is dealt, and never afterwards: refreshing deals zero, resharing deals what t old holders have.
 *
 *     dealing.home, .root, .parcels ...; dealing_add_holder() for each
 *     dealing_fresh(&dealing, &id, "finance", false, why)
 */
#ifndef FSENC_SERVER_DEALING_H
#define FSENC_SERVER_DEALING_H

#include "keys/parcel.h"
#include "server/home.h"

struct dealing_holder {
	struct public_identity public;
	unsigned index;
	struct home *home; /* borrowed; NULL: gets a file */
};

struct dealing {
	struct home *home; /* whose organisation and policy go into the parcels; borrowed */
	const struct identity *root;
	const char *parcels; /* directory for the files, or NULL */
	unsigned threshold;
	struct dealing_holder holders[GROUP_SERVERS_MAX];
	size_t holder_count;
	struct group_descriptor descriptor; /* the result */
	struct signed_object *signed_descriptor;
};
void dealing_done(struct dealing *dealing);
AUTO_VALUE(struct dealing, dealing_done);

/* A fresh key and a resharing give the indexes 1, 2, ... in this order; a refresh keeps those of the present
 * descriptor. FAULT_EXISTS when he holds one already. */
MUST_CHECK enum fault dealing_add_holder(struct dealing *dealing, const struct public_identity *public,
					 unsigned index, struct home *home, struct why *why);

/* What is done with the parcel of each: stores_change_one() of its home, or a file. */
struct dealt {
	struct parcel parcels[GROUP_SERVERS_MAX]; /* beside the holders */
	size_t count;
};
void dealt_done(struct dealt *dealt);
AUTO_VALUE(struct dealt, dealt_done);

/* A fresh key: version 1, epoch 1. */
MUST_CHECK enum fault dealing_fresh(struct dealing *dealing, const struct member_id *id, const char *name,
				    bool recovery, struct dealt *ret_dealt, struct why *why);
/* Other shares of the same key for the same holders: `present` is its descriptor. */
MUST_CHECK enum fault dealing_refresh(struct dealing *dealing, const struct group_descriptor *present,
				      struct dealt *ret_dealt, struct why *why);
/* Shares of the same key for other holders, or with another threshold: out of the shares in `old`, at least
 * as many as the present threshold. */
MUST_CHECK enum fault dealing_reshare(struct dealing *dealing, const struct group_descriptor *present,
				      const struct group_share *old, size_t old_count,
				      struct dealt *ret_dealt, struct why *why);

/* The parcel of holder `at` as a file "GROUP.HOLDER.parcel" for him to import; *ret_path is heap. FAULT_USAGE
 * when no directory was named. */
MUST_CHECK enum fault dealing_write_file(const struct dealing *dealing, const struct dealt *dealt, size_t at,
					 char **ret_path, struct why *why);

#endif
