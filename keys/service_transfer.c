#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "keys/request.h"
#include "keys/service_parts.h"

#define HEADERS_MAX (64 * 1024)

struct transfer {
	CURL *easy;
	CURLM *multi; /* it was added to */
	struct curl_slist *headers, *connect_to;
	struct bytes body;
	size_t header_size;
	char signature[ANSWER_HEADER_SIZE];
	unsigned signature_count;
	const char *excess; /* which limit the answer broke */
	char error[CURL_ERROR_SIZE];
};

void transfer_free(struct transfer *transfer)
{
	if (!transfer)
		return;
	if (transfer->multi)
		(void)curl_multi_remove_handle(transfer->multi, transfer->easy);
	curl_easy_cleanup(transfer->easy);
	curl_slist_free_all(transfer->headers);
	curl_slist_free_all(transfer->connect_to);
	bytes_done(&transfer->body);
	free(transfer);
}

/* -- what comes in --------------------------------------------------------------------- */

/* Less than `size` tells libcurl to stop. */
static size_t refuse(struct transfer *transfer, const char *excess)
{
	transfer->excess = excess;
	return 0;
}

static size_t take_body(char *data, size_t one, size_t size, void *context)
{
	struct transfer *transfer = context;

	(void)one;
	if (transfer->body.size + size > ANSWER_BODY_MAX)
		return refuse(transfer, "its answer is too large");
	if (bytes_append(&transfer->body, data, size, NULL))
		return refuse(transfer, "there is no memory for its answer");
	return size;
}

static void take_signature(struct transfer *transfer, const char *value, size_t size)
{
	while (size > 0 && (*value == ' ' || *value == '\t'))
		value++, size--;
	while (size > 0 && strchr(" \t\r\n", value[size - 1]))
		size--;
	if (size >= sizeof transfer->signature || memchr(value, 0, size))
		size = 0; /* no signature looks like that */
	memcpy(transfer->signature, value, size);
	transfer->signature[size] = 0;
	transfer->signature_count++;
}

static size_t take_header(char *line, size_t one, size_t size, void *context)
{
	static const char wanted[] = ANSWER_HEADER ":";
	struct transfer *transfer = context;

	(void)one;
	transfer->header_size += size;
	if (transfer->header_size > HEADERS_MAX)
		return refuse(transfer, "its answer has too many headers");
	if (size >= sizeof wanted - 1 && strncasecmp(line, wanted, sizeof wanted - 1) == 0)
		take_signature(transfer, line + sizeof wanted - 1, size - (sizeof wanted - 1));
	return size;
}

/* -- options --------------------------------------------------------------------------- */

static bool add_line(struct curl_slist **list, const char *line)
{
	struct curl_slist *longer = curl_slist_append(*list, line);

	if (longer)
		*list = longer;
	return longer != NULL;
}

static bool set_headers(struct transfer *transfer, const char *authentication)
{
	char line[sizeof REQUEST_HEADER + REQUEST_HEADER_SIZE + 4];

	(void)snprintf(line, sizeof line, REQUEST_HEADER ": %s", authentication ? authentication : "");
	return add_line(&transfer->headers, "Content-Type: application/json") &&
	       add_line(&transfer->headers, "Accept: application/json, application/problem+json") &&
	       add_line(&transfer->headers, "Expect:") &&
	       (!authentication || add_line(&transfer->headers, line)) &&
	       curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, transfer->headers) == CURLE_OK;
}

/* Name and certificate stay those of the URL: only the address is ours to choose. */
static bool set_address(struct transfer *transfer, const struct transfer_options *options)
{
	char line[2 * SERVICE_HOST_SIZE];
	char url[SERVER_URL_MAX + 1024];

	(void)snprintf(line, sizeof line, "::%s:%u", options->address->text, options->url->port);
	int size = snprintf(url, sizeof url, "%s%s", options->url->text, options->target);
	return (size_t)size < sizeof url && add_line(&transfer->connect_to, line) &&
	       curl_easy_setopt(transfer->easy, CURLOPT_CONNECT_TO, transfer->connect_to) == CURLE_OK &&
	       curl_easy_setopt(transfer->easy, CURLOPT_URL, url) == CURLE_OK;
}

#define MUST_SET(option, value) \
	if (curl_easy_setopt(transfer->easy, option, value) != CURLE_OK) \
	return false

