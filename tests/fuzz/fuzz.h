/* SPDX-License-Identifier: ISC */
/*
 * fuzz.h - what every harness includes
 *
 * A harness fuzz_NAME.c defines LLVMFuzzerTestOneInput(); its seeds are in
 * corpus/NAME/.  The Makefile finds both: `make fuzz` links it with libFuzzer,
 * `make sanitize` with replay.c.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What must hold for every input. */
#define MUST(condition) \
	do { \
		if (!(condition)) { \
			fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition); \
			abort(); \
		} \
	} while (0)

/*
 * Take a line off the input, without its newline, as a string in memory of
 * exactly its size, so that the sanitizer sees any step beyond.  It ends at
 * its first NUL.  "" when the input is over.  Free it.
 */
static inline char *
fuzz_line(const uint8_t **data, size_t *size)
{
	const uint8_t *newline = *size > 0 ? memchr(*data, '\n', *size) : NULL;
	size_t len = newline != NULL ? (size_t)(newline - *data) : *size;
	size_t used = newline != NULL ? len + 1 : len;
	char *line;

	len = len > 0 ? strnlen((const char *)*data, len) : 0;
	MUST((line = malloc(len + 1)) != NULL);
	if (len > 0)
		memcpy(line, *data, len);
	line[len] = '\0';
	*data += used;
	*size -= used;
	return line;
}

#endif
