#include "tests/ldap/kdc.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/ldap/process.h"
#include "tests/lib/temporary.h"

#define KRB5KDC "/usr/sbin/krb5kdc"

bool kdc_is_installed(void)
{
	glob_t found;
	bool has_plugin = glob("/usr/lib/*/sasl2/libgssapiv2.so", 0, NULL, &found) == 0;

	globfree(&found);
	return has_plugin && access(KRB5KDC, X_OK) == 0 && access("/usr/sbin/kadmin.local", X_OK) == 0 &&
	       access("/usr/sbin/kdb5_util", X_OK) == 0;
}

void kdc_file(const struct kdc *kdc, const char *name, char ret_path[static KDC_PATH_SIZE])
{
	(void)snprintf(ret_path, KDC_PATH_SIZE, "%s/%s", kdc->folder, name);
}

static void make_realm(struct kdc *kdc)
{
	char port[16];
	char *argv[] = {(char *)"/bin/sh", (char *)REALM_SCRIPT, kdc->folder, port, NULL};

	(void)snprintf(port, sizeof port, "%d", kdc->port);
	process_run("realm.sh", argv, "/dev/stderr");
}

static void set(const struct kdc *kdc, const char *variable, const char *name)
{
	char path[KDC_PATH_SIZE];

	kdc_file(kdc, name, path);
	process_must(setenv(variable, path, 1) == 0, variable);
}

struct kdc *kdc_start(void)
{
	struct kdc *kdc = calloc(1, sizeof *kdc);
	char log[KDC_PATH_SIZE];
	char *argv[] = {(char *)KRB5KDC, (char *)"-n", (char *)"-r", (char *)"EXAMPLE.TEST", NULL};

	process_must(kdc, "memory");
	temporary_template(kdc->folder, sizeof kdc->folder, "kdc");
	process_must(mkdtemp(kdc->folder), kdc->folder);
	kdc->port = process_free_port();
	make_realm(kdc);
	set(kdc, "KRB5_CONFIG", "krb5.conf");
	set(kdc, "KRB5_KDC_PROFILE", "kdc.conf");
	set(kdc, "KRB5_KTNAME", "slapd.keytab");
	set(kdc, "KRB5RCACHEDIR", "");
	set(kdc, "KRB5CCNAME", "tickets");
	kdc_file(kdc, "log", log);
	kdc->pid = process_start(argv, log);
	process_wait_for_ports(kdc->pid, &kdc->port, 1, log);
	return kdc;
}

void kdc_stop(struct kdc *kdc)
{
	if (!kdc)
		return;
	process_kill(&kdc->pid);
	process_remove_folder(kdc->folder);
	free(kdc);
}

unsigned kdc_logins(const struct kdc *kdc)
{
	char path[KDC_PATH_SIZE];
	char line[1000];
	unsigned count = 0;

	kdc_file(kdc, "kdc.log", path);
	FILE *log = fopen(path, "re");
	process_must(log, path);
	while (fgets(line, sizeof line, log))
		count += strstr(line, "AS_REQ") && strstr(line, "ISSUE");
	(void)fclose(log);
	return count;
}
