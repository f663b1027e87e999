#include "tests/ldap/slapd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/lib/temporary.h"

#define SLAPD "/usr/sbin/slapd"
#define SLAPADD "/usr/sbin/slapadd"
#define START_MS 20000

static void must(bool works, const char *what)
{
	if (works)
		return;
	(void)fprintf(stderr, "slapd for the tests: %s: %s\n", what, strerror(errno));
	abort();
}

/* -- processes and files ----------------------------------------------------------- */

static pid_t start(char *const argv[], const char *log)
{
	pid_t pid = fork();

	must(pid >= 0, "fork");
	if (pid)
		return pid;
	int out = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
	(void)dup2(out, STDOUT_FILENO);
	(void)dup2(out, STDERR_FILENO);
	(void)execv(argv[0], argv);
	_exit(127);
}

static void run(const char *what, char *const argv[], const char *log)
{
	int status = -1;
	pid_t pid = start(argv, log);

	must(waitpid(pid, &status, 0) == pid, what);
	if (status == 0)
		return;
	(void)fprintf(stderr, "slapd for the tests: %s failed; see %s\n", what, log);
	abort();
}

static void write_file(const char *folder, const char *name, const char *format, ...) PRINTF_LIKE(3, 4);
static void write_file(const char *folder, const char *name, const char *format, ...)
{
	char path[300];
	va_list arguments;

	(void)snprintf(path, sizeof path, "%s/%s", folder, name);
	FILE *file = fopen(path, "we");
	must(file, path);
	must(fchmod(fileno(file), 0600) == 0, path);
	va_start(arguments, format);
	must(vfprintf(file, format, arguments) >= 0, path);
	va_end(arguments);
	must(fclose(file) == 0, path);
}

static void remove_folder(const char *folder)
{
	char *argv[] = {(char *)"/bin/rm", (char *)"-rf", (char *)folder, NULL};

	run("rm", argv, "/dev/null");
}

int slapd_free_port(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	must(fd >= 0 && bind(fd, (struct sockaddr *)&address, size) == 0 &&
		     getsockname(fd, (struct sockaddr *)&address, &size) == 0,
	     "a free port");
	(void)close(fd);
	return ntohs(address.sin_port);
}

/* -- certificates ------------------------------------------------------------------ */

static char certificates[200];

static void remove_certificates(void)
{
	remove_folder(certificates);
}

const char *slapd_certificates(void)
{
	if (*certificates)
		return certificates;
	temporary_template(certificates, sizeof certificates, "certificates");
	must(mkdtemp(certificates), certificates);
	char *argv[] = {(char *)"/bin/sh", (char *)CERTIFICATES_SCRIPT, certificates, NULL};
	run("certificates.sh", argv, "/dev/stderr");
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
	run("slapadd", argv, log);
}

static void name_places(struct slapd *slapd)
{
	char escaped[290];
	size_t at = 0;

	slapd->port = slapd_free_port();
	do
		slapd->tls_port = slapd_free_port();
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

static bool answers(int port)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_port = htons((uint16_t)port),
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool connected = fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0;

	(void)close(fd);
	return connected;
}

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
	slapd->pid = start(argv, log);
	for (int waited = 0; !answers(slapd->port) || !answers(slapd->tls_port); waited += 10) {
		const struct timespec pause = {.tv_nsec = 10000000};
		if (waited >= START_MS || waitpid(slapd->pid, NULL, WNOHANG) == slapd->pid) {
			(void)fprintf(stderr, "slapd for the tests does not start; see %s\n", log);
			abort();
		}
		(void)nanosleep(&pause, NULL);
	}
}

struct slapd *slapd_start(const struct slapd_options *options)
{
	struct slapd *slapd = calloc(1, sizeof *slapd);
	char database[300];

	must(slapd, "memory");
	temporary_template(slapd->folder, sizeof slapd->folder, "slapd");
	must(mkdtemp(slapd->folder), slapd->folder);
	(void)snprintf(database, sizeof database, "%s/db", slapd->folder);
	must(mkdir(database, 0700) == 0, database);
	name_places(slapd);
	configure(slapd, options);
	load(slapd, options);
	launch(slapd);
	return slapd;
}

void slapd_kill(struct slapd *slapd)
{
	if (slapd->pid <= 0)
		return;
	(void)kill(slapd->pid, SIGCONT);
	(void)kill(slapd->pid, SIGKILL);
	(void)waitpid(slapd->pid, NULL, 0);
	slapd->pid = 0;
}

void slapd_stop(struct slapd *slapd)
{
	if (!slapd)
		return;
	slapd_kill(slapd);
	remove_folder(slapd->folder);
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
	int status = 0;

	must(kill(slapd->pid, SIGSTOP) == 0, "SIGSTOP");
	must(waitpid(slapd->pid, &status, WUNTRACED) == slapd->pid && WIFSTOPPED(status), "SIGSTOP");
}

void slapd_thaw(struct slapd *slapd)
{
	must(kill(slapd->pid, SIGCONT) == 0, "SIGCONT");
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
	run("ldapmodify", argv, log);
}
