/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cli/listen_address.h"

#include <stdbool.h>
#include <string.h>

#include "cli/size.h"
#include "util/error.h"

int listen_address_split(char *text, const char **host, uint16_t *port)
{
	char *colon = strrchr(text, ':');
	char *bracket = strchr(text, ']');
	bool bare = text[0] != '[' && strchr(text, ':') != colon; /* an address of IPv6 */
	uint64_t number;

	if (colon && !bare && (!bracket || colon > bracket)) {
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
