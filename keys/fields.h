/* keys/fields.h - JSON objects that are read and written by one table.
 *
 * Each row ties a member's name to a place in a struct, its form and its range, so that what
 * is written can be read again and nothing else can:
 *
 *     static const struct field fields[] = {
 *             {"share", FIELD_HEX, FIELD_AT(struct thing, share)},
 *             {"version", FIELD_INTEGER, FIELD_AT(struct thing, version), .least = 1, .most = 9},
 *     };
 *
 * Reading is strict: a member that is missing, unknown, doubled, of another type or outside its
 * range is FAULT_MALFORMED. An `optional` member is absent exactly when its place holds zeros.
 * Lists of structs are rows of their own table:
 *
 *     static const struct field item_fields[] = {{"id", FIELD_HEX, FIELD_AT(struct item, id)}};
 *     static const struct field_elements items = {item_fields, 1, sizeof(struct item),
 *                                                 offsetof(struct thing, item_count)};
 *     {"items", FIELD_STRUCTS, FIELD_AT(struct thing, items), .most = ITEMS_MAX, .elements = &items},
 *
 * A format that needs another member gets another `typ`; old clients then refuse it as a
 * whole instead of obeying half of it. Pure functions; any thread.
 */
#ifndef FSENC_KEYS_FIELDS_H
#define FSENC_KEYS_FIELDS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

#define FIELDS_DEPTH_MAX 16
#define FIELDS_INTEGER_MAX (((int64_t)1 << 53) - 1) /* RFC 8259, section 6: exact everywhere */

AUTO_POINTER(json_t *, json_decref);

enum field_form {
	FIELD_HEX, /* `size` bytes as hex: ids */
	FIELD_BASE64, /* `size` bytes as base64url: keys, digests, seals */
	FIELD_NAME, /* a display name in an array of characters */
	FIELD_TEXT, /* UTF-8 without control characters, at least one byte, in an array of characters */
	FIELD_SECRET, /* the same with any character but zero: passwords */
	FIELD_INTEGER, /* of 1, 4 or 8 bytes, `least`..`most` */
	FIELD_CHOICE, /* the same, written as one of `words` */
	FIELD_BOOLEAN, /* a bool */
	FIELD_OBJECT, /* an object: reading checks that it is there, the rest is the caller's */
	FIELD_OBJECT_OR_NULL, /* the same, or null */
	FIELD_LIST, /* an array of at most `most`: the rest is the caller's too */
	FIELD_STRUCTS, /* an array of `least`..`most` in an array of structs, by `elements` */
};

struct field_elements;

struct field {
	const char *name;
	enum field_form form;
	size_t offset;
	size_t size;
	bool optional;
	int64_t least;
	int64_t most;
	const char *const *words; /* the value is the index; ends with NULL, a NULL at 0 does not */
	const struct field_elements *elements;
};

struct field_elements {
	const struct field *fields;
	size_t field_count;
	size_t size; /* of one struct */
	size_t count_offset; /* of the size_t in the outer struct that counts them */
	bool bare; /* the one row is the element itself: ["ab", "cd"], not [{"id": "ab"}, ...] */
};

#define FIELD_AT(type, member) .offset = offsetof(type, member), .size = sizeof(((type *)0)->member)

/* An object from text: no doubled members, no zero bytes, nothing after it, not deeper than
 * FIELDS_DEPTH_MAX. */
MUST_CHECK enum fault fields_parse(const void *text, size_t size, json_t **ret_object, struct why *why);

/* `into` is changed also on failure: read into a local struct. */
MUST_CHECK enum fault fields_read(const struct field *fields, size_t count, const json_t *object, void *into,
				  struct why *why);
/* Objects and lists (not FIELD_STRUCTS) are left out: the caller adds them. */
MUST_CHECK enum fault fields_write(const struct field *fields, size_t count, const void *from,
				   json_t **ret_object, struct why *why);
/* Puts `value` (which it takes over, also on failure, and which may be NULL) into an object. */
MUST_CHECK enum fault fields_set(json_t *object, const char *name, json_t *value, struct why *why);
/* The same at the end of an array. */
MUST_CHECK enum fault fields_append(json_t *array, json_t *value, struct why *why);

/* An object as text on one line, members sorted, appended to *text. What is written in between is
 * wiped: it may hold a password. */
MUST_CHECK enum fault fields_append_text(const json_t *object, struct bytes *text, struct why *why);

/* The word for `value`; "?" when there is none. */
const char *fields_word(const char *const *words, uint64_t value);
MUST_CHECK bool fields_word_value(const char *const *words, const char *word, uint64_t *ret_value);

#endif
