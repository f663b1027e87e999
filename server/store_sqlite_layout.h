/* server/store_sqlite_layout.h - the tables of the store in sqlite3, for server/store_sqlite.c.
 *
 * A layout is a number (sqlite's user_version): how many steps of the table in the .c were taken. A step that
 * was released is never changed; a new layout is a new step at the end.
 */
#ifndef FSENC_SERVER_STORE_SQLITE_LAYOUT_H
#define FSENC_SERVER_STORE_SQLITE_LAYOUT_H

#include <stddef.h>

#define STORE_APPLICATION_ID 0x46535653 /* "FSVS", at offset 68 of the file */

extern const char *const store_sqlite_steps[];
extern const size_t store_sqlite_step_count;

#endif
