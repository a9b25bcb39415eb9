/* SPDX-License-Identifier: ISC */
/*
 * manage.c - changes to the store: init, issue, change, revoke, owners
 *
 * Each is one transaction by store_update(), with its journal entry.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cidr.h"
#include "handle.h"
#include "policy.h"
#include "text.h"
#include "token.h"

bool
tg_owner_valid(const char *owner)
{
	static const char chars[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789._@+-";
	size_t len = strlen(owner);

	return len > 0 && len <= TG_OWNER_MAX && owner[0] != '-' && strspn(owner, chars) == len &&
	    strcmp(owner, TG_DROP_IN) != 0;
}

static enum tg_status
invalid(struct tg *tg, const char *what, const char *value, const char *why)
{
	return detail_set(&tg->detail, TG_INVALID, "%s '%s': %s", what, value, why);
}

static enum tg_status
check_by(struct tg *tg, const char *by)
{
	if (!text_valid(by, TG_BY_MAX))
		return detail_set(&tg->detail, TG_INVALID,
		    "the acting user's name must be UTF-8 of at most 64 bytes without control characters");
	return TG_OK;
}

static enum tg_status
check_scopes(struct tg *tg, const char scopes[][TG_SCOPE_MAX + 1], size_t n)
{
	const char *why;
	size_t i;

	if (n > TG_SCOPES_MAX)
		return detail_set(&tg->detail, TG_INVALID, "more than %d scopes", TG_SCOPES_MAX);
	for (i = 0; i < n; i++)
		if (!tg_scope_valid(scopes[i], &why))
			return invalid(tg, "scope", scopes[i], why);
	return TG_OK;
}

static enum tg_status
check_token(struct tg *tg, const struct tg_token *t)
{
	enum tg_status r;
	size_t i;

	if (!text_valid(t->name, TG_NAME_MAX))
		return detail_set(&tg->detail, TG_INVALID,
		    "the name must be UTF-8 of at most %d bytes without control characters",
		    TG_NAME_MAX);
	if (t->nscopes == 0)
		return detail_set(&tg->detail, TG_INVALID, "a token needs at least one scope");
	if ((r = check_scopes(tg, t->scopes, t->nscopes)) != TG_OK)
		return r;
	if (t->not_before < 0 || t->expires_at < 0)
		return detail_set(&tg->detail, TG_INVALID, "a time before 1970");
	if (t->nsources > TG_SOURCES_MAX)
		return detail_set(&tg->detail, TG_INVALID, "more than %d sources", TG_SOURCES_MAX);
	for (i = 0; i < t->nsources; i++)
		if (!cidr_valid(t->sources[i]))
			return invalid(tg, "source", t->sources[i],
			    "must be an address or a network such as 192.0.2.0/24, without host bits");
	return TG_OK;
}

/* ---- init ---- */

enum tg_status
tg_init(struct tg *tg, uint32_t uid, uint32_t gid, const char *prefix, const char *by, bool *made)
{
	struct tg_entry entry = { .event = TG_EVENT_INIT };
	const struct store_how how = {
		.path = tg->conf.store,
		.also_trusted = tg->conf.uid,
		.writing = true,
		.patience_ms = HANDLE_MANAGE_MS,
	};

	enum tg_status r;

	*made = false;
	if ((r = handle_start(tg)) != TG_OK || (r = check_by(tg, by)) != TG_OK)
		return r;
	entry.at = tg->at;
	snprintf(entry.by, sizeof(entry.by), "%s", by);
	if (prefix == NULL)
		prefix = "tkg";
	if (!token_prefix_valid(prefix))
		return invalid(tg, "prefix", prefix, "must be 1-8 of [a-z0-9], first a letter");
	/* Later openers would refuse a store of anybody else. */
	if (uid != 0 && uid != geteuid() && uid != tg->conf.uid)
		return detail_set(&tg->detail, TG_MISCONFIGURED,
		    "uid %u may not own the store: the configuration needs 'uid = %u'", uid, uid);
	return store_make(&how, uid, gid, &entry, prefix, made, &tg->detail);
}

/* ---- issue ---- */

struct issue {
	struct tg *tg;
	struct record *record;
	char secret[TG_SECRET_LEN];
	char *text;
};

