/* ldap/uuid.h - immutable ids as directories write them.
 *
 * entryUUID and ipaUniqueID are text (8-4-4-4-12 hex digits, RFC 4530); objectGUID is 16 bytes whose first
 * three fields are little-endian. Both become the 16 bytes of RFC 4122, so that an id reads the same in our
 * lists and in the directory's own tools. All zeros is no id. Any thread.
 */
#ifndef FSENC_LDAP_UUID_H
#define FSENC_LDAP_UUID_H

#include "keys/id.h"

#define UUID_TEXT_SIZE 37

enum uuid_form { UUID_TEXT, UUID_GUID };

/* The form that an attribute of this name has. */
enum uuid_form uuid_form_of(const char *attribute);

/* false: not an id of this form. */
MUST_CHECK bool uuid_from_value(enum uuid_form form, const void *value, size_t size,
				struct member_id *ret_id);
/* The value to look for, which a filter still escapes; its length. */
size_t uuid_to_value(enum uuid_form form, const struct member_id *id, char value[static UUID_TEXT_SIZE]);

#endif
