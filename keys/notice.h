/* keys/notice.h - a line on the user's desktop, where there is one.
 *
 * By notify-send(1) if it is installed and the session has a bus; else nothing happens. Does not wait for it.
 * Any thread.
 */
#ifndef FSENC_KEYS_NOTICE_H
#define FSENC_KEYS_NOTICE_H

void notice_show(const char *title, const char *words);

#endif
