/* server/import.h - takes what a parcel brings into a server's store.
 *
 * Everything in it is verified first: signed by the organisation's root, not older than what is here, the
 * share for this server and fitting the commitments. What is here already is left alone, so that a parcel may
 * come twice.
 */
#ifndef FSENC_SERVER_IMPORT_H
#define FSENC_SERVER_IMPORT_H

#include "keys/parcel.h"
#include "server/home.h"

/* A part of the transaction that this thread is in. The home has the new organisation and policy afterwards.
 * FAULT_IDENTITY: of another organisation; FAULT_REFUSED, FAULT_MALFORMED. */
MUST_CHECK enum fault import_parcel(struct home *home, const struct parcel *parcel, struct why *why);

#endif
