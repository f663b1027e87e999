/* fsenc - the command line: the table of its commands, and what help says beside them. */
#include "base/program.h"
#include "cli/commands.h"
#include "fs/mount.h"

/* Every command. Dispatch, help, completion and the manual's test walk this table. */
static const struct command commands[] = {
	{"setup", "", "make your keyring and your key; prints the fingerprint", options_setup,
	 OPTIONS_UNLOCK | OPTIONS_JSON, 0, 0, cmd_setup},
	{"enroll", "URL", "join an organisation: its key servers, policy and groups", options_enroll,
	 OPTIONS_UNLOCK | OPTIONS_JSON, 1, 1, cmd_enroll},
	{"init", "SHARE", "make a share whose root is a folder of yours", options_init, OPTIONS_UNLOCK, 1, 1,
	 cmd_init},
	{"protect", "DIR", "make an empty directory a folder of yours", NULL, OPTIONS_UNLOCK, 1, 1,
	 cmd_protect},
	{"mount", "SHARE DIR", "show a share decrypted at DIR", options_mount, OPTIONS_UNLOCK, 2, 2,
	 cmd_mount},
	{"umount", "DIR", "end a mount and wait until it is gone", options_umount, 0, 1, 1, cmd_umount},
	{"add-user", "DIR [USER...]", "let users into a folder", options_add_user, OPTIONS_UNLOCK, 1, CALL_MANY,
	 cmd_add_user},
	{"add-group", "DIR GROUP...", "let groups of the directory into a folder, by the key that no one holds",
	 options_add_group, OPTIONS_UNLOCK, 2, CALL_MANY, cmd_add_group},
	{"remove-user", "DIR USER...", "take users out of a folder and start a new key generation",
	 options_remove_user, OPTIONS_UNLOCK, 2, CALL_MANY, cmd_remove_user},
	{"remove-group", "DIR GROUP...", "take groups out of a folder and start a new key generation",
	 options_remove_user, OPTIONS_UNLOCK, 2, CALL_MANY, cmd_remove_group},
	{"set-role", "DIR USER ROLE", "change what a user may do in a folder", NULL, OPTIONS_UNLOCK, 3, 3,
	 cmd_set_role},
	{"members", "DIR", "list who may do what in a folder", options_members, OPTIONS_UNLOCK | OPTIONS_JSON, 1, 1,
	 cmd_members},
	{"status", "[PATH]", "show mounts and folders, readable or why not", NULL,
	 OPTIONS_KEYRING | OPTIONS_JSON, 0, 1, cmd_status},
	{"sync", "", "contact the key servers now; fetch the policy, carry out deferred changes", NULL,
	 OPTIONS_UNLOCK, 0, 0, cmd_sync},
	{"deferred", "", "list the changes that wait for a key server, or drop some", options_deferred,
	 OPTIONS_KEYRING | OPTIONS_JSON, 0, 0, cmd_deferred},
	{"doctor", "", "check what fsenc needs here: FUSE, memory, keyring, clock, key servers", NULL,
	 OPTIONS_UNLOCK | OPTIONS_JSON, 0, 0, cmd_doctor},
	{"verify", "DIR", "check every signature, header, block and name", options_verify,
	 OPTIONS_UNLOCK | OPTIONS_JSON, 1, 1, cmd_verify},
	{"key list", "", "list the certificates in the keyring", NULL, OPTIONS_KEYRING | OPTIONS_JSON, 0, 0,
	 cmd_key_list},
	{"key show", "[USER]", "show your certificate, or that of a user", NULL,
	 OPTIONS_KEYRING | OPTIONS_JSON, 0, 1, cmd_key_show},
	{"key import", "FILE", "put somebody's certificate into the keyring", options_key_import,
	 OPTIONS_KEYRING | OPTIONS_JSON, 1, 1, cmd_key_import},
	{"key export", "[USER]", "print your certificate, or that of a user", NULL, OPTIONS_KEYRING, 0, 1,
	 cmd_key_export},
	{"key trust", "[FINGERPRINT]", "trust a certificate in the keyring, or a folder as it is now",
	 options_key_trust, OPTIONS_KEYRING, 0, 1, cmd_key_trust},
	{"key backup", "FILE", "write your private keys, sealed under a passphrase, to a new file",
	 options_key_backup, OPTIONS_UNLOCK, 1, 1, cmd_key_backup},
	{"key restore", "FILE", "make a keyring from a backup", options_key_restore, OPTIONS_UNLOCK, 1, 1,
	 cmd_key_restore},
	{"key passwd", "", "change the passphrase of the keyring", options_key_passwd, OPTIONS_UNLOCK, 0, 0,
	 cmd_key_passwd},
	{"unlock", "", "keep the keyring unlocked for a while", options_unlock, OPTIONS_UNLOCK, 0, 0,
	 cmd_unlock},
	{"lock", "", "forget what 'fsenc unlock' keeps", NULL, OPTIONS_KEYRING, 0, 0, cmd_lock},
	{"recovery-token", "", "show whether there is a recovery token, or make a new one",
	 options_recovery_token, OPTIONS_UNLOCK | OPTIONS_JSON, 0, 0, cmd_recovery_token},
	{"recover", "", "set a new passphrase with the recovery token", options_recover,
	 OPTIONS_UNLOCK | OPTIONS_JSON, 0, 0, cmd_recover},
	{"recover-folder", "DIR [MOUNTPOINT]",
	 "open a folder with the answers of recovery officers, to be read; or print what to send them",
	 options_recover_folder, OPTIONS_UNLOCK, 1, 2, cmd_recover_folder},
	{"recover-token", "FILE",
	 "open somebody's recovery token with the answers of recovery officers; or print what to send them",
	 options_recover_token, OPTIONS_UNLOCK, 1, 1, cmd_recover_token},
	{"answer-recovery", "FILE", "as a recovery officer: answer what somebody asks", options_answer_recovery,
	 OPTIONS_UNLOCK, 1, 1, cmd_answer_recovery},
	{"completion", "SHELL", "print completion for a shell: bash", NULL, 0, 1, 1, program_completion},
	{"help", "[COMMAND]", "show all commands, or one", program_help_options, 0, 0, 2, program_help},
	{"version", "", "print the version", NULL, 0, 0, 0, program_version},
	{NULL, NULL, NULL, NULL, 0, 0, 0, NULL},
};

