/* ldap/dn.h - distinguished names, compared as what they mean.
 *
 * "UID=alice, OU=People,DC=x" and "uid=alice,ou=people,dc=x" are one name, and "\2c" is a comma. libldap
 * takes them apart (RFC 4514); types are compared without case, values without case and with runs of blanks
 * as one (RFC 4518, letters of ASCII only: where a server would fold more, two names count as different,
 * which can only refuse). Parts of a multi-valued RDN may stand in any order. Text that is no DN, also none
 * at all, equals nothing, not even itself. Any thread.
 */
#ifndef FSENC_LDAP_DN_H
#define FSENC_LDAP_DN_H

#include <stdbool.h>
#include <stddef.h>

bool dn_is_valid(const char *dn);
bool dn_equal(const char *one, const char *other);
/* `dn` is `base` or lies below it. */
bool dn_is_under(const char *dn, const char *base);

/* The length of `value` without the optional UID of a Name And Optional UID (RFC 4517, 3.3.21): "#'0101'B" at
 * the end, quotes, letter and nothing but binary digits. All of it where there is none. */
size_t dn_without_uid(const char *value, size_t size);

#endif
