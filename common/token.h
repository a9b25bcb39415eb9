/* SPDX-License-Identifier: ISC */
/* token.h - the text of a token: FORMAT.md section 1.  Pure; no store, no clock. */
#ifndef TOKEN_H
#define TOKEN_H

#include "tokgate.h"

/* A well-formed token, taken apart.  `secret` points into the caller's text. */
struct token {
	char prefix[TG_PREFIX_MAX + 1];
	char id[TG_ID_LEN + 1];
	const char *secret; /* TG_SECRET_LEN characters, no NUL */
};

/* Must this text never be shown to another password check? */
bool token_shaped(const char *text, size_t len);

/* Is this exactly one token, checksum and all?  Any prefix. */
bool token_parse(const char *text, size_t len, struct token *out);

/* The text of a token from its valid parts. */
void token_format(const char *prefix, const char id[static TG_ID_LEN],
    const char secret[static TG_SECRET_LEN], char out[static TG_TOKEN_MAX + 1]);

bool token_prefix_valid(const char *prefix);
bool token_id_valid(const char *id);

/* The 62 digits in order. */
extern const char token_digits[62 + 1];

#endif
