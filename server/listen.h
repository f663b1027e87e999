/* server/listen.h - a socket that waits for clients, from the words of the configuration.
 *
 *     "127.0.0.1:8443", "[::1]:8443", "keys.example.com:8443"     TCP; port 0 is any free one
 *     "unix:/run/fsenc/server.sock"                               behind a reverse proxy
 *
 * A UNIX socket that a dead server left is replaced; one that somebody answers on is FAULT_BUSY. It is open
 * to its owner and group (0660). The caller closes the descriptor; a UNIX socket's name stays until
 * listen_forget(). Any thread.
 */
#ifndef FSENC_SERVER_LISTEN_H
#define FSENC_SERVER_LISTEN_H

#include <stdbool.h>
#include <sys/socket.h>

#include "base/why.h"

#define LISTEN_TEXT_SIZE 300
#define LISTEN_PEER_SIZE 64

/* FAULT_USAGE for words that are no address, FAULT_BUSY when it is taken. */
MUST_CHECK enum fault listen_open(const char *address, int *ret_socket, struct why *why);
/* The address as it has become: with the real port in place of 0. */
void listen_address(int listening, char text[static LISTEN_TEXT_SIZE]);
bool listen_is_unix(const char *address);
/* Nobody outside this machine can reach it. */
bool listen_is_local(int listening);
/* The address of who has connected, without port; true when it is this machine's own. */
bool listen_peer(const struct sockaddr *peer, char text[static LISTEN_PEER_SIZE]);
void listen_forget(const char *address);

#endif
