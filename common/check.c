/* SPDX-License-Identifier: ISC */
/*
 * check.c - one login on the store, from the text of a password to the audit line
 *
 *	check_store  shape and form on the text alone, then
 *	  prove      the secret against its record, an unknown id like a wrong one
 *	  judge      policy_decide() on record, owner, last use and request
 *	  consume    one use of a limited-use token, committed before the yes
 *	  record     the use or the refusal, best effort
 *	  audit      one line, always
 */
#include <string.h>
#include <syslog.h>

#include "audit.h"
#include "check.h"
#include "explain.h"
#include "policy.h"
#include "ticket.h"
#include "token.h"

/* One question on its way. */
struct check {
	struct tg *tg;
	const struct tg_request *req;
	const struct check_peer *peer;
	const struct tg_patience *patience;
	bool later;
	struct policy_ask ask;
	struct cidr_addr source;
	struct token token;
	struct record record;
	struct handle_use use;
	struct tg_grant *out;
};

static enum tg_status
make_ask(struct check *c)
{
	const struct tg_request *req = c->req;

	c->ask.scope.service = req->service;
	c->ask.scope.action = req->action != NULL ? req->action : req->gate ? NULL : "login";
	c->ask.scope.resource = req->gate ? NULL : req->resource != NULL ? req->resource : "*";
	c->ask.login = req->login != NULL ? req->login : "";
	c->ask.source = cidr_addr_parse(req->source, &c->source) ? &c->source : NULL;
	if (req->service == NULL || !scope_word_valid(req->service))
		return detail_set(&c->tg->detail, TG_INVALID, "the request names no valid service");
	if (c->ask.scope.action != NULL && !scope_word_valid(c->ask.scope.action))
		return detail_set(&c->tg->detail, TG_INVALID, "the request names no valid action");
	return TG_OK;
}

/* Is this the secret of a token in the store?  The same work for an unknown id. */
static enum tg_status
prove(struct check *c)
{
	uint8_t hash[CRYPT_HASH_LEN];
	enum tg_status found;
	bool equal;

	if (strcmp(c->token.prefix, store_meta(c->use.store)->prefix) != 0)
		return TG_MALFORMED;
	crypt_hash(c->token.secret, hash);
	found = handle_record(c->tg, c->use.store, c->token.id, &c->record);
	equal = crypt_equal(hash, c->record.hash, sizeof(hash));
	explicit_bzero(hash, sizeof(hash));
	explicit_bzero(c->record.hash, sizeof(c->record.hash));
	if (found != TG_OK && found != TG_NO_MATCH)
		return found;
	return found == TG_OK && equal ? TG_OK : TG_NO_MATCH;
}

/* The verdict on a proven token, in the transaction that is open. */
static enum tg_status
judge(struct check *c, struct store *store)
{
	struct tg_owner owner;
	struct policy_facts facts = { .token = &c->record.token, .now = c->tg->at };
	enum tg_status r;

	facts.last_used_at = handle_state(store, &c->record, c->tg->at);
	r = handle_owner(c->tg, store, c->record.token.owner, &owner);
	if (r != TG_OK && r != TG_NO_MATCH)
		return r;
	facts.owner = r == TG_OK ? &owner : NULL;
	return policy_decide(&facts, &c->ask, c->out);
}

/* Within a change: judge what the record says now, then take one use. */
static enum tg_status
consume_apply(void *arg, struct store *store, struct detail *detail)
{
	struct check *c = arg;
	uint8_t bytes[RECORD_MAX];
	enum tg_status r;
	size_t len;

	if ((r = handle_record(c->tg, store, c->token.id, &c->record)) != TG_OK ||
	    (r = judge(c, store)) != TG_OK)
		return r;
	if (c->patience->wanted != NULL && !c->patience->wanted(c->patience->arg))
		return detail_set(detail, TG_UNAVAILABLE, "nobody waits for the answer any more");
	if (c->record.token.uses_left != TG_USES_UNLIMITED)
		c->record.token.uses_left--;
	c->record.marked_at = c->tg->at;
	if ((len = record_encode(&c->record, bytes)) == 0)
		return detail_set(detail, TG_UNAVAILABLE, "the record does not fit");
	r = store_put(store, STORE_TOKENS, c->token.id, TG_ID_LEN, bytes, len, detail);
	explicit_bzero(bytes, len);
	explicit_bzero(c->record.hash, sizeof(c->record.hash));
	return r;
}

