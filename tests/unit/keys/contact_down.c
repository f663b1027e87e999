/* Key servers that are down: the countdown as it shows on the wire, in the log and to other processes. */
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>

#include "tests/lib/meeting.h"

static struct meeting meeting;

/* -- a port behind which nobody answers, and which counts --------------------------------- */

struct port {
	pthread_t thread;
	int listener, stop[2];
	atomic_uint contacts;
	bool is_mute; /* keeps what it accepts, in silence; else resets it */
	char url[64];
};

static void *count_contacts(void *context)
{
	struct port *port = context;
	int kept[64];
	size_t kept_count = 0;
	struct pollfd polls[] = {{.fd = port->listener, .events = POLLIN},
				 {.fd = port->stop[0], .events = POLLIN}};

	while (poll(polls, 2, -1) > 0 && !polls[1].revents) {
		int fd = accept4(port->listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0)
			continue;
		atomic_fetch_add(&port->contacts, 1);
		if (port->is_mute && kept_count < 64)
			kept[kept_count++] = fd;
		else
			file_close(fd);
	}
	while (kept_count > 0)
		file_close(kept[--kept_count]);
	return NULL;
}

static void port_open_at(struct port *port, unsigned short number, bool is_mute)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_port = htons(number), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof address;
	int one = 1;

	*port = (struct port){.is_mute = is_mute};
	port->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	(void)setsockopt(port->listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	assert_int_equal(bind(port->listener, (struct sockaddr *)&address, size), 0);
	assert_int_equal(listen(port->listener, 64), 0);
	assert_int_equal(getsockname(port->listener, (struct sockaddr *)&address, &size), 0);
	(void)snprintf(port->url, sizeof port->url, "http://127.0.0.1:%u", ntohs(address.sin_port));
	assert_int_equal(pipe2(port->stop, O_CLOEXEC), 0);
	assert_int_equal(pthread_create(&port->thread, NULL, count_contacts, port), 0);
}

static void port_close(struct port *port)
{
	file_close(port->stop[1]);
	assert_int_equal(pthread_join(port->thread, NULL), 0);
	file_close(port->stop[0]);
	file_close(port->listener);
}

static struct port dead;

static void begin_at(const char *url, bool background)
{
	meeting_begin(&meeting,
		      &(struct meeting_options){.servers = 1, .background = background, .urls = {url}});
}

static int begin(void **state)
{
	(void)state;
	meeting_begin(&meeting, &(struct meeting_options){.servers = 1, .background = true});
	return 0;
}

static int begin_dead(void **state)
{
	(void)state;
	port_open_at(&dead, 0, false);
	begin_at(dead.url, true);
	return 0;
}

static int begin_mute(void **state)
{
	(void)state;
	port_open_at(&dead, 0, true);
	begin_at(dead.url, true);
	return 0;
}

static int end(void **state)
{
	(void)state;
	meeting_end(&meeting);
	return 0;
}

static int end_port(void **state)
{
	port_close(&dead);
	return end(state);
}

static const char *dead_host(void)
{
	return dead.url + strlen("http://");
}

static struct made finance_folder(void)
{
	return meeting_folder(&meeting, &meeting.finance, ROLE_READER);
}

static int64_t countdown_left(struct contacts *contacts)
{
	struct contacts_state state;

	contacts_state(contacts, &state);
	return state.countdown_left_ms;
}

/* -- the back-off, counted on the wire ---------------------------------------------------- */

static void countdown__on_a_dead_port_lets_two_contacts_through_in_half_an_hour_under_load(void **state)
{
	(void)state;
	struct made folders[10];
	struct why why = WHY_NONE;
	unsigned tries = 0;

	for (size_t i = 0; i < 10; i++)
		folders[i] = finance_folder();
	for (int64_t passed = 0; passed < 30 * MINUTE; passed += 10 * SECOND) {
		for (size_t i = 0; i < 10; i++, tries++)
			assert_fault(FAULT_UNREACHABLE, meeting_try(&meeting, &folders[i], &why));
		meeting_pass(&meeting, 10 * SECOND);
	}
	assert_int_equal(atomic_load(&dead.contacts), 2);
	assert_int_equal(tries, 1800);
	for (size_t i = 0; i < 10; i++)
		made_done(&folders[i]);
}

