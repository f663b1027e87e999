/* Any text as a parcel: what was read can be written and read again, and its share opens for nobody by
 * chance. */
#include "keys/parcel.h"
#include "tests/fuzz/fixed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_share(const struct parcel *parcel)
{
	struct group_descriptor group = {.threshold = 1,
					 .epoch = 1,
					 .server_count = 1,
					 .servers = {{.id = parcel->holder, .index = parcel->index}}};
	struct group_share share;

	MUST(parcel->group && parcel->index >= 1 && parcel->index <= GROUP_SERVERS_MAX);
	MUST(parcel_open_share(parcel, &group, fixed_identity(), NULL, &share, NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(parcel_done) struct parcel parcel = PARCEL_EMPTY;
	AUTO(parcel_done) struct parcel again = PARCEL_EMPTY;
	AUTO(bytes_done) struct bytes text = BYTES_EMPTY;

	if (parcel_read(data, size, &parcel, NULL))
		return 0;
	MUST(parcel.organisation);
	if (!member_id_is_none(&parcel.holder))
		check_share(&parcel);
	MUST(!parcel_write(&parcel, &text, NULL));
	MUST(!parcel_read(text.data, text.size, &again, NULL));
	MUST(again.index == parcel.index && !memcmp(again.share, parcel.share, sizeof again.share));
	return 0;
}
