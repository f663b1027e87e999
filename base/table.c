#include "base/table.h"

#include <stdlib.h>
#include <string.h>

#define GAP 2 /* blanks between columns */

void table_done(struct table *table)
{
	for (size_t i = 0; i < table->count; i++)
		free(table->cells[i]);
	free(table->cells);
	*table = TABLE(table->columns);
}

void table_clean(char *out, size_t size, const char *text)
{
	size_t at = 0;

	for (; *text && at + 1 < size; text++) {
		unsigned char byte = (unsigned char)*text;

		out[at++] = byte < 0x20 || byte == 0x7f ? '?' : *text;
	}
	out[at] = '\0';
}

static char *cell_new(const char *text)
{
	size_t size = text ? strlen(text) + 1 : 1;
	char *cell = malloc(size);

	if (cell)
		table_clean(cell, size, text ? text : "");
	return cell;
}

void table_add(struct table *table, const char *const *cells)
{
	char **more = reallocarray(table->cells, table->count + table->columns, sizeof(*more));

	if (!more) {
		table->failed = true;
		return;
	}
	table->cells = more;
	for (size_t i = 0; i < table->columns; i++) {
		char *cell = cell_new(cells[i]);

		table->failed = table->failed || !cell;
		table->cells[table->count++] = cell;
	}
}

/* Characters of UTF-8: every byte that does not continue one. */
static size_t width(const char *text)
{
	size_t count = 0;

	for (; *text; text++)
		count += ((unsigned char)*text & 0xc0) != 0x80;
	return count;
}

static size_t column_width(const struct table *table, size_t column)
{
	size_t widest = 0;

	for (size_t i = column; i < table->count; i += table->columns) {
		size_t here = width(table->cells[i]);

		widest = here > widest ? here : widest;
	}
	return widest;
}

static void row_print(const struct table *table, size_t first, const size_t *widths, FILE *file)
{
	size_t last = table->columns;

	while (last > 1 && !table->cells[first + last - 1][0])
		last--;
	for (size_t i = 0; i < last; i++) {
		const char *cell = table->cells[first + i];
		size_t blanks = i + 1 < last ? widths[i] - width(cell) + GAP : 0;

		(void)fprintf(file, "%s%*s", cell, (int)blanks, "");
	}
	(void)fputc('\n', file);
}

enum fault table_print(const struct table *table, FILE *file, struct why *why)
{
	AUTO(free) size_t *widths = calloc(table->columns, sizeof(*widths));

	if (table->failed || !widths)
		return why_set(why, FAULT_MEMORY, "no memory for a table");
	for (size_t i = 0; i < table->columns; i++)
		widths[i] = column_width(table, i);
	for (size_t row = 0; row < table->count; row += table->columns)
		row_print(table, row, widths, file);
	if (fflush(file) || ferror(file))
		return why_system(why, "cannot write the answer");
	return FAULT_NONE;
}