static enum tg_status
check_new(struct tg *tg, const struct tg_token *t, int64_t now)
{
	enum tg_status r;
	size_t i;

	if (!tg_owner_valid(t->owner))
		return invalid(tg, "owner", t->owner,
		    "must be 1-64 of [A-Za-z0-9._@+-], not start with '-' and not be " TG_DROP_IN);
	if ((r = check_token(tg, t)) != TG_OK || (r = check_by(tg, t->created_by)) != TG_OK)
		return r;
	if (t->nlogins > TG_LOGINS_MAX)
		return detail_set(&tg->detail, TG_INVALID, "more than %d logins", TG_LOGINS_MAX);
	for (i = 0; i < t->nlogins; i++)
		if (!tg_owner_valid(t->logins[i]))
			return invalid(tg, "login", t->logins[i], "must be a name as an owner's");
	if (t->expires_at != 0 && t->expires_at <= (t->not_before > now ? t->not_before : now))
		return detail_set(&tg->detail, TG_INVALID,
		    t->expires_at <= now ? "the expiry is in the past" :
					   "the expiry is not after the start");
	if (t->idle_s > TG_IDLE_MAX_S)
		return detail_set(&tg->detail, TG_INVALID, "the idle limit is too long");
	if (t->uses_left == 0)
		return detail_set(&tg->detail, TG_INVALID, "a token needs at least one use");
	return TG_OK;
}

/* Separated by blanks; "(cut)" stands for those that do not fit. */
static void
list_scopes(const char scopes[][TG_SCOPE_MAX + 1], size_t n, char out[static TG_TEXT_MAX + 1])
{
	static const char cut[] = " (cut)";
	size_t len = 0, i;

	out[0] = '\0';
	for (i = 0; i < n; i++) {
		if (len + 1 + strlen(scopes[i]) + sizeof(cut) > TG_TEXT_MAX) {
			strcpy(out + len, cut);
			return;
		}
		len += (size_t)sprintf(out + len, "%s%s", i > 0 ? " " : "", scopes[i]);
	}
}

static void
fill_entry(struct tg_entry *entry, struct tg *tg, enum tg_event event, const struct tg_token *t,
    const char *by)
{
	*entry = (struct tg_entry) { .at = tg->at, .event = event };
	memcpy(entry->id, t->id, sizeof(entry->id));
	memcpy(entry->owner, t->owner, sizeof(entry->owner));
	snprintf(entry->by, sizeof(entry->by), "%s", by);
}

static enum tg_status
put_record(struct tg *tg, struct store *store, const struct record *record)
{
	uint8_t bytes[RECORD_MAX];
	size_t len = record_encode(record, bytes);
	enum tg_status r;

	if (len == 0)
		return detail_set(&tg->detail, TG_INVALID, "the record does not fit");
	r = store_put(store, STORE_TOKENS, record->token.id, TG_ID_LEN, bytes, len, &tg->detail);
	explicit_bzero(bytes, len);
	return r;
}

static enum tg_status
put_owner(struct tg *tg, struct store *store, const struct tg_owner *owner)
{
	uint8_t bytes[RECORD_MAX];
	size_t len = record_owner_encode(owner, bytes);

	return store_put(store, STORE_OWNERS, owner->name, strlen(owner->name), bytes, len,
	    &tg->detail);
}

/* Make the owner's record, unless there is one. */
static enum tg_status
ensure_owner(struct tg *tg, struct store *store, const struct tg_token *t)
{
	struct tg_owner owner;
	enum tg_status r;

	if ((r = handle_owner(tg, store, t->owner, &owner)) != TG_NO_MATCH)
		return r;
	memset(&owner, 0, sizeof(owner));
	memcpy(owner.name, t->owner, sizeof(owner.name));
	owner.created_at = t->created_at;
	return put_owner(tg, store, &owner);
}

/* An id that nobody has; a second draw is needed about never. */
static enum tg_status
draw_id(struct tg *tg, struct store *store, char id[static TG_ID_LEN + 1])
{
	struct record other;
	enum tg_status r;

	do {
		if (!crypt_random_digits(id, TG_ID_LEN))
			return detail_set(&tg->detail, TG_UNAVAILABLE,
			    "no random numbers to be had");
		id[TG_ID_LEN] = '\0';
	} while ((r = handle_record(tg, store, id, &other)) == TG_OK);
	return r == TG_NO_MATCH ? TG_OK : r;
}

