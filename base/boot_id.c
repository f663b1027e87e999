#include "base/boot_id.h"

#include <fcntl.h>

#include "base/file.h"
#include "base/text.h"

enum fault boot_id_read(uint8_t boot_id[static BOOT_ID_SIZE], struct why *why)
{
	static const char path[] = "/proc/sys/kernel/random/boot_id";
	char text[64];
	char hex[HEX_LENGTH(BOOT_ID_SIZE) + 1] = "";
	size_t size = 0, length = 0;
	AUTO(file_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return why_system(why, "cannot open '%s'", path);
	enum fault fault = file_pread(fd, text, sizeof text, 0, &size, why);
	if (fault)
		return fault;
	for (size_t i = 0; i < size && length < sizeof hex - 1; i++)
		if (text[i] != '-')
			hex[length++] = text[i];
	if (!text_from_hex_exact(hex, boot_id, BOOT_ID_SIZE))
		return why_set(why, FAULT_FAILED, "'%s' is no boot id", path);
	return FAULT_NONE;
}
