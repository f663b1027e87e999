#include "fs/handle.h"

#include "tests/lib/unit.h"

/* What a listing or an open file is to its list. */
struct thing {
	struct handle handle;
	struct handles *handles;
	unsigned ended;
};

static void end(struct handle *handle)
{
	struct thing *thing = (struct thing *)handle;

	thing->ended++;
	handle_drop(thing->handles, handle);
}

static void handles__that_are_left_are_ended_once_each(void **state)
{
	(void)state;
	struct handles handles;
	struct thing things[5] = {{.ended = 0}};

	handles_init(&handles);
	for (size_t i = 0; i < 5; i++) {
		things[i].handles = &handles;
		handle_add(&handles, &things[i].handle, end);
	}
	/* released by the kernel: the first, the last, and one between */
	handle_drop(&handles, &things[4].handle);
	handle_drop(&handles, &things[0].handle);
	handle_drop(&handles, &things[2].handle);
	handles_done(&handles);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(things[i].ended, i == 1 || i == 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(handles__that_are_left_are_ended_once_each)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
