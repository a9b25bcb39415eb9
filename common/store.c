/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <limits.h>
#include <lmdb.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bytes.h"
#include "rlimits.h"
#include "store.h"
#include "storedir.h"
#include "token.h"

enum {
	FORMAT = 1,
	MAX_READERS = 4096,
	MAP_TRIES = 3,
	SLOTS_STEP = 1024, /* the sidecar grows by so many */
	META_LEN = 4 + STORE_ID_LEN + CRYPT_KEY_LEN + TG_PREFIX_MAX + 8 + 4 + CRYPT_CHECKSUM_LEN,
};

/*
 * The map is as large as the data and this: some hosts have a limit on their
 * address space (vsftpd: 200 MiB a session).
 */
static const size_t headroom = (size_t)16 << 20;

static const struct {
	const char *name;
	unsigned flags;
} dbs[STORE_DBS] = {
	[STORE_TOKENS] = { "tokens", 0 },
	[STORE_BY_OWNER] = { "by-owner", MDB_DUPSORT | MDB_DUPFIXED },
	[STORE_OWNERS] = { "owners", 0 },
	[STORE_JOURNAL] = { "journal", 0 },
	[STORE_META] = { "meta", 0 },
};

struct store {
	struct storedir dir;
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi dbi[STORE_DBS];
	struct store_meta meta;
	uint64_t marked; /* the serial that this one cannot be below */
	int patience_ms;
	pid_t pid;
	bool changed;   /* something was put in this transaction */
	bool full;      /* a put found the map full */
	bool opening;   /* has the opener's lock */
	bool tripped;   /* LMDB's assertion handler was here */
	bool spoiled;   /* a commit failed: LMDB may refuse all that follows */
	uint32_t noted; /* journal entries of this transaction */
	jmp_buf trap;
};

/*
 * An environment that tripped LMDB's assertions.  Closing it could trip again,
 * LMDB's writer lock may still be held by it, and each further one would cost
 * two descriptors: so it stays as it is, and is the last of this process.
 */
static _Atomic(MDB_env *) abandoned;

static void
tripped(MDB_env *env, const char *message)
{
	struct store *store = mdb_env_get_userctx(env);

	(void)message;
	store->tripped = true;
	longjmp(store->trap, 1);
}

/* Every function that calls LMDB begins with this; `leave` is what it does once it has tripped. */
#define TRAP(store, leave) \
	do { \
		if ((store)->tripped) \
			leave; \
		if (setjmp((store)->trap) != 0) \
			leave; \
	} while (0)

static enum tg_status
damaged(struct detail *detail)
{
	return detail_set(detail, TG_UNAVAILABLE, "the store is damaged: see 'tokgate doctor'");
}

static enum tg_status
unfinished(struct detail *detail)
{
	return detail_set(detail, TG_UNAVAILABLE,
	    "the store was not finished: 'tokgate init' does that");
}

static enum tg_status
failed(struct store *store, const char *doing, int rc, struct detail *detail)
{
	if (rc == MDB_MAP_FULL)
		store->full = true;
	return detail_set(detail, TG_UNAVAILABLE, "cannot %s: %s", doing, mdb_strerror(rc));
}

/* ---- meta ---- */

static void
meta_encode(const struct store_meta *meta, uint8_t out[static META_LEN])
{
	struct writer w = { .data = out, .size = META_LEN };

	writer_int(&w, FORMAT, 4);
	writer_put(&w, meta->id, sizeof(meta->id));
	writer_put(&w, meta->ticket_key, sizeof(meta->ticket_key));
	writer_put(&w, meta->prefix, TG_PREFIX_MAX);
	writer_int(&w, meta->serial, 8);
	writer_int(&w, meta->slots, 4);
	crypt_checksum(CRYPT_META, out, w.len, out + w.len);
}