static enum tg_status
issue_apply(void *arg, struct store *store, struct detail *detail)
{
	struct issue *issue = arg;
	struct tg *tg = issue->tg;
	struct tg_token *t = &issue->record->token;
	struct tg_entry entry;
	enum tg_status r;

	if ((r = draw_id(tg, store, t->id)) != TG_OK ||
	    (r = store_take_slot(store, &issue->record->slot, detail)) != TG_OK ||
	    (r = ensure_owner(tg, store, t)) != TG_OK ||
	    (r = put_record(tg, store, issue->record)) != TG_OK ||
	    (r = store_put(store, STORE_BY_OWNER, t->owner, strlen(t->owner), t->id, TG_ID_LEN,
		 detail)) != TG_OK)
		return r;
	fill_entry(&entry, tg, TG_EVENT_ISSUE, t, t->created_by);
	list_scopes(t->scopes, t->nscopes, entry.what);
	if ((r = store_note(store, &entry, detail)) == TG_OK)
		token_format(store_meta(store)->prefix, t->id, issue->secret, issue->text);
	return r;
}

static enum tg_status
issue_in_store(struct tg *tg, struct record *record, char *text)
{
	struct issue issue = { .tg = tg, .record = record, .text = text };
	struct handle_use use;
	enum tg_status r;

	if (!crypt_random_digits(issue.secret, sizeof(issue.secret)))
		return detail_set(&tg->detail, TG_UNAVAILABLE, "no random numbers to be had");
	crypt_hash(issue.secret, record->hash);
	if ((r = handle_enter(tg, true, HANDLE_MANAGE_MS, &use)) == TG_OK)
		r = store_update(use.store, issue_apply, &issue, &tg->detail);
	if (tg->held != NULL)
		store_yield(tg->held);
	handle_leave(tg, &use);
	explicit_bzero(issue.secret, sizeof(issue.secret));
	return r;
}

enum tg_status
tg_issue(struct tg *tg, struct tg_token *token, char text[static TG_TOKEN_MAX + 1])
{
	struct record *record = NULL;
	enum tg_status r;
	int64_t now;

	memset(text, 0, TG_TOKEN_MAX + 1);
	if ((r = handle_start(tg)) != TG_OK)
		return r;
	now = tg->at;
	if ((r = check_new(tg, token, now)) != TG_OK)
		return r;
	if ((record = calloc(1, sizeof(*record))) == NULL)
		return detail_set(&tg->detail, TG_UNAVAILABLE, "out of memory");
	record->token = *token;
	memset(record->token.revoked_by, 0, sizeof(record->token.revoked_by));
	memset(record->token.revoked_why, 0, sizeof(record->token.revoked_why));
	record->token.revoked_at = 0;
	record->token.created_at = now;
	record->marked_at = token->not_before > now ? token->not_before : now;
	if ((r = issue_in_store(tg, record, text)) == TG_OK) {
		*token = record->token;
		token->state = policy_state(token, record->marked_at, now);
	} else
		explicit_bzero(text, TG_TOKEN_MAX + 1);
	explicit_bzero(record, sizeof(*record));
	free(record);
	return r;
}

/* ---- change ---- */

struct change {
	struct tg *tg;
	const char *id;
	const struct tg_token *to;
	const char *by, *why;
};

static enum tg_status
change_apply(void *arg, struct store *store, struct detail *detail)
{
	struct change *c = arg;
	struct tg_token *t;
	struct tg_entry entry;
	struct record record;
	const char *why;
	enum tg_status r;

	if ((r = handle_record(c->tg, store, c->id, &record)) != TG_OK)
		return r;
	t = &record.token;
	if (t->revoked_at != 0)
		return detail_set(detail, TG_REVOKED, "token '%s' is revoked", c->id);
	if (!policy_narrows(t, c->to, &why))
		return detail_set(detail, TG_INVALID, "%s: a wider token is a new token", why);
	memcpy(t->name, c->to->name, sizeof(t->name));
	memcpy(t->scopes, c->to->scopes, sizeof(t->scopes));
	t->nscopes = c->to->nscopes;
	memcpy(t->sources, c->to->sources, sizeof(t->sources));
	t->nsources = c->to->nsources;
	t->expires_at = c->to->expires_at;
	fill_entry(&entry, c->tg, TG_EVENT_CHANGE, t, c->by);
	list_scopes(t->scopes, t->nscopes, entry.what);
	if ((r = put_record(c->tg, store, &record)) == TG_OK)
		r = store_note(store, &entry, detail);
	explicit_bzero(record.hash, sizeof(record.hash));
	return r;
}

static enum tg_status
update(struct tg *tg, enum tg_status (*apply)(void *, struct store *, struct detail *), void *arg)
{
	struct handle_use use;
	enum tg_status r;

	if ((r = handle_enter(tg, true, HANDLE_MANAGE_MS, &use)) == TG_OK)
		r = store_update(use.store, apply, arg, &tg->detail);
	if (tg->held != NULL)
		store_yield(tg->held);
	handle_leave(tg, &use);
	return r;
}

