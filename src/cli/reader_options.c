/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cli/reader_options.h"

#include <stdlib.h>
#include <string.h>

#include "cli/size.h"
#include "util/clock.h"

#define TIMEOUT_MAX_SECONDS 86400

void reader_options_init(struct reader_options *o)
{
	memset(o, 0, sizeof *o);
	credentials_init(&o->credentials);
	o->dataset.deadline_ns = 60 * NS_PER_SECOND;
}

void reader_options_release(struct reader_options *o)
{
	credentials_release(&o->credentials);
}

int reader_options_end(struct reader_options *o, int status)
{
	reader_options_release(o);
	return status;
}

static char **credential_file(struct credentials *c, int letter)
{
	switch (letter) {
	case OPTION_CACERT:
		return &c->cacert;
	case OPTION_CERT:
		return &c->client_cert;
	case OPTION_CERT_KEY:
		return &c->client_key;
	case OPTION_BEARER_FILE:
		return &c->bearer_file;
	case OPTION_PROXY:
		return &c->proxy;
	default:
		return NULL;
	}
}

static int number_option(
	struct reader_options *o, const char *command, int letter, const char *value)
{
	uint64_t number;

	if (letter == OPTION_REVISION) {
		if (number_parse(value, REVISION_MAX, &number) || number == 0)
			return command_use(command, "'%s' is not a revision number", value);
		o->dataset.revision = number;
	} else {
		if (number_parse(value, TIMEOUT_MAX_SECONDS, &number) || number == 0)
			return command_use(command,
				"'%s' is not a number of seconds from 1 to %d", value,
				TIMEOUT_MAX_SECONDS);
		o->dataset.deadline_ns = (int64_t)number * NS_PER_SECOND;
	}
	return 0;
}

static int check_which(const struct reader_options *o, const char *command)
{
	if (o->dataset.revision && o->dataset.tag)
		return command_use(command, "give --revision or --tag, not both");
	return 0;
}

/* Files are made absolute: a mount goes to the root directory before it opens them. */
static int set_credential(char **slot, int letter, const char *value)
{
	char *path = letter == OPTION_PROXY ? NULL : realpath(value, NULL);

	free(*slot);
	*slot = path ? path : strdup(value);
	return 0;
}

int reader_option(struct reader_options *o, const char *command, int letter,
	const char *value, bool *taken)
{
	char **file = credential_file(&o->credentials, letter);

	*taken = true;
	if (file)
		return set_credential(file, letter, value);
	switch (letter) {
	case OPTION_CACHE:
		o->cache = value;
		return 0;
	case OPTION_TRUST:
		o->dataset.trust = value;
		return 0;
	case OPTION_TAG:
		o->dataset.tag = value;
		return check_which(o, command);
	case OPTION_REVISION:
	case OPTION_TIMEOUT:
		if (number_option(o, command, letter, value))
			return EXIT_USE;
		return check_which(o, command);
	case OPTION_NETRC:
		o->credentials.netrc = true;
		return 0;
	case OPTION_OFFLINE:
		o->dataset.offline = true;
		return 0;
	case 'v':
		o->verbose++;
		return 0;
	default:
		*taken = false;
		return 0;
	}
}
