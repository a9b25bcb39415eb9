/* SPDX-License-Identifier: ISC */
#include <stdint.h>
#include <string.h>

#include "text.h"

/* One character of RFC 3629 section 4; its length, or 0 if it is none or a control character. */
static size_t
char_length(const unsigned char *p)
{
	static const struct {
		unsigned char first, last, low,
		    high; /* range of the first and of the second byte */
		size_t len;
	} rows[] = {
		{ 0x20, 0x7e, 0, 0, 1 },
		{ 0xc2, 0xc2, 0xa0, 0xbf, 2 }, /* without the C1 controls */
		{ 0xc3, 0xdf, 0x80, 0xbf, 2 },
		{ 0xe0, 0xe0, 0xa0, 0xbf, 3 },
		{ 0xe1, 0xec, 0x80, 0xbf, 3 },
		{ 0xed, 0xed, 0x80, 0x9f, 3 },
		{ 0xee, 0xef, 0x80, 0xbf, 3 },
		{ 0xf0, 0xf0, 0x90, 0xbf, 4 },
		{ 0xf1, 0xf3, 0x80, 0xbf, 4 },
		{ 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};
	size_t i, k;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (p[0] >= rows[i].first && p[0] <= rows[i].last)
			break;
	if (i == sizeof(rows) / sizeof(rows[0]))
		return 0;
	if (rows[i].len > 1 && (p[1] < rows[i].low || p[1] > rows[i].high))
		return 0;
	for (k = 2; k < rows[i].len; k++)
		if (p[k] < 0x80 || p[k] > 0xbf)
			return 0;
	return rows[i].len;
}

bool
text_valid(const char *text, size_t max)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t len;

	if (strlen(text) > max)
		return false;
	while (*p != '\0') {
		if ((len = char_length(p)) == 0)
			return false;
		p += len;
	}
	return true;
}
