/* SPDX-License-Identifier: ISC */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "handle.h"
#include "policy.h"

static const struct {
	enum tg_status status;
	const char *name;
} statuses[] = {
	{ TG_OK, "ok" },
	{ TG_NOT_A_TOKEN, "not-a-token" },
	{ TG_MALFORMED, "malformed" },
	{ TG_NO_MATCH, "no-match" },
	{ TG_REVOKED, "revoked" },
	{ TG_EXPIRED, "expired" },
	{ TG_NOT_YET_VALID, "not-yet-valid" },
	{ TG_IDLE, "idle" },
	{ TG_USED_UP, "used-up" },
	{ TG_OWNER_SUSPENDED, "owner-suspended" },
	{ TG_WRONG_LOGIN, "wrong-login" },
	{ TG_WRONG_SERVICE, "wrong-service" },
	{ TG_WRONG_ACTION, "wrong-action" },
	{ TG_WRONG_RESOURCE, "wrong-resource" },
	{ TG_BEYOND_CEILING, "beyond-ceiling" },
	{ TG_WRONG_SOURCE, "wrong-source" },
	{ TG_UNAVAILABLE, "unavailable" },
	{ TG_MISCONFIGURED, "misconfigured" },
	{ TG_INVALID, "invalid" },
};

const char *
tg_status_name(enum tg_status status)
{
	size_t i;

	for (i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
		if (statuses[i].status == status)
			return statuses[i].name;
	return "unknown";
}

static const char decoy_id[] = "0000000000";

/* As long as a usual record; its hash is of no secret that anybody could find. */
static void
make_decoy(struct tg *tg)
{
	struct record record = { .token.created_at = 1, .token.nscopes = 1 };
	uint8_t bytes[RECORD_MAX];
	size_t len;

	memcpy(record.token.id, decoy_id, sizeof(decoy_id));
	memcpy(record.token.owner, "nobody", sizeof("nobody"));
	memcpy(record.token.scopes[0], "none:none:none", sizeof("none:none:none"));
	memcpy(record.token.created_by, "root", sizeof("root"));
	len = record_encode(&record, bytes);
	tg->decoy_len = len <= sizeof(tg->decoy) ? len : 0;
	memcpy(tg->decoy, bytes, tg->decoy_len);
}

enum tg_status
tg_open(const char *config, const char *store, struct tg **out)
{
	struct tg *tg;

	*out = NULL;
	if ((tg = calloc(1, sizeof(*tg))) == NULL)
		return TG_UNAVAILABLE;
	make_decoy(tg);
	tg->opened = conf_load(config, &tg->conf, &tg->detail);
	if (tg->opened == TG_OK && store != NULL)
		tg->opened = conf_set(&tg->conf, "store", store, &tg->detail);
	tg->named_store = store != NULL;
	*out = tg;
	return tg->opened;
}

void
tg_close(struct tg **tgp)
{
	struct tg *tg = *tgp;

	if (tg == NULL)
		return;
	store_close(&tg->held);
	explicit_bzero(tg, sizeof(*tg));
	free(tg);
	*tgp = NULL;
}

const char *
tg_detail(const struct tg *tg)
{
	return tg == NULL ? "out of memory" : tg->detail.text;
}

void
tg_set_now(struct tg *tg, int64_t now)
{
	tg->now = now;
}

void
tg_set_log(struct tg *tg, void (*fn)(void *arg, const char *line), void *arg)
{
	tg->log = fn;
	tg->log_arg = arg;
}

const char *
tg_store_dir(const struct tg *tg)
{
	return tg->conf.store;
}

uint32_t
tg_service_uid(const struct tg *tg)
{
	return tg->conf.uid;
}

const char *
tg_listen_path(const struct tg *tg, size_t i)
{
	if (tg->conf.nlisten == 0)
		return i == 0 ? tg->conf.socket : NULL;
	return i < tg->conf.nlisten ? tg->conf.listen[i] : NULL;
}

void
tg_tidy(struct tg *tg)
{
	if (tg->held != NULL)
		store_tidy(tg->held);
}

enum tg_status
handle_start(struct tg *tg)
{
	struct timespec ts;

	if (tg->opened != TG_OK)
		return tg->opened;
	tg->detail.text[0] = '\0';
	tg->at = tg->now;
	if (tg->now == 0) {
		if (clock_gettime(CLOCK_REALTIME, &ts) != 0)
			return detail_set(&tg->detail, TG_UNAVAILABLE, "the clock cannot be read");
		tg->at = ts.tv_sec;
	}
	/* 0 means "none" in every record */
	if (tg->at <= 0)
		return detail_set(&tg->detail, TG_UNAVAILABLE, "the clock stands before 1970");
	return TG_OK;
}

static enum tg_status
open_store(struct tg *tg, bool writing, int patience_ms, struct store **out)
{
	const struct store_how how = {
		.path = tg->conf.store,
		.also_trusted = tg->conf.uid,
		.writing = writing,
		.patience_ms = patience_ms,
	};

	*out = NULL;
	return store_open(&how, out, &tg->detail);
}

enum tg_status
handle_enter(struct tg *tg, bool writing, int patience_ms, struct handle_use *use)
{
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &use->cancel_state);
	if ((use->store = tg->held) != NULL)
		return TG_OK;
	return open_store(tg, writing, patience_ms, &use->store);
}

