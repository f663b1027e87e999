/* server/handlers.h - what each route does; a file for each noun, of the name that stands beside it.
 *
 * Called with a request that is whole, of the right size and (on signed routes) of a proved and enrolled
 * caller. What each says and refuses is docs/PROTOCOL.md, "Routes". Any thread.
 */
#ifndef FSENC_SERVER_HANDLERS_H
#define FSENC_SERVER_HANDLERS_H

#include "server/route.h"

route_handle handle_organisation; /* organisation.c */
route_handle handle_user, handle_user_named; /* users.c */
route_handle handle_group, handle_groups; /* groups.c */
route_handle handle_members; /* members.c */
route_handle handle_enrol; /* enrol.c */
route_handle handle_unlock; /* unlock.c */
route_handle handle_lease; /* lease.c */
route_handle handle_heads; /* heads.c */
route_handle handle_token; /* token.c */
route_handle handle_health, handle_ready; /* health.c */
route_handle handle_metrics; /* metrics.c */

#endif