static enum tg_status
meta_decode(const uint8_t *data, size_t len, struct store_meta *out, struct detail *detail)
{
	uint8_t checksum[CRYPT_CHECKSUM_LEN];
	struct reader r = { .data = data, .len = len };
	uint32_t format = (uint32_t)reader_int(&r, 4);

	memset(out, 0, sizeof(*out));
	if (format > FORMAT)
		return detail_set(detail, TG_UNAVAILABLE,
		    "the store has format %u and this tokgate knows %u: it was written by a newer one",
		    format, FORMAT);
	if (format != FORMAT || len != META_LEN)
		return damaged(detail);
	crypt_checksum(CRYPT_META, data, META_LEN - sizeof(checksum), checksum);
	if (memcmp(checksum, data + META_LEN - sizeof(checksum), sizeof(checksum)) != 0)
		return damaged(detail);
	reader_copy(&r, out->id, sizeof(out->id));
	reader_copy(&r, out->ticket_key, sizeof(out->ticket_key));
	reader_copy(&r, out->prefix, TG_PREFIX_MAX);
	out->serial = reader_int(&r, 8);
	out->slots = (uint32_t)reader_int(&r, 4);
	return token_prefix_valid(out->prefix) ? TG_OK : damaged(detail);
}

static const char meta_key[] = "state";

static enum tg_status
meta_load(struct store *store, struct detail *detail)
{
	uint8_t value[RECORD_MAX];
	enum tg_status r;
	size_t len;

	r = store_get(store, STORE_META, meta_key, strlen(meta_key), value, &len, detail);
	if (r == TG_OK)
		r = meta_decode(value, len, &store->meta, detail);
	explicit_bzero(value, META_LEN);
	if (r == TG_OK && store->meta.serial < store->marked)
		r = detail_set(detail, TG_UNAVAILABLE,
		    "the store is at change %ju and was at %ju: an old copy, or damaged",
		    (uintmax_t)store->meta.serial, (uintmax_t)store->marked);
	return r;
}

static enum tg_status
meta_save(struct store *store, struct detail *detail)
{
	uint8_t value[META_LEN];
	enum tg_status r;

	meta_encode(&store->meta, value);
	r = store_put(store, STORE_META, meta_key, strlen(meta_key), value, sizeof(value), detail);
	explicit_bzero(value, sizeof(value));
	return r;
}

const struct store_meta *
store_meta(const struct store *store)
{
	return &store->meta;
}

struct usage *
store_usage(struct store *store)
{
	return &store->dir.usage;
}

/* ---- transactions ---- */

/* LMDB takes a new size only between transactions. */
static int
resize(struct store *store, size_t times)
{
	MDB_envinfo info;
	MDB_stat stat;
	int rc;

	if ((rc = mdb_env_info(store->env, &info)) != 0 ||
	    (rc = mdb_env_stat(store->env, &stat)) != 0)
		return rc;
	return mdb_env_set_mapsize(store->env,
	    ((info.me_last_pgno + 1) * stat.ms_psize + headroom) * times);
}

/* A reader's begin takes LMDB's lock on the table of readers: see storedir_opener_lock(). */
static int
txn_begin(struct store *store, bool writing)
{
	unsigned flags = writing ? 0 : MDB_RDONLY;
	int rc = mdb_txn_begin(store->env, NULL, flags, &store->txn);

	/* another process has written past the end of our map */
	if (rc == MDB_MAP_RESIZED && (rc = resize(store, 1)) == 0)
		rc = mdb_txn_begin(store->env, NULL, flags, &store->txn);
	if (rc == MDB_READERS_FULL && (rc = mdb_reader_check(store->env, NULL)) == 0)
		rc = mdb_txn_begin(store->env, NULL, flags, &store->txn);
	return rc;
}

static enum tg_status
opener_lock(struct store *store, struct detail *detail)
{
	enum tg_status r = TG_OK;

	if (!store->opening)
		r = storedir_opener_lock(&store->dir, store->patience_ms, detail);
	store->opening = r == TG_OK;
	return r;
}

/* As with the gate: LMDB's lock may be held for good. */
static void
opener_unlock(struct store *store)
{
	if (store->opening && !store->tripped)
		storedir_opener_unlock(&store->dir);
	store->opening = false;
}