static void countdown__says_what_it_does_in_the_log(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made folder = finance_folder();
	char expected[400];

	assert_fault(FAULT_UNREACHABLE, meeting_try(&meeting, &folder, &why));
	(void)snprintf(expected, sizeof expected,
		       "Error: Unable to establish communication with %s\n"
		       "Warning: Server %s not responding; will wait 15 minute(s) before trying again\n",
		       dead_host(), dead_host());
	assert_string_equal(meeting_log(), expected);
	/* An attempt within it makes no contact, and the log has the minutes once a minute at most. */
	for (int i = 0; i < 59; i++) {
		meeting_pass(&meeting, 1 * SECOND);
		assert_fault(FAULT_UNREACHABLE, meeting_try(&meeting, &folder, &why));
	}
	assert_string_equal(meeting_log(), "");
	meeting_pass(&meeting, 31 * SECOND);
	for (int i = 0; i < 10; i++)
		assert_fault(FAULT_UNREACHABLE, meeting_try(&meeting, &folder, &why));
	(void)snprintf(expected, sizeof expected,
		       "Warning: Server %s not responding; will wait 14 minute(s) before trying again\n",
		       dead_host());
	assert_string_equal(meeting_log(), expected);
	assert_int_equal(atomic_load(&dead.contacts), 1);
}

static void countdown__is_said_to_whoever_is_refused(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made folder = finance_folder();
	char text[WHY_TEXT_SIZE], expected[256];

	assert_fault(FAULT_UNREACHABLE, meeting_try(&meeting, &folder, &why));
	meeting_pass(&meeting, 3 * MINUTE + 1);
	(void)snprintf(expected, sizeof expected, "key server %s not responding; next try in 12 min",
		       dead_host());
	assert_fault(FAULT_UNREACHABLE, meeting_try(&meeting, &folder, &why));
	assert_string_equal(why.text, expected);
	contacts_words(meeting.contacts, folder.file, text);
	assert_string_equal(text, expected);
}

static void countdown__has_the_length_that_the_policy_says(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	const struct organisation_id id = company_id(&meeting.company);
	struct policy policy = policy_default(&id, 1700000000);
	AUTO(made_done) struct made folder = finance_folder();

	policy.retry_after = 20;
	keep_policy(meeting.keyring, &meeting.company, &policy);
	contacts_wake(meeting.contacts);
	meeting_let_it_look(meeting.contacts);
	assert_fault(FAULT_UNREACHABLE, meeting_try(&meeting, &folder, &why));
	assert_int_equal(countdown_left(meeting.contacts), 20 * SECOND);
	assert_non_null(strstr(meeting_log(), "will wait 1 minute(s)"));
	meeting_pass(&meeting, 20 * SECOND);
	assert_fault(FAULT_UNREACHABLE, meeting_try(&meeting, &folder, &why));
	assert_int_equal(atomic_load(&dead.contacts), 2);
}

static void refusal__during_the_countdown_takes_microseconds(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made folder = finance_folder();
	struct contact_opened opened;
	struct timespec begun, ended;

	assert_fault(FAULT_UNREACHABLE, meeting_try(&meeting, &folder, &why));
	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begun);
	for (int i = 0; i < 2000; i++)
		assert_fault(FAULT_UNREACHABLE, contacts_open(meeting.contacts, folder.file, &opened, &why));
	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ended);
	int64_t took_us = (ended.tv_sec - begun.tv_sec) * 1000000 + (ended.tv_nsec - begun.tv_nsec) / 1000;
	assert_true(took_us / 2000 < 500); /* measured: a tenth of that; sanitizers are slow */
}

/* -- other processes ---------------------------------------------------------------------------- */

