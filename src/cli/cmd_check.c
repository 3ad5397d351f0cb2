/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/check_store.h"
#include "cli/json_output.h"
#include "cli/reader.h"
#include "cli/size.h"
#include "dataset/site_check.h"
#include "dataset/url.h"
#include "publish/store_location.h"

#define CHECK_JOBS_MAX 256

enum {
	OPTION_JSON = OPTION_OWN,
	OPTION_READ_DATA,
	OPTION_REPAIR,
	OPTION_FROM,
	OPTION_SITE
};

const struct option_help check_options_help[] = {
	{"read-data", OPTION_READ_DATA, "[=PERCENT]",
		"decode and hash every chunk, or so many of them at random"},
	{"repair", OPTION_REPAIR, NULL, "mend what is rotten, from the dataset's mirrors"},
	{"from", OPTION_FROM, "URL|SOURCE",
		"mend from this store, or from a directory that was published"},
	{"site", OPTION_SITE, NULL, "only how the site at a URL serves the store"},
	{"jobs", 'j', "N", "chunks at a time (default: one per processor; of a server 16)"},
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

struct check_arguments {
	struct reader_options reader;
	struct check_store_options store;
	bool site;
};

/* What was found so far of a site. */
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

static int check_site(
	const struct reader_options *o, const char *text, bool json, struct trouble *t)
{
	struct checking c = {.json = json};
	struct site_options s = {
		.trust = o->dataset.trust,
		.tag = o->dataset.tag,
		.timeout = o->dataset.deadline_ns,
		.credentials = &o->credentials,
		.findings = {on_finding, &c},
	};
	char *url = NULL;
	int rc = credentials_check(&o->credentials, t);

	if (!rc)
		rc = url_normalise(text, &url, t);
	s.url = url;
	if (!rc)
		rc = site_check(&s, t);
	if (!rc && c.wrong)
		rc = trouble_set(t, ERR_CORRUPT, "%s: %u thing%s to mend", url, c.wrong,
			c.wrong == 1 ? "" : "s");
	free(url);
	return rc;
}

/* The site first; both are said to be wrong when they are. */
static int check_given(struct check_arguments *a, const char *text)
{
	struct store_location l = {0};
	struct trouble t = {0}, of_site = {0};
	int rc = store_location_find(text, &l, &t), site = 0;

	if (!rc && a->site && !l.is_url)
		rc = trouble_set(&t, ERR_INVALID,
			"%s is not on a server: --site looks at what an http or https URL "
			"answers",
			text);
	if (!rc && l.is_url)
		site = check_site(&a->reader, text, a->store.json, &of_site);
	if (!rc && !a->site && site != ERR_INVALID)
		rc = check_store(text, &a->store, &t);
	store_location_release(&l);
	fflush(stdout); /* before what is said of all */
	if (site)
		command_fail("check", &of_site);
	if (rc)
		return command_fail("check", &t);
	return site ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int check_take_number(struct check_arguments *a, int letter)
{
	unsigned most = letter == 'j' ? CHECK_JOBS_MAX : 100;
	uint64_t number;

	if (letter == OPTION_READ_DATA && !optarg) {
		a->store.percent = 100;
		return 0;
	}
	if (number_parse(optarg, most, &number) || number == 0)
		return command_use("check", "--%s takes a number from 1 to %u",
			letter == 'j' ? "jobs" : "read-data", most);
	if (letter == 'j')
		a->store.jobs = (unsigned)number;
	else
		a->store.percent = (unsigned)number;
	return 0;
}

static int check_take_option(struct check_arguments *a, int letter)
{
	bool taken;

	switch (letter) {
	case 'j':
	case OPTION_READ_DATA:
		return check_take_number(a, letter);
	case OPTION_REPAIR:
		a->store.repair = true;
		return 0;
	case OPTION_FROM:
		a->store.from = optarg;
		return 0;
	case OPTION_SITE:
		a->site = true;
		return 0;
	case OPTION_JSON:
		a->store.json = true;
		return 0;
	default:
		return reader_option(&a->reader, "check", letter, optarg, &taken);
	}
}

int cmd_check(int argc, char **argv)
{
	struct check_arguments a = {.site = false};
	int letter, status = 0;

	reader_options_init(&a.reader);
	a.store.reader = &a.reader;
	while (!status && (letter = command_getopt(argc, argv)) != -1)
		status = check_take_option(&a, letter);
	if (!status && argc - optind != 1)
		status = command_use("check", "one store or URL is needed");
	if (!status && a.store.from && !a.store.repair)
		status = command_use("check", "--from goes with --repair");
	if (!status)
		status = check_given(&a, argv[optind]);
	return reader_options_end(&a.reader, status);
}