static enum tg_status
begin_locked(struct store *store, bool writing, struct detail *detail)
{
	int rc;

	TRAP(store, return damaged(detail));
	store->marked = storedir_marked(&store->dir);
	if ((rc = txn_begin(store, writing)) != 0)
		return failed(store, writing ? "write the store" : "read the store", rc, detail);
	return TG_OK;
}

static enum tg_status
begin(struct store *store, bool writing, struct detail *detail)
{
	enum tg_status r;

	if (store->pid != getpid())
		return detail_set(detail, TG_UNAVAILABLE, "the store was opened before a fork");
	if (writing)
		return begin_locked(store, true, detail);
	if ((r = opener_lock(store, detail)) != TG_OK)
		return r;
	r = begin_locked(store, false, detail);
	opener_unlock(store);
	return r;
}

void
store_end(struct store *store)
{
	if (store->txn == NULL)
		return;
	TRAP(store, return );
	mdb_txn_abort(store->txn);
	store->txn = NULL;
}

static enum tg_status
commit(struct store *store, struct detail *detail)
{
	MDB_txn *txn = store->txn;
	int rc;

	TRAP(store, return damaged(detail));
	store->txn = NULL; /* gone on every outcome */
	if ((rc = mdb_txn_commit(txn)) != 0) {
		store->spoiled = true;
		return failed(store, "write the store", rc, detail);
	}
	storedir_mark(&store->dir, store->meta.serial);
	return TG_OK;
}

enum tg_status
store_begin(struct store *store, struct detail *detail)
{
	enum tg_status r;

	if ((r = begin(store, false, detail)) != TG_OK)
		return r;
	if ((r = meta_load(store, detail)) == TG_NO_MATCH)
		r = unfinished(detail);
	if (r != TG_OK)
		store_end(store);
	return r;
}

/* ---- reading ---- */

static enum tg_status
copy_out(const MDB_val *value, uint8_t out[static RECORD_MAX], size_t *len, struct detail *detail)
{
	if (value->mv_size > RECORD_MAX)
		return damaged(detail);
	memcpy(out, value->mv_data, value->mv_size);
	*len = value->mv_size;
	return TG_OK;
}

enum tg_status
store_get(struct store *store, enum store_db db, const void *key, size_t key_len,
    uint8_t out[static RECORD_MAX], size_t *len, struct detail *detail)
{
	MDB_val k = { key_len, (void *)(uintptr_t)key }, v;
	int rc;

	*len = 0;
	TRAP(store, return damaged(detail));
	if ((rc = mdb_get(store->txn, store->dbi[db], &k, &v)) == MDB_NOTFOUND)
		return TG_NO_MATCH;
	if (rc != 0)
		return failed(store, "read the store", rc, detail);
	return copy_out(&v, out, len, detail);
}

/* One cursor step; k and v are in and out. */
static enum tg_status
step(struct store *store, enum store_db db, MDB_val *k, MDB_val *v, MDB_cursor_op op,
    struct detail *detail)
{
	MDB_cursor *cursor;
	int rc;

	TRAP(store, return damaged(detail));
	if ((rc = mdb_cursor_open(store->txn, store->dbi[db], &cursor)) != 0)
		return failed(store, "read the store", rc, detail);
	rc = mdb_cursor_get(cursor, k, v, op);
	mdb_cursor_close(cursor);
	if (rc == MDB_NOTFOUND)
		return TG_NO_MATCH;
	return rc == 0 ? TG_OK : failed(store, "read the store", rc, detail);
}

enum tg_status
store_next(struct store *store, enum store_db db, struct store_key *key,
    uint8_t out[static RECORD_MAX], size_t *len, struct detail *detail)
{
	uint8_t after[STORE_KEY_MAX + 1];
	MDB_val k = { key->len + 1, after }, v;
	enum tg_status r;

	/* The least key that is greater than this one is this one and a zero byte. */
	memcpy(after, key->data, key->len);
	after[key->len] = 0;
	r = step(store, db, &k, &v, key->len == 0 ? MDB_FIRST : MDB_SET_RANGE, detail);
	if (r != TG_OK)
		return r;
	if (k.mv_size == 0 || k.mv_size > STORE_KEY_MAX)
		return damaged(detail);
	memcpy(key->data, k.mv_data, k.mv_size);
	key->len = k.mv_size;
	return copy_out(&v, out, len, detail);
}