static void countdown__holds_for_all_processes_of_the_user(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made folder = finance_folder();
	AUTO(contact_opened_done) struct contact_opened opened = {.keys = NULL};
	AUTO(keyring_close) struct keyring *keyring = meeting_keyring_again(&meeting);
	AUTO(contacts_free) struct contacts *before = meeting_contacts(&meeting, keyring, true);

	assert_fault(FAULT_UNREACHABLE, meeting_try(&meeting, &folder, &why));
	AUTO(keyring_close) struct keyring *later_keyring = meeting_keyring_again(&meeting);
	AUTO(contacts_free) struct contacts *after = meeting_contacts(&meeting, later_keyring, true);
	assert_fault(FAULT_UNREACHABLE, meeting_open_by(before, folder.file, &opened, &why));
	assert_fault(FAULT_UNREACHABLE, meeting_open_by(after, folder.file, &opened, &why));
	assert_int_equal(countdown_left(after), 15 * MINUTE);
	assert_int_equal(atomic_load(&dead.contacts), 1);
}

static void command__makes_one_contact_whatever_the_countdown_says(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	char host[CONTACT_HOST_SIZE];
	AUTO(made_done) struct made folder = finance_folder();
	AUTO(contact_opened_done) struct contact_opened opened = {.keys = NULL};
	AUTO(keyring_close) struct keyring *keyring = meeting_keyring_again(&meeting);

	assert_fault(FAULT_UNREACHABLE, meeting_try(&meeting, &folder, &why));
	AUTO(contacts_free) struct contacts *command = meeting_contacts(&meeting, keyring, false);
	assert_fault(FAULT_UNREACHABLE, meeting_open_by(command, folder.file, &opened, &why));
	assert_int_equal(atomic_load(&dead.contacts), 2);
	assert_fault(FAULT_UNREACHABLE, meeting_open_by(command, folder.file, &opened, &why));
	assert_int_equal(atomic_load(&dead.contacts), 2);
	assert_fault(FAULT_UNREACHABLE, contacts_sync(command, host, &why));
	assert_int_equal(atomic_load(&dead.contacts), 3); /* it is what the user asks for */
	assert_string_equal(host, dead_host());
}

static void sync__that_works_ends_the_countdown_of_a_mount_at_its_next_question(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	char host[CONTACT_HOST_SIZE];
	AUTO(made_done) struct made folder = finance_folder();
	AUTO(keyring_close) struct keyring *keyring = meeting_keyring_again(&meeting);
	AUTO(contacts_free) struct contacts *command = meeting_contacts(&meeting, keyring, false);

	key_server_stop(&meeting.servers[0]);
	assert_fault(FAULT_UNREACHABLE, meeting_try(&meeting, &folder, &why));
	key_server_start(&meeting.servers[0]);
	assert_fault(FAULT_UNREACHABLE, meeting_try(&meeting, &folder, &why));
	assert_works(contacts_sync(command, host, &why));
	assert_string_equal(host, meeting.servers[0].host);
	assert_int_equal(countdown_left(meeting.contacts), 0);
	assert_works(meeting_try(&meeting, &folder, &why));
}

static void sync__in_the_same_process_opens_the_folders_again(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	char host[CONTACT_HOST_SIZE];
	AUTO(made_done) struct made folder = finance_folder();

	key_server_stop(&meeting.servers[0]);
	assert_fault(FAULT_UNREACHABLE, meeting_try(&meeting, &folder, &why));
	assert_fault(FAULT_UNREACHABLE, contacts_sync(meeting.contacts, host, &why));
	key_server_start(&meeting.servers[0]);
	assert_works(contacts_sync(meeting.contacts, host, &why));
	assert_works(meeting_try(&meeting, &folder, &why));
}

