/* fsenc-server - the table of its commands, and what help says beside them. */
#include "base/program.h"
#include "ldap/directory_ldap.h"
#include "server/commands.h"

/* Every command. Dispatch, help, completion and the manual's test walk this table. */
static const struct command commands[] = {
	{"init", "DIR",
	 "make a key server in DIR, and its organisation; prints the organisation's fingerprint",
	 options_init, OPTIONS_JSON, 1, 1, cmd_init},
	{"run", "DIR",
	 "answer clients, in the foreground, until SIGTERM; SIGHUP reads certificate and configuration again",
	 NULL, 0, 1, 1, cmd_run},
	{"status", "DIR", "show the server, whether it answers, and what it knows", options_status,
	 OPTIONS_JSON, 1, 1, cmd_status},
	{"server list", "DIR", "list the servers of the organisation", NULL, OPTIONS_JSON, 1, 1,
	 cmd_server_list},
	{"server remove", "DIR SERVER",
	 "take a server out of the organisation: one that is lost, or was replaced", NULL,
	 OPTIONS_SERVER | OPTIONS_ROOT, 2, 2, cmd_server_remove},
	{"user add", "DIR USER", "make a user known; prints a one-time code for 'fsenc enroll'", NULL,
	 OPTIONS_SERVER | OPTIONS_JSON, 2, 2, cmd_user_add},
	{"user code", "DIR USER",
	 "print a new one-time code for a user who is there, in place of an older one", NULL,
	 OPTIONS_SERVER | OPTIONS_JSON, 2, 2, cmd_user_code},
	{"user list", "DIR", "list users, whether they are enrolled, and the fingerprints of their keys",
	 NULL, OPTIONS_JSON, 1, 1, cmd_user_list},
	{"user disable", "DIR USER", "let a user unlock nothing any more", NULL, OPTIONS_SERVER, 2, 2,
	 cmd_user_disable},
	{"user enable", "DIR USER", "the way back from 'user disable'", NULL, OPTIONS_SERVER, 2, 2,
	 cmd_user_enable},
	{"user revoke-key", "DIR USER", "believe a user's key no more; the next one needs 'approve'", NULL,
	 OPTIONS_SERVER, 2, 2, cmd_user_revoke_key},
	{"user export-token", "DIR USER",
	 "print the recovery token of a user that is kept here, sealed as it is", NULL, 0, 2, 2,
	 cmd_user_export_token},
	{"approve", "DIR [USER FINGERPRINT]", "approve a further key of a user, or list the keys that wait",
	 NULL, OPTIONS_SERVER | OPTIONS_JSON, 1, 3, cmd_approve},
	{"group add", "DIR GROUP", "give a group a key, and deal its shares to servers", options_group_add,
	 OPTIONS_ROOT, 2, 2, cmd_group_add},
	{"group list", "DIR", "list the groups that have a key", NULL, OPTIONS_JSON, 1, 1, cmd_group_list},
	{"group members", "DIR GROUP", "list the users in a group, nested groups included", NULL,
	 OPTIONS_JSON, 2, 2, cmd_group_members},
	{"group add-member", "DIR GROUP MEMBER...",
	 "put users or groups into a group of the builtin directory", NULL, OPTIONS_SERVER, 3, CALL_MANY,
	 cmd_group_add_member},
	{"group remove-member", "DIR GROUP MEMBER...",
	 "take users or groups out of a group of the builtin directory", NULL, OPTIONS_SERVER, 3, CALL_MANY,
	 cmd_group_remove_member},
	{"group rotate", "DIR GROUP", "deal new shares of a group's key; the old ones are worth nothing then",
	 options_group_rotate, OPTIONS_ROOT, 2, 2, cmd_group_rotate},
	{"group remove", "DIR GROUP", "destroy a group's key here, and the group of the builtin directory",
	 NULL, OPTIONS_SERVER, 2, 2, cmd_group_remove},
	{"officer add", "DIR FILE",
	 "make an officer known, by the certificate that 'fsenc key export' prints", options_officer_add,
	 OPTIONS_SERVER, 2, 2, cmd_officer_add},
	{"officer list", "DIR", "list the officers", NULL, OPTIONS_JSON, 1, 1, cmd_officer_list},
	{"recovery-group add", "DIR GROUP", "make a recovery group, whose shares officers hold",
	 options_recovery_group_add, OPTIONS_SERVER | OPTIONS_ROOT, 2, 2, cmd_recovery_group_add},
	{"recovery-group list", "DIR", "list the recovery groups", NULL, OPTIONS_JSON, 1, 1,
	 cmd_recovery_group_list},
	{"open-token", "FILE [DIR]",
	 "open what 'user export-token' printed, where it is sealed to the root key", options_open_token,
	 OPTIONS_ROOT, 1, 2, cmd_open_token},
	{"import", "DIR FILE", "take in a parcel that 'group add' or 'group rotate' wrote for this server",
	 NULL, 0, 2, 2, cmd_import},
	{"policy set", "DIR NAME=VALUE...", "change the organisation's policy", NULL,
	 OPTIONS_SERVER | OPTIONS_ROOT, 2, CALL_MANY, cmd_policy_set},
	{"policy show", "DIR", "show the policy in force", NULL, OPTIONS_JSON, 1, 1, cmd_policy_show},
	{"audit", "DIR", "show who was let in where, oldest first", options_audit, OPTIONS_JSON, 1, 1,
	 cmd_audit},
	{"backup", "DIR FILE", "copy the store into a new file, while the server runs", NULL, 0, 2, 2,
	 cmd_backup},
	{"fork list", "DIR", "list folders of which two different access lists were shown", NULL,
	 OPTIONS_JSON, 1, 1, cmd_fork_list},
	{"fork settle", "DIR FOLDER DIGEST", "decide which of them is the folder's", NULL, OPTIONS_SERVER, 3,
	 3, cmd_fork_settle},
	{"completion", "SHELL", "print completion for a shell: bash", NULL, 0, 1, 1, program_completion},
	{"help", "[COMMAND]", "show all commands, or one", program_help_options, 0, 0, 2, program_help},
	{"version", "", "print the version", NULL, 0, 0, 0, program_version},
	{NULL, NULL, NULL, NULL, 0, 0, 0, NULL},
};

