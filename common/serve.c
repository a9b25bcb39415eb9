/* SPDX-License-Identifier: ISC */
/* serve.c - tokgated's side of a question: one message in, one out */
#include <string.h>

#include "check.h"
#include "wire.h"

static bool
trusted(const struct tg *tg, uint32_t uid)
{
	size_t i;

	if (uid == 0 || uid == tg->conf.uid)
		return true;
	for (i = 0; i < tg->conf.ntrusted; i++)
		if (tg->conf.trusted[i] == uid)
			return true;
	return false;
}

/* All that are behind this question wait with it. */
enum { SERVE_MS = 100 };

/* The store that lies at the path now, held. */
static void
refresh(struct tg *tg)
{
	if (tg->held != NULL && !store_current(tg->held, tg->conf.store))
		store_close(&tg->held);
	if (tg_hold(tg) == TG_OK) /* if not, the check finds out and says so */
		store_patience(tg->held, SERVE_MS);
}

static enum tg_status
serve_check(struct tg *tg, uint32_t peer_uid, const struct wire_question *q,
    const struct tg_patience *patience, bool *later, struct tg_grant *out)
{
	const struct check_peer peer = { .uid = peer_uid, .trusted = trusted(tg, peer_uid) };
	const struct tg_request req = {
		.service = q->service,
		.action = q->action[0] != '\0' ? q->action : NULL,
		.resource = q->resource,
		.login = q->login,
		.source = q->source[0] != '\0' ? q->source : NULL,
		.gate = q->gate,
		.dry_run = q->dry_run,
	};

	return check_store(tg, q->token, strlen(q->token), &req, &peer, patience, later, out);
}

enum tg_serving
tg_serve(struct tg *tg, uint32_t peer_uid, const void *message, size_t len,
    const struct tg_patience *patience, uint8_t out[static TG_MESSAGE_MAX], size_t *out_len)
{
	struct wire_answer answer = { .status = TG_UNAVAILABLE };
	struct wire_question q;
	bool later = false;

	*out_len = 0;
	if (!wire_question_decode(message, len, &q))
		return TG_SERVE_DROP;
	refresh(tg);
	if (q.kind == WIRE_ASK)
		answer.status = check_ticket(tg, q.ticket, &answer.grant);
	else
		answer.status = serve_check(tg, peer_uid, &q, patience, &later, &answer.grant);
	explicit_bzero(&q, sizeof(q));
	if (later)
		return TG_SERVE_LATER;
	if (tg->held != NULL) {
		memcpy(answer.store_id, store_meta(tg->held)->id, sizeof(answer.store_id));
		answer.serial = store_meta(tg->held)->serial;
	}
	*out_len = wire_answer_encode(&answer, out);
	explicit_bzero(&answer, sizeof(answer));
	return store_lost(tg->held) ? TG_SERVE_LAST : TG_SERVE_ANSWER;
}
