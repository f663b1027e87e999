/* server/notify.h - telling the service manager how the server is: sd_notify(3), by hand.
 *
 * One datagram to the socket that $NOTIFY_SOCKET names; without it nothing happens. "READY=1",
 * "STOPPING=1", "STATUS=words"; notify_reloading() adds the time that systemd wants. Any thread.
 */
#ifndef FSENC_SERVER_NOTIFY_H
#define FSENC_SERVER_NOTIFY_H

void notify(const char *state);
void notify_reloading(void);

#endif
