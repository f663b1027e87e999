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
	{"completion", "SHELL", "print completion for a shell: bash", NULL, 0, 1, 1, cmd_completion},
	{"help", "[COMMAND]", "show all commands, or one", options_help, 0, 0, 2, cmd_help},
	{"version", "", "print the version", NULL, 0, 0, 0, cmd_version},
	{NULL, NULL, NULL, NULL, 0, 0, 0, NULL},
};

/* The names of the last columns of every exit status that occurs, lowest first, each once. */
static const struct help_line exits[] = {
	{"0", "done"},
	{"1", "failed"},
	{"2", "the command was not understood"},
	{"3", "only a part was done"},
	{"13", "not allowed"},
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
