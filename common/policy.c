/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <string.h>

#include "policy.h"

enum { CLOCK_SLACK_S = 300 };

enum tg_status
policy_state(const struct tg_token *token, int64_t last_used_at, int64_t now)
{
	if (token->revoked_at != 0)
		return TG_REVOKED;
	if (token->expires_at != 0 && now >= token->expires_at)
		return TG_EXPIRED;
	if (now < token->not_before || now < token->created_at - CLOCK_SLACK_S)
		return TG_NOT_YET_VALID;
	if (token->idle_s != 0 && now - last_used_at >= token->idle_s)
		return TG_IDLE;
	if (token->uses_left == 0)
		return TG_USED_UP;
	return TG_OK;
}

/* As policy_state(), for a session that goes on. */
static enum tg_status
staying_state(const struct tg_token *token, int64_t now)
{
	enum tg_status state = policy_state(token, now, now);

	return state == TG_USED_UP ? TG_OK : state;
}

static bool
is_drop_in(const char *login)
{
	return login[0] == '\0' || strcmp(login, TG_DROP_IN) == 0;
}

static bool
login_allowed(const struct tg_token *token, const char *login)
{
	size_t i;

	if (is_drop_in(login) || strcmp(login, token->owner) == 0)
		return true;
	for (i = 0; i < token->nlogins; i++)
		if (strcmp(login, token->logins[i]) == 0)
			return true;
	return false;
}

static bool
source_allowed(const struct tg_token *token, const struct cidr_addr *source)
{
	size_t i;

	if (token->nsources == 0)
		return true;
	for (i = 0; source != NULL && i < token->nsources; i++)
		if (cidr_match(token->sources[i], source))
			return true;
	return false;
}

/* A stored scope that does not parse grants nothing. */
static enum scope_reach
reach_of(const char *text, const struct scope_ask *ask)
{
	struct scope scope;

	return scope_parse(text, &scope, NULL) ? scope_reach(&scope, ask) : SCOPE_NOTHING;
}

static enum tg_status
scopes_verdict(const struct tg_token *token, const struct scope_ask *ask)
{
	static const enum tg_status verdict[] = {
		[SCOPE_NOTHING] = TG_WRONG_SERVICE,
		[SCOPE_SERVICE] = TG_WRONG_ACTION,
		[SCOPE_ACTION] = TG_WRONG_RESOURCE,
		[SCOPE_RESOURCE] = TG_OK,
	};
	enum scope_reach best = SCOPE_NOTHING, reach;
	size_t i;

	for (i = 0; i < token->nscopes; i++)
		if ((reach = reach_of(token->scopes[i], ask)) > best)
			best = reach;
	return verdict[best];
}

/* Add a scope to those granted, if it reaches the ask and is not there yet. */
static void
grant_scope(struct tg_grant *grant, const char *text, const struct scope_ask *ask)
{
	size_t i;

	if (reach_of(text, ask) != SCOPE_RESOURCE || grant->nscopes == TG_SCOPES_MAX)
		return;
	for (i = 0; i < grant->nscopes; i++)
		if (strcmp(grant->scopes[i], text) == 0)
			return;
	memcpy(grant->scopes[grant->nscopes++], text, strlen(text) + 1);
}

/* Add what a token's scope and the ceiling have in common, pair by pair. */
static void
grant_below_ceiling(struct tg_grant *grant, const char *text, const struct tg_owner *owner,
    const struct scope_ask *ask)
{
	char both[TG_SCOPE_MAX + 1];
	struct scope scope, ceiling;
	size_t i;

	if (!scope_parse(text, &scope, NULL))
		return;
	for (i = 0; i < owner->nscopes; i++)
		if (scope_parse(owner->scopes[i], &ceiling, NULL) &&
		    scope_intersect(&scope, &ceiling, both))
			grant_scope(grant, both, ask);
}

enum tg_status
policy_decide(const struct policy_facts *facts, const struct policy_ask *ask,
    struct tg_grant *grant)
{
	const struct tg_token *token = facts->token;
	enum tg_status verdict;
	size_t i;

	verdict = ask->staying ? staying_state(token, facts->now) :
				 policy_state(token, facts->last_used_at, facts->now);
	if (verdict != TG_OK)
		return verdict;
	if (facts->owner == NULL || facts->owner->suspended)
		return TG_OWNER_SUSPENDED;
	if (!login_allowed(token, ask->login))
		return TG_WRONG_LOGIN;
	if ((verdict = scopes_verdict(token, &ask->scope)) != TG_OK)
		return verdict;
	grant->nscopes = 0;
	for (i = 0; i < token->nscopes; i++)
		if (facts->owner->has_ceiling)
			grant_below_ceiling(grant, token->scopes[i], facts->owner, &ask->scope);
		else
			grant_scope(grant, token->scopes[i], &ask->scope);
	if (grant->nscopes == 0)
		return TG_BEYOND_CEILING;
	if (!source_allowed(token, ask->source)) {
		grant->nscopes = 0;
		memset(grant->scopes, 0, sizeof(grant->scopes));
		return TG_WRONG_SOURCE;
	}
	snprintf(grant->identity, sizeof(grant->identity), "%s",
	    is_drop_in(ask->login) ? token->owner : ask->login);
	return TG_OK;
}

static bool
scope_in_any(const char *text, const struct tg_token *from)
{
	struct scope inner, outer;
	size_t i;

	for (i = 0; i < from->nscopes; i++)
		if (scope_parse(text, &inner, NULL) && scope_parse(from->scopes[i], &outer, NULL) &&
		    scope_within(&inner, &outer))
			return true;
	return false;
}

static bool
source_in_any(const char *text, const struct tg_token *from)
{
	size_t i;

	for (i = 0; i < from->nsources; i++)
		if (cidr_within(text, from->sources[i]))
			return true;
	return from->nsources == 0;
}

bool
policy_narrows(const struct tg_token *from, const struct tg_token *to, const char **why)
{
	size_t i;

	*why = "a scope is wider than before";
	for (i = 0; i < to->nscopes; i++)
		if (!scope_in_any(to->scopes[i], from))
			return false;
	*why = "a source is wider than before";
	if (to->nsources == 0 && from->nsources > 0)
		return false;
	for (i = 0; i < to->nsources; i++)
		if (!source_in_any(to->sources[i], from))
			return false;
	*why = "the expiry is later than before";
	if (from->expires_at != 0 && (to->expires_at == 0 || to->expires_at > from->expires_at))
		return false;
	*why = NULL;
	return true;
}
