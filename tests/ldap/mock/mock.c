#include "tests/ldap/mock/mock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ldap.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/ldap/mock/parts.h"

#define PATIENCE_MS 10000

struct client {
	struct mock *mock;
	pthread_t thread;
	int fd;
	bool running;
	bool used;
	bool mute;
};

struct mock {
	pthread_mutex_t lock; /* over all below */
	pthread_cond_t logged;
	struct mock_world world;
	struct client clients[MOCK_CLIENTS_MAX];
	size_t client_count;
	char *log;
	size_t log_size;
	bool stopping;
	int listener;
	int port;
	char uri[64];
	pthread_t thread;
};

static const char root[] = "dn:\nobjectClass: top\nsupportedControl: " LDAP_CONTROL_PAGEDRESULTS "\n\n";

static void lock(struct mock *mock)
{
	if (pthread_mutex_lock(&mock->lock))
		mock_fail("the lock");
}

static void unlock(struct mock *mock)
{
	(void)pthread_mutex_unlock(&mock->lock);
}

static bool is_stopping(struct mock *mock)
{
	lock(mock);
	bool stopping = mock->stopping;
	unlock(mock);
	return stopping;
}

/* Shorter when the mock is stopped. */
static void pause_ms(struct mock *mock, long ms)
{
	for (; ms > 0 && !is_stopping(mock); ms -= 10) {
		const struct timespec step = {.tv_nsec = (ms < 10 ? ms : 10) * 1000000};
		(void)nanosleep(&step, NULL);
	}
}

/* -- log --------------------------------------------------------------------------- */

static void log_event(struct mock *mock, const char *line)
{
	size_t size = strlen(line);

	lock(mock);
	mock->log = realloc(mock->log, mock->log_size + size + 2);
	if (!mock->log)
		mock_fail("no memory");
	memcpy(mock->log + mock->log_size, line, size);
	mock->log_size += size;
	mock->log[mock->log_size++] = '\n';
	mock->log[mock->log_size] = 0;
	(void)pthread_cond_broadcast(&mock->logged);
	unlock(mock);
}

static unsigned count_lines(const char *log, const char *text)
{
	unsigned count = 0;

	while (log && *log) {
		const char *end = strchr(log, '\n');
		const char *found = strstr(log, text);
		count += found && found < end;
		log = end + 1;
	}
	return count;
}

unsigned mock_count(struct mock *mock, const char *text)
{
	lock(mock);
	unsigned count = count_lines(mock->log, text);
	unlock(mock);
	return count;
}

bool mock_wait_for(struct mock *mock, const char *text, unsigned count)
{
	struct timespec until;
	unsigned found;
	int code = 0;

	(void)clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += PATIENCE_MS / 1000;
	lock(mock);
	while ((found = count_lines(mock->log, text)) < count && code == 0)
		code = pthread_cond_timedwait(&mock->logged, &mock->lock, &until);
	unlock(mock);
	return found >= count;
}

void mock_forget_log(struct mock *mock)
{
	lock(mock);
	free(mock->log);
	mock->log = NULL;
	mock->log_size = 0;
	unlock(mock);
}

char *mock_log(struct mock *mock)
{
	lock(mock);
	char *log = strdup(mock->log ? mock->log : "");
	unlock(mock);
	return log;
}

/* -- rules ------------------------------------------------------------------------- */

/* A copy, as the script may change; the words belong to the copy. false: as usual. */
static bool find_rule(struct mock *mock, enum mock_event event, const char *line, struct mock_rule *ret_rule)
{
	bool found = false;

	lock(mock);
	for (size_t i = 0; i < mock->world.rule_count && !found; i++) {
		struct mock_rule *rule = &mock->world.rules[i];
		found = rule->event == event && rule->times != 0 && (!rule->text || strstr(line, rule->text));
		if (!found)
			continue;
		rule->times -= rule->times > 0;
		*ret_rule = *rule;
		ret_rule->words = strdup(rule->words);
	}
	unlock(mock);
	return found;
}