/* The names of the last columns of every exit status, lowest first, each once. */
static const struct help_line exits[] = {
	{"0", "done"},
	{"1", "failed"},
	{"2", "the command was not understood"},
	{"3", "only a part was done"},
	{"10", "the mount point is not usable"},
	{"12", "the passphrase is wrong, or there is none"},
	{"13", "not allowed: not a member, or not an admin"},
	{"20", "the key server cannot be reached"},
	{"21", "the server is not who it should be"},
	{"22", "the passphrase is empty"},
	{"23", "the keyring or configuration cannot be read"},
	{"24", "the keyring or configuration cannot be written"},
	{"25", "a needed key is not in the keyring"},
	{"26", "damage was found"},
	{"27", "an access list was tampered with or rolled back"},
	{NULL, NULL},
};

static const struct help_line environment[] = {
	{"FSENC_PASSFILE", "a file whose first line is the passphrase; refused if others can read it"},
	{"CREDENTIALS_DIRECTORY", "of systemd: fsenc.passphrase in it is the passphrase"},
	{"XDG_DATA_HOME", "fsenc/keyring.db in it is the keyring; else ~/.local/share"},
	{"XDG_RUNTIME_DIR", "fsenc/ in it holds the sockets of the mounts and their redo rings"},
	{NULL, NULL},
};

static const struct help_more mount_options = {
	.command = "mount",
	.title = "mount options, after -o, separated by commas",
	.kind = "mount-option",
	.lines = mount_option_lines,
};

/* What to do next when the command knows nothing better; "" where the words say it all. */
static const char *const hints[FAULT_COUNT] = {
	[FAULT_USAGE] = "fsenc help",
	[FAULT_PASSPHRASE] = "the passphrase again; when it is lost, 'fsenc recover' with the recovery token",
	[FAULT_DENIED] = "'fsenc members DIR' shows who the admins are; ask one of them",
	[FAULT_LOCKED] = "ask an admin of the folder for 'fsenc add-user DIR YOU'; 'fsenc key export' is "
			 "what he needs",
	[FAULT_UNREACHABLE] = "again when the network or the server is back; 'fsenc status' shows the state",
	[FAULT_IDENTITY] = "ask the administrator for the organisation's fingerprint before going on",
	[FAULT_PASSPHRASE_EMPTY] = "put the passphrase on the first line of the file that --passfile names",
	[FAULT_KEYRING_READ] = "--keyring FILE names another keyring; 'fsenc setup' makes one",
	[FAULT_KEYRING_WRITE] =
		"look at the rights and the room where the keyring lies; --keyring FILE names another",
	[FAULT_KEY_MISSING] = "fsenc key import FILE --trust FINGERPRINT",
	[FAULT_MOUNT_POINT] = "an empty directory of yours that nothing is mounted on",
	[FAULT_DAMAGED] =
		"'fsenc verify DIR' lists what is damaged, 'fsenc verify --repair DIR' mends what it can",
	[FAULT_MALFORMED] =
		"'fsenc verify DIR' lists what is damaged, 'fsenc verify --repair DIR' mends what it can",
	[FAULT_REFUSED] =
		"'fsenc verify DIR' lists what is damaged, 'fsenc verify --repair DIR' mends what it can",
	[FAULT_TAMPERED] = "ask an admin what happened; 'fsenc key trust --folder DIR' accepts what is there",
	[FAULT_BUSY] = "again when the others are done",
	[FAULT_STORAGE] = "reach the server by SMB, NFS or sshfs; -o ro reads it here, and fsenc(1) says what "
			  "-o writes=trusted risks",
	[FAULT_MEMORY] = "again with fewer programs running, or more locked memory (ulimit -l)",
};

static const struct program program = {
	.name = "fsenc",
	.words = "An encrypted network-share file system.",
	.manual = "fsenc(1)",
	.version = FSENC_VERSION,
	.commands = commands,
	.groups = option_groups,
	.group_count = OPTION_GROUP_COUNT,
	.exits = exits,
	.environment = environment,
	.more = &mount_options,
	.hints = hints,
};

int main(int argc, char **argv)
{
	struct options options = {0};

	return program_main(&program, &options, argc, argv);
}
