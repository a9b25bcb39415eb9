/* SPDX-License-Identifier: ISC */
/*
 * browse.c - looking into the store: get, each, log, owners
 *
 * Walks read a batch, close, and hand it out then, so that a pager or a slow
 * terminal pins no page of the store and the caller may use the handle.
 */
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "handle.h"
#include "token.h"

enum { BATCH = 32 };

static const char *const events[] = {
	[TG_EVENT_INIT] = "init",
	[TG_EVENT_ISSUE] = "issue",
	[TG_EVENT_CHANGE] = "change",
	[TG_EVENT_REVOKE] = "revoke",
	[TG_EVENT_OWNER] = "owner",
};

const char *
tg_event_name(enum tg_event event)
{
	size_t i = (size_t)event;

	return i < sizeof(events) / sizeof(events[0]) && events[i] != NULL ? events[i] : "unknown";
}

/* Run `read` on a snapshot of the store. */
static enum tg_status
look(struct tg *tg, enum tg_status (*read)(struct tg *tg, struct store *store, void *arg),
    void *arg)
{
	struct handle_use use;
	enum tg_status r;

	if ((r = handle_start(tg)) != TG_OK)
		return r;
	if ((r = handle_enter(tg, false, HANDLE_MANAGE_MS, &use)) == TG_OK &&
	    (r = store_begin(use.store, &tg->detail)) == TG_OK) {
		r = read(tg, use.store, arg);
		store_end(use.store);
	}
	handle_leave(tg, &use);
	return r;
}

static enum tg_status
read_prefix(struct tg *tg, struct store *store, void *arg)
{
	(void)tg;
	memcpy(arg, store_meta(store)->prefix, TG_PREFIX_MAX + 1);
	return TG_OK;
}

enum tg_status
tg_prefix(struct tg *tg, char out[static TG_PREFIX_MAX + 1])
{
	memset(out, 0, TG_PREFIX_MAX + 1);
	return look(tg, read_prefix, out);
}

static enum tg_status
read_owner(struct tg *tg, struct store *store, void *arg)
{
	struct tg_owner *owner = arg;
	char name[TG_OWNER_MAX + 1];
	enum tg_status r;

	memcpy(name, owner->name, sizeof(name));
	memset(owner, 0, sizeof(*owner));
	if ((r = handle_owner(tg, store, name, owner)) != TG_OK)
		memset(owner, 0, sizeof(*owner));
	return r;
}

enum tg_status
tg_owner_get(struct tg *tg, const char *name, struct tg_owner *out)
{
	memset(out, 0, sizeof(*out));
	enum tg_status r;

	if ((r = handle_start(tg)) != TG_OK)
		return r;
	if (!tg_owner_valid(name))
		return TG_NO_MATCH;
	memcpy(out->name, name, strlen(name));
	return look(tg, read_owner, out);
}

/* ---- tokens ---- */

struct get {
	const char *id;
	struct tg_token *out;
};

static enum tg_status
read_token(struct tg *tg, struct store *store, const char *id, struct tg_token *out)
{
	struct record record;
	enum tg_status r;

	memset(&record, 0, sizeof(record));
	if ((r = handle_record(tg, store, id, &record)) == TG_OK) {
		handle_state(store, &record, tg->at);
		*out = record.token;
	}
	explicit_bzero(record.hash, sizeof(record.hash));
	return r;
}

static enum tg_status
read_get(struct tg *tg, struct store *store, void *arg)
{
	struct get *get = arg;

	return read_token(tg, store, get->id, get->out);
}

enum tg_status
tg_get(struct tg *tg, const char *id, struct tg_token *out)
{
	struct get get = { id, out };

	memset(out, 0, sizeof(*out));
	enum tg_status r;

	if ((r = handle_start(tg)) != TG_OK)
		return r;
	return token_id_valid(id) ? look(tg, read_get, &get) : TG_NO_MATCH;
}

struct token_batch {
	const char *owner;
	struct store_key last; /* key of the last one read */
	size_t n;
	struct tg_token tokens[BATCH];
	bool more;
	char unread[TG_ID_LEN + 1]; /* one whose record is damaged */
};

