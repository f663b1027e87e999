/* base/boot_id.h - which start of the machine this is.
 *
 * The kernel's random id of this boot (random(4), /proc/sys/kernel/random/boot_id): what was noted in boot time
 * can so be told from what an earlier boot noted. Any thread.
 */
#ifndef FSENC_BASE_BOOT_ID_H
#define FSENC_BASE_BOOT_ID_H

#include <stdint.h>

#include "base/why.h"

#define BOOT_ID_SIZE 16

MUST_CHECK enum fault boot_id_read(uint8_t boot_id[static BOOT_ID_SIZE], struct why *why);

#endif
