#include "cli/explain.h"

#include "cli/table.h"

#include <stdio.h>
#include <string.h>

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
	[FAULT_MEMORY] = "again with fewer programs running, or more locked memory (ulimit -l)",
};

static void line(const char *prefix, const char *words)
{
	char text[WHY_TEXT_SIZE];

	table_clean(text, sizeof(text), words);
	(void)fprintf(stderr, "%s%s\n", prefix, text);
}

int explain(const struct call *call, enum fault fault, const struct why *why)
{
	if (!fault)
		return 0;
	line("fsenc: ", why_text(why, fault));
	if (call->hint[0])
		line("try: ", call->hint);
	else if (hints[fault])
		line("try: ", hints[fault]);
	return fault_exit_status(fault);
}
