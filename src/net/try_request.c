/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "net/try_request.h"
#include "util/clock.h"

#define RECEIVE_SIZE 65536L /* bytes libcurl reads at once */
#define USER_AGENT PACKAGE_NAME "/" PACKAGE_VERSION

/* That is asked now. */
static const char *try_url(const struct fetch_try *t)
{
	return t->hop.url ? t->hop.url : t->url;
}

/* A connection whose peer has vanished must not hold up the streams put on it later. */
static int on_socket(void *arg, curl_socket_t fd, curlsocktype purpose)
{
#ifdef TCP_USER_TIMEOUT
	const int64_t *timeout = arg;
	unsigned ms = (unsigned)(*timeout / NS_PER_MS);

	if (purpose == CURLSOCKTYPE_IPCXN)
		setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof ms);
#else
	(void)arg;
	(void)fd;
	(void)purpose;
#endif
	return CURL_SOCKOPT_OK;
}

/* The options that a failure to set makes no difference to what is right. */
static void try_set_preferences(
	struct fetch_try *t, const struct fetch_try_settings *settings)
{
	CURL *e = t->easy;
	bool may_multiplex = t->origin->multiplexing != MULTIPLEXING_NO &&
			     !strncmp(try_url(t), "https:", 6);
	long probe = (long)(settings->stall_timeout / 2 / NS_PER_SECOND);

	curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	/* Where one connection may carry all, wait for it rather than open many. Not
	 * without TLS: there libcurl knows only from the first answer that it may not. */
	curl_easy_setopt(e, CURLOPT_PIPEWAIT, (long)may_multiplex);
	curl_easy_setopt(e, CURLOPT_STREAM_WEIGHT, t->demand ? 256L : 16L);
	curl_easy_setopt(e, CURLOPT_BUFFERSIZE, RECEIVE_SIZE);
	curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(e, CURLOPT_TCP_KEEPIDLE, probe > 0 ? probe : 1L);
	curl_easy_setopt(e, CURLOPT_TCP_KEEPINTVL, 5L);
	curl_easy_setopt(e, CURLOPT_SOCKOPTFUNCTION, on_socket);
	curl_easy_setopt(e, CURLOPT_SOCKOPTDATA, &settings->stall_timeout);
	curl_easy_setopt(e, CURLOPT_SHARE, settings->share);
	curl_easy_setopt(e, CURLOPT_USERAGENT, USER_AGENT);
	/* A connection from before an outage may be dead without having been told. But
	 * where there are few, an idle one may be in the way of each new one. */
	if ((t->fetch->state.fresh || t->probe) &&
		!slots_are_few(&t->origin->slots, t->asked_at))
		curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, 1L);
#if LIBCURL_VERSION_NUM >= 0x075700
	/* Or a try that is broken off would wait for a resolver that hangs, and all others
	 * with it; the resolver's thread cleans up after itself. */
	curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L);
#endif
}

/* What keeps a server from leading the client astray. Redirects are not libcurl's business:
 * it would show the client certificate to whomever they name. */
static CURLcode try_set_limits(
	struct fetch_try *t, const struct fetch_try_settings *settings)
{
	const char *url = try_url(t);
	const char *scheme = !strncmp(url, "https:", 6)	 ? "https"
			     : !strncmp(url, "file:", 5) ? "file"
							 : "http";
	const struct {
		CURLoption option;
		long value;
	} limits[] = {
		{CURLOPT_FOLLOWLOCATION, 0},
		{CURLOPT_UNRESTRICTED_AUTH, 0},
		{CURLOPT_CONNECTTIMEOUT_MS, (long)(settings->connect_timeout / NS_PER_MS)},
		{CURLOPT_HTTP_CONTENT_DECODING, 0},
	};
	CURLcode code = curl_easy_setopt(t->easy, CURLOPT_PROTOCOLS_STR, scheme);

	for (size_t i = 0; i < sizeof limits / sizeof *limits && !code; i++)
		code = curl_easy_setopt(t->easy, limits[i].option, limits[i].value);
	return code;
}

static CURLcode try_add_header(struct fetch_try *t, const char *line)
{
	struct curl_slist *list = curl_slist_append(t->headers, line);

	if (!list)
		return CURLE_OUT_OF_MEMORY;
	t->headers = list;
	return CURLE_OK;
}

static CURLcode try_set_headers(struct fetch_try *t)
{
	const char *etag = t->fetch->etag;
	char line[FETCH_ETAG_MAX + 32];
	CURLcode code = CURLE_OK;

	if (answer_head_etag_is_clean(etag, strnlen(etag, FETCH_ETAG_MAX))) {
		snprintf(line, sizeof line, "If-None-Match: %s", etag);
		code = try_add_header(t, line);
	}
	if (!code && t->resumed) {
		snprintf(line, sizeof line, "Range: bytes=%zu-", t->resumed);
		code = try_add_header(t, line);
	}
	if (!code && t->fetch->beginning && !t->resumed) {
		snprintf(line, sizeof line, "Range: bytes=0-%" PRIu64,
			t->fetch->beginning - 1);
		code = try_add_header(t, line);
	}
	if (!code && (t->fetch->revalidate || t->fetch->state.tries > 1))
		code = try_add_header(t, "Cache-Control: no-cache");
	if (!code && t->headers)
		code = curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->headers);
	return code;
}