/* A store that was opened for reading alone is closed and opened for writing. */
static enum tg_status
consume(struct check *c)
{
	enum tg_status r = TG_OK;
	int usual_ms;

	if (c->patience == NULL) {
		c->later = true;
		return TG_UNAVAILABLE;
	}
	if (c->use.store != c->tg->held) {
		handle_leave(c->tg, &c->use);
		r = handle_enter(c->tg, true, c->patience->most_ms, &c->use);
	}
	if (r != TG_OK)
		return r;
	/* A held store has the patience of who changes it. */
	usual_ms = store_patience(c->use.store, c->patience->most_ms);
	r = store_update(c->use.store, consume_apply, c, &c->tg->detail);
	store_patience(c->use.store, usual_ms);
	return r;
}

static void
write_ticket(struct check *c)
{
	struct ticket ticket = { .at = c->tg->at, .source_known = c->ask.source != NULL };

	memcpy(ticket.id, c->token.id, sizeof(ticket.id));
	ticket.source = c->source;
	/* Both fit: policy_decide() compared the login with names, make_ask() checked the service. */
	strncpy(ticket.login, c->ask.login, TG_OWNER_MAX);
	strncpy(ticket.service, c->ask.scope.service, TG_WORD_MAX);
	ticket_format(&ticket, store_meta(c->use.store)->ticket_key, c->out->ticket);
}

static void
record_use(struct check *c, enum tg_status verdict)
{
	const struct tg_token *t = &c->record.token;
	const struct tg_use *last = verdict == TG_OK ? &t->last_used : &t->last_refused;
	struct tg_use use = { .at = c->tg->at, .why = verdict };

	use.count = last->count == UINT32_MAX ? UINT32_MAX : last->count + 1;
	strncpy(use.service, c->ask.scope.service, TG_WORD_MAX);
	if (c->ask.source != NULL)
		cidr_addr_format(c->ask.source, use.source);
	usage_write(store_usage(c->use.store), c->record.slot, t->id,
	    verdict == TG_OK ? USAGE_USED : USAGE_REFUSED, &use);
}

static void
describe(struct check *c, enum tg_status verdict)
{
	const struct tg_token *t = &c->record.token;

	memcpy(c->out->id, t->id, sizeof(c->out->id));
	memcpy(c->out->owner, t->owner, sizeof(c->out->owner));
	c->out->expires_at = t->expires_at;
	explain_verdict(verdict, store_meta(c->use.store)->prefix, t, &c->ask, c->out->text);
}

/* Forget a yes that did not hold. */
static void
withdraw(struct tg_grant *grant)
{
	grant->nscopes = 0;
	memset(grant->scopes, 0, sizeof(grant->scopes));
	memset(grant->identity, 0, sizeof(grant->identity));
}

static enum tg_status
check_in_store(struct check *c)
{
	enum tg_status verdict;

	if ((verdict = store_begin(c->use.store, &c->tg->detail)) != TG_OK)
		return verdict;
	if ((verdict = prove(c)) == TG_OK)
		verdict = judge(c, c->use.store);
	store_end(c->use.store);
	if (verdict == TG_OK && !c->req->dry_run && c->record.token.uses_left != TG_USES_UNLIMITED)
		verdict = consume(c);
	if (verdict != TG_OK)
		withdraw(c->out);
	if (verdict != TG_OK && verdict < TG_REVOKED)
		return verdict; /* not proven, or not answered */
	describe(c, verdict);
	if (verdict == TG_OK)
		write_ticket(c);
	if (!c->req->dry_run)
		record_use(c, verdict);
	return verdict;
}

