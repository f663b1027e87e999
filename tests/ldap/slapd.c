#include "tests/ldap/slapd.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/ldap/process.h"
#include "tests/lib/temporary.h"

#define SLAPD "/usr/sbin/slapd"
#define SLAPADD "/usr/sbin/slapadd"

/* -- files ----------------------------------------------------------------------- */

static void write_file(const char *folder, const char *name, const char *format, ...) PRINTF_LIKE(3, 4);
static void write_file(const char *folder, const char *name, const char *format, ...)
{
	char path[300];
	va_list arguments;

	(void)snprintf(path, sizeof path, "%s/%s", folder, name);
	FILE *file = fopen(path, "we");
	process_must(file, path);
	process_must(fchmod(fileno(file), 0600) == 0, path);
	va_start(arguments, format);
	process_must(vfprintf(file, format, arguments) >= 0, path);
	va_end(arguments);
	process_must(fclose(file) == 0, path);
}

/* -- certificates ------------------------------------------------------------------ */

static char certificates[200];

static void remove_certificates(void)
{
	process_remove_folder(certificates);
}

const char *slapd_certificates(void)
{
	if (*certificates)
		return certificates;
	temporary_template(certificates, sizeof certificates, "certificates");
	process_must(mkdtemp(certificates), certificates);
	char *argv[] = {(char *)"/bin/sh", (char *)CERTIFICATES_SCRIPT, certificates, NULL};
	process_run("certificates.sh", argv, "/dev/stderr");
	(void)atexit(remove_certificates);
	return certificates;
}

/* -- configuration ----------------------------------------------------------------- */

static const char entries[] =
	"dn: " SLAPD_SUFFIX "\nobjectClass: dcObject\nobjectClass: organization\ndc: example\no: Example\n\n"
	"dn: " SLAPD_PEOPLE "\nobjectClass: organizationalUnit\nou: people\n\n"
	"dn: " SLAPD_GROUPS "\nobjectClass: organizationalUnit\nou: groups\n\n";

/* Identities by local socket become uidNumber=...,cn=external: the owner of the process is let in as the
 * administrator. */
static void configure(const struct slapd *slapd, const struct slapd_options *options)
{
	const char *certificate = options->certificate ? options->certificate : "good";

	write_file(
		slapd->folder, "slapd.conf",
		"include /etc/ldap/schema/core.schema\ninclude /etc/ldap/schema/cosine.schema\n"
		"include /etc/ldap/schema/inetorgperson.schema\ninclude /etc/ldap/schema/nis.schema\n"
		"include /etc/ldap/schema/dyngroup.schema\n"
		"modulepath /usr/lib/ldap\nmoduleload back_mdb\n"
		"TLSCACertificateFile %s/ca.pem\nTLSCertificateFile %s/%s.pem\nTLSCertificateKeyFile %s/%s.key\nTLSVerifyClient try\n"
		"authz-regexp gidNumber=.*,cn=peercred,cn=external,cn=auth " SLAPD_ADMIN "\n"
		"authz-regexp cn=reader cn=reader," SLAPD_SUFFIX "\n"
		"threads 4\n%s\ndatabase mdb\nsuffix " SLAPD_SUFFIX "\nrootdn " SLAPD_ADMIN
		"\nrootpw \"" SLAPD_PASSWORD "\"\n"
		"directory %s/db\nmaxsize 1073741824\nindex objectClass,entryUUID,uid,cn,member,uniqueMember,memberUid eq\n%s%s\n",
		slapd_certificates(), slapd_certificates(), certificate, slapd_certificates(), certificate,
		options->global ? options->global : "", slapd->folder,
		options->anonymous_hidden
			? "access to attrs=userPassword by anonymous auth\naccess to * by users read\n"
			: "",
		options->database ? options->database : "");
}

static void load(const struct slapd *slapd, const struct slapd_options *options)
{
	char conf[300];
	char ldif[300];
	char log[300];
	char *argv[] = {(char *)SLAPADD, (char *)"-q", (char *)"-f", conf, (char *)"-l", ldif, NULL};

	write_file(slapd->folder, "entries.ldif", "%s%s\n", entries, options->ldif ? options->ldif : "");
	(void)snprintf(conf, sizeof conf, "%s/slapd.conf", slapd->folder);
	(void)snprintf(ldif, sizeof ldif, "%s/entries.ldif", slapd->folder);
	(void)snprintf(log, sizeof log, "%s/log", slapd->folder);
	process_run("slapadd", argv, log);
}