static void reset(struct client *client)
{
	const struct linger now = {.l_onoff = 1};

	(void)setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

static bool send_all(struct client *client, const unsigned char *bytes, size_t size)
{
	while (size) {
		ssize_t sent = send(client->fd, bytes, size, MSG_NOSIGNAL);
		if (sent <= 0)
			return false;
		bytes += sent;
		size -= (size_t)sent;
	}
	return true;
}

static bool drip(struct client *client, const struct mock_answer *answer, long ms)
{
	for (size_t i = 0; i < answer->size; i++) {
		if (is_stopping(client->mock) || !send_all(client, answer->bytes + i, 1))
			return false;
		pause_ms(client->mock, ms);
	}
	return true;
}

static size_t from_hex(const char *text, unsigned char *out, size_t room)
{
	size_t size = 0;

	for (char *end; *text && size < room; text = end) {
		out[size] = (unsigned char)strtoul(text, &end, 16);
		if (end == text)
			break;
		size++;
	}
	return size;
}

/* false: the connection ends. */
static bool send_answer(struct client *client, const struct mock_answer *answer, const struct mock_rule *rule)
{
	unsigned char garbage[512];

	switch (rule ? rule->action : MOCK_USUAL) {
	case MOCK_MUTE:
		client->mute = true;
		return true;
	case MOCK_CLOSE:
		return false;
	case MOCK_RESET:
		reset(client);
		return false;
	case MOCK_HALF:
		(void)send_all(client, answer->bytes, answer->size / 2);
		return false;
	case MOCK_DELAY:
		pause_ms(client->mock, rule->number);
		break;
	case MOCK_DRIP:
		return drip(client, answer, rule->number);
	case MOCK_GARBAGE:
		return send_all(client, garbage, from_hex(rule->words, garbage, sizeof garbage));
	case MOCK_ACCEPT:
		client->mute = true;
		break;
	default:
		break;
	}
	return send_all(client, answer->bytes, answer->size);
}

static int result_of(const struct mock_rule *rule, const char **ret_words)
{
	*ret_words = "";
	if (!rule || rule->action != MOCK_RESULT)
		return LDAP_SUCCESS;
	*ret_words = rule->words + strspn(rule->words, "0123456789 ");
	return (int)rule->number;
}

/* Answers with a plain result, as the rule for the event has it. */
static bool answer_plainly(struct client *client, enum mock_event event, const char *line, int message,
			   ber_tag_t tag)
{
	struct mock_rule rule = {.words = NULL};
	AUTO(mock_answer_done) struct mock_answer answer = {.bytes = NULL};
	bool ruled = find_rule(client->mock, event, line, &rule);
	const char *words;
	int code = result_of(ruled ? &rule : NULL, &words);

	mock_answer_result(&answer, message, tag, code, words, NULL, NULL);
	bool on = send_answer(client, &answer, ruled ? &rule : NULL);
	free(rule.words);
	return on;
}

/* -- requests ---------------------------------------------------------------------- */

static bool do_bind(struct client *client, BerElement *ber, int message)
{
	struct berval dn;
	struct berval value = {0};
	char line[1024];
	ber_len_t size;
	int version;

	if (ber_scanf(ber, "{im", &version, &dn) == LBER_ERROR)
		return false;
	if (ber_peek_tag(ber, &size) == LDAP_AUTH_SIMPLE) {
		(void)ber_scanf(ber, "m", &value);
		(void)snprintf(line, sizeof line, "bind dn=%.*s method=simple password=%.*s", (int)dn.bv_len,
			       dn.bv_val, (int)value.bv_len, value.bv_val);
	} else {
		(void)ber_scanf(ber, "{m", &value);
		(void)snprintf(line, sizeof line, "bind dn=%.*s method=%.*s", (int)dn.bv_len, dn.bv_val,
			       (int)value.bv_len, value.bv_val);
	}
	log_event(client->mock, line);
	return answer_plainly(client, MOCK_BIND, line, message, LDAP_RES_BIND);
}

static bool do_extended(struct client *client, BerElement *ber, int message)
{
	struct berval name;

	if (ber_scanf(ber, "{m", &name) == LBER_ERROR)
		return false;
	if (!strcmp(name.bv_val, LDAP_EXOP_START_TLS)) {
		log_event(client->mock, "starttls");
		return answer_plainly(client, MOCK_STARTTLS, "starttls", message, LDAP_RES_EXTENDED);
	}
	AUTO(mock_answer_done) struct mock_answer answer = {.bytes = NULL};
	mock_answer_result(&answer, message, LDAP_RES_EXTENDED, LDAP_PROTOCOL_ERROR, "not known", NULL, NULL);
	return send_answer(client, &answer, NULL);
}

static void search_done(struct mock_search *search)
{
	free(search->base);
	mock_filter_free(search->filter);
	for (size_t i = 0; i < search->attribute_count; i++)
		free(search->attributes[i]);
	free(search->attributes);
}
AUTO_VALUE(struct mock_search, search_done);

static bool read_attributes(BerElement *ber, struct mock_search *search)
{
	ber_len_t size;
	char *last;

	for (ber_tag_t tag = ber_first_element(ber, &size, &last); tag != LBER_DEFAULT;
	     tag = ber_next_element(ber, &size, last)) {
		struct berval name;
		if (ber_scanf(ber, "m", &name) == LBER_ERROR)
			return false;
		search->attributes = mock_room(search->attributes, search->attribute_count,
					       sizeof *search->attributes);
		search->attributes[search->attribute_count++] = strndup(name.bv_val, name.bv_len);
	}
	return true;
}

static void read_pages(const struct berval *value, struct mock_search *search)
{
	struct berval copy = *value;
	BerElement *ber = ber_init(&copy);
	struct berval cookie = {0};
	char text[32];

	search->paged = true;
	if (ber && ber_scanf(ber, "{im}", &search->page_size, &cookie) != LBER_ERROR) {
		(void)snprintf(text, sizeof text, "%.*s", (int)cookie.bv_len, cookie.bv_val);
		search->offset = (size_t)atol(text);
	}
	ber_free(ber, 1);
}

/* Names of the controls, with commas between, into `names`. */
static void read_controls(BerElement *ber, struct mock_search *search, FILE *names)
{
	ber_len_t size;
	char *last;

	if (ber_peek_tag(ber, &size) != LDAP_TAG_CONTROLS)
		return;
	for (ber_tag_t tag = ber_first_element(ber, &size, &last); tag != LBER_DEFAULT;
	     tag = ber_next_element(ber, &size, last)) {
		struct berval oid;
		struct berval value = {0};
		ber_int_t critical = 0;
		if (ber_scanf(ber, "{m", &oid) == LBER_ERROR)
			return;
		if (ber_peek_tag(ber, &size) == LBER_BOOLEAN)
			(void)ber_scanf(ber, "b", &critical);
		if (ber_peek_tag(ber, &size) == LBER_OCTETSTRING)
			(void)ber_scanf(ber, "m", &value);
		(void)fprintf(names, "%.*s,", (int)oid.bv_len, oid.bv_val);
		if (!strcmp(oid.bv_val, LDAP_CONTROL_PAGEDRESULTS))
			read_pages(&value, search);
	}
}

static bool read_search(BerElement *ber, struct mock_search *search, char **ret_line)
{
	struct berval base;
	ber_int_t skipped;
	size_t size;
	FILE *line = open_memstream(ret_line, &size);

	if (!line)
		mock_fail("no memory");
	bool good = ber_scanf(ber, "{meeiib", &base, &search->scope, &skipped, &skipped, &skipped,
			      &skipped) != LBER_ERROR;
	if (good) {
		search->base = strndup(base.bv_val, base.bv_len);
		search->filter = mock_filter_read(ber);
		good = search->filter && read_attributes(ber, search);
	}
	if (good) {
		(void)fprintf(line, "search base=%s scope=%d filter=", search->base, search->scope);
		mock_filter_print(search->filter, line);
		(void)fputs(" attrs=", line);
		for (size_t i = 0; i < search->attribute_count; i++)
			(void)fprintf(line, "%s%s", i ? "," : "", search->attributes[i]);
		(void)fputs(" controls=", line);
		read_controls(ber, search, line);
		(void)fprintf(line, " size=%d", search->page_size);
	}
	(void)fclose(line);
	return good;
}

static bool do_search(struct client *client, BerElement *ber, int message)
{
	AUTO(search_done) struct mock_search search = {.message = message};
	AUTO(mock_answer_done) struct mock_answer answer = {.bytes = NULL};
	AUTO(free) char *line = NULL;
	struct mock_rule rule = {.words = NULL};

	if (!read_search(ber, &search, &line))
		return false;
	log_event(client->mock, line);
	bool ruled = find_rule(client->mock, MOCK_SEARCH, line, &rule);
	lock(client->mock);
	mock_answer_search(&answer, &search, &client->mock->world, ruled ? &rule : NULL);
	unlock(client->mock);
	bool on = send_answer(client, &answer, ruled ? &rule : NULL);
	free(rule.words);
	return on;
}

static bool do_request(struct client *client, BerElement *ber)
{
	ber_int_t message;
	ber_len_t size;

	/* ber_get_next() has taken the tag of the message off. */
	if (ber_get_int(ber, &message) == LBER_ERROR)
		return false;
	ber_tag_t tag = ber_peek_tag(ber, &size);
	switch (tag) {
	case LDAP_REQ_BIND:
		return do_bind(client, ber, message);
	case LDAP_REQ_SEARCH:
		return do_search(client, ber, message);
	case LDAP_REQ_EXTENDED:
		return do_extended(client, ber, message);
	case LDAP_REQ_UNBIND:
		log_event(client->mock, "unbind");
		return false;
	case LDAP_REQ_ABANDON:
		return true;
	default:
		return false;
	}
}

/* -- connections ------------------------------------------------------------------- */

/* Reads nothing, until the other side or the test ends it. */
static void stay_silent(struct client *client)
{
	struct pollfd look = {.fd = client->fd, .events = POLLRDHUP};

	while (!is_stopping(client->mock) && poll(&look, 1, 50) == 0)
		;
}

static void serve_requests(struct client *client)
{
	Sockbuf *buffer = ber_sockbuf_alloc();
	bool on = true;

	(void)ber_sockbuf_add_io(buffer, &ber_sockbuf_io_tcp, LBER_SBIOD_LEVEL_PROVIDER, NULL);
	(void)ber_sockbuf_ctrl(buffer, LBER_SB_OPT_SET_FD, &client->fd);
	while (on) {
		BerElement *ber = ber_alloc_t(LBER_USE_DER);
		ber_len_t size;
		on = ber_get_next(buffer, &size, ber) == LDAP_TAG_MESSAGE && do_request(client, ber);
		ber_free(ber, 1);
		if (on && client->mute)
			stay_silent(client);
		on = on && !client->mute;
	}
	/* The descriptor is closed by whoever ends the client. */
	int none = -1;
	(void)ber_sockbuf_ctrl(buffer, LBER_SB_OPT_SET_FD, &none);
	ber_sockbuf_free(buffer);
}

static void *serve(void *argument)
{
	struct client *client = argument;
	struct mock *mock = client->mock;
	struct mock_rule rule = {.words = NULL};
	bool ruled;

	log_event(mock, "connect");
	ruled = find_rule(mock, MOCK_CONNECT, "connect", &rule);
	if (ruled && rule.action == MOCK_MUTE) {
		stay_silent(client);
	} else if (ruled && rule.action == MOCK_DRIP) {
		static const unsigned char hello[] = {0x16, 0x03, 0x03, 0x3f,
						      0xff}; /* a TLS record that never ends */
		const struct mock_answer answer = {.bytes = (unsigned char *)hello, .size = sizeof hello};
		(void)drip(client, &answer, rule.number);
		while (!is_stopping(mock) && send_all(client, (const unsigned char *)"", 1))
			pause_ms(mock, rule.number);
	} else {
		const struct mock_answer nothing = {.bytes = NULL};
		if (!ruled || send_answer(client, &nothing, &rule))
			serve_requests(client);
	}
	free(rule.words);
	lock(mock);
	client->running = false;
	(void)close(client->fd);
	client->fd = -1;
	unlock(mock);
	log_event(mock, "hung up");
	return NULL;
}

static void take_client(struct mock *mock, int fd)
{
	const int on = 1;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	lock(mock);
	if (mock->client_count == MOCK_CLIENTS_MAX)
		mock_fail("more than %d connections", MOCK_CLIENTS_MAX);
	struct client *client = &mock->clients[mock->client_count++];
	*client = (struct client){.mock = mock, .fd = fd, .running = true, .used = true};
	if (pthread_create(&client->thread, NULL, serve, client))
		mock_fail("no thread");
	unlock(mock);
}

static void *accept_clients(void *argument)
{
	struct mock *mock = argument;

	for (;;) {
		int fd = accept4(mock->listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd >= 0)
			take_client(mock, fd);
		else if (is_stopping(mock))
			return NULL;
	}
}

unsigned mock_connections(struct mock *mock)
{
	unsigned count = 0;

	lock(mock);
	for (size_t i = 0; i < mock->client_count; i++)
		count += mock->clients[i].running;
	unlock(mock);
	return count;
}

/* -- life -------------------------------------------------------------------------- */

static void listen_somewhere(struct mock *mock)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof address;

	mock->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (mock->listener < 0 || bind(mock->listener, (struct sockaddr *)&address, size) ||
	    listen(mock->listener, MOCK_CLIENTS_MAX) ||
	    getsockname(mock->listener, (struct sockaddr *)&address, &size))
		mock_fail("cannot listen: %s", strerror(errno));
	mock->port = ntohs(address.sin_port);
	(void)snprintf(mock->uri, sizeof mock->uri, "ldap://127.0.0.1:%d", mock->port);
}