/* The names of the last columns of every exit status that occurs, lowest first, each once. */
static const struct help_line exits[] = {
	{"0", "done"},
	{"1", "failed"},
	{"2", "the command was not understood"},
	{"3", "only a part was done"},
	{"20", "the directory cannot be reached"},
	{"21", "not of this organisation"},
	{"22", "a password is empty"},
	{"23", "the store, a key or the configuration cannot be read"},
	{"24", "the store cannot be written"},
	{"25", "a needed key is not there"},
	{"26", "damage was found"},
	{"27", "the audit was tampered with"},
	{NULL, NULL},
};

static const struct help_line environment[] = {
	{"CREDENTIALS_DIRECTORY",
	 "of systemd: fsenc-server.master in it is the master key, in place of DIR/master.key"},
	{NULL, NULL},
};

/* What to do next when the command knows nothing better. */
static const char *const hints[FAULT_COUNT] = {
	[FAULT_USAGE] = "fsenc-server help",
	[FAULT_MISSING] = "'fsenc-server init DIR --name NAME' makes a server",
	[FAULT_IDENTITY] = "name servers and keys of one organisation",
	[FAULT_PARTIAL] = "the same command again for the servers that did not get the change",
	[FAULT_UNREACHABLE] = "fsenc-server status DIR --directory",
	[FAULT_KEYRING_READ] =
		"look at the rights of the directory, and run the command as the server's user",
	[FAULT_KEYRING_WRITE] = "look at the rights and the room where the server's directory lies",
	[FAULT_TAMPERED] = "keep the files as they are, and find out who could write them",
	[FAULT_BUSY] = "again when the other is done",
};

static const struct program program = {
	.name = "fsenc-server",
	.words = "The key server of fsenc: groups whose keys nobody holds.",
	.manual = "fsenc-server(8)",
	.version = FSENC_VERSION,
	.commands = commands,
	.groups = option_groups,
	.group_count = OPTION_GROUP_COUNT,
	.exits = exits,
	.environment = environment,
	.hints = hints,
};

int main(int argc, char **argv)
{
	struct options options = {0};

	directory_ldap_start();
	return program_main(&program, &options, argc, argv);
}
