/* SPDX-License-Identifier: ISC */
/* text.h - what may stand in names and reasons that people write */
#ifndef TEXT_H
#define TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* UTF-8 (RFC 3629) of at most `max` bytes without control characters, so that no terminal obeys it. */
bool text_valid(const char *text, size_t max);

#endif