/* Nothing was done but to wait: the next access tries, and the folders are back without a remount. */
static void countdown__over_the_next_access_finds_the_server_and_says_so(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made folder = finance_folder();
	char line[128];

	key_server_stop(&meeting.servers[0]);
	assert_fault(FAULT_UNREACHABLE, meeting_try(&meeting, &folder, &why));
	key_server_start(&meeting.servers[0]);
	meeting_pass(&meeting, 15 * MINUTE);
	assert_int_equal(key_server_count_all(&meeting.servers[0]), 0);
	assert_works(meeting_try(&meeting, &folder, &why));
	meeting_let_it_look(meeting.contacts);
	(void)snprintf(line, sizeof line, "Info: Successfully synchronized policy with %s\n",
		       meeting.servers[0].host);
	assert_non_null(strstr(meeting_log(), line));
}

/* -- leases while a server is away ------------------------------------------------------------------ */

static void outage__of_three_seconds_under_a_warm_lease_is_noticed_by_nobody(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made folder = finance_folder();
	AUTO(contact_opened_done) struct contact_opened opened = {.keys = NULL};

	assert_works(meeting_open(&meeting, folder.file, &opened, &why));
	meeting_let_it_look(meeting.contacts);
	(void)meeting_log();
	meeting_pass(&meeting, 39 * SECOND);
	key_server_stop(&meeting.servers[0]);
	for (int i = 0; i < 30; i++) { /* the renewal falls into it */
		meeting_pass(&meeting, SECOND / 10);
		assert_works(meeting_try(&meeting, &folder, &why));
		assert_true(lease_is_valid(&opened.lease->lease, meeting.now_ms));
	}
	key_server_start(&meeting.servers[0]);
	for (int i = 0; i < 300; i++) {
		meeting_pass(&meeting, SECOND);
		assert_works(meeting_try(&meeting, &folder, &why));
		assert_true(lease_is_valid(&opened.lease->lease, meeting.now_ms));
	}
	assert_int_equal(atomic_load(&meeting.ended), 0);
	assert_int_equal(countdown_left(meeting.contacts), 0);
	assert_int_equal(meeting_count(&meeting, ROUTE_UNLOCK), 1);
	assert_null(strstr(meeting_log(), "not responding"));
}

static void lease__that_nobody_renews_is_tried_every_ten_seconds_and_starts_no_countdown(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made folder = finance_folder();
	struct port port;

	assert_works(meeting_try(&meeting, &folder, &why));
	meeting_let_it_look(meeting.contacts);
	(void)meeting_log();
	key_server_stop(&meeting.servers[0]);
	port_open_at(&port, meeting.servers[0].port, false); /* where contacts are counted now */
	for (int i = 0; i < 119; i++) {
		meeting_pass(&meeting, SECOND);
		assert_works(meeting_try(&meeting, &folder, &why));
	}
	assert_in_range(atomic_load(&port.contacts), 6, 10); /* from 40 s on, every 8 to 12 s */
	assert_int_equal(countdown_left(meeting.contacts), 0);
	assert_string_equal(meeting_log(), "");
	meeting_pass(&meeting, SECOND);
	assert_int_equal(atomic_load(&meeting.ended), 1);
	assert_non_null(strstr(meeting_log(), "'finance': its folders are locked"));
	assert_int_equal(countdown_left(meeting.contacts), 0);
	assert_fault(FAULT_UNREACHABLE, meeting_try(&meeting, &folder, &why));
	assert_int_equal(countdown_left(meeting.contacts), 15 * MINUTE);
	port_close(&port);
}

static void lease__with_a_grace_in_the_policy_outlasts_an_outage_but_no_denial(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	const struct organisation_id id = company_id(&meeting.company);
	struct policy policy = policy_default(&id, 1700000000);
	AUTO(made_done) struct made folder = finance_folder();

	policy.version = 2;
	policy.offline_grace = 600;
	meeting_script(&meeting, 0, &(struct key_server_script){.policy = &policy});
	keep_policy(meeting.keyring, &meeting.company, &policy);
	contacts_wake(meeting.contacts);
	meeting_let_it_look(meeting.contacts);
	assert_works(meeting_try(&meeting, &folder, &why));
	meeting_let_it_look(meeting.contacts);
	key_server_stop(&meeting.servers[0]);
	for (int i = 0; i < 68; i++)
		meeting_pass(&meeting, 10 * SECOND);
	assert_works(meeting_try(&meeting, &folder, &why));
	key_server_start(&meeting.servers[0]);
	meeting_script(&meeting, 0, &(struct key_server_script){.policy = &policy, .state = {LEASE_DENIED}});
	meeting_pass(&meeting, 12 * SECOND); /* long before the grace is over */
	assert_int_equal(atomic_load(&meeting.ended), 1);
	assert_fault(FAULT_DENIED, meeting_try(&meeting, &folder, &why));
}

