/* SPDX-License-Identifier: ISC */
/*
 * scope.h - SERVICE[:ACTION[:RESOURCE]], what a token may do.  Pure.
 *
 * A missing part means "*".  "*" as an action never covers a reserved action
 * ("proxy"), which must be named.  A resource is a name, a prefix ending in
 * "*", or "*": crates.io's pattern rule.
 */
#ifndef SCOPE_H
#define SCOPE_H

#include "tokgate.h"

/* A part of the scope's text. */
struct span {
	const char *text;
	size_t len;
};

struct scope {
	struct span service, action, resource;
};

/* What a door asks for. */
struct scope_ask {
	const char *service;  /* a name */
	const char *action;   /* a name; NULL: any */
	const char *resource; /* a name; "*": the whole service; NULL: deferred, any */
};

/* How far a list of scopes goes towards an ask: each step includes those before. */
enum scope_reach { SCOPE_NOTHING, SCOPE_SERVICE, SCOPE_ACTION, SCOPE_RESOURCE };

/* *why becomes a static text on false, unless why is NULL. */
bool scope_parse(const char *text, struct scope *out, const char **why);

/* Is this a service or action name ("*" is none)? */
bool scope_word_valid(const char *word);

/* Is this the name of a resource that a door may ask for ("*" is none)? */
bool scope_name_valid(const char *name);

enum scope_reach scope_reach(const struct scope *scope, const struct scope_ask *ask);

/* What both allow, as text; false if nothing. */
bool scope_intersect(const struct scope *a, const struct scope *b,
    char out[static TG_SCOPE_MAX + 1]);

/* Does `outer` allow all that `inner` allows? */
bool scope_within(const struct scope *inner, const struct scope *outer);

#endif
