/* server/commands.h - what the table in server/main.c points at: a function and its options each.
 *
 * server/cmd_NOUN.c holds the commands about one noun. Commands without options of their own have no rows.
 */
#ifndef FSENC_SERVER_COMMANDS_H
#define FSENC_SERVER_COMMANDS_H

#include "server/options.h"

#define COMMAND_LIST(X) \
	X(init) \
	X(run) \
	X(status) \
	X(server_list) \
	X(server_remove) \
	X(user_add) \
	X(user_code) \
	X(user_list) \
	X(user_disable) \
	X(user_enable) \
	X(user_revoke_key) \
	X(user_export_token) \
	X(open_token) \
	X(approve) \
	X(group_add) \
	X(group_list) \
	X(group_members) \
	X(group_add_member) \
	X(group_remove_member) \
	X(group_rotate) \
	X(group_remove) \
	X(officer_add) \
	X(officer_list) \
	X(recovery_group_add) \
	X(recovery_group_list) \
	X(import) \
	X(policy_set) \
	X(policy_show) \
	X(audit) \
	X(backup) \
	X(fork_list) \
	X(fork_settle)

#define X(name) MUST_CHECK enum fault cmd_##name(struct call *call, struct why *why);
COMMAND_LIST(X)
#undef X

extern const struct option_row options_init[];
extern const struct option_row options_status[];
extern const struct option_row options_group_add[];
extern const struct option_row options_group_rotate[];
extern const struct option_row options_officer_add[];
extern const struct option_row options_recovery_group_add[];
extern const struct option_row options_audit[];
extern const struct option_row options_open_token[];

#endif
