/* tests/ldap/library_leaks.h - what libldap 2.5 and SASL 2.1 themselves forget, so that LeakSanitizer tells
 * of the rest.
 *
 * A request whose answer cannot be decoded (some 4 KB, once a broken connection), parts of a context for TLS
 * with a client certificate (ldap/tls.h makes few), and the credentials of a bind with Kerberos under TLS
 * (ldap/bind.c). Whole stacks, which are slow, tell that from what we might forget. Included by one file of a program.
 */
#ifndef FSENC_TESTS_LDAP_LIBRARY_LEAKS_H
#define FSENC_TESTS_LDAP_LIBRARY_LEAKS_H

__attribute__((visibility("default"))) const char *__asan_default_options(void);
__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void);

const char *__asan_default_options(void)
{
	return "fast_unwind_on_malloc=0";
}

const char *__lsan_default_suppressions(void)
{
	return "leak:ldap_send_server_request\nleak:refresh_shared\nleak:gss_acquire_cred\n";
}

#endif