static void lease__over_is_told_when_the_folders_are_back(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made folder = finance_folder();

	assert_works(meeting_try(&meeting, &folder, &why));
	key_server_stop(&meeting.servers[0]);
	meeting_pass(&meeting, 120 * SECOND);
	assert_int_equal(atomic_load(&meeting.ended), 1);
	key_server_start(&meeting.servers[0]);
	(void)meeting_log();
	assert_works(meeting_try(&meeting, &folder, &why));
	assert_non_null(strstr(meeting_log(), "Info: Folders of groups can be opened again\n"));
}

/* -- one contact at a time ------------------------------------------------------------------------------ */

struct opener {
	pthread_t thread;
	struct made folder;
	enum fault fault;
	int64_t took_ms;
};

static int64_t real_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void *open_once(void *context)
{
	struct opener *opener = context;
	struct why why = WHY_NONE;
	int64_t begun_ms = real_ms();

	opener->fault = meeting_try(&meeting, &opener->folder, &why);
	opener->took_ms = real_ms() - begun_ms;
	return NULL;
}

static void contact__is_one_at_a_time_and_its_failure_is_shared_by_who_came_meanwhile(void **state)
{
	(void)state;
	struct opener openers[6];

	for (size_t i = 0; i < 6; i++)
		openers[i] = (struct opener){.folder = finance_folder()};
	for (size_t i = 0; i < 6; i++) {
		assert_int_equal(pthread_create(&openers[i].thread, NULL, open_once, &openers[i]), 0);
		while (i == 0 && atomic_load(&dead.contacts) == 0)
			(void)sched_yield(); /* the others come while it is under way */
	}
	for (size_t i = 0; i < 6; i++) {
		assert_int_equal(pthread_join(openers[i].thread, NULL), 0);
		assert_int_equal(openers[i].fault, FAULT_UNREACHABLE);
		assert_true(openers[i].took_ms < SERVICE_DEADLINE_MS + 2000);
		made_done(&openers[i].folder);
	}
	assert_int_equal(atomic_load(&dead.contacts), 1);
	assert_int_equal(meeting_lines(meeting_log(), "Unable to establish communication"), 1);
}

/* -- the network comes --------------------------------------------------------------------------------------
 */

static void network_comes(void)
{
	contact_network_changed(contacts_hold(meeting.contacts), meeting.now_ms);
	contacts_let_go(meeting.contacts);
	meeting_let_it_look(meeting.contacts);
}

static void network__that_changes_is_tried_at_once_and_after_2_5_15_30_s(void **state)
{
	(void)state;
	static const int64_t delays[] = {2, 5, 15, 30};
	struct why why = WHY_NONE;
	AUTO(made_done) struct made folder = finance_folder();

	assert_fault(FAULT_UNREACHABLE, meeting_try(&meeting, &folder, &why));
	(void)meeting_log();
	meeting_pass(&meeting, MINUTE);
	network_comes();
	assert_int_equal(atomic_load(&dead.contacts), 2);
	for (unsigned i = 0; i < 4; i++) {
		meeting_pass(&meeting, delays[i] * SECOND - 1);
		assert_fault(FAULT_UNREACHABLE, meeting_try(&meeting, &folder, &why));
		assert_non_null(strstr(why.text, "next try in 1 s"));
		assert_int_equal(atomic_load(&dead.contacts), 2 + i);
		meeting_pass(&meeting, 1);
		assert_int_equal(atomic_load(&dead.contacts), 3 + i);
	}
	assert_int_equal(countdown_left(meeting.contacts), 15 * MINUTE);
	assert_int_equal(meeting_lines(meeting_log(), "Unable to establish communication"), 1);
	meeting_pass(&meeting, 14 * MINUTE);
	assert_fault(FAULT_UNREACHABLE, meeting_try(&meeting, &folder, &why));
	assert_int_equal(atomic_load(&dead.contacts), 6);
}

