/* spoil_share DIR GROUP [back] - makes a liar of a key server that does not run: its share of the group's key
 * becomes another one, sealed as the true one was. From then on the real server signs wrong points in good
 * faith. `back` gives it the true share again. */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "server/home.h"

static enum fault spoil(struct home *home, const char *name, bool back, struct why *why)
{
	const struct scalar one = {{1}};
	AUTO(stored_group_done) struct stored_group group = {.descriptor = BYTES_EMPTY};
	struct group_share share;
	enum fault fault = store_group_find_name(home->store, name, &group, why);

	if (!fault)
		fault = master_open_share(home->master, &group, &share, why);
	if (fault)
		return fault;
	(back ? crypto_core_ristretto255_scalar_sub
	      : crypto_core_ristretto255_scalar_add)(share.value.bytes, share.value.bytes, one.bytes);
	master_seal_share(home->master, &share, &group);
	fault = store_group_remove(home->store, &group.id, why);
	return fault ? fault : store_group_write(home->store, &group, why);
}

int main(int argc, char **argv)
{
	AUTO(home_close) struct home *home = NULL;
	struct why why = WHY_NONE;
	const bool back = argc == 4 && strcmp(argv[3], "back") == 0;

	if (argc < 3 || argc > 4 || (argc == 4 && !back)) {
		(void)fprintf(stderr, "usage: spoil_share DIR GROUP [back]\n");
		return 2;
	}
	log_set_level(LOG_LEVEL_WARNING);
	enum fault fault = secret_start(&why);
	if (!fault)
		fault = home_open(argv[1], &home, &why);
	if (!fault)
		fault = spoil(home, argv[2], back, &why);
	if (fault)
		(void)fprintf(stderr, "spoil_share: %s\n", why_text(&why, fault));
	return fault != FAULT_NONE;
}