static bool set_safety(struct transfer *transfer, const struct transfer_options *options)
{
	MUST_SET(CURLOPT_PROTOCOLS_STR, options->url->secure ? "https" : "http");
	MUST_SET(CURLOPT_FOLLOWLOCATION, 0L);
	MUST_SET(CURLOPT_PROXY, ""); /* whatever the environment says */
	MUST_SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	MUST_SET(CURLOPT_NOSIGNAL, 1L);
	MUST_SET(CURLOPT_PATH_AS_IS, 1L); /* the target that was signed */
	MUST_SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	MUST_SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	MUST_SET(CURLOPT_SSL_VERIFYPEER, 1L);
	MUST_SET(CURLOPT_SSL_VERIFYHOST, 2L);
	if (!options->authority)
		return true;
	struct curl_blob authority = {(void *)(uintptr_t)options->authority, strlen(options->authority),
				      CURL_BLOB_COPY};
	MUST_SET(CURLOPT_CAINFO_BLOB, &authority);
	MUST_SET(CURLOPT_CAPATH, NULL); /* and not the system's besides */
	return true;
}

static bool set_request(struct transfer *transfer, const struct transfer_options *options)
{
	MUST_SET(CURLOPT_CUSTOMREQUEST, options->method);
	if (options->body) {
		MUST_SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)options->body_size);
		MUST_SET(CURLOPT_POSTFIELDS, options->body);
	}
	MUST_SET(CURLOPT_CONNECTTIMEOUT_MS, (long)options->time_ms);
	MUST_SET(CURLOPT_TIMEOUT_MS, (long)options->time_ms);
	return true;
}

static bool set_answer(struct transfer *transfer)
{
	MUST_SET(CURLOPT_PRIVATE, transfer);
	MUST_SET(CURLOPT_ERRORBUFFER, transfer->error);
	MUST_SET(CURLOPT_WRITEFUNCTION, take_body);
	MUST_SET(CURLOPT_WRITEDATA, transfer);
	MUST_SET(CURLOPT_HEADERFUNCTION, take_header);
	MUST_SET(CURLOPT_HEADERDATA, transfer);
	return true;
}

enum fault transfer_start(CURLM *multi, const struct transfer_options *options,
			  struct transfer **ret_transfer, struct why *why)
{
	AUTO(transfer_free) struct transfer *transfer = calloc(1, sizeof *transfer);
	if (!transfer)
		return why_set(why, FAULT_MEMORY, "no memory for a request");
	transfer->easy = curl_easy_init();
	if (!transfer->easy || !set_safety(transfer, options) ||
	    !set_headers(transfer, options->authentication) || !set_address(transfer, options) ||
	    !set_request(transfer, options) || !set_answer(transfer) ||
	    curl_multi_add_handle(multi, transfer->easy) != CURLM_OK)
		return why_set(why, FAULT_FAILED, "libcurl does not take the request");
	transfer->multi = multi;
	*ret_transfer = TAKE(transfer);
	return FAULT_NONE;
}

struct transfer *transfer_of(const CURLMsg *message)
{
	char *transfer = NULL;

	(void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
	return (struct transfer *)(void *)transfer;
}

/* -- what it came to ------------------------------------------------------------------- */

/* Said by our own kernel: nothing left this machine. */
static bool is_no_network(long error)
{
	return error == ENETUNREACH || error == ENETDOWN || error == EADDRNOTAVAIL || error == EAFNOSUPPORT;
}

static bool is_about_identity(CURLcode code)
{
	return code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_ISSUER_ERROR ||
	       code == CURLE_SSL_INVALIDCERTSTATUS || code == CURLE_SSL_PINNEDPUBKEYNOTMATCH;
}

static enum fault failure(const struct transfer *transfer, CURLcode code, struct transfer_end *ret_end,
			  struct why *why)
{
	const char *words = transfer->error[0] ? transfer->error : curl_easy_strerror(code);
	long error = 0;

	(void)curl_easy_getinfo(transfer->easy, CURLINFO_OS_ERRNO, &error);
	if (transfer->excess)
		return why_set(why, FAULT_UNREACHABLE, "%s", transfer->excess);
	if (code == CURLE_COULDNT_CONNECT && error != 0) {
		char text[128];
		ret_end->no_network = is_no_network(error);
		return why_set(why, FAULT_UNREACHABLE, "%s", strerror_r((int)error, text, sizeof text));
	}
	if (is_about_identity(code))
		return why_set(why, FAULT_IDENTITY, "its TLS certificate is not accepted: %s", words);
	return why_set(why, FAULT_UNREACHABLE, "%s", words);
}

enum fault transfer_result(const struct transfer *transfer, CURLcode code, struct transfer_end *ret_end,
			   struct why *why)
{
	long status = 0;

	ret_end->no_network = false;
	if (code != CURLE_OK)
		return failure(transfer, code, ret_end, why);
	(void)curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
	ret_end->status = (unsigned)status;
	ret_end->signature = transfer->signature_count == 1 ? transfer->signature : NULL;
	return FAULT_NONE;
}

const struct bytes *transfer_body(const struct transfer *transfer)
{
	return &transfer->body;
}
