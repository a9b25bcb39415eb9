/* SPDX-License-Identifier: ISC */
/* explain.h - what a token is good for, said to the person who just made it */
#ifndef EXPLAIN_H
#define EXPLAIN_H

#include <stdbool.h>
#include <stdio.h>

#include "tokgate.h"

/* What it may do, when it dies, how to use it at each of its doors. */
void explain_token(const struct tg_token *token, int64_t now, FILE *out);

/* Does this scope allow every action that is not reserved? */
bool explain_any_action(const char *scope);

/* Scopes to learn from. */
void explain_scopes(FILE *out);

#endif
