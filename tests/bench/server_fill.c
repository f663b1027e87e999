/* server_fill DIR USERS - puts so many enrolled users into a key server's store, all members of one group
 * with a key, named LOAD_GROUP. DIR was made by 'fsenc-server init'; its server must not run. */
#include <string.h>

#include "base/log.h"
#include "keys/certificate.h"
#include "server/builtin.h"
#include "server/home.h"
#include "tests/bench/server_load.h"

#define EACH_TRANSACTION 5000

static struct home *home;
static struct organisation_id organisation;

static void add_group(struct member_id *ret_id)
{
	struct why why = WHY_NONE;
	AUTO(identity_free) struct identity *root = NULL;
	AUTO(signed_free) struct signed_object *object = NULL;
	AUTO(free) char *text = NULL;
	AUTO(group_deal_wipe) struct group_deal deal;
	const struct member_id server = identity_public(home->identity)->id;

	MUST(builtin_add_group(home->store, &organisation, LOAD_GROUP, ret_id, &why));
	MUST(home_root(home, NULL, &root, &why));
	MUST(group_deal(NULL, 1, 1, &deal, &why));
	struct group_descriptor group = {.organisation = organisation,
					 .id = *ret_id,
					 .name = LOAD_GROUP,
					 .version = 1,
					 .epoch = 1,
					 .created = 1700000000,
					 .threshold = 1,
					 .servers = {{.id = server, .index = 1}},
					 .server_count = 1,
					 .commitments = {deal.commitments[0]}};
	MUST(group_descriptor_sign(&group, root, &object, &why));
	MUST(signed_text(object, &text, &why));
	struct stored_group stored = {.id = *ret_id,
				      .name = LOAD_GROUP,
				      .version = 1,
				      .epoch = 1,
				      .descriptor = {.data = (uint8_t *)text, .size = strlen(text)}};
	master_seal_share(home->master, &deal.shares[0], &stored);
	MUST(store_group_write(home->store, &stored, &why));
}

static void certify(unsigned number, const struct member_id *account)
{
	struct why why = WHY_NONE;
	AUTO(identity_free) struct identity *identity = load_user(number);
	AUTO(certificate_free) struct certificate *own = NULL, *certified = NULL;
	AUTO(free) char *text = NULL;
	struct certificate_grant grant = {.organisation = organisation,
					  .account = *account,
					  .name = identity_public(identity)->name,
					  .serial = 1};

	MUST(certificate_self_signed(identity, &own, &why));
	enrol_proof_sign(&organisation, grant.name, identity, &identity_public(home->identity)->id,
			 grant.proof);
	MUST(certificate_sign_for(own, &grant, home->identity, &certified, &why));
	MUST(signed_text(certificate_signed(certified), &text, &why));
	struct stored_certificate stored = {
		.account = *account,
		.user = identity_public(identity)->id,
		.fingerprint = public_identity_fingerprint(identity_public(identity)),
		.serial = 1,
		.state = CERTIFICATE_ACTIVE,
		.created = 1700000000,
		.text = {.data = (uint8_t *)text, .size = strlen(text)}};
	(void)snprintf(stored.name, sizeof stored.name, "%s", grant.name);
	MUST(store_certificate_write(home->store, &stored, &why));
}

static void add_user(unsigned number, const struct member_id *group)
{
	struct why why = WHY_NONE;
	struct builtin_member member = {.kind = BUILTIN_USER};

	load_user_name(number, member.name);
	MUST(builtin_add_user(home->store, &organisation, member.name, &member.id, &why));
	MUST(builtin_add_member(home->store, group, &member, &why));
	certify(number, &member.id);
}

int main(int argc, char **argv)
{
	struct why why = WHY_NONE;
	struct member_id group;

	if (argc != 3) {
		(void)fprintf(stderr, "usage: server_fill DIR USERS\n");
		return 2;
	}
	log_set_level(LOG_LEVEL_WARNING);
	MUST(secret_start(&why));
	MUST(home_open(argv[1], &home, &why));
	organisation = organisation_id_of(&home->organisation);
	add_group(&group);
	const unsigned users = (unsigned)strtoul(argv[2], NULL, 10);
	for (unsigned first = 0; first < users; first += EACH_TRANSACTION) {
		MUST(store_transaction_begin(home->store, &why));
		for (unsigned n = first; n < users && n < first + EACH_TRANSACTION; n++)
			add_user(n, &group);
		MUST(store_transaction_end(home->store, FAULT_NONE, &why));
	}
	home_close(home);
	return 0;
}