static enum tg_status
check(struct check *c, const char *password, size_t len)
{
	enum tg_status r;

	if (!token_shaped(password, len))
		return TG_NOT_A_TOKEN;
	if (!token_parse(password, len, &c->token))
		return TG_MALFORMED;
	if (c->tg == NULL)
		return TG_UNAVAILABLE;
	if ((r = handle_start(c->tg)) != TG_OK || (r = make_ask(c)) != TG_OK)
		return r;
	if ((r = handle_enter(c->tg, false, HANDLE_CHECK_MS, &c->use)) == TG_OK)
		r = check_in_store(c);
	handle_leave(c->tg, &c->use);
	return r;
}

void
check_audit(struct tg *tg, enum tg_status verdict, const char *id, const char *owner,
    const struct tg_request *req, const struct check_peer *peer)
{
	const struct audit_facts facts = {
		.verdict = verdict,
		.id = id,
		.owner = owner,
		.login = req->login != NULL && req->login[0] != '\0' ? req->login : TG_DROP_IN,
		.service = req->service,
		.action = req->action != NULL || req->gate ? req->action : "login",
		.resource = req->resource != NULL ? req->resource : "*",
		.source = req->source,
		.uid = peer->uid,
		.claimed = !peer->trusted,
		.gate = req->gate,
	};
	char line[AUDIT_MAX + 1];

	audit_format(&facts, line);
	if (tg != NULL && tg->log != NULL)
		tg->log(tg->log_arg, line);
	else
		syslog(LOG_AUTHPRIV | (verdict == TG_OK ? LOG_INFO : LOG_NOTICE), "%s", line);
}

enum tg_status
check_store(struct tg *tg, const char *password, size_t len, const struct tg_request *req,
    const struct check_peer *peer, const struct tg_patience *patience, bool *later,
    struct tg_grant *out)
{
	struct check c = { .tg = tg, .req = req, .peer = peer, .patience = patience, .out = out };
	enum tg_status verdict;

	memset(out, 0, sizeof(*out));
	verdict = check(&c, password, len);
	if (!c.later)
		check_audit(tg, verdict, c.token.id, out->owner, req, peer);
	*later = c.later;
	explicit_bzero(&c.token, sizeof(c.token));
	return verdict;
}

/* ---- asking again ---- */

static enum tg_status
ask_in_store(struct check *c, const char *text)
{
	struct ticket ticket;
	enum tg_status r;

	if ((r = store_begin(c->use.store, &c->tg->detail)) != TG_OK)
		return r;
	r = TG_NO_MATCH;
	if (!ticket_parse(text, store_meta(c->use.store)->ticket_key, &ticket))
		goto out;
	memcpy(c->token.id, ticket.id, sizeof(c->token.id));
	c->source = ticket.source;
	c->ask = (struct policy_ask) { .scope.service = ticket.service,
		.login = ticket.login,
		.source = ticket.source_known ? &c->source : NULL,
		.staying = true };
	if ((r = handle_record(c->tg, c->use.store, ticket.id, &c->record)) != TG_OK)
		goto out;
	explicit_bzero(c->record.hash, sizeof(c->record.hash));
	if ((r = judge(c, c->use.store)) < 0)
		goto out;
	describe(c, r);
	if (r == TG_OK)
		memcpy(c->out->ticket, text, strlen(text) + 1);
out:
	store_end(c->use.store);
	return r;
}

enum tg_status
check_ticket(struct tg *tg, const char *ticket, struct tg_grant *out)
{
	struct check c = { .tg = tg, .out = out };
	enum tg_status r;

	memset(out, 0, sizeof(*out));
	if ((r = handle_start(tg)) != TG_OK)
		return r;
	if ((r = handle_enter(tg, false, HANDLE_CHECK_MS, &c.use)) == TG_OK)
		r = ask_in_store(&c, ticket);
	handle_leave(tg, &c.use);
	return r;
}
