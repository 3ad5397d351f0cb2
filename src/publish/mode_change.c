/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <string.h>

#include "publish/mode_change.h"
#include "util/error.h"

#define ALL 07777
#define READ 0444
#define WRITE 0222
#define EXECUTE 0111
#define SET_ID 06000
#define STICKY 01000

static int parse_octal(const char *text, struct mode_change *out)
{
	unsigned mode = 0;

	for (; *text >= '0' && *text <= '7' && mode <= ALL; text++)
		mode = mode * 8 + (unsigned)(*text - '0');
	if (*text != '\0' || mode > ALL)
		return ERR_INVALID;
	*out = (struct mode_change){.count = 1};
	out->steps[0] = (struct mode_step){'=', .who = ALL, .bits = (uint16_t)mode};
	return 0;
}

/* Bits that belong to the user, the group, the others. */
static uint16_t who_bits(char letter)
{
	switch (letter) {
	case 'u':
		return 04700;
	case 'g':
		return 02070;
	case 'o':
		return 01007;
	default: /* a */
		return ALL;
	}
}

/* Adds the letter to the step: false when it is none of a permission. */
static bool add_letter(struct mode_step *step, char letter)
{
	static const struct {
		char letter;
		uint16_t bits;
	} letters[] = {
		{'r', READ},
		{'w', WRITE},
		{'x', EXECUTE},
		{'s', SET_ID},
		{'t', STICKY},
	};

	if (letter == 'X') {
		step->conditional = true;
		return true;
	}
	for (size_t i = 0; i < sizeof letters / sizeof letters[0]; i++)
		if (letters[i].letter == letter) {
			step->bits |= letters[i].bits;
			return true;
		}
	return false;
}

/* "=rX" at *text, which moves on. */
static int parse_step(const char **text, uint16_t who, struct mode_change *out)
{
	const char *at = *text;
	struct mode_step step = {.who = who};

	if (*at == '\0' || !strchr("=+-", *at) || out->count == MODE_STEPS_MAX)
		return ERR_INVALID;
	step.operator= * at++;
	if (*at != '\0' && strchr("ugo", *at))
		step.copied = who_bits(*at++) & 0777;
	else
		while (add_letter(&step, *at))
			at++;
	out->steps[out->count++] = step;
	*text = at;
	return 0;
}

/* "ug+rw-x" at *text. */
static int parse_clause(const char **text, struct mode_change *out)
{
	uint16_t who = 0;
	int rc;

	while (**text != '\0' && strchr("ugoa", **text))
		who |= who_bits(*(*text)++);
	/* the sticky bit is nobody's in particular: "+t" and "a+t" set it, and so does
	 * "u+t" */
	who = who ? who | STICKY : ALL;
	do
		rc = parse_step(text, who, out);
	while (!rc && **text != '\0' && **text != ',');
	return rc;
}

int mode_change_parse(const char *text, struct mode_change *out)
{
	struct mode_change change = {0};

	if (*text >= '0' && *text <= '7')
		return parse_octal(text, out);
	for (;; text++) {
		int rc = parse_clause(&text, &change);

		if (rc)
			return rc;
		if (*text == '\0')
			break;
	}
	*out = change;
	return 0;
}

/* The bits of one class, for all three. */
static uint16_t spread(uint16_t mode, uint16_t copied)
{
	uint16_t bits = mode & copied;

	bits = copied == 0700 ? bits >> 6 : copied == 0070 ? bits >> 3 : bits;
	return (uint16_t)(bits | bits << 3 | bits << 6);
}

static uint16_t step_apply(const struct mode_step *step, uint16_t mode, bool directory)
{
	uint16_t bits = step->copied ? spread(mode, step->copied) : step->bits;
	/* '=' of somebody leaves the sticky bit, which "who" has for '+' and '-' alone */
	uint16_t cleared = step->who == ALL ? ALL : step->who & ~STICKY;

	if (step->conditional && (directory || (mode & EXECUTE)))
		bits |= EXECUTE;
	bits &= step->who;
	if (step->operator== '+')
		return mode | bits;
	if (step->operator== '-')
		return mode & (uint16_t)~bits;
	return (uint16_t)((mode & ~cleared) | bits);
}

uint16_t mode_change_apply(const struct mode_change *change, uint16_t mode, bool directory)
{
	for (size_t i = 0; i < change->count; i++)
		mode = step_apply(&change->steps[i], mode, directory);
	return mode;
}