enum tg_status
store_next_of(struct store *store, const char *owner, char id[static TG_ID_LEN + 1],
    struct detail *detail)
{
	uint8_t after[TG_ID_LEN] = { 0 };
	MDB_val k = { strlen(owner), (void *)(uintptr_t)owner }, v = { TG_ID_LEN, after };
	enum tg_status r;

	/* Ids are digits, so adding one to the last byte gives the least that is greater. */
	if (id[0] != '\0') {
		memcpy(after, id, TG_ID_LEN);
		after[TG_ID_LEN - 1]++;
	}
	if ((r = step(store, STORE_BY_OWNER, &k, &v, MDB_GET_BOTH_RANGE, detail)) != TG_OK)
		return r;
	if (v.mv_size != TG_ID_LEN)
		return damaged(detail);
	memcpy(id, v.mv_data, TG_ID_LEN);
	id[TG_ID_LEN] = '\0';
	return token_id_valid(id) ? TG_OK : damaged(detail);
}

/* ---- writing ---- */

enum tg_status
store_put(struct store *store, enum store_db db, const void *key, size_t key_len, const void *value,
    size_t len, struct detail *detail)
{
	MDB_val k = { key_len, (void *)(uintptr_t)key }, v = { len, (void *)(uintptr_t)value };
	int rc;

	TRAP(store, return damaged(detail));
	store->changed = true;
	if ((rc = mdb_put(store->txn, store->dbi[db], &k, &v, 0)) != 0)
		return failed(store, "write the store", rc, detail);
	return TG_OK;
}

enum tg_status
store_note(struct store *store, const struct tg_entry *entry, struct detail *detail)
{
	uint8_t key[12], value[RECORD_MAX];
	size_t len = record_entry_encode(entry, value);

	bytes_put(key, store->meta.serial, 8);
	bytes_put(key + 8, store->noted++, 4);
	return store_put(store, STORE_JOURNAL, key, sizeof(key), value, len, detail);
}

enum tg_status
store_take_slot(struct store *store, uint32_t *slot, struct detail *detail)
{
	if (store->meta.slots == UINT32_MAX)
		return detail_set(detail, TG_UNAVAILABLE, "the store has no usage slot left");
	if (store->meta.slots >= store->dir.usage.slots &&
	    !usage_reserve(&store->dir.usage, store->meta.slots + SLOTS_STEP))
		return detail_set(detail, TG_UNAVAILABLE,
		    "cannot extend the usage file: no space left");
	*slot = store->meta.slots++;
	return TG_OK;
}

static enum tg_status
try_update(struct store *store,
    enum tg_status (*apply)(void *arg, struct store *store, struct detail *detail), void *arg,
    struct detail *detail)
{
	enum tg_status r;

	store->changed = store->full = false;
	store->noted = 0;
	if ((r = begin(store, true, detail)) != TG_OK)
		return r;
	if ((r = meta_load(store, detail)) == TG_OK) {
		store->meta.serial++;
		r = apply(arg, store, detail);
		if (r == TG_OK && store->changed && (r = meta_save(store, detail)) == TG_OK)
			return commit(store, detail);
		if (!store->changed)
			store->meta.serial--;
	} else if (r == TG_NO_MATCH)
		r = unfinished(detail);
	store_end(store);
	return r;
}

static bool
grow(struct store *store, size_t times)
{
	TRAP(store, return false);
	return resize(store, times) == 0;
}

enum tg_status
store_update(struct store *store,
    enum tg_status (*apply)(void *arg, struct store *store, struct detail *detail), void *arg,
    struct detail *detail)
{
	enum tg_status r;
	int tries;

