/* keys/organisation_parts.h - what keys/organisation*.c share. Not for others. */
#ifndef FSENC_KEYS_ORGANISATION_PARTS_H
#define FSENC_KEYS_ORGANISATION_PARTS_H

#include "keys/organisation.h"

/* FAULT_REFUSED unless the root of `organisation` signed `object`, whose payload names `named`. */
MUST_CHECK enum fault organisation_made_it(const struct organisation *organisation,
					   const struct organisation_id *named,
					   const struct signed_object *object, struct why *why);

#endif
