/* keys/message_parts.h - what keys/message*.c share. Not for others. */
#ifndef FSENC_KEYS_MESSAGE_PARTS_H
#define FSENC_KEYS_MESSAGE_PARTS_H

#include "base/array.h"
#include "keys/fields.h"
#include "keys/message.h"

/* A table, what it describes, and how large a body of it may be. */
struct message_form {
	const char *what; /* "the unlock request" */
	const struct field *fields;
	size_t field_count;
	size_t body_max;
};
#define MESSAGE_FORM(words, table, limit) \
	{ \
		.what = (words), .fields = (table), .field_count = COUNT(table), .body_max = (limit) \
	}

/* The object, whose plain members are in `into` (of zeros before, changed also on failure). */
MUST_CHECK enum fault message_parse(const struct message_form *form, const void *body, size_t size,
				    void *into, json_t **ret_object, struct why *why);
/* For a table without objects and lists of the caller's. */
MUST_CHECK enum fault message_read(const struct message_form *form, const void *body, size_t size, void *into,
				   struct why *why);
MUST_CHECK enum fault message_write(const struct message_form *form, const void *from, struct bytes *ret_body,
				    struct why *why);

/* The signed object or certificate in a member. FAULT_MALFORMED; none there: NULL. */
MUST_CHECK enum fault message_read_signed(const json_t *object, const char *name, const char *type,
					  struct signed_object **ret_signed, struct why *why);
MUST_CHECK enum fault message_read_certificate(const json_t *object, const char *name,
					       struct certificate **ret_certificate, struct why *why);
/* `signed_object` NULL: nothing is set. */
MUST_CHECK enum fault message_set_signed(json_t *object, const char *name,
					 const struct signed_object *signed_object, struct why *why);
/* NULL: null is set. */
MUST_CHECK enum fault message_set_certificate(json_t *object, const char *name,
					      const struct certificate *certificate, struct why *why);

#endif
