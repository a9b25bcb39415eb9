/* SPDX-License-Identifier: ISC */
/*
 * ask.c - who answers a check: the daemon, or this process from the store
 *
 * The daemon is asked first and what it says is final.  Where none listens or
 * answers in time, root goes to the store itself; to everybody else the answer
 * is "unavailable".  A store that the caller named is opened directly.
 */
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "remote.h"
#include "scope.h"
#include "token.h"

static bool
asks_daemon(const struct tg *tg)
{
	return tg != NULL && tg->opened == TG_OK && !tg->named_store && tg->held == NULL;
}

/* Cut to what the field holds: a longer text is longer than any that can match. */
static void
put(char *out, size_t size, const char *text)
{
	size_t len = text != NULL ? strnlen(text, size - 1) : 0;

	if (len > 0)
		memcpy(out, text, len);
	out[len] = '\0';
}

/*
 * False where the answer needs no store: the text or the request is not fit.
 * The id is for the audit line.
 */
static bool
make_question(const char *password, size_t len, const struct tg_request *req,
    struct wire_question *q, char id[static TG_ID_LEN + 1])
{
	const char *action = req->action != NULL || req->gate ? req->action : "login";
	struct token token;

	memset(q, 0, sizeof(*q));
	if (!token_parse(password, len, &token) || req->service == NULL ||
	    !scope_word_valid(req->service) || (action != NULL && !scope_word_valid(action)))
		return false;
	memcpy(id, token.id, sizeof(token.id));
	q->kind = WIRE_CHECK;
	q->dry_run = req->dry_run;
	q->gate = req->gate;
	memcpy(q->token, password, len);
	put(q->service, sizeof(q->service), req->service);
	put(q->action, sizeof(q->action), action);
	if (!req->gate)
		put(q->resource, sizeof(q->resource), req->resource != NULL ? req->resource : "*");
	put(q->login, sizeof(q->login), req->login);
	put(q->source, sizeof(q->source), req->source);
	return true;
}

/*
 * Put a question to the daemon.  True: *status and *out are the answer, or
 * nobody may answer.  False: the caller goes to the store itself.
 */
static bool
ask_daemon(struct tg *tg, const struct wire_question *q, enum tg_status *status, bool *answered,
    struct tg_grant *out)
{
	struct wire_answer answer;
	enum remote_result result;

	result = remote_ask(tg->conf.socket, tg->conf.uid, q, &answer, &tg->detail);
	*answered = result == REMOTE_ANSWERED;
	if (*answered) {
		*status = answer.status;
		*out = answer.grant;
		if (answer.status < 0)
			detail_set(&tg->detail, answer.status,
			    "tokgated could not answer: see its log");
		else
			tg->detail.text[0] = '\0';
		explicit_bzero(&answer, sizeof(answer));
		return true;
	}
	if (geteuid() == 0)
		return false;
	if (result == REMOTE_ABSENT)
		detail_set(&tg->detail, TG_UNAVAILABLE, "no tokgated listens at '%s'",
		    tg->conf.socket);
	*status = TG_UNAVAILABLE;
	return true;
}

enum tg_status
tg_check(struct tg *tg, const char *password, size_t len, const struct tg_request *req,
    struct tg_grant *out)
{
	static const struct tg_patience patience = { .most_ms = HANDLE_CHECK_MS };
	const struct check_peer self = { .uid = geteuid(), .trusted = true };
	enum tg_status verdict = TG_UNAVAILABLE;
	bool answered, later, settled = false;
	char id[TG_ID_LEN + 1];
	struct wire_question q;

	memset(out, 0, sizeof(*out));
	if (tg != NULL && tg->opened == TG_OK)
		tg->detail.text[0] = '\0';
	if (asks_daemon(tg) && make_question(password, len, req, &q, id)) {
		settled = ask_daemon(tg, &q, &verdict, &answered, out);
		explicit_bzero(&q, sizeof(q));
		if (settled && !answered)
			check_audit(tg, verdict, id, "", req, &self);
	}
	return settled ? verdict :
			 check_store(tg, password, len, req, &self, &patience, &later, out);
}

enum tg_status
tg_ask(struct tg *tg, const char *ticket, struct tg_grant *out)
{
	struct wire_question q = { .kind = WIRE_ASK };
	enum tg_status status;
	bool answered;

	memset(out, 0, sizeof(*out));
	if (!asks_daemon(tg))
		return check_ticket(tg, ticket, out);
	put(q.ticket, sizeof(q.ticket), ticket);
	if (!ask_daemon(tg, &q, &status, &answered, out))
		status = check_ticket(tg, ticket, out);
	explicit_bzero(&q, sizeof(q));
	return status;
}

enum tg_status
handle_confirm(struct tg *tg, const struct store_meta *meta)
{
	const struct wire_question q = { .kind = WIRE_ASK };
	struct wire_answer answer;
	enum tg_status r = TG_UNAVAILABLE;

	if (tg->named_store)
		return TG_OK;
	switch (remote_ask(tg->conf.socket, tg->conf.uid, &q, &answer, &tg->detail)) {
	case REMOTE_ABSENT:
		return TG_OK;
	case REMOTE_SILENT:
		return TG_UNAVAILABLE;
	case REMOTE_ANSWERED:
		if (memcmp(answer.store_id, meta->id, sizeof(answer.store_id)) != 0)
			detail_set(&tg->detail, r,
			    "done in the store, but tokgated answers from another one");
		else if (answer.serial < meta->serial)
			detail_set(&tg->detail, r,
			    "done in the store, but tokgated does not see it");
		else
			r = TG_OK;
		break;
	}
	explicit_bzero(&answer, sizeof(answer));
	return r;
}

/* What the store says of itself; false if it cannot be read. */
static bool
read_meta(struct tg *tg, struct store_meta *out)
{
	struct handle_use use;
	bool ok = handle_enter(tg, false, HANDLE_CHECK_MS, &use) == TG_OK &&
	    store_begin(use.store, &tg->detail) == TG_OK;

	if (ok) {
		*out = *store_meta(use.store);
		store_end(use.store);
	}
	handle_leave(tg, &use);
	return ok;
}

enum tg_status
tg_daemon(struct tg *tg, struct tg_daemon *out)
{
	const struct wire_question q = { .kind = WIRE_ASK };
	struct store_meta meta = { .serial = 0 };
	struct wire_answer answer;
	enum tg_status r = TG_UNAVAILABLE;
	bool known;

	memset(out, 0, sizeof(*out));
	if (tg->opened != TG_OK)
		return tg->opened;
	out->path = tg->conf.socket;
	known = read_meta(tg, &meta); /* first: what changes from now on is no matter */
	switch (remote_ask(tg->conf.socket, tg->conf.uid, &q, &answer, &tg->detail)) {
	case REMOTE_ABSENT:
		r = TG_NO_MATCH;
		break;
	case REMOTE_SILENT:
		break;
	case REMOTE_ANSWERED:
		out->uid = answer.uid;
		out->same_store = known && memcmp(answer.store_id, meta.id, sizeof(meta.id)) == 0;
		out->current = out->same_store && answer.serial >= meta.serial;
		r = TG_OK;
		break;
	}
	explicit_bzero(&meta, sizeof(meta));
	explicit_bzero(&answer, sizeof(answer));
	return r;
}
