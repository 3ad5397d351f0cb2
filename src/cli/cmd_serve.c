/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/size.h"
#include "net/serve.h"
#include "util/home.h"

enum { OPTION_LISTEN = 300, OPTION_TLS_DIR, OPTION_HTTP };

const struct option_help serve_options_help[] = {
	{"listen", OPTION_LISTEN, "HOST:PORT",
		"where to listen (default: localhost:8443, with --http 8080)"},
	{"tls-dir", OPTION_TLS_DIR, "DIR",
		"certificate and CA (default: ~/.config/cairn/tls)"},
	{"http", OPTION_HTTP, NULL, "plain HTTP, behind a proxy or on a trusted wire"},
	{"verbose", 'v', NULL, "a line for each request"},
	{0},
};

/* "host:port", "[v6]:port", ":port" or "host"; host points into `text`, which is cut. */
static int split_listen(char *text, const char **host, uint16_t *port)
{
	char *colon = strrchr(text, ':');
	char *bracket = strchr(text, ']');
	uint64_t number;

	if (colon && (!bracket || colon > bracket)) {
		if (number_parse(colon + 1, UINT16_MAX, &number))
			return ERR_INVALID;
		*port = (uint16_t)number;
		*colon = '\0';
	}
	if (text[0] == '[' && bracket) {
		*bracket = '\0';
		text++;
	}
	*host = *text ? text : "0.0.0.0";
	return 0;
}

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

static int serve_until_signal(const struct serve_options *o)
{
	struct trouble t = {0};
	struct serve *serve;
	sigset_t set;
	int signal_number;

	/* Blocked before the server's threads start, so that only sigwait() sees them. */
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	if (serve_check_store(o->store, &t) || serve_start(o, &serve, &t))
		return command_fail("serve", &t);
	printf("serving %s at %s://%s%s%s:%u\n", o->store, o->tls ? "https" : "http",
		strchr(o->host, ':') ? "[" : "", o->host, strchr(o->host, ':') ? "]" : "",
		serve_port(serve));
	if (o->tls)
		printf("readers need: --cacert %s/ca.pem\n", o->tls_dir);
	fflush(stdout);
	sigwait(&set, &signal_number);
	serve_stop(serve);
	return EXIT_SUCCESS;
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

int cmd_serve(int argc, char **argv)
{
	struct serve_options o = {.host = "localhost", .port = 8443, .tls = true};
	char *own_tls_dir = NULL, *listen = NULL;
	int level = LOG_LEVEL_WARNING;
	int letter, status;

	while ((letter = command_getopt(argc, argv)) != -1) {
		if (letter == OPTION_LISTEN)
			listen = optarg;
		else if (letter == OPTION_TLS_DIR)
			o.tls_dir = optarg;
		else if (letter == OPTION_HTTP)
			o.tls = false;
		else
			level = LOG_LEVEL_DEBUG;
	}
	if (argc - optind != 1)
		return command_use("serve", "one STORE is needed");
	o.store = argv[optind];
	if (!o.tls)
		o.port = 8080;
	if (listen && split_listen(listen, &o.host, &o.port))
		return command_use("serve", "--listen takes HOST:PORT");
	if (o.tls && !o.tls_dir)
		o.tls_dir = own_tls_dir = default_tls_dir();
	o.log = log_new_stderr((enum log_level)level);
	status = serve_until_signal(&o);
	log_free(o.log);
	free(own_tls_dir);
	return status;
}
