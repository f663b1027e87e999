#include "server/run.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "server/notify.h"
#include "server/rounds.h"
#include "server/server.h"
#include "server/tls.h"

#define METRICS_THREADS 2
#define METRICS_CONNECTIONS 64
#define FILES_BESIDE_CONNECTIONS 512 /* of the store, the directory, the threads */

struct running {
	struct home *home;
	struct server *server;
	struct tls *tls;
	struct http *listeners[CONFIG_LISTEN_MAX + 1];
	size_t listener_count;
	struct rounds *rounds;
};

/* -- before -------------------------------------------------------------------------------------- */

static sigset_t our_signals(void)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGHUP);
	return set;
}

static void take_signals(void)
{
	const sigset_t set = our_signals();
	const struct sigaction ignore = {.sa_handler = SIG_IGN};

	(void)pthread_sigmask(SIG_BLOCK, &set, NULL);
	(void)sigaction(SIGPIPE, &ignore, NULL);
}

/* How many connections the limit of open files leaves. */
static unsigned connections_possible(unsigned wanted)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return wanted;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
	const rlim_t possible = limit.rlim_cur > 2 * FILES_BESIDE_CONNECTIONS
					? limit.rlim_cur - FILES_BESIDE_CONNECTIONS
					: FILES_BESIDE_CONNECTIONS;
	if (limit.rlim_cur == RLIM_INFINITY || possible >= wanted)
		return wanted;
	log_warning("%u connections are configured, but the limit of open files leaves %u", wanted,
		    (unsigned)possible);
	return (unsigned)possible;
}

/* -- listeners ------------------------------------------------------------------------------------- */

/* With a listener of their own, the metrics are not on the others. */
static void serve_without_metrics(void *context, const struct http_request *request,
				  struct http_answer *ret_answer)
{
	struct http_request elsewhere = *request;

	elsewhere.is_local = false;
	exchange_serve(context, &elsewhere, ret_answer);
}

static void serve_metrics(void *context, const struct http_request *request, struct http_answer *ret_answer)
{
	struct http_request only = *request;

	if (strncmp(only.target, "/v1/", 4) == 0)
		only.target = "/";
	exchange_serve(context, &only, ret_answer);
}

static size_t no_body(void *context, const char *method, const char *target)
{
	(void)context;
	(void)method;
	(void)target;
	return 0;
}

static enum fault listen_with(struct running *running, const struct http_options *options, struct why *why)
{
	struct http *http = NULL;

	enum fault fault = http_open(options, &http, why);
	if (fault)
		return fault;
	log_info("listening on %s%s", http_address(http), options->tls ? " (TLS)" : "");
	running->listeners[running->listener_count++] = http;
	return FAULT_NONE;
}

static enum fault listen_all(struct running *running, struct why *why)
{
	const struct config *config = running->home->config;
	const unsigned connections = connections_possible(config->connections);
	struct http_options options = {
		.threads = config->threads ? config->threads : RUN_THREADS,
		.connections = connections,
		.connections_per_address = config->connections_per_address,
		.idle_seconds = config->idle_timeout,
		.connected = &running->server->connections,
		.handle = config->metrics_listen ? serve_without_metrics : exchange_serve,
		.body_limit = exchange_body_limit,
		.context = running->server,
	};
	enum fault fault = FAULT_NONE;

	if (options.connections < options.threads)
		options.threads = options.connections;
	for (size_t i = 0; !fault && i < config->listen_count; i++) {
		options.address = config->listen[i];
		options.tls = listen_is_unix(config->listen[i]) ? NULL : running->tls;
		fault = listen_with(running, &options, why);
	}
	if (fault || !config->metrics_listen)
		return fault;
	options = (struct http_options){.address = config->metrics_listen,
					.threads = METRICS_THREADS,
					.connections = METRICS_CONNECTIONS,
					.idle_seconds = config->idle_timeout,
					.handle = serve_metrics,
					.body_limit = no_body,
					.context = running->server};
	return listen_with(running, &options, why);
}

static bool needs_tls(const struct config *config)
{
	for (size_t i = 0; i < config->listen_count; i++)
		if (!listen_is_unix(config->listen[i]))
			return true;
	return false;
}

static enum fault open_tls(struct running *running, struct why *why)
{
	const struct config *config = running->home->config;

	if (!needs_tls(config))
		return FAULT_NONE;
	enum fault fault = tls_open(config->tls_cert, config->tls_key, &running->tls, why);
	if (!fault)
		running->server->tls_expires = tls_expires(running->tls);
	return fault;
}

