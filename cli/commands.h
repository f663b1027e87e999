/* cli/commands.h - what the table in cli/main.c points at: a function and its options each.
 *
 * cli/cmd_NOUN.c holds the commands about one noun. Commands without options of their own have
 * no rows.
 */
#ifndef FSENC_CLI_COMMANDS_H
#define FSENC_CLI_COMMANDS_H

#include "cli/options.h"

#define COMMAND_LIST(X) \
	X(setup) \
	X(init) \
	X(protect) \
	X(mount) \
	X(umount) \
	X(enroll) \
	X(sync) \
	X(deferred) \
	X(doctor) \
	X(add_user) \
	X(add_group) \
	X(remove_group) \
	X(remove_user) \
	X(set_role) \
	X(members) \
	X(status) \
	X(verify) \
	X(key_list) \
	X(key_show) \
	X(key_import) \
	X(key_export) \
	X(key_trust) \
	X(key_backup) \
	X(key_restore) \
	X(key_passwd) \
	X(unlock) \
	X(lock) \
	X(recovery_token) \
	X(recover) \
	X(recover_folder) \
	X(recover_token) \
	X(answer_recovery)

#define X(name) MUST_CHECK enum fault cmd_##name(struct call *call, struct why *why);
COMMAND_LIST(X)
#undef X

extern const struct option_row options_setup[];
extern const struct option_row options_init[];
extern const struct option_row options_mount[];
extern const struct option_row options_umount[];
extern const struct option_row options_enroll[];
extern const struct option_row options_deferred[];
extern const struct option_row options_add_user[];
extern const struct option_row options_add_group[];
extern const struct option_row options_members[];
extern const struct option_row options_remove_user[];
extern const struct option_row options_verify[];
extern const struct option_row options_key_import[];
extern const struct option_row options_key_trust[];
extern const struct option_row options_key_backup[];
extern const struct option_row options_key_restore[];
extern const struct option_row options_key_passwd[];
extern const struct option_row options_unlock[];
extern const struct option_row options_recovery_token[];
extern const struct option_row options_recover[];
extern const struct option_row options_recover_folder[];
extern const struct option_row options_recover_token[];
extern const struct option_row options_answer_recovery[];

#endif
