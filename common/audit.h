/* SPDX-License-Identifier: ISC */
/*
 * audit.h - the line that each check leaves in the system log
 *
 *	tokgate: verdict=V id=V owner=V login=V service=V action=V resource=V source=V uid=V
 *
 * Always these fields, once each, in this order, one blank between them, in
 * at most AUDIT_MAX bytes.  V is
 *
 *	-        unknown or empty
 *	(token)  login only: a token was typed in its place
 *	(gate)   resource only: deferred to what stands behind the door
 *	other    the value: [A-Za-z0-9*._@+:/-] as they are, any other byte as
 *	         %XX in upper-case hexadecimal; the value "-" is %2D.  (cut)
 *	         behind it means that it goes on but was too long for the line
 *
 * Before a login or source that a peer claims who is not trusted stands
 * (claimed), so that a filter for "source=192.0.2.1" does not see it.
 *
 * Parentheses in a value are encoded, so a bare one is always ours, and
 * nobody can write a blank or '=' to make a second field.  Values that the
 * core holds valid (tokgate.h) are never cut.
 */
#ifndef AUDIT_H
#define AUDIT_H

#include <sys/types.h>

#include "tokgate.h"

/* syslogd(8) of old cuts at 1024 bytes with its own header; this leaves room for that. */
enum { AUDIT_MAX = 900 };

/* What is known of a check; NULL or "" for what is not. */
struct audit_facts {
	enum tg_status verdict;
	const char *id;
	const char *owner;
	const char *login;
	const char *service;
	const char *action;
	const char *resource;
	const char *source;
	uid_t uid;    /* of the asking process; (uid_t)-1: unknown */
	bool gate;    /* the resource is deferred; `resource` is not looked at */
	bool claimed; /* login and source are the word of a peer that is not trusted */
};

void audit_format(const struct audit_facts *facts, char out[static AUDIT_MAX + 1]);

#endif
