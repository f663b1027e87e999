/* fsenc-server user export-token, open-token */
#include "base/answer.h"
#include "base/file.h"
#include "keys/escrow_block.h"
#include "server/account.h"
#include "server/commands.h"
#include "server/private_file.h"
#include "server/root_key.h"
#include "server/stores.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define DETAIL_SIZE 256

const struct option_row options_open_token[] = {
	{"token-out", 0, "FILE", "write the token to FILE, a new one that nobody else can read", OPTION_TEXT,
	 OPTION_AT(token_out)},
	OPTION_ROWS_END,
};

/* -- out of the store ---------------------------------------------------------------------------- */

struct export
{
	const char *name;
	struct account account;
	struct escrow_block block;
	struct group_descriptor group; /* whose officers open it, or none */
};

static void export_done(struct export *export)
{
	escrow_block_done(&export->block);
}
AUTO_VALUE(struct export, export_done);

static enum fault read_sealed(struct home *home, struct export *export, struct escrow *ret_escrow,
			      struct why *why)
{
	AUTO(bytes_done) struct bytes sealed = BYTES_EMPTY;
	enum fault fault = store_token_read(home->store, &export->account.id, &sealed, why);

	if (!fault)
		fault = escrow_read(sealed.data, sealed.size, ret_escrow, why);
	if (!fault)
		memcpy(export->block.sealed, sealed.data, sizeof export->block.sealed);
	return why_in(why, fault, "the token of '%s'", export->account.name);
}

static enum fault read_organisation(struct home *home, struct export *export, struct why *why)
{
	AUTO(bytes_done) struct bytes text = BYTES_EMPTY;
	enum fault fault = store_document_read(home->store, STORE_ORGANISATION, &text, why);

	return fault ? fault
		     : signed_parse_text((const char *)text.data, text.size, ORGANISATION_TYPE,
					 &export->block.organisation, why);
}

static enum fault read_officers(struct home *home, struct export *export, const struct member_id *group,
				struct why *why)
{
	AUTO(stored_group_done) struct stored_group stored = {.descriptor = BYTES_EMPTY};
	struct organisation organisation;
	enum fault fault = store_group_find(home->store, group, &stored, why);

	if (!fault)
		fault = signed_parse_text((const char *)stored.descriptor.data, stored.descriptor.size,
					  GROUP_TYPE, &export->block.group, why);
	if (!fault)
		fault = escrow_block_officers(&export->block, &home->fingerprint, &organisation,
					      &export->group, why);
	return why_in(why, fault, "the recovery group that opens it");
}

static enum fault find_account(struct home *home, size_t at, void *context, struct why *why)
{
	struct export *export = context;

	(void)at;
	return account_find(home, export->name, &export->account, why);
}

static enum fault export_token(struct home *home, size_t at, void *context, struct why *why)
{
	struct export *export = context;
	struct escrow escrow = {.epoch = 0};
	enum fault fault = read_sealed(home, export, &escrow, why);

	(void)at;
	if (!fault && strlen(export->account.name) > DISPLAY_NAME_MAX)
		fault = why_set(why, FAULT_INVALID, "a user's name has at most %d bytes", DISPLAY_NAME_MAX);
	if (!fault)
		memcpy(export->block.user, export->account.name, strlen(export->account.name) + 1);
	if (!fault)
		fault = read_organisation(home, export, why);
	return fault || escrow.recipient == ESCROW_ROOT ? fault
							: read_officers(home, export, &escrow.id, why);
}

static void say_who_opens(const struct call *call, const struct export *export)
{
	if (export->block.group)
		call_say(call, "%u of %zu officers of '%s' open it: fsenc recover-token FILE",
			 export->group.threshold, export->group.server_count, export->group.name);
	else
		call_say(call, "The organisation's root key opens it: fsenc-server open-token FILE");
}

enum fault cmd_user_export_token(struct call *call, struct why *why)
{
	AUTO(home_close) struct home *home = NULL;
	AUTO(export_done) struct export export = {.name = call->arguments[1]};
	AUTO(bytes_done) struct bytes text = BYTES_EMPTY;
	char detail[DETAIL_SIZE];
	const struct change change = {
		.prepare = find_account, .work = export_token, .context = &export, .detail = detail};
	enum fault fault = home_open(call->arguments[0], &home, why);

