/* server/founding.h - a new server's directory: the first of an organisation, or a further one.
 *
 * Everything is made in a directory beside it, which takes its place at the end, so that there is a whole
 * server or none. A further server is signed into the organisation's descriptor, here and in the first one's
 * store.
 */
#ifndef FSENC_SERVER_FOUNDING_H
#define FSENC_SERVER_FOUNDING_H

#include "base/option.h"
#include "server/home.h"

struct founding {
	const char *path; /* a directory that is empty or does not exist */
	const char *name; /* of the server, as clients reach it */
	const char *organisation; /* its name; not looked at with `join` */
	const struct option_list *listen; /* at least one */
	const char *tls_cert, *tls_key; /* absolute paths, or both NULL: a certificate of its own */
	const char *directory_lines; /* section [ldap] of the configuration; NULL: builtin */
	const char
		*root_key; /* file that the root key is written to, or (joining) read from; NULL: the store */
	struct home *join; /* a server of the organisation that it belongs to, or NULL */
};

/* FAULT_EXISTS when something is there. */
MUST_CHECK enum fault founding_make(const struct founding *founding, struct fingerprint *ret_organisation,
				    struct why *why);

#endif
