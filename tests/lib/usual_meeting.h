/* tests/lib/usual_meeting.h - the meeting of most tests of contacts: one server that is up, in the
 * background.
 *
 *     cmocka_unit_test_setup_teardown(name, begin, end)
 */
#ifndef FSENC_TESTS_LIB_USUAL_MEETING_H
#define FSENC_TESTS_LIB_USUAL_MEETING_H

#include "tests/lib/meeting.h"

static struct meeting meeting;

static inline int begin(void **state)
{
	(void)state;
	meeting_begin(&meeting, &(struct meeting_options){.servers = 1, .background = true});
	return 0;
}

static inline int end(void **state)
{
	(void)state;
	meeting_end(&meeting);
	return 0;
}

#endif
