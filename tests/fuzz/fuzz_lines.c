/* SPDX-License-Identifier: MIT */
/* What other machines say in a line: header fields, redirects, requests; and URLs. */
#include <config.h>

#include <string.h>
#include <sys/stat.h>

#include "fuzz/fuzz.h"
#include "net/answer_head.h"
#include "net/base_url.h"
#include "net/cache_control.h"
#include "net/redirect.h"
#include "net/serve_request.h"

static void give_all(fuzz_sample_fn sample, void *ctx, const char *const *texts)
{
	for (; *texts; texts++)
		sample(ctx, span_of_string(*texts));
}

/* ---- answer_head: header lines, one by one */

static void answer_head_run(const uint8_t *data, size_t size)
{
	struct span rest = span_of(data, size);
	struct answer_head h = {0};
	bool going = true;

	answer_head_forget(&h);
	while (rest.size && going) {
		char *line = fuzz_take_line(&rest);

		going = answer_head_take(&h, line, strlen(line));
		must(going || h.too_long);
		must(strlen(h.etag) < FETCH_ETAG_MAX);
		must(!h.etag[0] || answer_head_etag_is_clean(h.etag, strlen(h.etag)));
		must(!h.location || strlen(h.location) <= URL_SIZE_MAX);
		free(line);
	}
	answer_head_release(&h);
	must(h.range_start == UINT64_MAX && !h.location && !h.etag[0]);
}

static void answer_head_samples(fuzz_sample_fn sample, void *ctx)
{
	static const char *const texts[] = {
		"HTTP/1.1 206 Partial Content\r\nETag: W/\"a\"\r\n"
		"Content-Range: bytes 5-9/20\r\n\r\n",
		"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/2 302\r\n"
		"location:  https://b.example/x\r\nLocation: /y\r\nRetry-After: 30\r\n\r\n",
		"content-range: bytes */20\r\netag:\r\nlocation:\r\n",
		NULL,
	};

	give_all(sample, ctx, texts);
}

const struct fuzz_target fuzz_answer_head = {
	"answer_head", answer_head_run, answer_head_samples};

/* ---- redirect: a Location behind the URL that it came from */

static void redirect_run(const uint8_t *data, size_t size)
{
	static const char *const from[] = {"https://a.example/x/y", "http://a.example:80/"};
	struct redirect_target target = {0}, again = {0};
	struct span rest = span_of(data, size);
	char *location = fuzz_take_line(&rest);

	for (size_t i = 0; i < 2; i++) {
		if (redirect_resolve(from[i], location, &target) != REDIRECT_GOOD) {
			must(!target.url && !target.origin);
			continue;
		}
		must(!strncmp(target.url, "https://", 8) ||
			(i == 1 && !strncmp(target.url, "http://", 7)));
		must(strlen(target.url) < URL_SIZE_MAX && !strchr(target.url, '#'));
		must(!strchr(target.origin, '@') && strchr(target.origin, ':'));
		/* Whoever is sent there is sent to where it says. */
		must(redirect_resolve(target.url, target.url, &again) == REDIRECT_GOOD);
		must(!strcmp(target.origin, again.origin));
		redirect_target_release(&target);
		redirect_target_release(&again);
	}
	free(location);
}

static void redirect_samples(fuzz_sample_fn sample, void *ctx)
{
	static const char *const texts[] = {"https://b.example/x?y=z#w", "/y", "y", "//c/d",
		"http://u:p@[::1]:8080/", "ftp://x/", "file:///etc/passwd", "?q",
		"https://b.example:443/%00%zz a", "", NULL};

	give_all(sample, ctx, texts);
}

const struct fuzz_target fuzz_redirect = {"redirect", redirect_run, redirect_samples};

/* ---- cache_control: the head of an answer */

static void cache_control_run(const uint8_t *data, size_t size)
{
	struct probe_answer answer = {0};
	struct cache_control c;

	must(bytes_append(&answer.head, data, size) == 0);
	must(bytes_append(&answer.head, "", 1) == 0);
	cache_control_of(&answer, &c);
	must(c.fresh <= UINT64_C(1) << 31);
	must(c.said || !(c.no_store || c.no_cache || c.immutable));
	bytes_release(&answer.head);
}

static void cache_control_samples(fuzz_sample_fn sample, void *ctx)
{
	static const char *const texts[] = {
		"Cache-Control: public, max-age=60, s-maxage=\"5\" , immutable\r\n"
		"Expires: 0\r\n",
		"cache-control:no-store,no-cache=\"x\", private\r\n",
		"Cache-Control: max-age=99999999999999999999\r\n",
		NULL,
	};

	give_all(sample, ctx, texts);
}

const struct fuzz_target fuzz_cache_control = {
	"cache_control", cache_control_run, cache_control_samples};

/* ---- serve_request: path, Range, If-None-Match, a line each */

static void check_path(const char *path)
{
	struct stat st = {.st_size = 5};
	char etag[SERVE_ETAG_SIZE];
	enum serve_kind kind = serve_path_kind(path);

	if (kind == SERVE_NOTHING)
		return;
	/* It is opened below the store as it is. */
	must(path[0] != '/' && !strstr(path, "/..") && !strstr(path, "../"));
	serve_etag(kind, path, &st, etag);
	must(etag[0] == '"' && serve_etag_listed(etag, etag));
}

static void check_range(const char *range, uint64_t size)
{
	uint64_t offset = 0, length = 0;

	if (serve_range_parse(range, size, &offset, &length) != RANGE_PART)
		return;
	must(length >= 1 && length <= size && offset <= size - length);
}

static void serve_request_run(const uint8_t *data, size_t size)
{
	struct span rest = span_of(data, size);
	char *path = fuzz_take_line(&rest), *range = fuzz_take_line(&rest);
	char *list = fuzz_take_line(&rest);

	check_path(path);
	check_range(range, 0);
	check_range(range, 20);
	check_range(range, UINT64_MAX);
	serve_etag_listed(list, "\"a\"");
	free(path);
	free(range);
	free(list);
}

static void serve_request_samples(fuzz_sample_fn sample, void *ctx)
{
	static const char *const texts[] = {
		"manifest.json\nbytes=0-9\n\"a\"",
		"revisions/12.json\nbytes=-5\nW/\"a\", \"b\"",
		"tags/v1.0.json\nbytes=5-\n*",
		"blobs/01/23456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n"
		"bytes=18446744073709551615-18446744073709551616\n\"",
		NULL,
	};

	give_all(sample, ctx, texts);
}

const struct fuzz_target fuzz_serve_request = {
	"serve_request", serve_request_run, serve_request_samples};