	r = storedir_gate_lock(&store->dir, store->patience_ms, detail);
	if (r != TG_OK)
		return r;
	r = try_update(store, apply, arg, detail);
	for (tries = 1; r != TG_OK && store->full && tries < MAP_TRIES && grow(store, 4U << tries);
	     tries++)
		r = try_update(store, apply, arg, detail);
	/* whoever holds LMDB's lock for good holds the gate, where others wait with a deadline */
	if (!store->tripped)
		storedir_gate_unlock(&store->dir);
	return r;
}

/* ---- opening ---- */

static enum tg_status
check_limits(struct detail *detail)
{
	if (rlimits_file_size())
		return detail_set(detail, TG_UNAVAILABLE,
		    "cannot write the store: this process has a limit on the size of files");
	return TG_OK;
}

static int
open_env(const char *path, unsigned flags, size_t map_size, struct store *store)
{
	int rc;

	if ((rc = mdb_env_create(&store->env)) != 0)
		return rc;
	mdb_env_set_userctx(store->env, store);
	mdb_env_set_assert(store->env, tripped);
	if ((rc = mdb_env_set_maxdbs(store->env, STORE_DBS)) != 0 ||
	    (rc = mdb_env_set_maxreaders(store->env, MAX_READERS)) != 0 ||
	    (rc = mdb_env_set_mapsize(store->env, map_size)) != 0)
		return rc;
	return mdb_env_open(store->env, path, MDB_NOTLS | MDB_NORDAHEAD | flags, 0600);
}

/* The handles, made in a transaction of their own so that they last. */
static int
open_dbs(struct store *store, bool make)
{
	int rc, i;

	if ((rc = txn_begin(store, make)) != 0)
		return rc;
	for (i = 0; rc == 0 && i < STORE_DBS; i++)
		rc = mdb_dbi_open(store->txn, dbs[i].name, make ? dbs[i].flags | MDB_CREATE : 0,
		    &store->dbi[i]);
	if (rc == 0)
		rc = mdb_txn_commit(store->txn);
	else
		mdb_txn_abort(store->txn);
	store->txn = NULL;
	return rc;
}

static enum tg_status
open_lmdb(struct store *store, const struct store_how *how, bool make, struct detail *detail)
{
	size_t map_size = (size_t)store->dir.data_size + headroom;
	int rc;

	TRAP(store, return damaged(detail));
	if ((rc = open_env(how->path, how->writing ? 0 : MDB_RDONLY, map_size, store)) != 0)
		return failed(store, "open the store", rc, detail);
	if (how->writing && (rc = mdb_reader_check(store->env, NULL)) != 0)
		return failed(store, "look for stale readers", rc, detail);
	if ((rc = open_dbs(store, make)) == MDB_NOTFOUND)
		return unfinished(detail);
	if (rc != 0)
		return failed(store, "open the store", rc, detail);
	return TG_OK;
}

/* A reader keeps the opener's lock for its first begin, which comes next. */
static enum tg_status
attach(struct store *store, const struct store_how *how, bool make, struct detail *detail)
{
	enum tg_status r;

	if ((r = opener_lock(store, detail)) != TG_OK)
		return r;
	r = open_lmdb(store, how, make, detail);
	if (r != TG_OK || how->writing)
		opener_unlock(store);
	return r;
}

static enum tg_status
new_store(const struct store_how *how, struct store **out, struct detail *detail)
{
	enum tg_status r;

	*out = NULL;
	if (abandoned != NULL)
		return damaged(detail);
	if (how->writing && (r = check_limits(detail)) != TG_OK)
		return r;
	if ((*out = calloc(1, sizeof(**out))) == NULL)
		return detail_set(detail, TG_UNAVAILABLE, "out of memory");
	(*out)->dir = (struct storedir) { .gate = -1, .usage.fd = -1 };
	(*out)->pid = getpid();
	(*out)->patience_ms = how->patience_ms;
	return TG_OK;
}