struct mock *mock_start(const char *script)
{
	struct mock *mock = calloc(1, sizeof *mock);

	if (!mock)
		mock_fail("no memory");
	(void)pthread_mutex_init(&mock->lock, NULL);
	(void)pthread_cond_init(&mock->logged, NULL);
	mock_read_script(&mock->world, root);
	mock_read_script(&mock->world, script);
	listen_somewhere(mock);
	if (pthread_create(&mock->thread, NULL, accept_clients, mock))
		mock_fail("no thread");
	return mock;
}

void mock_say(struct mock *mock, const char *script)
{
	lock(mock);
	mock_read_script(&mock->world, script);
	unlock(mock);
}

const char *mock_uri(const struct mock *mock)
{
	return mock->uri;
}

int mock_port(const struct mock *mock)
{
	return mock->port;
}

void mock_stop(struct mock *mock)
{
	if (!mock)
		return;
	lock(mock);
	mock->stopping = true;
	(void)shutdown(mock->listener, SHUT_RDWR);
	unlock(mock);
	(void)pthread_join(mock->thread, NULL);
	lock(mock);
	for (size_t i = 0; i < mock->client_count; i++)
		if (mock->clients[i].running)
			(void)shutdown(mock->clients[i].fd, SHUT_RDWR);
	unlock(mock);
	for (size_t i = 0; i < mock->client_count; i++)
		(void)pthread_join(mock->clients[i].thread, NULL);
	(void)close(mock->listener);
	mock_world_done(&mock->world);
	free(mock->log);
	(void)pthread_cond_destroy(&mock->logged);
	(void)pthread_mutex_destroy(&mock->lock);
	free(mock);
}
