/* tests/ldap/kdc.h - a Kerberos realm of a test's own: a real KDC on a free loopback port
 * (tests/ldap/realm.sh).
 *
 *     AUTO(kdc_stop) struct kdc *kdc = kdc_start();
 *     kdc_file(kdc, "fsenc.keytab", path);
 *
 * From kdc_start() on this process and those that it starts are of that realm (KRB5_CONFIG), and servers
 * among them have slapd.keytab (KRB5_KTNAME). Everything lies in a directory of its own under temporary().
 */
#ifndef FSENC_TESTS_LDAP_KDC_H
#define FSENC_TESTS_LDAP_KDC_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/auto.h"

#define KDC_PATH_SIZE 300

struct kdc {
	char folder[200];
	int port;
	pid_t pid;
};

/* Are the programs and the plugin of SASL there? */
bool kdc_is_installed(void);

struct kdc *kdc_start(void);
void kdc_stop(struct kdc *kdc);
AUTO_POINTER(struct kdc *, kdc_stop);

void kdc_file(const struct kdc *kdc, const char *name, char ret_path[static KDC_PATH_SIZE]);
/* How many tickets to ask for others with it has given out until now. */
unsigned kdc_logins(const struct kdc *kdc);

#endif