void
handle_leave(struct tg *tg, struct handle_use *use)
{
	if (use->store != tg->held)
		store_close(&use->store);
	pthread_setcancelstate(use->cancel_state, NULL);
}

enum tg_status
tg_hold(struct tg *tg)
{
	enum tg_status r;

	if ((r = handle_start(tg)) != TG_OK)
		return r;
	if (tg->held != NULL)
		return TG_OK;
	if (!crypt_init())
		return detail_set(&tg->detail, TG_UNAVAILABLE, "libsodium cannot start");
	return open_store(tg, true, HANDLE_MANAGE_MS, &tg->held);
}

static enum tg_status
decoded(struct tg *tg, enum record_result result, const char *what)
{
	switch (result) {
	case RECORD_OK:
		return TG_OK;
	case RECORD_DAMAGED:
		return detail_set(&tg->detail, TG_UNAVAILABLE, "the record of '%s' is damaged",
		    what);
	case RECORD_NEWER:
		return detail_set(&tg->detail, TG_UNAVAILABLE,
		    "the record of '%s' was written by a newer tokgate", what);
	}
	return TG_UNAVAILABLE;
}

enum tg_status
handle_record(struct tg *tg, struct store *store, const char *id, struct record *out)
{
	uint8_t value[RECORD_MAX];
	enum tg_status found, r;
	size_t len;

	tg->unreadable = false;
	found = store_get(store, STORE_TOKENS, id, TG_ID_LEN, value, &len, &tg->detail);
	if (found == TG_NO_MATCH) {
		id = decoy_id;
		len = tg->decoy_len;
		memcpy(value, tg->decoy, len);
	} else if (found != TG_OK)
		return found;
	r = decoded(tg, record_decode(value, len, id, out), id);
	tg->unreadable = r != TG_OK;
	explicit_bzero(value, len);
	return r == TG_OK ? found : r;
}

enum tg_status
handle_owner(struct tg *tg, struct store *store, const char *name, struct tg_owner *out)
{
	uint8_t value[RECORD_MAX];
	enum tg_status r;
	size_t len;

	r = store_get(store, STORE_OWNERS, name, strlen(name), value, &len, &tg->detail);
	if (r != TG_OK)
		return r;
	return decoded(tg, record_owner_decode(value, len, name, out), name);
}

int64_t
handle_state(struct store *store, struct record *record, int64_t now)
{
	struct tg_token *t = &record->token;
	int64_t last;

	usage_read(store_usage(store), record->slot, t->id, &t->last_used, &t->last_refused);
	last = t->last_used.at > record->marked_at ? t->last_used.at : record->marked_at;
	t->state = policy_state(t, last, now);
	return last;
}
