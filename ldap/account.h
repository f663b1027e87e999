/* ldap/account.h - is an account switched off?
 *
 * Every kind of directory says it in its own way; all that an entry shows are looked at:
 *
 *     userAccountControl     Active Directory: bit 2 (ACCOUNTDISABLE)
 *     accountExpires         Active Directory: 100 ns since 1601; 0 and the largest number: never
 *     nsAccountLock          389 Directory Server, FreeIPA: anything but "false"
 *     loginDisabled          eDirectory: anything but "false"
 *     pwdAccountLockedTime   OpenLDAP ppolicy: 000001010000Z, locked by an administrator
 *     shadowExpire           shadow(5): the day since 1970 from which it is expired; -1: never
 *
 * A value that makes no sense is MALFORMED, never "on".
 */
#ifndef FSENC_LDAP_ACCOUNT_H
#define FSENC_LDAP_ACCOUNT_H

#include "ldap/entry.h"

#define ACCOUNT_ATTRIBUTES \
	"userAccountControl", "accountExpires", "nsAccountLock", "loginDisabled", "pwdAccountLockedTime", \
		"shadowExpire"

/* *ret_off: NONE, DISABLED or EXPIRED at this wall time. */
MUST_CHECK enum directory_reason account_read(const struct entry *entry, int64_t wall_ms,
					      enum directory_reason *ret_off, struct why *why);

#endif
