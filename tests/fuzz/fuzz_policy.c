/* SPDX-License-Identifier: ISC */
/*
 * Input, one a line:
 *	created_at not_before expires_at revoked_at idle_s uses_left last_used_at now
 *	words: staying, ownerless, suspended, ceiling
 *	owner; scopes; logins; sources; scopes of the ceiling
 *	asked: service; action; resource; login; source
 */
#include <inttypes.h>

#include "fuzz.h"
#include "policy.h"

enum {
	NUMBERS,
	WORDS,
	OWNER,
	SCOPES,
	LOGINS,
	SOURCES,
	CEILING,
	SERVICE,
	ACTION,
	RESOURCE,
	LOGIN,
	SOURCE,
	NLINES
};

struct world {
	struct tg_token token;
	struct tg_owner owner;
	struct policy_facts facts;
	struct policy_ask ask;
	struct cidr_addr source;
};

static size_t
split(const char *words, size_t size, size_t max, char *out)
{
	size_t n = 0, len;

	for (words += strspn(words, " "); *words != '\0' && n < max; words += strspn(words, " ")) {
		len = strcspn(words, " ");
		snprintf(out + n++ * size, size, "%.*s", (int)len, words);
		words += len;
	}
	return n;
}

/* As record_decode() would let them through. */
static bool
read_numbers(const char *text, struct tg_token *t, struct policy_facts *facts)
{
	int64_t number[8] = { 0 };
	int i, used;

	for (i = 0; i < 8 && sscanf(text, "%20" SCNd64 "%n", &number[i], &used) == 1; i++)
		text += used;
	t->created_at = number[0];
	t->not_before = number[1];
	t->expires_at = number[2];
	t->revoked_at = number[3];
	t->idle_s = (uint32_t)number[4];
	t->uses_left = (uint32_t)number[5];
	facts->last_used_at = number[6];
	facts->now = number[7];
	return t->created_at > 0 && t->not_before >= 0 && t->expires_at >= 0 &&
	    t->revoked_at >= 0 && facts->last_used_at >= 0;
}

static void
read_scopes(char *lines[static NLINES], struct world *w)
{
	struct tg_token *t = &w->token;

	snprintf(t->owner, sizeof(t->owner), "%s", lines[OWNER]);
	t->nscopes = split(lines[SCOPES], sizeof(t->scopes[0]), TG_SCOPES_MAX, t->scopes[0]);
	t->nlogins = split(lines[LOGINS], sizeof(t->logins[0]), TG_LOGINS_MAX, t->logins[0]);
	t->nsources = split(lines[SOURCES], sizeof(t->sources[0]), TG_SOURCES_MAX, t->sources[0]);
	w->owner.has_ceiling = strstr(lines[WORDS], "ceiling") != NULL;
	w->owner.suspended = strstr(lines[WORDS], "suspended") != NULL;
	if (w->owner.has_ceiling)
		w->owner.nscopes = split(lines[CEILING], sizeof(w->owner.scopes[0]), TG_SCOPES_MAX,
		    w->owner.scopes[0]);
}

/* False for what tg_check() does not let come so far. */
static bool
read_world(char *lines[static NLINES], struct world *w)
{
	memset(w, 0, sizeof(*w));
	read_scopes(lines, w);
	w->facts.token = &w->token;
	w->facts.owner = strstr(lines[WORDS], "ownerless") != NULL ? NULL : &w->owner;
	w->ask.scope = (struct scope_ask) { lines[SERVICE], *lines[ACTION] ? lines[ACTION] : NULL,
		*lines[RESOURCE] ? lines[RESOURCE] : NULL };
	w->ask.login = lines[LOGIN];
	w->ask.source = cidr_addr_parse(lines[SOURCE], &w->source) ? &w->source : NULL;
	w->ask.staying = strstr(lines[WORDS], "staying") != NULL;
	return read_numbers(lines[NUMBERS], &w->token, &w->facts) && w->token.owner[0] != '\0' &&
	    scope_word_valid(lines[SERVICE]) &&
	    (*lines[ACTION] == '\0' || scope_word_valid(lines[ACTION]));
}

/* ---- each reason by itself, the slow way ---- */

static bool
dead(const struct world *w, enum tg_status why)
{
	const struct tg_token *t = &w->token;
	int64_t now = w->facts.now;

	switch ((int)why) {
	case TG_REVOKED:
		return t->revoked_at > 0;
	case TG_EXPIRED:
		return t->expires_at > 0 && !(now < t->expires_at);
	case TG_NOT_YET_VALID:
		return now < t->not_before || now < t->created_at - 5 * 60;
	case TG_IDLE:
		return !w->ask.staying && t->idle_s > 0 && now >= w->facts.last_used_at &&
		    (uint64_t)now - (uint64_t)w->facts.last_used_at >= t->idle_s;
	case TG_USED_UP:
		return !w->ask.staying && t->uses_left == 0;
	default:
		return false;
	}
}

static bool
login_is_wrong(const struct world *w)
{
	const char *login = w->ask.login;
	size_t i;

	for (i = 0; i < w->token.nlogins; i++)
		if (strcmp(w->token.logins[i], login) == 0)
			return false;
	return strcmp(login, "") != 0 && strcmp(login, "__token__") != 0 &&
	    strcmp(login, w->token.owner) != 0;
}

