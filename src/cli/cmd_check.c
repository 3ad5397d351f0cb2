/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/json_output.h"
#include "cli/reader.h"
#include "dataset/site_check.h"
#include "dataset/url.h"

enum { OPTION_JSON = OPTION_OWN };

const struct option_help check_options_help[] = {
	{"json", OPTION_JSON, NULL, "one JSON object a line"},
	{"trust", OPTION_TRUST, "PUBKEY", "the key that should have signed"},
	{"tag", OPTION_TAG, "TAG", "look at that tag, too"},
	{"cacert", OPTION_CACERT, "FILE", "believe these CAs instead of the system's"},
	{"cert", OPTION_CERT, "FILE", "client certificate"},
	{"cert-key", OPTION_CERT_KEY, "FILE", "key of the client certificate"},
	{"bearer-file", OPTION_BEARER_FILE, "FILE", "file with a bearer token"},
	{"proxy", OPTION_PROXY, "URL", "proxy (default: the environment's)"},
	{"netrc", OPTION_NETRC, NULL, "take user and password from ~/.netrc"},
	{"timeout", OPTION_TIMEOUT, "SECONDS", "give up on a question after (default: 60)"},
	{0},
};

/* What was found so far. */
struct checking {
	bool json;
	unsigned wrong;
};

static const char *weight_text(enum finding_weight weight)
{
	return weight == FINDING_GOOD	  ? "good"
	       : weight == FINDING_ADVICE ? "advice"
					  : "wrong";
}

static void finding_json(const struct finding *f)
{
	json_output(json_pack("{s:s, s:s, s:o}", "about", f->about, "weight",
			    weight_text(f->weight), "text", json_output_words(f->text)),
		JSON_COMPACT);
}

static void on_finding(void *arg, const struct finding *f)
{
	struct checking *c = arg;

	c->wrong += f->weight == FINDING_WRONG;
	if (c->json) {
		finding_json(f);
		return;
	}
	printf("%-7s %s\n", weight_text(f->weight), f->text);
}

static int check_site(const struct reader_options *o, const char *text, bool json)
{
	struct checking c = {.json = json};
	struct site_options s = {
		.trust = o->dataset.trust,
		.tag = o->dataset.tag,
		.timeout = o->dataset.deadline_ns,
		.credentials = &o->credentials,
		.findings = {on_finding, &c},
	};
	struct trouble t = {0};
	char *url = NULL;
	int rc = credentials_check(&o->credentials, &t);

	if (!rc)
		rc = url_normalise(text, &url, &t);
	if (!rc && strncmp(url, "http", 4) != 0)
		rc = trouble_set(&t, ERR_INVALID,
			"%s is not on a server: check looks at what an http or https URL "
			"answers",
			text);
	s.url = url;
	if (!rc)
		rc = credentials_check(&o->credentials, &t);
	if (!rc)
		rc = site_check(&s, &t);
	if (!rc && c.wrong)
		rc = trouble_set(&t, ERR_CORRUPT, "%s: %u thing%s to mend", url, c.wrong,
			c.wrong == 1 ? "" : "s");
	free(url);
	fflush(stdout); /* before what is said of all */
	return rc ? command_fail("check", &t) : EXIT_SUCCESS;
}

int cmd_check(int argc, char **argv)
{
	struct reader_options o;
	bool json = false, taken;
	int letter, status = 0;

	reader_options_init(&o);
	while (!status && (letter = command_getopt(argc, argv)) != -1) {
		json |= letter == OPTION_JSON;
		status = reader_option(&o, "check", letter, optarg, &taken);
	}
	if (!status && argc - optind != 1)
		status = command_use("check", "one URL is needed");
	if (!status)
		status = check_site(&o, argv[optind], json);
	return reader_options_end(&o, status);
}
