/* SPDX-License-Identifier: MIT */
/* What people write on the command line and in files, and what is written to terminals. */
#include <config.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cli/size.h"
#include "dataset/url.h"
#include "fuzz/fuzz_keys.h"
#include "net/access_log.h"
#include "net/base_url.h"
#include "net/client_key.h"
#include "net/credentials.h"
#include "util/io.h"
#include "util/printable.h"

/* ---- base_url and url: one spelling */

/* False: it is none, with a sentence. */
static bool check_base(const char *given)
{
	char *url, *origin, *same, *same_origin;
	struct trouble t = {0};

	if (base_url_parse(given, &url, &origin, &t)) {
		must(t.text[0]);
		return false;
	}
	must(strlen(url) < URL_SIZE_MAX && !strpbrk(url, "?# "));
	must(base_url_parse(url, &same, &same_origin, &t) == 0);
	must(!strcmp(url, same) && !strcmp(origin, same_origin));
	free(url);
	free(origin);
	free(same);
	free(same_origin);
	return true;
}

static void base_url_run(const uint8_t *data, size_t size)
{
	struct span rest = span_of(data, size);
	char *given = fuzz_take_line(&rest), *url, *same;
	struct trouble t = {0};

	check_base(given);
	if (url_normalise(given, &url, &t) == 0) {
		if (check_base(url)) {
			must(url_normalise(url, &same, &t) == 0 && !strcmp(url, same));
			free(same);
		}
		free(url);
	} else {
		must(t.text[0]);
	}
	free(given);
}

static void base_url_samples(fuzz_sample_fn sample, void *ctx)
{
	static const char *const texts[] = {"https://A.example:443/x/", "http://[::1]:8080",
		"file:///srv/x%20y/", "/srv/a b#c", "https://a.example/manifest.json",
		"https://u:p@a.example/", "HTTP://a/%2e%2e/..//", "file://host/x"};

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		sample(ctx, span_of_string(texts[i]));
}

const struct fuzz_target fuzz_base_url = {"base_url", base_url_run, base_url_samples};

/* ---- size: numbers with and without suffixes */

static void size_run(const uint8_t *data, size_t size)
{
	struct span rest = span_of(data, size);
	char *word = fuzz_take_line(&rest), text[SIZE_TEXT];
	uint64_t n;

	if (size_parse(word, &n) == 0)
		must(size_text(n, text)[0]);
	if (number_parse(word, 1000, &n) == 0)
		must(n <= 1000);
	free(word);
}

static void size_samples(fuzz_sample_fn sample, void *ctx)
{
	static const char *const texts[] = {"0", "1.5G", "64M", "10GiB", "16383P",
		"18446744073709551615", "1e3", ".5k"};

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		sample(ctx, span_of_string(texts[i]));
}

const struct fuzz_target fuzz_size = {"size", size_run, size_samples};

/* ---- credentials: files of tokens and PEM */

static void credentials_run(const uint8_t *data, size_t size)
{
	char *path = strdup(fuzz_file_of("secret", data, size));
	struct credentials bearer = {.bearer_file = path};
	struct credentials pair = {.client_cert = path, .key_password = (char *)"x"};
	struct trouble t = {0};

	must(credentials_check(&bearer, &t) == 0 || t.text[0]);
	t.text[0] = '\0';
	must(credentials_check(&pair, &t) == 0 || t.text[0]);
	client_key_is_encrypted(path);
	free(path);
}

static void credentials_samples(fuzz_sample_fn sample, void *ctx)
{
	struct bytes pem = {0};

	fuzz_key_pem(1, &pem);
	sample(ctx, span_of_bytes(&pem));
	bytes_release(&pem);
	sample(ctx, span_of_string("abc.DEF-123~+/=\n"));
	sample(ctx, span_of_string(" \n"));
	sample(ctx,
		span_of_string("-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n"
			       "DEK-Info: AES-128-CBC,00\n\nAAAA\n"
			       "-----END EC PRIVATE KEY-----\n"));
}

const struct fuzz_target fuzz_credentials = {
	"credentials", credentials_run, credentials_samples};

/* ---- access_log: method, URL and version as a client sent them stay one plain line */

static void access_log_run(const uint8_t *data, size_t size)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	struct span rest = span_of(data, size);
	char *method = fuzz_take_line(&rest), *version = fuzz_take_line(&rest);
	char *url = span_to_string(rest), *path = strdup(fuzz_file_of("log", NULL, 0));
	const struct access_line line = {(struct sockaddr *)&address, method, url, version,
		200, size, true, (int64_t)size};
	struct access_log *log;
	struct bytes text = {0};
	struct trouble t = {0};

	must(access_log_open(path, &log, &t) == 0);
	access_log_write(log, &line);
	access_log_close(log);
	must(io_read_file(AT_FDCWD, path, SIZE_MAX, &text) == 0 && text.size > 0);
	for (size_t i = 0; i + 1 < text.size; i++)
		must(text.data[i] >= ' ' && text.data[i] < 0x7f);
	must(text.data[text.size - 1] == '\n');
	bytes_release(&text);
	free(method);
	free(version);
	free(url);
	free(path);
}

static void access_log_samples(fuzz_sample_fn sample, void *ctx)
{
	sample(ctx, span_of_string("GET\nHTTP/1.1\n/blobs/00/11?x=\"y\\z\""));
	sample(ctx, span_of_string("GET\n\n/\xc3\xa4\n\x1b[2J"));
}

const struct fuzz_target fuzz_access_log = {
	"access_log", access_log_run, access_log_samples};

/* ---- printable: text for a terminal */

static void printable_run(const uint8_t *data, size_t size)
{
	char *text = span_to_string(span_of(data, size)), *again;

	must(text);
	printable_clean(text);
	for (const char *c = text; *c; c++)
		must((unsigned char)*c >= ' ' && *c != 0x7f);
	again = strdup(text);
	must(again);
	printable_clean(again);
	must(!strcmp(text, again));
	free(text);
	free(again);
}

static void printable_samples(fuzz_sample_fn sample, void *ctx)
{
	sample(ctx, span_of_string("a\xc3\xa4\xe2\x80\xae\xf0\x9f\x98\x80\xc2\x9b\x1b[1m"));
	sample(ctx, span_of_string("\xed\xa0\x80\xf4\x90\x80\x80\xc0\x80"));
}

const struct fuzz_target fuzz_printable = {"printable", printable_run, printable_samples};
