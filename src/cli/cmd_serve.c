/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/listen_address.h"
#include "cli/size.h"
#include "net/serve.h"
#include "publish/store_location.h"
#include "util/home.h"

/* A lab behind one router has this many readers; one program that opens connections to
 * keep others out has not the whole server. */
#define PER_ADDRESS 256u
#define PER_ADDRESS_MAX 800u

enum {
	OPTION_LISTEN = 300,
	OPTION_TLS_DIR,
	OPTION_HTTP,
	OPTION_ACCESS_LOG,
	OPTION_PER_ADDRESS
};

const struct option_help serve_options_help[] = {
	{"listen", OPTION_LISTEN, "HOST:PORT",
		"where to listen (default: localhost:8443, with --http 8080)"},
	{"tls-dir", OPTION_TLS_DIR, "DIR",
		"certificate and CA (default: ~/.config/cairn/tls)"},
	{"http", OPTION_HTTP, NULL, "plain HTTP, behind a proxy or on a trusted wire"},
	{"access-log", OPTION_ACCESS_LOG, "FILE",
		"a line for each request, in the common log format; SIGUSR1 opens it anew"},
	{"per-address", OPTION_PER_ADDRESS, "N",
		"connections that one address may have open (default: 256)"},
	{"verbose", 'v', NULL, "the lines of --access-log on the standard error"},
	{0},
};

/* A slip in the path would else serve nothing but 404s, without a word. */
static int serve_check_store(const char *store, struct trouble *t)
{
	char *manifest = NULL;
	int rc = 0;

	if (asprintf(&manifest, "%s/manifest.json", store) < 0)
		return trouble_set(t, ERR_NO_MEMORY, "out of memory");
	if (access(store, X_OK) == 0 && access(manifest, R_OK))
		rc = trouble_set(t, error_from_errno(errno),
			"%s is not a store: there is no manifest.json in it to be read; "
			"`cairn publish` makes one",
			store);
	free(manifest);
	return rc;
}

/* Blocked before the server's threads start, so that only sigwait() sees them. */
static void block_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, set, NULL);
}

static void wait_for_end(const sigset_t *set, const struct serve_options *o)
{
	struct trouble t = {0};
	int signal_number;

	while (sigwait(set, &signal_number) != 0 || signal_number == SIGUSR1)
		if (o->access && access_log_reopen(o->access, &t))
			log_warning(o->log, "%s", t.text);
}

/* Somebody's own certificate may be of a CA that readers believe already. */
static void say_ca(const struct serve_options *o)
{
	char *path = NULL;

	if (!o->tls || asprintf(&path, "%s/ca.pem", o->tls_dir) < 0)
		return;
	if (access(path, F_OK) == 0)
		printf("readers need: --cacert %s\n", path);
	free(path);
}

static int serve_until_signal(const struct serve_options *o)
{
	struct trouble t = {0};
	struct serve *serve;
	sigset_t set;

	block_signals(&set);
	if (serve_check_store(o->store, &t) || serve_start(o, &serve, &t))
		return command_fail("serve", &t);
	printf("serving %s at %s://%s%s%s:%u\n", o->store, o->tls ? "https" : "http",
		strchr(o->host, ':') ? "[" : "", o->host, strchr(o->host, ':') ? "]" : "",
		serve_port(serve));
	say_ca(o);
	fflush(stdout);
	wait_for_end(&set, o);
	serve_stop(serve);
	return EXIT_SUCCESS;
}

/* What STORE names: a directory of this machine. */
static int serve_locate(const char *given, struct store_location *out)
{
	struct trouble t = {0};
	int rc = store_location_find(given, out, &t);

	if (!rc && out->is_url) {
		store_location_release(out);
		rc = trouble_set(&t, ERR_INVALID,
			"%s is served already: give the directory of a store", given);
	}
	return rc ? command_fail("serve", &t) : EXIT_SUCCESS;
}

static char *default_tls_dir(void)
{
	char *config = home_config_directory();
	char *dir = NULL;

	if (config && asprintf(&dir, "%s/tls", config) < 0)
		dir = NULL;
	free(config);
	return dir;
}

struct serve_words {
	char *listen;
	const char *access_log;
	bool verbose;
};

/* ERR_INVALID when its argument makes no sense. */
static int serve_option(int letter, struct serve_options *o, struct serve_words *words)
{
	uint64_t number;

	switch (letter) {
	case OPTION_LISTEN:
		words->listen = optarg;
		return 0;
	case OPTION_TLS_DIR:
		o->tls_dir = optarg;
		return 0;
	case OPTION_HTTP:
		o->tls = false;
		return 0;
	case OPTION_ACCESS_LOG:
		words->access_log = optarg;
		return 0;
	case OPTION_PER_ADDRESS:
		if (number_parse(optarg, PER_ADDRESS_MAX, &number) || number == 0)
			return ERR_INVALID;
		o->per_address = (unsigned)number;
		return 0;
	default:
		words->verbose = true;
		return 0;
	}
}

static int serve_with_log(struct serve_options *o, const struct serve_words *words)
{
	struct trouble t = {0};
	int status;

	if ((words->access_log || words->verbose) &&
		access_log_open(words->access_log, &o->access, &t))
		return command_fail("serve", &t);
	o->log = log_new_stderr(words->verbose ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARNING);
	status = serve_until_signal(o);
	log_free(o->log);
	access_log_close(o->access);
	return status;
}

int cmd_serve(int argc, char **argv)
{
	struct serve_options o = {
		.host = "localhost", .port = 8443, .tls = true, .per_address = PER_ADDRESS};
	struct serve_words words = {0};
	struct store_location store;
	char *own_tls_dir = NULL;
	int letter, status;

	while ((letter = command_getopt(argc, argv)) != -1)
		if (serve_option(letter, &o, &words))
			return command_use(
				"serve", "--per-address takes a number from 1 to 800");
	if (argc - optind != 1)
		return command_use("serve", "one STORE is needed");
	if (!o.tls)
		o.port = 8080;
	if (words.listen && listen_address_split(words.listen, &o.host, &o.port))
		return command_use("serve", "--listen takes HOST:PORT");
	status = serve_locate(argv[optind], &store);
	if (status)
		return status;
	o.store = store.text;
	if (o.tls && !o.tls_dir)
		o.tls_dir = own_tls_dir = default_tls_dir();
	status = serve_with_log(&o, &words);
	free(own_tls_dir);
	store_location_release(&store);
	return status;
}
