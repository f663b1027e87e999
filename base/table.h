/* base/table.h - plain text in aligned columns.
 *
 *     AUTO(table_done) struct table table = TABLE(3);
 *     table_add(&table, (const char *[]){"ROLE", "NAME", "FINGERPRINT"});
 *     return table_print(&table, stdout, why);
 *
 * Cells are copied; control characters in them become '?', because names on a share are
 * written by others and a terminal obeys what it is shown. Missing memory shows at the print.
 */
#ifndef FSENC_BASE_TABLE_H
#define FSENC_BASE_TABLE_H

#include "base/why.h"

#include <stdbool.h>
#include <stdio.h>

struct table {
	size_t columns;
	char **cells;
	size_t count; /* of cells */
	bool failed;
};

#define TABLE(n) ((struct table){.columns = (n), .cells = NULL, .count = 0, .failed = false})

void table_done(struct table *table);
AUTO_VALUE(struct table, table_done);

/* `cells` has as many as there are columns; NULL is an empty one. */
void table_add(struct table *table, const char *const *cells);
/* FAULT_SYSTEM when it cannot be written. */
MUST_CHECK enum fault table_print(const struct table *table, FILE *file, struct why *why);

/* A copy of `text` that a terminal only shows; cut to `size`, closing zero included. */
void table_clean(char *out, size_t size, const char *text);

#endif
