/* keys/group_math.h - arithmetic that keys/group*.c share. Not for others. */
#ifndef FSENC_KEYS_GROUP_MATH_H
#define FSENC_KEYS_GROUP_MATH_H

#include "keys/group.h"

bool scalar_is_canonical(const struct scalar *scalar);
struct scalar scalar_of(unsigned number);
/* Lagrange's coefficient of `index` at zero among different `indexes`. */
void scalar_lagrange(const unsigned *indexes, unsigned count, unsigned index, struct scalar *ret_lambda);
/* The identity comes out as zeros, as for a point that is none: check points first.
 * `ret_product` may be `point`. */
void point_times(const struct scalar *scalar, const struct point *point, struct point *ret_product);
struct point point_of(const struct scalar *scalar);
/* sum += scalar * point */
void point_add_times(struct point *sum, const struct scalar *scalar, const struct point *point);
void point_wipe(struct point *point);
AUTO_VALUE(struct point, point_wipe);
/* Commitments may be the identity (those of a deal of zero are). */
bool are_commitments(const struct point *commitments, unsigned threshold);
/* Between 1 and GROUP_SERVERS_MAX indexes, each once. */
MUST_CHECK enum fault group_check_indexes(const unsigned *indexes, unsigned count, struct why *why);

#endif
