/* SPDX-License-Identifier: ISC */
/*
 * policy.h - facts in, verdict out
 *
 * All that decides about a proven token stands here, without clock, store or
 * system call.  DESIGN: start from no; the first reason that applies is the
 * verdict; one line says yes.
 */
#ifndef POLICY_H
#define POLICY_H

#include "cidr.h"
#include "scope.h"
#include "tokgate.h"

/* What a door wants to know. */
struct policy_ask {
	struct scope_ask scope;
	const char *login;              /* "": the drop-in login */
	const struct cidr_addr *source; /* NULL: unknown */
	bool staying;                   /* asked again by ticket: uses and idle time do not count */
};

struct policy_facts {
	const struct tg_token *token;
	const struct tg_owner *owner; /* NULL: there is no record, which is a no */
	int64_t last_used_at;         /* last use, or the last durable sign of one */
	int64_t now;
};

/* The token's own state, whoever asks: TG_OK or TG_REVOKED .. TG_USED_UP. */
enum tg_status policy_state(const struct tg_token *token, int64_t last_used_at, int64_t now);

/*
 * The verdict.  `grant` comes zeroed; on TG_OK it has identity and the scopes
 * that apply here, else it is as it came.
 */
enum tg_status policy_decide(const struct policy_facts *facts, const struct policy_ask *ask,
    struct tg_grant *grant);

/* Is every scope of `to` within one of `from`, and likewise for sources and expiry? */
bool policy_narrows(const struct tg_token *from, const struct tg_token *to, const char **why);

#endif