/* -- start ----------------------------------------------------------------------------------------- */

static enum fault write_row(struct running *running, enum audit_action action, struct why *why)
{
	const struct audit_event event = {.action = action, .decision = AUDIT_GRANTED};

	return audit_write(running->server->audit, &event, why);
}

static enum fault make_server(struct running *running, struct why *why)
{
	AUTO(file_close)
	int directory_fd = open(running->home->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct directory *directory = NULL;

	if (directory_fd < 0)
		return why_system(why, "cannot open '%s'", running->home->path);
	enum fault fault = home_directory(running->home, running->home->config, &directory, why);
	return fault ? fault : server_new(running->home, directory, directory_fd, &running->server, why);
}

static enum fault start(struct running *running, const char *path, struct why *why)
{
	enum fault fault = home_open(path, &running->home, why);

	if (!fault)
		fault = make_server(running, why);
	if (!fault)
		fault = open_tls(running, why);
	if (!fault)
		fault = write_row(running, AUDIT_START, why);
	if (!fault)
		fault = listen_all(running, why);
	if (!fault)
		fault = rounds_start(running->server, &running->rounds, why);
	return fault;
}

/* -- while it runs ----------------------------------------------------------------------------------- */

static bool is_same_list(const struct config *one, const struct config *other)
{
	bool same = one->listen_count == other->listen_count;

	for (size_t i = 0; same && i < one->listen_count; i++)
		same = strcmp(one->listen[i], other->listen[i]) == 0;
	return same;
}

static void tell_what_stays(const struct config *now, const struct config *wanted)
{
	if (!is_same_list(now, wanted) || strcmp(now->tls_cert, wanted->tls_cert) != 0 ||
	    strcmp(now->tls_key, wanted->tls_key) != 0 || now->threads != wanted->threads ||
	    now->connections != wanted->connections ||
	    now->connections_per_address != wanted->connections_per_address ||
	    now->idle_timeout != wanted->idle_timeout)
		log_warning("addresses, names of TLS files, threads and limits of connections take effect at "
			    "the next start");
}

static enum fault reload_directory(struct running *running, struct why *why)
{
	AUTO(config_free) struct config *config = NULL;
	struct directory *directory = NULL;

	enum fault fault = config_read(running->home->path, &config, why);
	if (fault)
		return fault;
	tell_what_stays(running->home->config, config);
	fault = home_directory(running->home, config, &directory, why);
	if (fault)
		return fault;
	/* So that it has answered, if it does, before anybody asks whether the server is ready. */
	(void)!directory_check(directory, clock_boot_ms() + QUESTION_MS, NULL);
	return membership_replace(running->server->membership, directory, why);
}

/* Each part by itself: what cannot be read leaves in force what is. */
static void reload(struct running *running)
{
	struct why why = WHY_NONE;

	notify_reloading();
	enum fault fault = running->tls ? tls_reload(running->tls, &why) : FAULT_NONE;
	if (fault)
		log_error("the old TLS certificate stays: %s", why_text(&why, fault));
	else if (running->tls)
		running->server->tls_expires = tls_expires(running->tls);
	why = WHY_NONE;
	fault = reload_directory(running, &why);
	if (fault)
		log_error("the old configuration stays: %s", why_text(&why, fault));
	else
		log_info("certificate and configuration were read again");
	notify("READY=1");
}

static void wait_for_end(struct running *running)
{
	const sigset_t set = our_signals();
	int signal;

	do {
		signal = sigwaitinfo(&set, NULL);
		if (signal == SIGHUP)
			reload(running);
	} while (signal != SIGTERM && signal != SIGINT);
}

/* -- the end -------------------------------------------------------------------------------------------- */

static void stop(struct running *running)
{
	struct why why = WHY_NONE;

	for (size_t i = 0; i < running->listener_count; i++)
		http_close(running->listeners[i]);
	rounds_stop(running->rounds);
	if (running->listener_count > 0 && write_row(running, AUDIT_STOP, &why))
		log_error("the audit does not say that the server ended: %s",
			  why_text(&why, FAULT_KEYRING_WRITE));
	server_free(running->server);
	tls_close(running->tls);
	home_close(running->home);
}
AUTO_VALUE(struct running, stop);

enum fault run_server(const char *path, struct why *why)
{
	AUTO(stop) struct running running = {0};

	take_signals();
	enum fault fault = start(&running, path, why);
	if (fault)
		return fault;
	notify("READY=1");
	wait_for_end(&running);
	notify("STOPPING=1");
	log_info("ending");
	return FAULT_NONE;
}
