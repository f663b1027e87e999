/* tests/ldap/mock/mock.h - an LDAP server that answers as its script says, and misbehaves as its script says.
 *
 * It runs in threads of the test's own process (or as a program: mock_main.c), listens on a free loopback
 * port, speaks LDAPv3 by liblber, and keeps a log of what it was sent. A script is text, line by line; "#"
 * starts a comment.
 *
 * Entries are LDIF: from "dn:" to an empty line. "attribute:: base64" holds bytes, "attribute:x hex" too. The
 * entry with an empty DN is the root DSE (there is a plain one to begin with). Searches match filters over
 * them: and, or, not, equality, presence, the chain rule. Letters compare without case, but for memberUid;
 * DNs as text. Paged results (cookies are offsets) work as they should.
 *
 *     dn: uid=alice,ou=people,dc=x
 *     uid: alice
 *
 * Settings:
 *
 *     set range 1500 1000 5      longer attributes come in ranges: these steps in turn, the last for ever
 *     set empty-last-range       a last range that is full is not the last: an empty one follows
 *     set limit N                a search without pages gets N entries and result 4, if there are more
 *     set constructed NAME       this attribute is shown only where its entry is the base of the search
 *     set chain                  the chain rule of Active Directory is understood (else it matches nothing)
 *
 * Rules: the first that fits an event and is not used up is done; without one the server behaves.
 *
 *     on EVENT [if TEXT] [N times] do ACTION [WORDS]
 *
 * Events: connect, starttls, bind, search, unbind. TEXT must occur in the event's log line (see below); it
 * has no blanks. Actions:
 *
 *     mute                       nothing is answered on this connection from now on
 *     close, reset               the connection ends: FIN, or RST
 *     half                       half of the answer's bytes, then FIN
 *     delay MS                   then as usual
 *     drip MS                    the answer byte by byte with MS between
 *     result CODE [WORDS]        this result code, with words; for search after the entries
 *     garbage HEX                these bytes instead of the answer
 *     referral URI               result 10
 *     reference URI              a search reference after the first entry
 *     cut N                      N entries, then result 4
 *     cookie TEXT                every page has this cookie
 *     cookies                    every page has a new cookie, and the same entries
 *     bare-page                  the control of the page has no value
 *     as-if N                    what the N-th entry is (0: the first) is sent for any filter
 *     accept                     starttls: success, and then silence (there is no TLS)
 *
 * The log has a line for each event:
 *
 *     connect
 *     starttls
 *     bind dn= method=simple password=...          (or method=EXTERNAL)
 *     search base= scope=0 filter=(...) attrs=a,b controls=OID,OID size=PAGESIZE
 *     unbind
 *     hung up                                      (the client, or we)
 */
#ifndef FSENC_TESTS_LDAP_MOCK_H
#define FSENC_TESTS_LDAP_MOCK_H

#include <stdbool.h>

#include "base/auto.h"

struct mock;

/* Whatever fails here ends the process with words. */
struct mock *mock_start(const char *script);
void mock_stop(struct mock *mock);
AUTO_POINTER(struct mock *, mock_stop);

const char *mock_uri(const struct mock *mock); /* "ldap://127.0.0.1:PORT" */
int mock_port(const struct mock *mock);

/* More script, while it runs: entries (in the place of one with the same DN) and rules are added. The lines
 * "forget rules" and "forget entries" drop what is there. */
void mock_say(struct mock *mock, const char *script);

/* How many lines of the log contain the text. */
unsigned mock_count(struct mock *mock, const char *text);
void mock_forget_log(struct mock *mock);
/* The whole log; the caller frees it. */
char *mock_log(struct mock *mock);
/* Waits until that many lines contain the text; false: not within 10 s. */
bool mock_wait_for(struct mock *mock, const char *text, unsigned count);
/* Connections that stand now. */
unsigned mock_connections(struct mock *mock);

#endif
