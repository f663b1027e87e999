#include "tests/lib/fake_contacts.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"

struct fake_contacts fake;
pthread_mutex_t fake_mutex = PTHREAD_MUTEX_INITIALIZER;

struct group_lease *group_lease_ref(struct group_lease *lease)
{
	atomic_fetch_add(&lease->references, 1);
	return lease;
}

void group_lease_unref(struct group_lease *lease)
{
	if (lease && atomic_fetch_sub(&lease->references, 1) == 1)
		free(lease);
}

void contact_opened_done(struct contact_opened *opened)
{
	folder_keys_free(opened->keys);
	group_lease_unref(opened->lease);
	*opened = (struct contact_opened){.keys = NULL};
}

void contacts_listen(struct contacts *contacts, const struct contacts_listener *listener)
{
	(void)contacts;
	(void)pthread_mutex_lock(&fake_mutex);
	fake.listener = listener ? *listener : (struct contacts_listener){.context = NULL};
	(void)pthread_mutex_unlock(&fake_mutex);
}

static enum fault open_keys(const struct folder_file *file, struct contact_opened *ret_opened,
			    struct why *why)
{
	struct folder_keys *keys = NULL;
	struct group_lease *lease;
	enum fault fault;

	fake.opens++;
	if (fake.open)
		return why_set(why, fake.open, "the script says so");
	fault = folder_keys_open(file, fake.opener, &keys, why);
	if (fault)
		return fault;
	lease = calloc(1, sizeof(*lease));
	atomic_init(&lease->references, 2);
	lease_grant(&lease->lease, clock_boot_ms(), fake.lease_seconds);
	group_lease_unref(fake.lease);
	fake.lease = lease;
	*ret_opened = (struct contact_opened){.keys = keys, .role = fake.role, .lease = lease};
	return FAULT_NONE;
}

enum fault contacts_open(struct contacts *contacts, const struct folder_file *file,
			 struct contact_opened *ret_opened, struct why *why)
{
	(void)contacts;
	(void)pthread_mutex_lock(&fake_mutex);
	enum fault fault = open_keys(file, ret_opened, why);
	(void)pthread_mutex_unlock(&fake_mutex);
	return fault;
}

enum fault contacts_confirm(struct contacts *contacts, struct group_lease *lease, struct why *why)
{
	(void)contacts;
	if (lease_is_valid(&lease->lease, clock_boot_ms()))
		return FAULT_NONE;
	(void)pthread_mutex_lock(&fake_mutex);
	fake.confirms++;
	enum fault fault = fake.confirm;
	(void)pthread_mutex_unlock(&fake_mutex);
	return fault ? why_set(why, fault, "the lease has ended") : FAULT_NONE;
}

void contacts_wait(struct contacts *contacts, int64_t deadline_ms)
{
	(void)contacts;
	(void)deadline_ms;
	fake.waits++;
	if (fake.waiting)
		fake.waiting(&fake);
}

void contacts_words(struct contacts *contacts, const struct folder_file *file,
		    char text[static WHY_TEXT_SIZE])
{
	(void)contacts;
	(void)file;
	(void)snprintf(text, WHY_TEXT_SIZE, "key server keys.test not responding; next try in 12 min");
}

void contacts_report(struct contacts *contacts, const struct folder_file *file)
{
	(void)contacts;
	fake.reports++;
	fake.reported = file->record->version;
}

void contacts_report_chain(struct contacts *contacts, const struct folder_file *file,
			   const struct signed_object *const *earlier, size_t earlier_count)
{
	(void)earlier;
	fake.reported_earlier = earlier_count;
	contacts_report(contacts, file);
}

void contacts_watch(struct contacts *contacts, const struct member_id *group)
{
	(void)contacts;
	fake.watches++;
	fake.watched = *group;
}

void contacts_wake(struct contacts *contacts)
{
	(void)contacts;
	fake.wakes++;
}

enum fault contacts_new(const struct contacts_options *options, struct contacts **ret_contacts,
			struct why *why)
{
	(void)options;
	(void)why;
	*ret_contacts = fake_contacts();
	return FAULT_NONE;
}

void contacts_free(struct contacts *contacts)
{
	(void)contacts;
}

void contacts_state(struct contacts *contacts, struct contacts_state *ret_state)
{
	(void)contacts;
	*ret_state = (struct contacts_state){.enrolled = true};
}

void contacts_each_lease(struct contacts *contacts,
			 void (*each)(void *context, const char *name, int64_t left_ms), void *context)
{
	(void)contacts;
	if (fake.lease)
		each(context, "finance", 1000);
}
