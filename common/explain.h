/* SPDX-License-Identifier: ISC */
/* explain.h - what the holder of a proven token may be told.  Pure. */
#ifndef EXPLAIN_H
#define EXPLAIN_H

#include "policy.h"

/*
 * One line: "token tkg_7Hq2mX9aBc expired 2026-11-01T00:00:00Z".  Of a scope
 * that is lacking, what was asked and what the token has.  "" for a verdict
 * that is no refusal after proof.
 */
void explain_verdict(enum tg_status verdict, const char *prefix, const struct tg_token *token,
    const struct policy_ask *ask, char out[static TG_TEXT_MAX + 1]);

#endif