enum tg_status
tg_change(struct tg *tg, const char *id, const struct tg_token *to, const char *by)
{
	struct change c = { .tg = tg, .id = id, .to = to, .by = by };
	enum tg_status r;

	if ((r = handle_start(tg)) != TG_OK)
		return r;
	if (!token_id_valid(id))
		return TG_NO_MATCH;
	if ((r = check_token(tg, to)) != TG_OK || (r = check_by(tg, by)) != TG_OK)
		return r;
	return update(tg, change_apply, &c);
}

/* ---- revoke ---- */

/* An update that no daemon may miss. */
static enum tg_status
update_confirmed(struct tg *tg, enum tg_status (*apply)(void *, struct store *, struct detail *),
    void *arg)
{
	struct store_meta meta;
	struct handle_use use;
	enum tg_status r;

	if ((r = handle_enter(tg, true, HANDLE_MANAGE_MS, &use)) == TG_OK &&
	    (r = store_update(use.store, apply, arg, &tg->detail)) == TG_OK)
		meta = *store_meta(use.store);
	handle_leave(tg, &use);
	if (r == TG_OK) {
		r = handle_confirm(tg, &meta);
		explicit_bzero(&meta, sizeof(meta));
	}
	return r;
}

/* Mark one record as revoked; *was_live is false if it was already. */
static enum tg_status
revoke_one(struct change *c, struct store *store, const char *id, bool *was_live)
{
	struct tg_entry entry;
	struct record record;
	struct tg_token *t = &record.token;
	enum tg_status r;

	*was_live = false;
	if ((r = handle_record(c->tg, store, id, &record)) != TG_OK || t->revoked_at != 0)
		return r;
	t->revoked_at = c->tg->at;
	memset(t->revoked_by, 0, sizeof(t->revoked_by));
	strncpy(t->revoked_by, c->by, TG_BY_MAX);
	memset(t->revoked_why, 0, sizeof(t->revoked_why));
	strncpy(t->revoked_why, c->why, TG_WHY_MAX);
	fill_entry(&entry, c->tg, TG_EVENT_REVOKE, t, c->by);
	strncpy(entry.what, c->why, TG_TEXT_MAX);
	if ((r = put_record(c->tg, store, &record)) == TG_OK)
		r = store_note(store, &entry, &c->tg->detail);
	explicit_bzero(record.hash, sizeof(record.hash));
	*was_live = r == TG_OK;
	return r;
}

static enum tg_status
revoke_apply(void *arg, struct store *store, struct detail *detail)
{
	struct change *c = arg;
	bool was_live;

	(void)detail;
	return revoke_one(c, store, c->id, &was_live);
}

static enum tg_status
check_revocation(struct tg *tg, const char *by, const char *why)
{
	enum tg_status r;

	if ((r = handle_start(tg)) != TG_OK)
		return r;
	if (!text_valid(why, TG_WHY_MAX))
		return detail_set(&tg->detail, TG_INVALID,
		    "the reason must be UTF-8 of at most %d bytes without control characters",
		    TG_WHY_MAX);
	return check_by(tg, by);
}

enum tg_status
tg_revoke(struct tg *tg, const char *id, const char *by, const char *why)
{
	struct change c = { .tg = tg, .id = id, .by = by, .why = why != NULL ? why : "" };
	enum tg_status r;

	if ((r = check_revocation(tg, by, c.why)) != TG_OK)
		return r;
	if (!token_id_valid(id))
		return TG_NO_MATCH;
	return update_confirmed(tg, revoke_apply, &c);
}

/* The ids that a revocation of many has hit, to be told once it is durable. */
struct revoke_all {
	struct change change;
	const char *owner;
	char (*ids)[TG_ID_LEN + 1];
	size_t n, size;
	char unread[TG_ID_LEN + 1]; /* one whose record is damaged; it lets nobody in */
};

static enum tg_status
remember(struct revoke_all *all, const char *id)
{
	if (all->n == all->size) {
		size_t size = all->size != 0 ? all->size * 2 : 64;
		void *ids = reallocarray(all->ids, size, sizeof(*all->ids));

		if (ids == NULL)
			return detail_set(&all->change.tg->detail, TG_UNAVAILABLE, "out of memory");
		all->ids = ids;
		all->size = size;
	}
	memcpy(all->ids[all->n++], id, TG_ID_LEN + 1);
	return TG_OK;
}

/* The id after `id`, of one owner or of all. */
static enum tg_status
next_id(struct store *store, const char *owner, char id[static TG_ID_LEN + 1],
    struct detail *detail)
{
	uint8_t value[RECORD_MAX];
	struct store_key key = { .len = strlen(id) };
	enum tg_status r;
	size_t len;

