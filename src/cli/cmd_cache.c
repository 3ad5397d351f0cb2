/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cache_command.h"
#include "cli/cache_keep.h"
#include "cli/cache_ls.h"
#include "cli/cache_report.h"
#include "cli/size.h"

enum {
	OPTION_JSON = OPTION_OWN,
	OPTION_REPAIR,
	OPTION_ALL,
	OPTION_TO,
	OPTION_HTML,
	OPTION_QUOTA,
	OPTION_FLOOR
};

const struct option_help cache_options_help[] = {
	{"json", OPTION_JSON, NULL, "print JSON for programs"},
	{"repair", OPTION_REPAIR, NULL,
		"verify: throw rotten pieces out, to be fetched again"},
	{"all", OPTION_ALL, NULL,
		"ls: files of which nothing is held too; evict: everything"},
	{"to", OPTION_TO, "SIZE",
		"evict: least recently used first, until this much is left"},
	{"html", OPTION_HTML, "FILE", "report: write a page for a browser"},
	{"quota", OPTION_QUOTA, "SIZE", "set how much the cache may hold (0: no limit)"},
	{"floor", OPTION_FLOOR, "SIZE", "set how much of the disk stays free"},
	READER_OPTIONS_HELP,
	{0},
};

static const struct verb {
	const char *name;
	int (*run)(struct cache_command *c, struct trouble *t);
	bool operands, repair, all, to, html; /* what it takes */
} verbs[] = {
	{"info", cache_report_info, .operands = false},
	{"ls", cache_ls, .operands = true, .all = true},
	{"report", cache_report_survey, .html = true},
	{"verify", cache_report_verify, .repair = true},
	{"evict", cache_keep_evict, .operands = true, .all = true, .to = true},
	{"pin", cache_keep_pin, .operands = true},
	{"unpin", cache_keep_unpin, .operands = true},
};

static int size_option(const char *name, const char *value, uint64_t *out)
{
	if (size_parse(value, out) == 0)
		return 0;
	return command_use("cache", "--%s takes a size like 10G, not '%s'", name, value);
}

static int option(struct cache_command *c, int letter)
{
	bool taken;
	int rc = reader_option(&c->reader, "cache", letter, optarg, &taken);

	if (rc || taken)
		return rc;
	switch (letter) {
	case OPTION_JSON:
		c->json = true;
		return 0;
	case OPTION_REPAIR:
		c->repair = true;
		return 0;
	case OPTION_ALL:
		c->all = true;
		return 0;
	case OPTION_TO:
		c->has_target = true;
		return size_option("to", optarg, &c->target);
	case OPTION_HTML:
		c->html = optarg;
		return 0;
	case OPTION_QUOTA:
		c->reader.set_quota = true;
		return size_option("quota", optarg, &c->reader.quota);
	default:
		c->reader.set_floor = true;
		return size_option("floor", optarg, &c->reader.floor);
	}
}

/* What it would not look at is somebody's mistake. */
static int verb_check(const struct verb *v, const struct cache_command *c)
{
	if (c->argc && !v->operands)
		return command_use("cache", "%s is of the whole cache, and takes no '%s'",
			v->name, c->argv[0]);
	if ((c->repair && !v->repair) || (c->all && !v->all) || (c->has_target && !v->to) ||
		(c->html && !v->html))
		return command_use("cache", "%s takes no --%s", v->name,
			c->repair && !v->repair ? "repair"
			: c->all && !v->all	? "all"
			: c->html && !v->html	? "html"
						: "to");
	return 0;
}

static int verb_run(const struct verb *v, struct cache_command *c)
{
	struct trouble t = {0};
	int rc = verb_check(v, c);

	if (!rc)
		rc = v->run(c, &t);
	return rc < 0 ? command_fail("cache", &t) : rc;
}

int cmd_cache(int argc, char **argv)
{
	struct cache_command c = {0};
	int letter;
	const char *verb;

	reader_options_init(&c.reader);
	while ((letter = command_getopt(argc, argv)) != -1)
		if (option(&c, letter))
			return reader_options_end(&c.reader, EXIT_USE);
	if (optind >= argc)
		return reader_options_end(
			&c.reader, command_use("cache", "one of info, ls, report, verify, "
							"evict, pin, unpin is needed"));
	verb = argv[optind++];
	c.argc = argc - optind;
	c.argv = argv + optind;
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
		if (strcmp(verb, verbs[i].name) == 0)
			return reader_options_end(&c.reader, verb_run(&verbs[i], &c));
	return reader_options_end(
		&c.reader, command_use("cache", "there is no '%s'", verb));
}