	(void)snprintf(detail, sizeof detail, "user export-token %s", export.name);
	if (!fault)
		fault = stores_change_one(home, 0, &change, why);
	if (!fault)
		fault = escrow_block_write(&export.block, &text, why);
	if (fault)
		return fault;
	(void)fwrite(text.data, 1, text.size, stdout);
	say_who_opens(call, &export);
	return answer_end(why);
}

/* -- by the root key ------------------------------------------------------------------------------- */

struct opening {
	const struct call *call;
	struct escrow_block block;
	char token[TOKEN_TEXT_SIZE];
};

static void opening_done(struct opening *opening)
{
	escrow_block_done(&opening->block);
	secret_wipe(opening->token, sizeof opening->token);
}
AUTO_VALUE(struct opening, opening_done);

static enum fault read_block(struct call *call, struct escrow_block *block, struct why *why)
{
	const char *path = call->arguments[0];
	AUTO(bytes_done) struct bytes text = BYTES_EMPTY;
	enum fault fault = file_read(AT_FDCWD, path, ARMOR_MAX, &text, why);

	if (!fault)
		fault = escrow_block_read(text.data, text.size, block, why);
	if (!fault && block->group)
		fault = call_hint(call, why_set(why, FAULT_INVALID, "the token is sealed to officers"),
				  "fsenc recover-token %s", path);
	return why_in(why, fault, "'%s'", path);
}

static enum fault open_with(struct opening *opening, const struct identity *root, struct why *why)
{
	return escrow_open_root(opening->block.sealed, sizeof opening->block.sealed, root, opening->token,
				why);
}

/* Where a server is, its audit says so. */
static enum fault open_at_home(struct home *home, size_t at, void *context, struct why *why)
{
	struct opening *opening = context;
	AUTO(identity_free) struct identity *root = NULL;
	enum fault fault = home_root(home, opening->call->options->root_key, &root, why);

	(void)at;
	return fault ? fault : open_with(opening, root, why);
}

static enum fault open_in_store(struct opening *opening, struct why *why)
{
	AUTO(home_close) struct home *home = NULL;
	char detail[DETAIL_SIZE];
	const struct change change = {.work = open_at_home, .context = opening, .detail = detail};
	enum fault fault = home_open(opening->call->arguments[1], &home, why);

	(void)snprintf(detail, sizeof detail, "open-token %s", opening->block.user);
	return fault ? fault : stores_change_one(home, 0, &change, why);
}

static enum fault open_by_file(struct opening *opening, struct why *why)
{
	AUTO(identity_free) struct identity *root = NULL;
	enum fault fault = root_key_read(opening->call->options->root_key, &root, why);

	return fault ? fault : open_with(opening, root, why);
}

static enum fault show(const struct opening *opening, struct why *why)
{
	const char *path = opening->call->options->token_out;

	if (path)
		return private_file_create(AT_FDCWD, path, opening->token, TOKEN_TEXT_SIZE - 1, why);
	(void)printf("recovery-token  %s\n", opening->token);
	return answer_end(why);
}

enum fault cmd_open_token(struct call *call, struct why *why)
{
	AUTO(opening_done) struct opening opening = {.call = call, .block = ESCROW_BLOCK_EMPTY};
	const bool has_server = call->argument_count > 1;
	enum fault fault = FAULT_NONE;

	if (!has_server && !call->options->root_key)
		return call_hint(call,
				 why_set(why, FAULT_USAGE, "--root-key FILE, or DIR, says what opens it"),
				 "fsenc-server open-token %s --root-key FILE", call->arguments[0]);
	fault = read_block(call, &opening.block, why);
	if (!fault)
		fault = has_server ? open_in_store(&opening, why) : open_by_file(&opening, why);
	if (!fault)
		fault = show(&opening, why);
	if (!fault)
		call_say(
			call,
			"Whoever has this token and the keyring of '%s' opens it: 'fsenc recover' there, at once.",
			opening.block.user);
	return fault;
}