static void network__that_changes_brings_the_folders_back_by_itself(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made folder = finance_folder();

	key_server_stop(&meeting.servers[0]);
	assert_fault(FAULT_UNREACHABLE, meeting_try(&meeting, &folder, &why));
	unsigned settled = atomic_load(&meeting.settled);
	key_server_start(&meeting.servers[0]);
	network_comes();
	assert_true(atomic_load(&meeting.settled) > settled); /* who was refused is told to ask again */
	assert_int_equal(countdown_left(meeting.contacts), 0);
	assert_non_null(strstr(meeting_log(), "Successfully synchronized policy"));
	assert_works(meeting_try(&meeting, &folder, &why));
}

static void network__that_changes_while_all_is_well_makes_no_contact(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made folder = finance_folder();

	assert_works(meeting_try(&meeting, &folder, &why));
	meeting_let_it_look(meeting.contacts);
	unsigned before = key_server_count_all(&meeting.servers[0]);
	network_comes();
	assert_int_equal(key_server_count_all(&meeting.servers[0]), before);
}

/* -- no network
 * ------------------------------------------------------------------------------------------------ */

static int name_failure;

int __real_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
		       struct addrinfo **ret_list);
int __wrap_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
		       struct addrinfo **ret_list);
static atomic_uint look_ups;
int __wrap_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
		       struct addrinfo **ret_list)
{
	if (strcmp(host, "keys.test") != 0 || (hints->ai_flags & AI_NUMERICHOST))
		return __real_getaddrinfo(host, service, hints, ret_list);
	atomic_fetch_add(&look_ups, 1);
	return name_failure;
}

static int begin_without_network(void **state)
{
	(void)state;
	name_failure = EAI_AGAIN;
	atomic_store(&look_ups, 0);
	begin_at("https://keys.test:8443", true);
	return 0;
}

static void network__that_is_not_there_refuses_at_once_and_starts_no_countdown(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	struct countdown_stored stored;
	static const struct countdown_stored none;
	AUTO(made_done) struct made folder = finance_folder();

	assert_fault(FAULT_UNREACHABLE, meeting_try(&meeting, &folder, &why));
	assert_non_null(strstr(why.text, "no network"));
	for (int i = 0; i < 100; i++)
		assert_fault(FAULT_UNREACHABLE, meeting_try(&meeting, &folder, &why));
	assert_int_equal(atomic_load(&look_ups), 1);
	assert_int_equal(countdown_left(meeting.contacts), 0);
	assert_works(keyring_countdown(meeting.keyring, &stored, &why));
	assert_memory_equal(&stored, &none, sizeof none);
	assert_string_equal(meeting_log(), "");
	meeting_pass(&meeting, 4 * SECOND);
	assert_int_equal(atomic_load(&look_ups), 1); /* nobody asks, nobody looks */
	assert_fault(FAULT_UNREACHABLE, meeting_try(&meeting, &folder, &why));
	assert_int_equal(atomic_load(&look_ups), 2);
}

static void network__that_comes_is_used_at_once(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made folder = finance_folder();

	assert_fault(FAULT_UNREACHABLE, meeting_try(&meeting, &folder, &why));
	name_failure = EAI_NONAME; /* a resolver answers now */
	network_comes();
	assert_int_equal(atomic_load(&look_ups), 2);
	assert_fault(FAULT_UNREACHABLE, meeting_try(&meeting, &folder, &why));
	assert_non_null(strstr(why.text, "next try in 2 s")); /* the grace after a change */
}