static enum tg_status
next_key(struct tg *tg, struct store *store, struct token_batch *b)
{
	uint8_t value[RECORD_MAX];
	char id[TG_ID_LEN + 1] = "";
	enum tg_status r;
	size_t len;

	if (b->owner == NULL)
		return store_next(store, STORE_TOKENS, &b->last, value, &len, &tg->detail);
	memcpy(id, b->last.data, b->last.len);
	if ((r = store_next_of(store, b->owner, id, &tg->detail)) == TG_OK) {
		memcpy(b->last.data, id, TG_ID_LEN);
		b->last.len = TG_ID_LEN;
	}
	return r;
}

static enum tg_status
read_tokens(struct tg *tg, struct store *store, void *arg)
{
	struct token_batch *b = arg;
	char id[TG_ID_LEN + 1];
	enum tg_status r;

	for (b->n = 0; b->n < BATCH;) {
		if ((r = next_key(tg, store, b)) != TG_OK) {
			b->more = false;
			return r == TG_NO_MATCH ? TG_OK : r;
		}
		if (b->last.len != TG_ID_LEN)
			return detail_set(&tg->detail, TG_UNAVAILABLE, "a token has no valid id");
		memcpy(id, b->last.data, TG_ID_LEN);
		id[TG_ID_LEN] = '\0';
		r = read_token(tg, store, id, &b->tokens[b->n]);
		if (r == TG_OK)
			b->n++;
		else if (r == TG_NO_MATCH ||
		    tg->unreadable) /* an index without its record, or damage */
			memcpy(b->unread, id, sizeof(id));
		else
			return r;
	}
	return TG_OK;
}

enum tg_status
tg_each(struct tg *tg, const char *owner, bool (*fn)(void *arg, const struct tg_token *token),
    void *arg)
{
	struct token_batch *b;
	enum tg_status r;
	bool go_on = true;
	size_t i;

	if ((r = handle_start(tg)) != TG_OK)
		return r;
	if (owner != NULL && !tg_owner_valid(owner))
		return TG_OK; /* who cannot be an owner has no tokens */
	if ((b = calloc(1, sizeof(*b))) == NULL)
		return detail_set(&tg->detail, TG_UNAVAILABLE, "out of memory");
	b->owner = owner;
	b->more = true;
	while (go_on && b->more && (r = look(tg, read_tokens, b)) == TG_OK)
		for (i = 0; go_on && i < b->n; i++)
			go_on = fn(arg, &b->tokens[i]);
	if (r == TG_OK && b->unread[0] != '\0')
		r = detail_set(&tg->detail, TG_UNAVAILABLE, "the record of '%s' is damaged",
		    b->unread);
	free(b);
	return r;
}

/* ---- journal ---- */

struct entry_batch {
	struct store_key last;
	size_t n;
	struct tg_entry entries[BATCH];
};

static enum tg_status
read_entries(struct tg *tg, struct store *store, void *arg)
{
	struct entry_batch *b = arg;
	uint8_t value[RECORD_MAX];
	enum tg_status r;
	size_t len;

	for (b->n = 0; b->n < BATCH; b->n++) {
		r = store_next(store, STORE_JOURNAL, &b->last, value, &len, &tg->detail);
		if (r != TG_OK)
			return r == TG_NO_MATCH ? TG_OK : r;
		memset(&b->entries[b->n], 0, sizeof(b->entries[b->n]));
		if (b->last.len < 8 ||
		    record_entry_decode(value, len, &b->entries[b->n]) != RECORD_OK)
			return detail_set(&tg->detail, TG_UNAVAILABLE,
			    "a journal entry is damaged");
		b->entries[b->n].serial = bytes_get(b->last.data, 8);
	}
	return TG_OK;
}

enum tg_status
tg_log(struct tg *tg, bool (*fn)(void *arg, const struct tg_entry *entry), void *arg)
{
	struct entry_batch *b;
	enum tg_status r;
	bool go_on = true;
	size_t i;

	if ((b = calloc(1, sizeof(*b))) == NULL)
		return detail_set(&tg->detail, TG_UNAVAILABLE, "out of memory");
	do {
		if ((r = look(tg, read_entries, b)) != TG_OK)
			break;
		for (i = 0; go_on && i < b->n; i++)
			go_on = fn(arg, &b->entries[i]);
	} while (go_on && b->n == BATCH);
	free(b);
	return r;
}
