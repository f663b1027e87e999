/* tests/trust/shim.h - what the shim in a mount's process does to its input and output on one stored file.
 *
 * A file mapped by the shim (FSENC_SHIM names it) and by shim_control, which a test calls.
 */
#ifndef FSENC_TESTS_TRUST_SHIM_H
#define FSENC_TESTS_TRUST_SHIM_H

#include <stdatomic.h>
#include <stdint.h>

struct shim {
	_Atomic int64_t inode; /* of the stored file that is meant; 0: none */
	/* pwrite(): after `skip` calls the next `times` write `keep` bytes only and then, at the next call, or at once when
	 * keep is 0, fail with `error`; error 0: they are short and that is all. -1 times: for ever. */
	_Atomic int64_t skip, times, keep, error;
	_Atomic int64_t failed; /* counts what was done */
	/* pread() and pwrite() wait while the gate is shut. */
	_Atomic int64_t shut, waiting;
};

#endif