static void name__not_found_is_down_and_counts_down(void **state)
{
	(void)state;
	struct why why = WHY_NONE;
	AUTO(made_done) struct made folder = finance_folder();

	name_failure = EAI_NONAME;
	assert_fault(FAULT_UNREACHABLE, meeting_try(&meeting, &folder, &why));
	assert_int_equal(countdown_left(meeting.contacts), 15 * MINUTE);
	assert_non_null(strstr(meeting_log(), "Unable to establish communication with keys.test:8443\n"));
}

/* -- threads
 * ------------------------------------------------------------------------------------------------------ */

static void *come_and_go(void *context)
{
	struct made *folder = context;
	struct why why = WHY_NONE;

	for (int i = 0; i < 300; i++) {
		AUTO(contact_opened_done) struct contact_opened opened = {.keys = NULL};
		char text[WHY_TEXT_SIZE];
		enum fault fault = contacts_open(meeting.contacts, folder->file, &opened, &why);
		if (!fault)
			(void)!contacts_confirm(meeting.contacts, opened.lease, &why);
		contacts_words(meeting.contacts, folder->file, text);
		contacts_wait(meeting.contacts, clock_boot_ms() + 1);
	}
	return NULL;
}

static void threads__survive_a_server_that_comes_and_goes(void **state)
{
	(void)state;
	struct made folders[4];
	pthread_t threads[4];
	char host[CONTACT_HOST_SIZE];

	for (size_t i = 0; i < 4; i++)
		folders[i] = finance_folder();
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, come_and_go, &folders[i]), 0);
	for (int i = 0; i < 10; i++) {
		key_server_stop(&meeting.servers[0]);
		meeting_pass(&meeting, 61 * SECOND);
		key_server_start(&meeting.servers[0]);
		(void)!contacts_sync(meeting.contacts, host, NULL);
		meeting_pass(&meeting, 61 * SECOND);
	}
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		made_done(&folders[i]);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
#define DEAD(name) cmocka_unit_test_setup_teardown(name, begin_dead, end_port)

int main(void)
{
	const struct CMUnitTest tests[] = {
		DEAD(countdown__on_a_dead_port_lets_two_contacts_through_in_half_an_hour_under_load),
		DEAD(countdown__says_what_it_does_in_the_log),
		DEAD(countdown__is_said_to_whoever_is_refused),
		DEAD(countdown__has_the_length_that_the_policy_says),
		DEAD(refusal__during_the_countdown_takes_microseconds),
		DEAD(countdown__holds_for_all_processes_of_the_user),
		DEAD(command__makes_one_contact_whatever_the_countdown_says),
		TEST(sync__that_works_ends_the_countdown_of_a_mount_at_its_next_question),
		TEST(sync__in_the_same_process_opens_the_folders_again),
		TEST(countdown__over_the_next_access_finds_the_server_and_says_so),
		TEST(outage__of_three_seconds_under_a_warm_lease_is_noticed_by_nobody),
		TEST(lease__that_nobody_renews_is_tried_every_ten_seconds_and_starts_no_countdown),
		TEST(lease__with_a_grace_in_the_policy_outlasts_an_outage_but_no_denial),
		TEST(lease__over_is_told_when_the_folders_are_back),
		cmocka_unit_test_setup_teardown(
			contact__is_one_at_a_time_and_its_failure_is_shared_by_who_came_meanwhile, begin_mute,
			end_port),
		DEAD(network__that_changes_is_tried_at_once_and_after_2_5_15_30_s),
		TEST(network__that_changes_brings_the_folders_back_by_itself),
		TEST(network__that_changes_while_all_is_well_makes_no_contact),
		cmocka_unit_test_setup_teardown(
			network__that_is_not_there_refuses_at_once_and_starts_no_countdown,
			begin_without_network, end),
		cmocka_unit_test_setup_teardown(network__that_comes_is_used_at_once, begin_without_network,
						end),
		cmocka_unit_test_setup_teardown(name__not_found_is_down_and_counts_down,
						begin_without_network, end),
		TEST(threads__survive_a_server_that_comes_and_goes),
	};
	return cmocka_run_group_tests(tests, keyrings_start, keyrings_end);
}
