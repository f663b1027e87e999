/* server/account.h - the account behind a name that an administrator typed.
 *
 * The directory says; for one that it does not know any more, or while it does not answer, the certificates
 * in the store do, so that a key can be revoked at any time.
 */
#ifndef FSENC_SERVER_ACCOUNT_H
#define FSENC_SERVER_ACCOUNT_H

#include "ldap/directory.h"
#include "server/home.h"

struct account {
	struct member_id id;
	char name[DIRECTORY_NAME_MAX + 1];
};

/* FAULT_MISSING; FAULT_UNREACHABLE when only the directory could tell. Not in a transaction: it may take
 * seconds. */
MUST_CHECK enum fault account_find(const struct home *home, const char *name, struct account *ret_account,
				   struct why *why);

/* The fault for a directory's answer: none, FAULT_MISSING, FAULT_UNREACHABLE. */
enum fault account_fault(enum directory_answer answer);

#endif
