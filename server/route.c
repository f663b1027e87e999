#include "server/route.h"

#include <string.h>

#include "keys/message.h"
#include "server/handlers.h"

#define NO_BODY 0

const struct route routes[ROUTE_COUNT + 1] = {
	{"GET", "/v1/organisation", ROUTE_OPEN, ROUTE_NO_NAME, NO_BODY, handle_organisation},
	{"GET", "/v1/users", ROUTE_SIGNED, ROUTE_MUST_NAME, NO_BODY, handle_user_named},
	{"GET", "/v1/users/*", ROUTE_SIGNED, ROUTE_NO_NAME, NO_BODY, handle_user},
	{"GET", "/v1/groups", ROUTE_SIGNED, ROUTE_MAY_NAME, NO_BODY, handle_groups},
	{"GET", "/v1/groups/*", ROUTE_SIGNED, ROUTE_NO_NAME, NO_BODY, handle_group},
	{"GET", "/v1/groups/*/members", ROUTE_SIGNED, ROUTE_NO_NAME, NO_BODY, handle_members},
	{"POST", "/v1/enroll", ROUTE_ENROLS, ROUTE_NO_NAME, MESSAGE_BODY_MAX, handle_enrol},
	{"POST", "/v1/unlock", ROUTE_SIGNED, ROUTE_NO_NAME, UNLOCK_BODY_MAX, handle_unlock},
	{"POST", "/v1/lease", ROUTE_SIGNED, ROUTE_NO_NAME, MESSAGE_BODY_MAX, handle_lease},
	{"POST", "/v1/heads", ROUTE_SIGNED, ROUTE_NO_NAME, HEADS_BODY_MAX, handle_heads},
	{"POST", "/v1/recovery-token", ROUTE_SIGNED, ROUTE_NO_NAME, MESSAGE_BODY_MAX, handle_token},
	{"GET", "/healthz", ROUTE_OPEN, ROUTE_NO_NAME, NO_BODY, handle_health},
	{"GET", "/readyz", ROUTE_OPEN, ROUTE_NO_NAME, NO_BODY, handle_ready},
	{"GET", "/metrics", ROUTE_LOCAL, ROUTE_NO_NAME, NO_BODY, handle_metrics},
	{NULL, NULL, ROUTE_OPEN, ROUTE_NO_NAME, NO_BODY, NULL},
};

/* -- the path ---------------------------------------------------------------------------------- */

static bool read_id(const char *text, struct member_id *ret_id)
{
	char id[ID_TEXT_SIZE];

	if (strcspn(text, "/") != ID_TEXT_SIZE - 1)
		return false;
	memcpy(id, text, sizeof id - 1);
	id[sizeof id - 1] = '\0';
	return member_id_from_text(id, ret_id);
}

/* `path` ends at `size`; a "*" takes one segment. */
static bool path_fits(const char *pattern, const char *path, size_t size, struct member_id *ret_id)
{
	const char *const end = path + size;

	for (; *pattern; pattern++) {
		if (*pattern == '*') {
			if (end - path < ID_TEXT_SIZE - 1 || !read_id(path, ret_id))
				return false;
			path += ID_TEXT_SIZE - 1;
		} else if (path == end || *path++ != *pattern) {
			return false;
		}
	}
	return path == end;
}

/* -- the query ----------------------------------------------------------------------------------- */

static int hex_digit(char digit)
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	const char *at = digit ? strchr(digits, digit) : NULL;

	return at ? (int)(at - digits) % 16 : -1;
}

static bool decode(const char *text, size_t size, char name[static DIRECTORY_NAME_MAX + 1])
{
	size_t length = 0;

	for (size_t at = 0; at < size; at++) {
		char letter = text[at];
		if (length == DIRECTORY_NAME_MAX)
			return false;
		if (letter == '%') {
			int high = at + 2 < size ? hex_digit(text[at + 1]) : -1;
			int low = high >= 0 ? hex_digit(text[at + 2]) : -1;
			if (low < 0)
				return false;
			letter = (char)(high << 4 | low);
			at += 2;
		}
		if (letter == '\0')
			return false;
		name[length++] = letter;
	}
	name[length] = '\0';
	return length > 0;
}

/* `query` is what follows '?', or NULL without one. */
static bool read_query(const char *query, enum route_query wanted, char name[static DIRECTORY_NAME_MAX + 1])
{
	static const char key[] = "name=";

	name[0] = '\0';
	if (!query)
		return wanted != ROUTE_MUST_NAME;
	if (wanted == ROUTE_NO_NAME || strncmp(query, key, sizeof key - 1) != 0)
		return false;
	query += sizeof key - 1;
	return strcspn(query, "&;#") == strlen(query) && decode(query, strlen(query), name);
}

/* -- finding --------------------------------------------------------------------------------------- */

enum route_answer route_find(const char *method, const char *target, struct route_match *ret_match,
			     const char **ret_allow)
{
	const size_t path_size = strcspn(target, "?");
	const char *query = target[path_size] ? target + path_size + 1 : NULL;
	const char *allow = NULL;

	for (size_t i = 0; routes[i].method; i++) {
		struct route_match match = {.route = &routes[i], .number = i};
		if (!path_fits(routes[i].pattern, target, path_size, &match.id))
			continue;
		allow = routes[i].method;
		if (strcmp(method, routes[i].method) != 0)
			continue;
		if (!read_query(query, routes[i].query, match.name))
			return ROUTE_MALFORMED;
		*ret_match = match;
		return ROUTE_FOUND;
	}
	if (!allow)
		return ROUTE_MISSING;
	*ret_allow = allow;
	return ROUTE_METHOD;
}
