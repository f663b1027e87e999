#include "keys/armor.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define LINE_LENGTH 64
#define MARK_SIZE 128

enum mark { MARK_BEGIN, MARK_END };

static void write_mark(enum mark mark, const char *label, char text[static MARK_SIZE])
{
	(void)snprintf(text, MARK_SIZE, "-----%s %s-----", mark == MARK_BEGIN ? "BEGIN" : "END", label);
}

enum fault armor_write(const char *label, const void *bytes, size_t size, struct bytes *ret_text,
		       struct why *why)
{
	char mark[MARK_SIZE];
	AUTO(free) char *letters = text_base64_new(bytes, size);
	if (!letters)
		return why_set(why, FAULT_MEMORY, "no memory for a text block");
	write_mark(MARK_BEGIN, label, mark);
	enum fault fault = bytes_append_text(ret_text, mark, why);
	for (size_t at = 0; letters[at] && !fault; at += strnlen(letters + at, LINE_LENGTH)) {
		fault = bytes_append(ret_text, "\n", 1, why);
		if (!fault)
			fault = bytes_append(ret_text, letters + at, strnlen(letters + at, LINE_LENGTH), why);
	}
	write_mark(MARK_END, label, mark);
	if (!fault)
		fault = bytes_append(ret_text, "\n", 1, why);
	if (!fault)
		fault = bytes_append_text(ret_text, mark, why);
	if (!fault)
		fault = bytes_append(ret_text, "\n", 1, why);
	return fault;
}

/* What lies between the marks, borrowed; NULL: there is no block. */
static const char *find_block(const char *label, const char *text, size_t size, size_t *ret_size)
{
	char begin[MARK_SIZE], end[MARK_SIZE];

	write_mark(MARK_BEGIN, label, begin);
	write_mark(MARK_END, label, end);
	const char *from = memmem(text, size, begin, strlen(begin));
	if (!from)
		return NULL;
	from += strlen(begin);
	const char *to = memmem(from, size - (size_t)(from - text), end, strlen(end));
	if (to)
		*ret_size = (size_t)(to - from);
	return to ? from : NULL;
}

enum fault armor_read(const char *label, const void *text, size_t size, struct bytes *ret_bytes,
		      struct why *why)
{
	size_t block_size = 0, letter_count = 0;
	const char *block = size > ARMOR_MAX ? NULL : find_block(label, text, size, &block_size);
	if (!block)
		return why_set(why, FAULT_MALFORMED, "there is no block '%s' in the text", label);
	AUTO(free) char *letters = malloc(block_size + 1);
	AUTO(free) uint8_t *bytes = malloc(block_size + 1);
	if (!letters || !bytes)
		return why_set(why, FAULT_MEMORY, "no memory for a text block");
	for (size_t i = 0; i < block_size; i++)
		if (!strchr(" \t\r\n", block[i]) || block[i] == 0)
			letters[letter_count++] = block[i];
	size_t found;
	if (letter_count == 0 || !text_from_base64(letters, letter_count, bytes, block_size, &found))
		return why_set(why, FAULT_MALFORMED, "the block '%s' was cut or changed", label);
	return bytes_append(ret_bytes, bytes, found, why);
}
