/* SPDX-License-Identifier: ISC */
/* advice.h - what a token is good for, said to the person who just made it */
#ifndef ADVICE_H
#define ADVICE_H

#include <stdbool.h>
#include <stdio.h>

#include "tokgate.h"

/* What it may do, when it dies, how to use it at each of its doors. */
void advice_token(const struct tg_token *token, int64_t now, FILE *out);

/* Does this scope allow every action that is not reserved? */
bool advice_any_action(const char *scope);

/* Scopes to learn from. */
void advice_scopes(FILE *out);

#endif