static void name_places(struct slapd *slapd)
{
	char escaped[290];
	size_t at = 0;

	slapd->port = process_free_port();
	do
		slapd->tls_port = process_free_port();
	while (slapd->tls_port == slapd->port);
	(void)snprintf(slapd->uri, sizeof slapd->uri, "ldap://127.0.0.1:%d", slapd->port);
	(void)snprintf(slapd->tls_uri, sizeof slapd->tls_uri, "ldaps://127.0.0.1:%d", slapd->tls_port);
	for (const char *letter = slapd->folder; *letter; letter++)
		at += (size_t)snprintf(escaped + at, sizeof escaped - at, *letter == '/' ? "%%2F" : "%c",
				       *letter);
	(void)snprintf(slapd->local_uri, sizeof slapd->local_uri, "ldapi://%.270s%%2Fldapi", escaped);
	(void)snprintf(slapd->authority, sizeof slapd->authority, "%s/ca.pem", slapd_certificates());
	(void)snprintf(slapd->password_file, sizeof slapd->password_file, "%s/password", slapd->folder);
	write_file(slapd->folder, "password", "%s\n", SLAPD_PASSWORD);
}

/* -- life -------------------------------------------------------------------------- */

static void launch(struct slapd *slapd)
{
	char conf[300];
	char listen[600];
	char log[300];
	char *argv[] = {(char *)SLAPD, (char *)"-d", (char *)"0", (char *)"-f",
			conf,	       (char *)"-h", listen,	  NULL};

	(void)snprintf(conf, sizeof conf, "%s/slapd.conf", slapd->folder);
	(void)snprintf(listen, sizeof listen, "%s %s %s", slapd->uri, slapd->tls_uri, slapd->local_uri);
	(void)snprintf(log, sizeof log, "%s/log", slapd->folder);
	slapd->pid = process_start(argv, log);
	process_wait_for_ports(slapd->pid, (const int[]){slapd->port, slapd->tls_port}, 2, log);
}

struct slapd *slapd_start(const struct slapd_options *options)
{
	struct slapd *slapd = calloc(1, sizeof *slapd);
	char database[300];

	process_must(slapd, "memory");
	temporary_template(slapd->folder, sizeof slapd->folder, "slapd");
	process_must(mkdtemp(slapd->folder), slapd->folder);
	(void)snprintf(database, sizeof database, "%s/db", slapd->folder);
	process_must(mkdir(database, 0700) == 0, database);
	name_places(slapd);
	configure(slapd, options);
	load(slapd, options);
	launch(slapd);
	return slapd;
}

void slapd_kill(struct slapd *slapd)
{
	process_kill(&slapd->pid);
}

void slapd_stop(struct slapd *slapd)
{
	if (!slapd)
		return;
	slapd_kill(slapd);
	process_remove_folder(slapd->folder);
	free(slapd);
}

void slapd_restart(struct slapd *slapd)
{
	if (slapd->pid > 0) {
		(void)kill(slapd->pid, SIGTERM);
		(void)waitpid(slapd->pid, NULL, 0);
	}
	launch(slapd);
}

void slapd_freeze(struct slapd *slapd)
{
	process_freeze(slapd->pid);
}

void slapd_thaw(struct slapd *slapd)
{
	process_thaw(slapd->pid);
}

void slapd_modify(struct slapd *slapd, const char *ldif)
{
	char changes[300];
	char log[300];
	char *argv[] = {(char *)"/usr/bin/ldapmodify",
			(char *)"-x",
			(char *)"-H",
			slapd->uri,
			(char *)"-D",
			(char *)SLAPD_ADMIN,
			(char *)"-w",
			(char *)SLAPD_PASSWORD,
			(char *)"-f",
			changes,
			NULL};

	write_file(slapd->folder, "changes.ldif", "%s\n", ldif);
	(void)snprintf(changes, sizeof changes, "%s/changes.ldif", slapd->folder);
	(void)snprintf(log, sizeof log, "%s/log", slapd->folder);
	process_run("ldapmodify", argv, log);
}