static int try_set_credentials(
	struct fetch_try *t, const struct fetch_try_settings *settings)
{
	const struct credentials *c = settings->credentials;
	bool home = !t->strayed && mirrors_is_home(t->fetch->mirrors, t->mirror);
	const struct bearer *b = settings->bearer;

	t->own_ca = c && c->cacert;
	t->certified = c && c->client_cert && home;
	t->token = TOKEN_UNNEEDED;
	t->bearer = NULL;
	if (!c)
		return 0;
	if (t->strayed)
		return credentials_apply_none(c, t->easy);
	if (!home)
		return credentials_apply_public(c, t->easy);
	if (c->bearer_file && strncmp(t->url, "file:", 5)) {
		t->bearer = b;
		t->token = b->token ? TOKEN_SENT : TOKEN_AWAITED;
		t->token_number = b->number;
	}
	return credentials_apply(c, t->bearer ? b->token : NULL, t->easy);
}

static int try_prepare(struct fetch_try *t, const struct fetch_try_settings *settings,
	struct trouble *trouble)
{
	CURLcode code;
	int rc;

	curl_easy_reset(t->easy);
	fetch_try_set_callbacks(t);
	try_set_preferences(t, settings);
	code = try_set_limits(t, settings);
	if (!code)
		code = try_set_headers(t);
	if (!code)
		code = curl_easy_setopt(t->easy, CURLOPT_URL, try_url(t));
	if (code)
		return trouble_set(trouble,
			code == CURLE_OUT_OF_MEMORY ? ERR_NO_MEMORY : ERR_UNSUPPORTED,
			"%s: %s", t->url, curl_easy_strerror(code));
	rc = try_set_credentials(t, settings);
	if (rc)
		return trouble_set(trouble, rc, "%s: the credentials cannot be used: %s",
			t->url, error_text(rc));
	return 0;
}

int try_request_begin(struct fetch_try *t, const struct admission *a, struct bytes *body,
	const struct fetch_try_settings *settings, struct trouble *trouble)
{
	t->fetch = a->fetch;
	t->demand = a->demand;
	t->expected = a->bytes;
	t->allowance = a->fetch->cost ? a->fetch->cost : a->fetch->size_max;
	t->probe = a->probe;
	t->hasty = a->hasty;
	t->body = *body;
	t->resumed = body->size;
	t->had = a->fetch->state.got;
	answer_head_release(&t->head);
	bytes_init(body);
	t->mirror = t->server = a->mirror;
	t->origin = a->origin;
	t->size_max = a->fetch->size_max;
	t->started = t->asked_at = t->heard = clock_monotonic();
	snprintf(t->url, sizeof t->url, "%s/%.*s",
		mirrors_url(a->fetch->mirrors, a->mirror), FETCH_PATH_MAX - 1,
		a->fetch->path);
	return try_prepare(t, settings, trouble);
}

bool try_request_find_hop(struct fetch_try *t, struct redirect_target *out)
{
	t->redirect = redirect_follow(&t->trail, try_url(t), t->head.location, out);
	return t->redirect == REDIRECT_GOOD;
}

/* As it was asked at first, with the URL and the token as they are now. */
static int ask_again(struct fetch_try *t, const struct fetch_try_settings *settings,
	struct trouble *trouble)
{
	curl_slist_free_all(t->headers);
	t->headers = NULL;
	answer_head_forget(&t->head);
	t->connected = t->answered = false;
	t->port = 0;
	t->asked_at = t->heard = clock_monotonic();
	t->code = CURLE_OK;
	t->ignored = 0;
	t->words[0] = t->said[0] = '\0';
	return try_prepare(t, settings, trouble);
}

int try_request_follow(struct fetch_try *t, struct redirect_target *hop,
	const struct fetch_try_settings *settings, struct trouble *trouble)
{
	const char *own = mirrors_origin(t->fetch->mirrors, t->mirror);

	redirect_target_release(&t->hop);
	t->hop = *hop;
	*hop = (struct redirect_target){0};
	t->strayed = t->strayed || strcmp(t->hop.origin, own);
	return ask_again(t, settings, trouble);
}

void try_request_await_token(struct fetch_try *t, int64_t since)
{
	t->token = TOKEN_AWAITED;
	t->token_since = since;
	t->heard = clock_monotonic();
}

bool try_request_take_token(struct fetch_try *t, const struct fetch_try_settings *settings)
{
	if (!settings->bearer->token)
		t->token = TOKEN_MISSING;
	else if (t->token_number == settings->bearer->number)
		t->token = TOKEN_REFUSED;
	else if (ask_again(t, settings, NULL))
		t->no_memory = true;
	return t->token == TOKEN_SENT && !t->no_memory;
}
