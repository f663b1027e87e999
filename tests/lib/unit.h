/* tests/lib/unit.h - cmocka, and the two checks every unit test uses.
 *
 * A test's name is a sentence that is true when it passes:
 * wrap__refuses_an_envelope_from_before_a_revocation.
 */
#ifndef FSENC_TESTS_LIB_UNIT_H
#define FSENC_TESTS_LIB_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/why.h"

/* `call` uses a local `struct why why`. */
#define assert_works(call) \
	do { \
		enum fault fault_ = (call); \
		if (fault_) \
			fail_msg("%s: %s: %s", #call, fault_name(fault_), why_text(&why, fault_)); \
	} while (0)

#define assert_fault(expected, call) \
	do { \
		enum fault fault_ = (call); \
		if (fault_ != (expected)) \
			fail_msg("%s: %s, not %s: %s", #call, fault_name(fault_), fault_name(expected), \
				 why_text(&why, fault_)); \
	} while (0)

#endif
