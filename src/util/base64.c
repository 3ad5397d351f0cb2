/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "util/base64.h"
#include "util/error.h"

static const char alphabet[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* The six bits of one character, or -1. */
static int sextet(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : -1;
}

/* One to three bytes become four characters. */
static void put_group(const uint8_t *in, size_t size, char *out)
{
	uint32_t bits = (uint32_t)in[0] << 16;

	if (size > 1)
		bits |= (uint32_t)in[1] << 8;
	if (size > 2)
		bits |= in[2];
	out[0] = alphabet[bits >> 18];
	out[1] = alphabet[bits >> 12 & 63];
	out[2] = size > 1 ? alphabet[bits >> 6 & 63] : '=';
	out[3] = size > 2 ? alphabet[bits & 63] : '=';
}

/* Four characters, the last `padding` of them '=', become three bytes less `padding`.
 * Left-over bits must be zero, so that each byte string has one spelling. */
static int get_group(const uint8_t *in, size_t padding, uint8_t *out)
{
	uint32_t bits = 0;

	for (size_t i = 0; i < 4; i++) {
		int six = i < 4 - padding ? sextet(in[i]) : 0;

		if (six < 0)
			return ERR_CORRUPT;
		bits = bits << 6 | (uint32_t)six;
	}
	if (bits & ((1u << (8 * padding)) - 1))
		return ERR_CORRUPT;
	out[0] = (uint8_t)(bits >> 16);
	if (padding < 2)
		out[1] = (uint8_t)(bits >> 8);
	if (padding < 1)
		out[2] = (uint8_t)bits;
	return 0;
}

void base64_write(struct span in, char *out)
{
	for (size_t i = 0; i < in.size; i += 3, out += 4)
		put_group(in.data + i, in.size - i < 3 ? in.size - i : 3, out);
}

int base64_encode(struct span in, struct bytes *out)
{
	int rc;

	if (in.size > PTRDIFF_MAX / 2)
		return ERR_NO_MEMORY;
	rc = bytes_reserve(out, BASE64_SIZE(in.size));
	if (rc)
		return rc;
	if (in.size)
		base64_write(in, (char *)out->data + out->size);
	out->size += BASE64_SIZE(in.size);
	return 0;
}

static size_t padding_of(struct span in)
{
	if (in.size == 0 || in.data[in.size - 1] != '=')
		return 0;
	return in.data[in.size - 2] == '=' ? 2 : 1;
}

int base64_decode(struct span in, struct bytes *out)
{
	size_t groups = in.size / 4, padding, start = out->size;
	int rc;

	if (in.size % 4)
		return ERR_CORRUPT;
	padding = padding_of(in);
	rc = bytes_reserve(out, groups * 3);
	for (size_t i = 0; i < groups && !rc; i++) {
		size_t pad = i + 1 == groups ? padding : 0;

		rc = get_group(in.data + 4 * i, pad, out->data + out->size);
		out->size += 3 - pad;
	}
	if (rc)
		out->size = start;
	return rc;
}