	if (owner != NULL)
		return store_next_of(store, owner, id, detail);
	memcpy(key.data, id, key.len);
	if ((r = store_next(store, STORE_TOKENS, &key, value, &len, detail)) != TG_OK)
		return r;
	if (key.len != TG_ID_LEN)
		return detail_set(detail, TG_UNAVAILABLE,
		    "the store is damaged: see 'tokgate doctor'");
	memcpy(id, key.data, TG_ID_LEN);
	id[TG_ID_LEN] = '\0';
	return TG_OK;
}

/* Each token but those that cannot be read, which must not keep the others alive. */
static enum tg_status
revoke_all_apply(void *arg, struct store *store, struct detail *detail)
{
	struct revoke_all *all = arg;
	char id[TG_ID_LEN + 1] = "";
	struct tg_owner owner;
	enum tg_status r;
	bool was_live;

	all->n = 0;
	all->unread[0] = '\0';
	if (all->owner != NULL &&
	    (r = handle_owner(all->change.tg, store, all->owner, &owner)) == TG_NO_MATCH)
		return r;
	while ((r = next_id(store, all->owner, id, detail)) == TG_OK) {
		r = revoke_one(&all->change, store, id, &was_live);
		if (r == TG_NO_MATCH || (r == TG_UNAVAILABLE && all->change.tg->unreadable))
			memcpy(all->unread, id, sizeof(id));
		else if (r != TG_OK || (was_live && (r = remember(all, id)) != TG_OK))
			return r;
	}
	return r == TG_NO_MATCH ? TG_OK : r;
}

enum tg_status
tg_revoke_all(struct tg *tg, const char *owner, const char *by, const char *why,
    void (*fn)(void *arg, const char *id), void *arg)
{
	struct revoke_all all = { .change = { .tg = tg, .by = by, .why = why != NULL ? why : "" },
		.owner = owner };
	enum tg_status r;
	size_t i;

	if ((r = check_revocation(tg, by, all.change.why)) != TG_OK)
		return r;
	if (owner != NULL && !tg_owner_valid(owner))
		return TG_NO_MATCH;
	r = update_confirmed(tg, revoke_all_apply, &all);
	for (i = 0; r == TG_OK && fn != NULL && i < all.n; i++)
		fn(arg, all.ids[i]);
	free(all.ids);
	if (r == TG_OK && all.unread[0] != '\0')
		r = detail_set(&tg->detail, TG_UNAVAILABLE,
		    "the record of '%s' is damaged: it lets nobody in and cannot be revoked",
		    all.unread);
	return r;
}

/* ---- owners ---- */

struct owner_change {
	struct tg *tg;
	const struct tg_owner *to;
	const char *by;
};

static enum tg_status
owner_apply(void *arg, struct store *store, struct detail *detail)
{
	struct owner_change *c = arg;
	struct tg_owner owner = *c->to;
	struct tg_entry entry = { .at = c->tg->at, .event = TG_EVENT_OWNER };
	struct tg_owner old;
	enum tg_status r;

	if ((r = handle_owner(c->tg, store, owner.name, &old)) != TG_OK)
		return r;
	owner.created_at = old.created_at;
	memcpy(entry.owner, owner.name, sizeof(entry.owner));
	strncpy(entry.by, c->by, TG_BY_MAX);
	if (owner.suspended)
		strcpy(entry.what, "suspended");
	else if (owner.has_ceiling && owner.nscopes == 0)
		strcpy(entry.what, "ceiling: nothing");
	else
		list_scopes(owner.scopes, owner.nscopes, entry.what);
	if ((r = put_owner(c->tg, store, &owner)) == TG_OK)
		r = store_note(store, &entry, detail);
	return r;
}

enum tg_status
tg_owner_set(struct tg *tg, const struct tg_owner *owner, const char *by)
{
	struct owner_change c = { .tg = tg, .to = owner, .by = by };
	enum tg_status r;

	if ((r = handle_start(tg)) != TG_OK)
		return r;
	if (!tg_owner_valid(owner->name))
		return TG_NO_MATCH;
	if (!owner->has_ceiling && owner->nscopes != 0)
		return detail_set(&tg->detail, TG_INVALID, "scopes without a ceiling");
	if ((r = check_scopes(tg, owner->scopes, owner->nscopes)) != TG_OK ||
	    (r = check_by(tg, by)) != TG_OK)
		return r;
	return update(tg, owner_apply, &c);
}