enum tg_status
store_open(const struct store_how *how, struct store **out, struct detail *detail)
{
	enum tg_status r;

	if ((r = new_store(how, out, detail)) != TG_OK ||
	    (r = storedir_open(how->path, how->also_trusted, how->patience_ms, &(*out)->dir,
		 detail)) != TG_OK ||
	    (r = attach(*out, how, false, detail)) != TG_OK)
		store_close(out);
	return r;
}

static void
close_env(struct store *store)
{
	if (store->env == NULL || store->pid != getpid())
		return; /* a child's copy: its parent still uses what lies below */
	TRAP(store, goto abandon);
	mdb_env_close(store->env);
	return;
abandon:
	abandoned = store->env;
}

void
store_yield(struct store *store)
{
	storedir_gate_yield(&store->dir);
}

void
store_close(struct store **storep)
{
	struct store *store = *storep;

	if (store == NULL)
		return;
	store_end(store);
	close_env(store);
	if (!store->tripped)
		storedir_close(&store->dir);
	explicit_bzero(store, sizeof(*store));
	free(store);
	*storep = NULL;
}

bool
store_lost(const struct store *store)
{
	return abandoned != NULL || (store != NULL && store->tripped);
}

bool
store_current(const struct store *store, const char *path)
{
	char name[PATH_MAX + 16];
	struct stat now, held;
	int fd;

	/* A sidecar that could not be had then may be there now. */
	if (store->spoiled || store->dir.usage.fd < 0)
		return false;
	snprintf(name, sizeof(name), "%s/data.mdb", path);
	return mdb_env_get_fd(store->env, &fd) == 0 && fstat(fd, &held) == 0 &&
	    stat(name, &now) == 0 && now.st_dev == held.st_dev && now.st_ino == held.st_ino;
}

int
store_patience(struct store *store, int patience_ms)
{
	int before = store->patience_ms;

	store->patience_ms = patience_ms;
	return before;
}

void
store_tidy(struct store *store)
{
	struct detail ignored; /* what is not tidied now is tidied next time */

	TRAP(store, return );
	if (opener_lock(store, &ignored) != TG_OK)
		return;
	mdb_reader_check(store->env, NULL);
	storedir_opener_unlock(&store->dir);
}

/* ---- making ---- */

static enum tg_status
first_meta(struct store *store, const char *prefix, struct detail *detail)
{
	store->meta = (struct store_meta) { .serial = 1 };
	memcpy(store->meta.prefix, prefix, strlen(prefix));
	if (!crypt_random(store->meta.id, sizeof(store->meta.id)) ||
	    !crypt_random(store->meta.ticket_key, sizeof(store->meta.ticket_key)))
		return detail_set(detail, TG_UNAVAILABLE, "no random numbers to be had");
	return TG_OK;
}

/* Behind the gate: write the first state, unless there is one. */
static enum tg_status
finish(struct store *store, const struct tg_entry *entry, const char *prefix, bool *made,
    struct detail *detail)
{
	enum tg_status r;

	if ((r = begin(store, true, detail)) != TG_OK)
		return r;
	if ((r = meta_load(store, detail)) == TG_NO_MATCH &&
	    (r = first_meta(store, prefix, detail)) == TG_OK &&
	    (r = store_note(store, entry, detail)) == TG_OK &&
	    (r = meta_save(store, detail)) == TG_OK && (r = commit(store, detail)) == TG_OK)
		*made = true;
	store_end(store);
	return r;
}

enum tg_status
store_make(const struct store_how *how, uint32_t uid, uint32_t gid, const struct tg_entry *entry,
    const char *prefix, bool *made, struct detail *detail)
{
	struct store *store;
	enum tg_status r;

	*made = false;
	if ((r = new_store(how, &store, detail)) == TG_OK &&
	    (r = storedir_make(how->path, how->also_trusted, uid, gid, how->patience_ms,
		 &store->dir, detail)) == TG_OK &&
	    (r = attach(store, how, true, detail)) == TG_OK &&
	    (r = storedir_own_data(how->path, uid, gid, detail)) == TG_OK)
		r = finish(store, entry, prefix, made, detail);
	store_close(&store);
	return r;
}
