/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cli/reader_options.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "cli/size.h"
#include "net/client_key.h"
#include "util/clock.h"
#include "util/printable.h"

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
	free(o->cache_own);
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

/* A mount goes to the root directory, and opens files, and tells others of them, later. One
 * that is not there yet may be then. Heap. */
static char *absolute_path(const char *value)
{
	char *path = realpath(value, NULL), *here = NULL;

	if (!path && value[0] && value[0] != '/')
		here = getcwd(NULL, 0);
	if (here && asprintf(&path, "%s/%s", here, value) < 0)
		path = NULL;
	free(here);
	return path ? path : strdup(value);
}

static int set_credential(char **slot, int letter, const char *value)
{
	free(*slot);
	*slot = letter == OPTION_PROXY ? strdup(value) : absolute_path(value);
	return 0;
}

static int set_cache(struct reader_options *o, const char *value)
{
	free(o->cache_own);
	o->cache_own = absolute_path(value);
	o->cache = o->cache_own ? o->cache_own : value;
	return 0;
}

/* Asked for here, once, while there is a terminal: a mount goes to the background, and a
 * fetcher cannot wait for a person. Without one credentials_check() says what is missing.
 */
static void ask_password(struct credentials *c, const char *file)
{
	char password[CLIENT_KEY_PASSWORD_MAX], prompt[256];
	int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);

	if (terminal < 0)
		return;
	close(terminal);
	if (!file || c->key_password || !client_key_is_encrypted(file))
		return;
	snprintf(prompt, sizeof prompt, "Password of the client key %.200s: ", file);
	printable_clean(prompt);
	if (EVP_read_pw_string(password, sizeof password - 1, prompt, 0) == 0)
		c->key_password = strdup(password);
	OPENSSL_cleanse(password, sizeof password);
}

void reader_options_ask_password(struct reader_options *o)
{
	struct credentials *c = &o->credentials;

	ask_password(c, c->client_key ? c->client_key : c->client_cert);
}

static int set_file(struct credentials *c, char **slot, int letter, const char *value)
{
	set_credential(slot, letter, value);
	if (letter == OPTION_CERT || letter == OPTION_CERT_KEY)
		ask_password(c, *slot);
	return 0;
}

int reader_option(struct reader_options *o, const char *command, int letter,
	const char *value, bool *taken)
{
	char **file = credential_file(&o->credentials, letter);

	*taken = true;
	if (file)
		return set_file(&o->credentials, file, letter, value);
	switch (letter) {
	case OPTION_CACHE:
		return set_cache(o, value);
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
