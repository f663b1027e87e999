/* fsenc - the command line: finds the row of the table, reads its options, runs it, explains. */
#include "base/log.h"
#include "base/nearest.h"
#include "base/secret.h"
#include "cli/commands.h"
#include "cli/explain.h"
#include "cli/help.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Every command. Dispatch, help, completion and the manual's test walk this table. */
static const struct command commands[] = {
	{"setup", "", "make your keyring and your key; prints the fingerprint", options_setup,
	 OPTIONS_UNLOCK | OPTIONS_JSON, 0, 0, cmd_setup},
	{"init", "SHARE", "make a share whose root is a folder of yours", options_init, OPTIONS_UNLOCK, 1, 1,
	 cmd_init},
	{"protect", "DIR", "make an empty directory a folder of yours", NULL, OPTIONS_UNLOCK, 1, 1,
	 cmd_protect},
	{"mount", "SHARE DIR", "show a share decrypted at DIR", options_mount, OPTIONS_UNLOCK, 2, 2,
	 cmd_mount},
	{"umount", "DIR", "end a mount and wait until it is gone", options_umount, 0, 1, 1, cmd_umount},
	{"add-user", "DIR USER...", "let users into a folder", options_add_user, OPTIONS_UNLOCK, 2, CALL_MANY,
	 cmd_add_user},
	{"remove-user", "DIR USER...", "take users out of a folder and start a new key generation",
	 options_remove_user, OPTIONS_UNLOCK, 2, CALL_MANY, cmd_remove_user},
	{"set-role", "DIR USER ROLE", "change what a user may do in a folder", NULL, OPTIONS_UNLOCK, 3, 3,
	 cmd_set_role},
	{"members", "DIR", "list who may do what in a folder", NULL, OPTIONS_KEYRING | OPTIONS_JSON, 1, 1,
	 cmd_members},
	{"status", "[PATH]", "show mounts and folders, readable or why not", NULL,
	 OPTIONS_KEYRING | OPTIONS_JSON, 0, 1, cmd_status},
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
	{"completion", "SHELL", "print completion for a shell: bash", NULL, 0, 1, 1, cmd_completion},
	{"help", "[COMMAND]", "show all commands, or one", options_help, 0, 0, 2, cmd_help},
	{"version", "", "print the version", NULL, 0, 0, 0, cmd_version},
	{NULL, NULL, NULL, NULL, 0, 0, 0, NULL},
};

/* "fsenc" itself, without a command. */
static const struct command nothing = {"", "", "", NULL, 0, 0, 0, NULL};

static enum fault unknown(struct call *call, const char *one, const char *two, struct why *why)
{
	struct nearest nearest;
	char typed[128];
	bool pair = two && two[0] != '-' && help_is_prefix(call->table, one);

	(void)snprintf(typed, sizeof(typed), pair ? "%s %s" : "%s", one, two);
	nearest = nearest_to(typed);
	for (const struct command *command = call->table; command->name; command++)
		nearest_look_at(&nearest, command->name);
	if (!nearest_word(&nearest))
		return why_set(why, FAULT_USAGE, "there is no command '%s'", typed);
	(void)call_hint(call, FAULT_USAGE, "fsenc help %s", nearest_word(&nearest));
	return why_set(why, FAULT_USAGE, "there is no command '%s'; did you mean '%s'?", typed,
		       nearest_word(&nearest));
}

static enum fault check_arguments(struct call *call, struct why *why)
{
	const struct command *command = call->command;

	if (call->argument_count >= command->least && call->argument_count <= command->most)
		return FAULT_NONE;
	return why_set(why, FAULT_USAGE, "usage: fsenc %s %s", command->name,
		       command->arguments[0] ? command->arguments : "(no arguments)");
}

static void set_log_level(const struct call *call)
{
	if (call->options.quiet)
		log_set_level(LOG_LEVEL_ERROR);
	else
		log_set_level(call->options.verbose ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARNING);
}

/* `argv` begins with the last word of the command's name. */
static enum fault run(struct call *call, const struct command *command, int argc, char **argv,
		      struct why *why)
{
	int first;
	enum fault fault;

	call->command = command;
	(void)call_hint(call, FAULT_USAGE, "fsenc help %s", command->name);
	fault = options_parse(command, argc, argv, &call->options, &first, why);
	if (fault)
		return fault;
	if (call->options.help)
		return help_one(command, why);
	call->arguments = argv + first;
	call->argument_count = (size_t)(argc - first);
	fault = check_arguments(call, why);
	if (fault)
		return fault;
	call->hint[0] = '\0';
	set_log_level(call);
	return command->run(call, why);
}

static enum fault dispatch(struct call *call, int argc, char **argv, struct why *why)
{
	const struct command *command;
	unsigned words;

	if (argc < 2) {
		(void)call_hint(call, FAULT_USAGE, "fsenc help");
		return why_set(why, FAULT_USAGE, "which command?");
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
		return help_all(call->table, why);
	if (!strcmp(argv[1], "--version"))
		return cmd_version(call, why);
	command = help_find(call->table, argv[1], argv[2], &words);
	if (!command && argc == 2 && help_is_prefix(call->table, argv[1]))
		return why_set(why, FAULT_USAGE, "'fsenc %s' is followed by one more word", argv[1]);
	if (!command && argv[2] && !strcmp(argv[2], "--help") && help_is_prefix(call->table, argv[1]))
		return help_all(call->table, why);
	if (!command)
		return unknown(call, argv[1], argv[2], why);
	return run(call, command, argc - (int)words, argv + words, why);
}

/* A closed stdin, stdout or stderr would give its number to the keyring. */
static void fill_standard_descriptors(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd > STDERR_FILENO)
		(void)close(fd);
}

int main(int argc, char **argv)
{
	struct call call = {.command = &nothing, .table = commands};
	struct why why = WHY_NONE;
	enum fault fault;

	fill_standard_descriptors();
	log_set_level(LOG_LEVEL_WARNING);
	fault = secret_start(&why);
	if (!fault)
		fault = dispatch(&call, argc, argv, &why);
	return explain(&call, fault, &why);
}
