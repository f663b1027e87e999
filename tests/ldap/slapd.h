/* tests/ldap/slapd.h - a real slapd of a test's own, as an ordinary process on free loopback ports.
 *
 *     AUTO(slapd_stop) struct slapd *slapd = slapd_start(&(struct slapd_options){.ldif = "dn: ..."});
 *     slapd->uri                      "ldap://127.0.0.1:PORT", bound there as slapd->admin with
 * SLAPD_PASSWORD
 *
 * Everything it has lies in a directory of its own under temporary(). It is ready when slapd_start()
 * returns, and gone with its directory after slapd_stop(). Whatever fails here fails the test.
 */
#ifndef FSENC_TESTS_LDAP_SLAPD_H
#define FSENC_TESTS_LDAP_SLAPD_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/auto.h"

#define SLAPD_SUFFIX "dc=example,dc=com"
#define SLAPD_ADMIN "cn=admin," SLAPD_SUFFIX
#define SLAPD_PASSWORD "directory secret"
#define SLAPD_PEOPLE "ou=people," SLAPD_SUFFIX
#define SLAPD_GROUPS "ou=groups," SLAPD_SUFFIX

struct slapd_options {
	const char *ldif; /* entries below the two ous, which are there already */
	const char *global; /* lines of slapd.conf before the database */
	const char *database; /* and in it */
	const char *certificate; /* which of tests/ldap/certificates.sh; NULL: "good" */
	bool anonymous_hidden; /* nothing is shown to anonymous */
};

struct slapd {
	char folder[200];
	char uri[64]; /* ldap:// */
	char tls_uri[64]; /* ldaps:// */
	char local_uri[300]; /* ldapi:// */
	char authority[256]; /* file */
	char password_file[256];
	int port;
	int tls_port;
	pid_t pid;
};

struct slapd *slapd_start(const struct slapd_options *options);
void slapd_stop(struct slapd *slapd);
AUTO_POINTER(struct slapd *, slapd_stop);

/* SIGSTOP and SIGCONT: a server that accepts connections and says nothing. */
void slapd_freeze(struct slapd *slapd);
void slapd_thaw(struct slapd *slapd);
/* Ends the process and starts it again on the same ports, with the same entries. */
void slapd_restart(struct slapd *slapd);
void slapd_kill(struct slapd *slapd);

/* LDIF of changes, as ldapmodify(1) takes it, by the administrator. */
void slapd_modify(struct slapd *slapd, const char *ldif);

/* Makes the certificates once a process; the directory with them. */
const char *slapd_certificates(void);

#endif