static bool
source_is_wrong(const struct world *w)
{
	size_t i;

	for (i = 0; i < w->token.nsources && w->ask.source != NULL; i++)
		if (cidr_match(w->token.sources[i], w->ask.source))
			return false;
	return w->token.nsources > 0;
}

/* Does one of these scopes reach so far? */
static bool
reaches(const char scopes[][TG_SCOPE_MAX + 1], size_t n, const struct scope_ask *ask,
    enum scope_reach reach)
{
	struct scope scope;
	size_t i;

	for (i = 0; i < n; i++)
		if (scope_parse(scopes[i], &scope, NULL) && scope_reach(&scope, ask) >= reach)
			return true;
	return false;
}

/* Is there an ask of this kind that a scope of the token and one of the ceiling cover? */
static bool
below_ceiling(const struct world *w)
{
	char text[TG_SCOPE_MAX + 1];
	struct scope a, b, both;
	size_t i, k;

	for (i = 0; i < w->token.nscopes; i++)
		for (k = 0; k < w->owner.nscopes; k++)
			if (scope_parse(w->token.scopes[i], &a, NULL) &&
			    scope_parse(w->owner.scopes[k], &b, NULL) &&
			    scope_intersect(&a, &b, text) && scope_parse(text, &both, NULL) &&
			    scope_reach(&both, &w->ask.scope) == SCOPE_RESOURCE)
				return true;
	return !w->owner.has_ceiling;
}

static bool
applies(const struct world *w, enum tg_status why)
{
	const struct tg_token *t = &w->token;

	switch ((int)why) {
	case TG_OWNER_SUSPENDED:
		return w->facts.owner == NULL || w->owner.suspended;
	case TG_WRONG_LOGIN:
		return login_is_wrong(w);
	case TG_WRONG_SERVICE:
		return !reaches(t->scopes, t->nscopes, &w->ask.scope, SCOPE_SERVICE);
	case TG_WRONG_ACTION:
		return !reaches(t->scopes, t->nscopes, &w->ask.scope, SCOPE_ACTION);
	case TG_WRONG_RESOURCE:
		return !reaches(t->scopes, t->nscopes, &w->ask.scope, SCOPE_RESOURCE);
	case TG_BEYOND_CEILING:
		return !below_ceiling(w);
	case TG_WRONG_SOURCE:
		return source_is_wrong(w);
	default:
		return dead(w, why);
	}
}

/* ---- what must hold ---- */

static bool
within_one(const char *text, const char scopes[][TG_SCOPE_MAX + 1], size_t n)
{
	struct scope inner, outer;
	size_t i;

	MUST(scope_parse(text, &inner, NULL));
	for (i = 0; i < n; i++)
		if (scope_parse(scopes[i], &outer, NULL) && scope_within(&inner, &outer))
			return true;
	return false;
}

static void
must_be_granted(const struct world *w, const struct tg_grant *grant)
{
	size_t i;

	MUST(grant->nscopes > 0 && grant->nscopes <= TG_SCOPES_MAX);
	for (i = 0; i < grant->nscopes; i++) {
		MUST(reaches(&grant->scopes[i], 1, &w->ask.scope, SCOPE_RESOURCE));
		MUST(within_one(grant->scopes[i], w->token.scopes, w->token.nscopes));
		MUST(!w->owner.has_ceiling ||
		    within_one(grant->scopes[i], w->owner.scopes, w->owner.nscopes));
	}
	if (w->ask.login[0] == '\0' || strcmp(w->ask.login, "__token__") == 0)
		MUST(strcmp(grant->identity, w->token.owner) == 0);
	else
		MUST(strcmp(grant->identity, w->ask.login) == 0);
}

/* What a narrower token would be granted is granted to this one. */
static void
must_narrow(struct world *w)
{
	static struct tg_token to;
	const char *why;

	to = w->token;
	to.nscopes = w->owner.nscopes;
	memcpy(to.scopes, w->owner.scopes, sizeof(to.scopes));
	if (policy_narrows(&w->token, &to, &why))
		MUST(why == NULL &&
		    (!reaches(to.scopes, to.nscopes, &w->ask.scope, SCOPE_RESOURCE) ||
			reaches(w->token.scopes, w->token.nscopes, &w->ask.scope, SCOPE_RESOURCE)));
	else
		MUST(why != NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct tg_grant zero;
	static struct world w;
	static struct tg_grant grant;
	enum tg_status verdict;
	char *lines[NLINES];
	int why;
	size_t i;

	for (i = 0; i < NLINES; i++)
		lines[i] = fuzz_line(&data, &size);
	if (read_world(lines, &w)) {
		memset(&grant, 0, sizeof(grant));
		verdict = policy_decide(&w.facts, &w.ask, &grant);
		for (why = TG_REVOKED; why <= TG_WRONG_SOURCE && !applies(&w, (enum tg_status)why);)
			why++;
		MUST(verdict == (why <= TG_WRONG_SOURCE ? (enum tg_status)why : TG_OK));
		if (verdict == TG_OK)
			must_be_granted(&w, &grant);
		else
			MUST(memcmp(&grant, &zero, sizeof(zero)) == 0);
		must_narrow(&w);
	}
	for (i = 0; i < NLINES; i++)
		free(lines[i]);
	return 0;
}
