/* SPDX-License-Identifier: MIT */
/* A survey of the cache for programs. */
#ifndef CAIRN_CLI_SURVEY_JSON_H
#define CAIRN_CLI_SURVEY_JSON_H

#include <jansson.h>

#include "cli/survey.h"

/* The caller's reference; NULL without memory. */
json_t *survey_json(const struct survey *s);

#endif
