/* SPDX-License-Identifier: ISC */
/* json.h - JSON objects, one a line; the only room that knows the JSON library */
#ifndef JSON_H
#define JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tokgate.h"

/* An object in the making.  Memory that it held is wiped when freed. */
struct json;

/* NULL for lack of memory; the setters accept that, and json_end() reports it. */
struct json *json_new(void);

/* "" and NULL become null. */
void json_text(struct json *json, const char *key, const char *text);

/* RFC 3339; 0 becomes null. */
void json_when(struct json *json, const char *key, int64_t at);

void json_number(struct json *json, const char *key, uint64_t number);
void json_none(struct json *json, const char *key);
void json_flag(struct json *json, const char *key, bool value);

/* An array of `n` strings that lie `stride` bytes apart. */
void json_texts(struct json *json, const char *key, size_t n, const char *first, size_t stride);

/* The object that stands for a token in every command's output. */
struct json *json_token(const struct tg_token *token);

/*
 * End an object: its text with a newline, or NULL if it could not be made.
 * Frees *json and nulls it.  Give the text to json_free().
 */
char *json_end(struct json **json);

/* Wipe, free, null. */
void json_free(char **text);

/* End an object and print it on stdout; CLI_DONE, or CLI_COULD_NOT after a message. */
int json_print(struct json **json);

#endif
