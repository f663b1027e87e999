#include <stdio.h>
#include <string.h>

#include "keys/service_parts.h"

#define DEFAULT_PORT 443

static void url_free(CURLU *url)
{
	curl_url_cleanup(url);
}
AUTO_POINTER(CURLU *, url_free);

static void part_free(char *part)
{
	curl_free(part);
}
AUTO_POINTER(char *, part_free);

static bool has_part(CURLU *url, CURLUPart which)
{
	AUTO(part_free) char *part = NULL;

	return curl_url_get(url, which, &part, 0) == CURLUE_OK && *part && strcmp(part, "/") != 0;
}

/* A path would make the signed target another than the one that is sent; a user or query has no meaning here.
 */
static bool is_bare(CURLU *url)
{
	static const CURLUPart unwanted[] = {CURLUPART_USER,  CURLUPART_PASSWORD, CURLUPART_OPTIONS,
					     CURLUPART_PATH,  CURLUPART_QUERY,	  CURLUPART_FRAGMENT,
					     CURLUPART_ZONEID};

	for (size_t i = 0; i < sizeof unwanted / sizeof *unwanted; i++)
		if (has_part(url, unwanted[i]))
			return false;
	return true;
}

static bool fill(CURLU *parsed, struct service_url *url)
{
	AUTO(part_free) char *scheme = NULL;
	AUTO(part_free) char *host = NULL;
	AUTO(part_free) char *port = NULL;

	if (curl_url_get(parsed, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
	    curl_url_get(parsed, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
	    curl_url_get(parsed, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) != CURLUE_OK)
		return false;
	url->secure = strcmp(scheme, "https") == 0;
	url->port = (unsigned)strtoul(port, NULL, 10);
	if (!url->secure && strcmp(scheme, "http") != 0)
		return false;
	bool is_usual = url->secure && url->port == DEFAULT_PORT;
	int host_size = snprintf(url->host, sizeof url->host, "%s", host);
	int shown_size = snprintf(url->shown, sizeof url->shown, "%s%s%s", host, is_usual ? "" : ":",
				  is_usual ? "" : port);
	int text_size = snprintf(url->text, sizeof url->text, "%s://%s:%s", scheme, host, port);
	return url->port > 0 && (size_t)host_size < sizeof url->host &&
	       (size_t)shown_size < sizeof url->shown && (size_t)text_size < sizeof url->text;
}

enum fault service_url_parse(const char *text, struct service_url *ret_url, struct why *why)
{
	AUTO(url_free) CURLU *parsed = curl_url();
	struct service_url url = {.port = 0};

	if (!parsed)
		return why_set(why, FAULT_MEMORY, "no memory for a URL");
	if (curl_url_set(parsed, CURLUPART_URL, text, CURLU_DISALLOW_USER) != CURLUE_OK || !is_bare(parsed) ||
	    !fill(parsed, &url))
		return why_set(why, FAULT_USAGE,
			       "'%s' is not the URL of a key server: give it as https://HOST:PORT", text);
	*ret_url = url;
	return FAULT_NONE;
}
