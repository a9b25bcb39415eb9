/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lmdb_hand.h"

struct hand {
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi dbi;
};

static void
must(int rc)
{
	ROW(rc == 0, "lmdb: %s", mdb_strerror(rc));
}

static MDB_env *
open_env(unsigned flags)
{
	MDB_env *env;

	must(mdb_env_create(&env));
	must(mdb_env_set_maxdbs(env, 8));
	must(mdb_env_set_maxreaders(env, 4096));
	must(mdb_env_open(env, place_store(), MDB_NOTLS | flags, 0600));
	return env;
}

static struct hand
reach(const char *db, unsigned flags)
{
	struct hand h = { .env = open_env(flags) };

	must(mdb_txn_begin(h.env, NULL, flags, &h.txn));
	must(mdb_dbi_open(h.txn, db, 0, &h.dbi));
	return h;
}

static void
let_go(struct hand *h)
{
	must(mdb_txn_commit(h->txn));
	mdb_env_close(h->env);
}

uint8_t *
hand_get(const char *db, const void *key, size_t key_len, size_t *len)
{
	struct hand h = reach(db, MDB_RDONLY);
	MDB_val k = { key_len, (void *)(uintptr_t)key }, v;
	uint8_t *copy = NULL;

	if (mdb_get(h.txn, h.dbi, &k, &v) == 0) {
		assert_non_null(copy = malloc(v.mv_size));
		memcpy(copy, v.mv_data, v.mv_size);
		*len = v.mv_size;
	}
	let_go(&h);
	return copy;
}

void
hand_put(const char *db, const void *key, size_t key_len, const void *value, size_t len)
{
	struct hand h = reach(db, 0);
	MDB_val k = { key_len, (void *)(uintptr_t)key }, v = { len, (void *)(uintptr_t)value };

	must(mdb_put(h.txn, h.dbi, &k, &v, 0));
	let_go(&h);
}

void
hand_delete(const char *db, const void *key, size_t key_len)
{
	struct hand h = reach(db, 0);
	MDB_val k = { key_len, (void *)(uintptr_t)key };

	must(mdb_del(h.txn, h.dbi, &k, NULL));
	let_go(&h);
}

void
hand_make(bool databases)
{
	static const struct {
		const char *name;
		unsigned flags;
	} dbs[] = { { "tokens", 0 }, { "by-owner", MDB_DUPSORT | MDB_DUPFIXED }, { "owners", 0 },
		{ "journal", 0 }, { "meta", 0 } };
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi dbi;
	size_t i;

	must(mdb_env_create(&env));
	must(mdb_env_set_maxdbs(env, ROWS(dbs)));
	must(mdb_env_set_maxreaders(env, 4096));
	must(mdb_env_open(env, place_store(), 0, 0600));
	must(mdb_txn_begin(env, NULL, 0, &txn));
	for (i = 0; databases && i < ROWS(dbs); i++)
		must(mdb_dbi_open(txn, dbs[i].name, dbs[i].flags | MDB_CREATE, &dbi));
	must(mdb_txn_commit(txn));
	mdb_env_close(env);
}

void
hand_compact(void)
{
	char copy[256];
	MDB_env *env = open_env(MDB_RDONLY);

	must(mdb_env_copy2(env, place_top(), MDB_CP_COMPACT));
	mdb_env_close(env);
	snprintf(copy, sizeof(copy), "%s/data.mdb", place_top());
	assert_int_equal(chmod(copy, 0600), 0);
	assert_int_equal(rename(copy, place_file("data.mdb")), 0);
}

static int
count_line(const char *text, void *arg)
{
	unsigned *lines = arg;

	for (; *text != '\0'; text++)
		*lines += *text == '\n';
	return 0;
}

unsigned
hand_readers(void)
{
	MDB_env *env = open_env(MDB_RDONLY);
	unsigned lines = 0;

	/* a headline and one line for each, or one line that there are none */
	assert_true(mdb_reader_list(env, count_line, &lines) >= 0);
	mdb_env_close(env);
	return lines > 0 ? lines - 1 : 0;
}

/* In a child no cmocka: if it fails there is no flag, and the parent finds out. */
void
hand_sit_reading(unsigned n, volatile int *flag)
{
	MDB_env *env = open_env(MDB_RDONLY);
	unsigned begun = 0;
	MDB_txn *txn;
	int rc = 0;

	while (rc == 0 && (n == 0 || begun < n))
		if ((rc = mdb_txn_begin(env, NULL, MDB_RDONLY, &txn)) == 0)
			begun++;
	if (rc != 0 && (rc != MDB_READERS_FULL || n != 0))
		_exit(1);
	__atomic_add_fetch(flag, 1, __ATOMIC_RELEASE);
	for (;;)
		pause();
}
