/* SPDX-License-Identifier: ISC */
/*
 * store.h - the only file that talks to LMDB
 *
 * What LMDB does to a host that holds it wrongly, and what stands against it
 * here:
 *
 *  - Opened twice in one process, closing one drops the locks of both: the
 *    guard of storedir.h.  Nothing is kept open between calls in a host.
 *  - A fork inherits a broken environment: it is used by the process that
 *    opened it, or not at all.
 *  - A damaged page can trip an assertion, which would abort the host: the
 *    handler jumps back, the call is TG_UNAVAILABLE and the environment is
 *    abandoned, neither used nor closed again, with its gate and guard.  From
 *    then on this process answers "damaged" without looking.
 *  - A reader that stays pins old pages for all: values are copied out and the
 *    transaction ends at once.
 *  - Writers, openers and new readers queue behind LMDB's locks without a
 *    deadline: the gate, or the opener's lock, is taken first.
 *  - Its map has a size: a change that does not fit is rolled back, the map
 *    grown, the change made again.
 *
 * Calls on one store are made by one thread.
 */
#ifndef STORE_H
#define STORE_H

#include "crypt.h"
#include "detail.h"
#include "record.h"
#include "usage.h"

enum store_db { STORE_TOKENS, STORE_BY_OWNER, STORE_OWNERS, STORE_JOURNAL, STORE_META, STORE_DBS };

/* How a store is opened. */
struct store_how {
	const char *path;
	uint32_t also_trusted; /* uid that may own it besides root and us */
	bool writing;
	int patience_ms; /* for guard and gate */
};

enum { STORE_ID_LEN = 16 };

/* What the store says of itself; FORMAT.md section 4. */
struct store_meta {
	uint8_t id[STORE_ID_LEN];
	uint8_t ticket_key[CRYPT_KEY_LEN];
	char prefix[TG_PREFIX_MAX + 1];
	uint64_t serial; /* of the last change */
	uint32_t slots;  /* usage slots given out */
};

struct store;

/* *out is NULL on all but TG_OK.  Statuses: TG_UNAVAILABLE, TG_MISCONFIGURED. */
enum tg_status store_open(const struct store_how *how, struct store **out, struct detail *detail)
    __attribute__((warn_unused_result));
void store_close(struct store **store);

/* Has LMDB given up, on this store or another?  This process will open none any more. */
bool store_lost(const struct store *store);

/* Is it still the one at its path, and fit for use? */
bool store_current(const struct store *store, const char *path);

/* Wait so long for the gate from now on; returns how long it was. */
int store_patience(struct store *store, int patience_ms);

/* Free the reader slots of processes that died. */
void store_tidy(struct store *store);

/*
 * Make a store, or finish one that was not, with this prefix; *made is false
 * if it was there already, and then only owner and modes are set.
 */
enum tg_status store_make(const struct store_how *how, uint32_t uid, uint32_t gid,
    const struct tg_entry *entry, const char *prefix, bool *made, struct detail *detail)
    __attribute__((warn_unused_result));

/* As of the last begin; belongs to the store. */
const struct store_meta *store_meta(const struct store *store);
struct usage *store_usage(struct store *store);

/* A snapshot for the reads that follow; ended by store_end(). */
enum tg_status store_begin(struct store *store, struct detail *detail)
    __attribute__((warn_unused_result));
void store_end(struct store *store);

/* Copy a value out.  TG_NO_MATCH: there is none. */
enum tg_status store_get(struct store *store, enum store_db db, const void *key, size_t key_len,
    uint8_t out[static RECORD_MAX], size_t *len, struct detail *detail)
    __attribute__((warn_unused_result));

enum { STORE_KEY_MAX = 64 };

struct store_key {
	uint8_t data[STORE_KEY_MAX];
	size_t len; /* 0: before the first */
};

/* The entry with the next greater key; `key` becomes that.  TG_NO_MATCH: none. */
enum tg_status store_next(struct store *store, enum store_db db, struct store_key *key,
    uint8_t out[static RECORD_MAX], size_t *len, struct detail *detail)
    __attribute__((warn_unused_result));

/* The next greater id of an owner's tokens; `id` becomes that ("" : the first). */
enum tg_status store_next_of(struct store *store, const char *owner, char id[static TG_ID_LEN + 1],
    struct detail *detail) __attribute__((warn_unused_result));

/*
 * The one door for changes: run `apply` in a write transaction and commit it
 * durably, behind the gate and under the next serial.  `apply` may be run
 * again from the start, when the map had to grow, and anything it returns but
 * TG_OK rolls back.  One that puts nothing is no change and has no serial.
 * Inside, the reads above see the change.
 */
enum tg_status store_update(struct store *store,
    enum tg_status (*apply)(void *arg, struct store *store, struct detail *detail), void *arg,
    struct detail *detail) __attribute__((warn_unused_result));

/* Between changes of one who makes many: let those who wait to write go first. */
void store_yield(struct store *store);

/* Within store_update() only. */
enum tg_status store_put(struct store *store, enum store_db db, const void *key, size_t key_len,
    const void *value, size_t len, struct detail *detail) __attribute__((warn_unused_result));
enum tg_status store_note(struct store *store, const struct tg_entry *entry, struct detail *detail)
    __attribute__((warn_unused_result));
enum tg_status store_take_slot(struct store *store, uint32_t *slot, struct detail *detail)
    __attribute__((warn_unused_result));

#endif
