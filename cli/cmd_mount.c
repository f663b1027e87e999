/* fsenc mount */
#include "base/log.h"
#include "cli/background.h"
#include "cli/commands.h"
#include "cli/input.h"
#include "cli/session_open.h"
#include "fs/mount.h"

#include <signal.h>

const struct option_row options_mount[] = {
	{"options", 'o', "OPTION,...", "mount options, listed below; may be given more than once",
	 OPTION_LIST, OPTION_AT(mount)},
	{"foreground", 'f', NULL, "stay in the foreground, and log to stderr", OPTION_FLAG,
	 OPTION_AT(foreground)},
	OPTION_ROWS_END,
};

struct plan {
	struct call *call;
	struct mount_options options;
	char *share;
	char *directory;
};

static void plan_done(struct plan *plan)
{
	mount_options_done(&plan->options);
	free(plan->share);
	free(plan->directory);
}
AUTO_VALUE(struct plan, plan_done);

static enum fault read_options(struct call *call, struct mount_options *options, struct why *why)
{
	for (size_t i = 0; i < call->options->mount.count; i++) {
		enum fault fault = mount_options_parse(call->options->mount.words[i], options, why);

		if (fault)
			return call_hint(call, fault, "fsenc help mount");
	}
	if (!call->options->keyring)
		call->options->keyring = options->keyring;
	if (!call->options->passfile)
		call->options->passfile = options->passfile;
	return FAULT_NONE;
}

static enum fault find_directory(struct call *call, const char *path, char **ret_path, struct why *why)
{
	enum fault fault = input_real_path(path, ret_path, why);

	if (fault == FAULT_MISSING)
		return call_hint(call, why_in(why, FAULT_MOUNT_POINT, "mount point"), "mkdir %s", path);
	if (fault == FAULT_SYSTEM && why->error == ENOTCONN)
		return call_hint(call, why_in(why, FAULT_MOUNT_POINT, "a mount that died is there"),
				 "fsenc umount %s", path);
	return fault;
}

/* Absolute paths: the mount leaves this directory. */
static enum fault make_plan(struct call *call, struct plan *plan, struct why *why)
{
	enum fault fault = read_options(call, &plan->options, why);

	if (!fault)
		fault = input_real_path(call->arguments[0], &plan->share, why);
	if (fault == FAULT_MISSING)
		(void)call_hint(call, fault, "fsenc init %s", call->arguments[0]);
	return fault ? fault : find_directory(call, call->arguments[1], &plan->directory, why);
}

static void ready(void *context)
{
	background_ready(context);
}

static enum fault serve(struct background *background, void *context, struct why *why)
{
	struct plan *plan = context;
	AUTO(keyring_close) struct keyring *keyring = NULL;
	enum fault fault = session_unlocked(plan->call, &keyring, why);

	if (fault)
		return fault;
	(void)signal(SIGPIPE, SIG_IGN); /* whoever asks for the state may go away */
	if (!plan->call->options->always.quiet && !plan->call->options->always.verbose)
		log_set_level(LOG_LEVEL_INFO);
	return mount_run(&(struct mount_request){.share_path = plan->share,
						 .directory = plan->directory,
						 .options = &plan->options,
						 .keyring = keyring,
						 .ready = ready,
						 .context = background},
			 why);
}

enum fault cmd_mount(struct call *call, struct why *why)
{
	AUTO(plan_done) struct plan plan = {.call = call, .options = MOUNT_OPTIONS_DEFAULT};
	enum fault fault = make_plan(call, &plan, why);

	if (fault)
		return fault;
	if (call->options->foreground)
		return serve(NULL, &plan, why);
	return background_run(call, serve, &plan, why);
}
