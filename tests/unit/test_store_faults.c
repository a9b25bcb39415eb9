/* SPDX-License-Identifier: ISC */
/*
 * Each call into libc and LMDB fails once, at each place in turn, and then
 * from each place on.  The functions below take the place of the real ones,
 * for the core and for LMDB inside.
 */
#include "unit.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "handle.h"
#include "place.h"

/* ---- what fails ---- */

enum mode { OFF, ONCE, FROM_THEN_ON, TRIP, CERTAIN, STOP };

static enum mode mode;
static unsigned calls, nth;
static const char *failed; /* the last function that was made to fail */
static long live;          /* allocations that are not yet freed */
static MDB_assert_func *on_assert;

/* CERTAIN: only this function, with this error, after `skip` and up to `times` calls. */
static struct certain {
	const char *name;
	int error;
	unsigned skip, times;
} certain;

static bool
due(const char *name)
{
	if (mode == OFF)
		return false;
	calls++;
	if (mode == FROM_THEN_ON ? calls < nth : calls != nth)
		return false;
	failed = name;
	if (mode == STOP)
		raise(SIGSTOP);
	return mode != STOP;
}

static bool
libc_fails(const char *name, int error)
{
	if (mode == TRIP || mode == CERTAIN || !due(name))
		return false;
	errno = error;
	return true;
}

/* From here on LMDB finds these in the place of libc's. */
#pragma GCC visibility push(default)

#define REAL(name) \
	static __typeof__(&name) real; \
	if (real == NULL) \
	real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

/* A function that returns -1 and sets errno. */
#define LIBC(type, name, params, args, error) \
	type name params \
	{ \
		REAL(name); \
		return libc_fails(#name, error) ? (type)-1 : real args; \
	}

LIBC(int, fstat, (int fd, struct stat *st), (fd, st), EIO)
LIBC(int, fstatat, (int fd, const char *path, struct stat *st, int flags), (fd, path, st, flags),
    EIO)
LIBC(int, statfs, (const char *path, struct statfs *fs), (path, fs), EIO)
LIBC(ssize_t, pread, (int fd, void *to, size_t len, off_t at), (fd, to, len, at), EIO)
LIBC(ssize_t, pwrite, (int fd, const void *from, size_t len, off_t at), (fd, from, len, at), ENOSPC)
LIBC(ssize_t, writev, (int fd, const struct iovec *v, int n), (fd, v, n), ENOSPC)
LIBC(int, fsync, (int fd), (fd), EIO)
LIBC(int, fdatasync, (int fd), (fd), EIO)
LIBC(int, ftruncate, (int fd, off_t size), (fd, size), ENOSPC)
LIBC(int, mkdir, (const char *path, mode_t mode_bits), (path, mode_bits), ENOSPC)
LIBC(int, fchown, (int fd, uid_t uid, gid_t gid), (fd, uid, gid), EPERM)
LIBC(int, fchmod, (int fd, mode_t mode_bits), (fd, mode_bits), EPERM)
LIBC(int, clock_gettime, (clockid_t clock, struct timespec *ts), (clock, ts), EINVAL)
LIBC(ssize_t, getrandom, (void *to, size_t len, unsigned flags), (to, len, flags), ENOSYS)
LIBC(int, getrlimit, (__rlimit_resource_t what, struct rlimit *limit), (what, limit), EINVAL)

int
posix_fallocate(int fd, off_t at, off_t len)
{
	REAL(posix_fallocate);
	return libc_fails("posix_fallocate", ENOSPC) ? ENOSPC : real(fd, at, len);
}

void *
mmap(void *at, size_t len, int prot, int flags, int fd, off_t offset)
{
	REAL(mmap);
	return libc_fails("mmap", ENOMEM) ? MAP_FAILED : real(at, len, prot, flags, fd, offset);
}

int
fcntl(int fd, int cmd, ...)
{
	va_list ap;
	void *arg;

	REAL(fcntl);
	va_start(ap, cmd);
	arg = va_arg(ap, void *);
	va_end(ap);
	/* descriptors 0-2 are there, as the tests need them */
	return libc_fails("fcntl", EIO) ? -1 : real(fd, cmd, arg);
}

int
open(const char *path, int flags, ...)
{
	mode_t bits = 0;
	va_list ap;

	REAL(open);
	va_start(ap, flags);
	if (flags & O_CREAT)
		bits = va_arg(ap, mode_t);
	va_end(ap);
	return libc_fails("open", EMFILE) ? -1 : real(path, flags, bits);
}

int
openat(int dir, const char *path, int flags, ...)
{
	mode_t bits = 0;
	va_list ap;

	REAL(openat);
	va_start(ap, flags);
	if (flags & O_CREAT)
		bits = va_arg(ap, mode_t);
	va_end(ap);
	return libc_fails("openat", EMFILE) ? -1 : real(dir, path, flags, bits);
}

/* What _FORTIFY_SOURCE makes of openat(). */
int __openat_2(int dir, const char *path, int flags);

int
__openat_2(int dir, const char *path, int flags)
{
	return openat(dir, path, flags);
}

#ifndef __SANITIZE_ADDRESS__
/* The sanitizers bring their own; without them we count. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *p);

static void *
counted(void *p)
{
	live += p != NULL;
	return p;
}

void *
malloc(size_t size)
{
	return libc_fails("malloc", ENOMEM) ? NULL : counted(__libc_malloc(size));
}

void *
calloc(size_t n, size_t size)
{
	return libc_fails("calloc", ENOMEM) ? NULL : counted(__libc_calloc(n, size));
}

void *
realloc(void *p, size_t size)
{
	if (libc_fails("realloc", ENOMEM))
		return NULL;
	return p == NULL ? counted(__libc_realloc(p, size)) : __libc_realloc(p, size);
}

void *
reallocarray(void *p, size_t n, size_t size)
{
	return realloc(p, n * size);
}

int
posix_memalign(void **out, size_t alignment, size_t size)
{
	if (libc_fails("posix_memalign", ENOMEM))
		return ENOMEM;
	*out = counted(__libc_memalign(alignment, size));
	return *out == NULL ? ENOMEM : 0;
}

void
free(void *p)
{
	live -= p != NULL;
	__libc_free(p);
}
#endif

#pragma GCC visibility pop

/* ---- LMDB as the core sees it ---- */

static int
fails_certainly(const char *name)
{
	if (strcmp(name, certain.name) != 0)
		return 0;
	calls++;
	return calls > certain.skip && calls <= certain.skip + certain.times ? certain.error : 0;
}

/* The error to return, 0: none.  One that trips over an assertion never comes back. */
static int
lmdb_fails(const char *name, MDB_env *env, int error)
{
	if (mode == CERTAIN)
		return fails_certainly(name);
	if (!due(name))
		return 0;
	if (mode == TRIP && on_assert != NULL && env != NULL)
		on_assert(env, "tripped by a test");
	return mode != TRIP ? error : 0;
}

#define LMDB(name, params, args, env, error) \
	int name params \
	{ \
		int rc; \
\
		REAL(name); \
		rc = lmdb_fails(#name, env, error); \
		return rc != 0 ? rc : real args; \
	}

LMDB(mdb_env_create, (MDB_env * *env), (env), NULL, ENOMEM)
LMDB(mdb_env_set_maxdbs, (MDB_env * env, MDB_dbi n), (env, n), NULL, EINVAL)
LMDB(mdb_env_set_maxreaders, (MDB_env * env, unsigned n), (env, n), NULL, EINVAL)
LMDB(mdb_env_set_mapsize, (MDB_env * env, size_t size), (env, size), NULL, ENOMEM)
LMDB(mdb_env_open, (MDB_env * env, const char *path, unsigned flags, mdb_mode_t bits),
    (env, path, flags, bits), NULL, MDB_VERSION_MISMATCH)
LMDB(mdb_env_info, (MDB_env * env, MDB_envinfo *info), (env, info), NULL, EINVAL)
LMDB(mdb_env_stat, (MDB_env * env, MDB_stat *stat), (env, stat), NULL, EINVAL)
LMDB(mdb_reader_check, (MDB_env * env, int *dead), (env, dead), NULL, EIO)
LMDB(mdb_txn_begin, (MDB_env * env, MDB_txn *parent, unsigned flags, MDB_txn **txn),
    (env, parent, flags, txn), env, ENOMEM)
LMDB(mdb_dbi_open, (MDB_txn * txn, const char *name, unsigned flags, MDB_dbi *dbi),
    (txn, name, flags, dbi), mdb_txn_env(txn), MDB_CORRUPTED)
LMDB(mdb_get, (MDB_txn * txn, MDB_dbi dbi, MDB_val *key, MDB_val *data), (txn, dbi, key, data),
    mdb_txn_env(txn), MDB_PAGE_NOTFOUND)
LMDB(mdb_put, (MDB_txn * txn, MDB_dbi dbi, MDB_val *key, MDB_val *data, unsigned flags),
    (txn, dbi, key, data, flags), mdb_txn_env(txn), MDB_TXN_FULL)
LMDB(mdb_cursor_open, (MDB_txn * txn, MDB_dbi dbi, MDB_cursor **cursor), (txn, dbi, cursor),
    mdb_txn_env(txn), ENOMEM)
LMDB(mdb_cursor_get, (MDB_cursor * cursor, MDB_val *key, MDB_val *data, MDB_cursor_op op),
    (cursor, key, data, op), mdb_txn_env(mdb_cursor_txn(cursor)), MDB_CORRUPTED)

/* One that fails has ended the transaction nevertheless. */
int
mdb_txn_commit(MDB_txn *txn)
{
	int rc;

	REAL(mdb_txn_commit);
	if ((rc = lmdb_fails("mdb_txn_commit", mdb_txn_env(txn), EIO)) == 0)
		return real(txn);
	mdb_txn_abort(txn);
	return rc;
}

int
mdb_env_set_assert(MDB_env *env, MDB_assert_func *func)
{
	REAL(mdb_env_set_assert);
	on_assert = func;
	return real(env, func);
}

/* ---- what is done meanwhile ---- */

static struct tg *tg;
static struct issued token, other, issued;
static struct tg_token kept;
static struct tg_grant grant;
static size_t tokens, seen;
static bool made;

static enum tg_status
ask(const char *text)
{
	static const struct tg_request req = {
		.service = "sftp", .action = "upload", .resource = "demo"
	};

	return tg_check(tg, text, strlen(text), &req, &grant);
}

static bool
count(void *arg, const struct tg_token *t)
{
	(void)arg;
	(void)t;
	seen++;
	return true;
}

static bool
count_entry(void *arg, const struct tg_entry *entry)
{
	(void)arg;
	(void)entry;
	seen++;
	return true;
}

static size_t
count_tokens(void)
{
	seen = 0;
	ROW(tg_each(tg, NULL, count, NULL) == TG_OK, "%s", tg_detail(tg));
	return seen;
}

static void
new_token(void)
{
	token = place_issue(tg, NULL);
}

static void
new_limited(void)
{
	token = place_issue(tg, &(struct wish) { .uses = 1 });
}

static void
new_wrong(void)
{
	new_token();
	other = place_other_secret(&token);
}

static void
new_revoked(void)
{
	new_token();
	assert_int_equal(tg_revoke(tg, token.id, "root", NULL), TG_OK);
}

static void
new_ticket(void)
{
	new_token();
	assert_int_equal(ask(token.text), TG_OK);
}

static void
new_store(void)
{
	place_clear();
	place_init();
	new_token();
}

static void
take_count(void)
{
	tokens = count_tokens();
	seen = 0;
}

static void
as_it_is(void)
{
}

static enum tg_status
run_check(void)
{
	return ask(token.text);
}

static enum tg_status
run_check_wrong(void)
{
	return ask(other.text);
}

static enum tg_status
run_ask(void)
{
	struct tg_grant again;

	return tg_ask(tg, grant.ticket, &again);
}

static enum tg_status
run_issue(void)
{
	enum tg_status r;

	place_wish(&(struct wish) { .name = "new" }, &kept);
	memset(issued.text, 'x', sizeof(issued.text));
	r = tg_issue(tg, &kept, issued.text);
	memcpy(issued.id, kept.id, sizeof(issued.id));
	return r;
}

static enum tg_status
run_change(void)
{
	place_wish(&(struct wish) { .name = "changed" }, &kept);
	return tg_change(tg, token.id, &kept, "root");
}

static enum tg_status
run_revoke(void)
{
	return tg_revoke(tg, token.id, "root", NULL);
}

static enum tg_status
run_revoke_all(void)
{
	return tg_revoke_all(tg, "alice", "root", NULL, NULL, NULL);
}

static enum tg_status
run_suspend(void)
{
	const struct tg_owner owner = { .name = "alice", .suspended = true };

	return tg_owner_set(tg, &owner, "root");
}

static enum tg_status
run_get(void)
{
	return tg_get(tg, token.id, &kept);
}

static enum tg_status
run_each(void)
{
	return tg_each(tg, "alice", count, NULL);
}

static enum tg_status
run_log(void)
{
	return tg_log(tg, count_entry, NULL);
}

static enum tg_status
run_init(void)
{
	return tg_init(tg, geteuid(), getegid(), NULL, "root", &made);
}

static enum tg_status
run_hold(void)
{
	enum tg_status r;
	struct tg *own;

	if ((r = tg_open(place_config(), place_store(), &own)) == TG_OK)
		r = tg_hold(own);
	tg_close(&own);
	return r;
}

/* Without `so` it went through: what must be true then, and what if it did not? */
static void
judge_nothing(bool done)
{
	(void)done;
}

static void
judge_limited(bool done)
{
	enum tg_status now = ask(token.text);

	/* a use may be lost, but there are not two */
	ROW(done ? now == TG_USED_UP : now == TG_OK || now == TG_USED_UP, "%s",
	    tg_status_name(now));
}

static void
judge_issue(bool done)
{
	size_t i;

	ROW(count_tokens() == tokens + done, "%zu, were %zu", seen, tokens);
	if (done)
		assert_int_equal(ask(issued.text), TG_OK);
	for (i = 0; !done && i < sizeof(issued.text); i++)
		assert_int_equal(issued.text[i], '\0');
}

static void
judge_change(bool done)
{
	assert_int_equal(tg_get(tg, token.id, &kept), TG_OK);
	assert_string_equal(kept.name, done ? "changed" : "");
	assert_int_equal(ask(token.text), TG_OK);
}

static void
judge_revoke(bool done)
{
	assert_int_equal(ask(token.text), done ? TG_REVOKED : TG_OK);
}

static void
judge_suspend(bool done)
{
	assert_int_equal(ask(token.text), done ? TG_OWNER_SUSPENDED : TG_OK);
	place_owner(tg, "alice", false, NULL);
}

static void
judge_each(bool done)
{
	assert_int_equal(done ? seen : tokens, tokens);
}

static void
judge_init(bool done)
{
	assert_int_equal(made, done);
	ROW(run_init() == TG_OK, "%s", tg_detail(tg));
	assert_int_equal(made, !done);
	new_token();
	assert_int_equal(ask(token.text), TG_OK);
}

static void
judge_init_again(bool done)
{
	(void)done;
	assert_false(made);
	assert_int_equal(ask(token.text), TG_OK);
}

static const struct scenario {
	const char *name;
	void (*prepare)(void);
	enum tg_status (*run)(void);
	enum tg_status clean; /* what it says when nothing fails */
	void (*judge)(bool done);
} scenarios[] = {
	{ "check", new_token, run_check, TG_OK, judge_nothing },
	{ "check, wrong", new_wrong, run_check_wrong, TG_NO_MATCH, judge_nothing },
	{ "check, revoked", new_revoked, run_check, TG_REVOKED, judge_nothing },
	{ "check, one use", new_limited, run_check, TG_OK, judge_limited },
	{ "ask", new_ticket, run_ask, TG_OK, judge_nothing },
	{ "issue", take_count, run_issue, TG_OK, judge_issue },
	{ "change", new_token, run_change, TG_OK, judge_change },
	{ "revoke", new_token, run_revoke, TG_OK, judge_revoke },
	{ "suspend", new_token, run_suspend, TG_OK, judge_suspend },
	{ "get", as_it_is, run_get, TG_OK, judge_nothing },
	{ "log", as_it_is, run_log, TG_OK, judge_nothing },
	{ "hold", as_it_is, run_hold, TG_OK, judge_nothing },
	{ "init", place_clear, run_init, TG_OK, judge_init },
	{ "init again", as_it_is, run_init, TG_OK, judge_init_again },
	{ "revoke all", new_store, run_revoke_all, TG_OK, judge_revoke },
	{ "each", take_count, run_each, TG_OK, judge_each },
};

static int
faults_setup(void **state)
{
	place_setup(state);
	tg = place_open_apart();
	tg_set_now(tg, 0); /* so that the clock can fail, too */
	return 0;
}

static int
faults_teardown(void **state)
{
	tg_close(&tg);
	return place_teardown(state);
}

/* Run it with failures from the nth call on; false if it needs fewer calls. */
static bool
run_faulty(const struct scenario *s, enum mode how, unsigned n)
{
	enum tg_status r;
	unsigned fds;
	long before;

	s->prepare();
	fds = place_fds();
	before = live;
	calls = 0;
	nth = n;
	failed = "nothing";
	mode = how;
	r = s->run();
	mode = OFF;
	ROW(r == s->clean || r < 0, "%s, %s at call %u: %s", s->name, failed, n, tg_status_name(r));
	ROW(live == before, "%s, %s at call %u: %ld allocations more", s->name, failed, n,
	    live - before);
	ROW(place_fds() == fds, "%s, %s at call %u: %u descriptors, were %u", s->name, failed, n,
	    place_fds(), fds);
	if (calls < n)
		ROW(r == s->clean, "%s, without failure: %s", s->name, tg_detail(tg));
	s->judge(r == TG_OK);
	return calls >= n;
}

static void
run_all(enum mode how)
{
	unsigned n;
	size_t i;

	for (i = 0; i < ROWS(scenarios); i++) {
		new_store();
		run_faulty(&scenarios[i], OFF, 1); /* whatever is allocated once */
		for (n = 1; run_faulty(&scenarios[i], how, n); n++)
			;
		print_message("# %s: %u calls\n", scenarios[i].name, n - 1);
		assert_true(n > 20);
	}
}

static void
a_call_that_fails_once_makes_no_yes_and_leaves_nothing_behind(void **state)
{
	(void)state;
	run_all(ONCE);
}

static void
calls_that_fail_from_then_on_make_no_yes_and_leave_nothing_behind(void **state)
{
	(void)state;
	run_all(FROM_THEN_ON);
}

/* ---- assertions ---- */

static int
run_tripping(void *arg)
{
	const struct scenario *s = arg;
	enum tg_status r, again;
	bool fired;

	calls = 0;
	mode = TRIP;
	r = s->run();
	mode = OFF;
	fired = calls >= nth;
	if (r != s->clean && r >= 0)
		return 2;
	/* the process goes on, and is answered right or not at all */
	again = ask(token.text);
	if (again == TG_OK ? r == TG_OK && (s->run == run_revoke || s->prepare == new_limited) :
			     again != TG_REVOKED && again != TG_USED_UP && again != TG_UNAVAILABLE)
		return 3;
	return fired ? 0 : 1;
}

static void
an_assertion_of_lmdb_at_any_call_is_survived(void **state)
{
	static const char *const names[] = { "check", "check, wrong", "check, revoked",
		"check, one use", "issue", "revoke" };
	size_t i, k;
	int got;

	(void)state;
	for (i = 0; i < ROWS(scenarios); i++)
		for (k = 0; k < ROWS(names); k++) {
			if (strcmp(scenarios[i].name, names[k]) != 0)
				continue;
			for (nth = 1, got = 0; got == 0; nth++) {
				scenarios[i].prepare();
				got = place_wait_ms(place_fork(run_tripping,
							(void *)(uintptr_t)&scenarios[i]),
				    15000);
			}
			ROW(got == 1, "%s, call %u: %d", names[k], nth - 1, got);
			ROW(nth > 10, "%s", names[k]);
		}
}

/* ---- stopped processes ---- */

static int
run_and_stop(void *arg)
{
	(void)arg;
	calls = 0;
	mode = STOP;
	(void)!ask(issued.text);
	return 0;
}

/* Ask beside one that stopped at the nth call of a login; false if it has fewer. */
static bool
ask_beside_stopped(unsigned n, unsigned *refused)
{
	enum { GRACE_MS = 1000 };
	pid_t pid;
	int status;
	int64_t start;
	enum tg_status r;

	nth = n;
	pid = place_fork(run_and_stop, NULL);
	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	if (!WIFSTOPPED(status))
		return false;
	start = place_ms();
	r = ask(token.text);
	ROW(r == TG_OK || r == TG_UNAVAILABLE, "call %u: %s", n, tg_status_name(r));
	ROW(place_ms() - start < HANDLE_CHECK_MS + GRACE_MS, "call %u: %d ms", n,
	    (int)(place_ms() - start));
	*refused += r == TG_UNAVAILABLE;
	place_kill(pid);
	ROW(ask(token.text) == TG_OK, "call %u, afterwards: %s", n, tg_detail(tg));
	return true;
}

static void
a_login_that_is_stopped_anywhere_holds_up_no_other(void **state)
{
	enum { STEP = 4 };
	unsigned n, asked = 0, refused = 0;

	(void)state;
	place_seed();
	new_token();
	issued = place_issue(tg, &(struct wish) { .uses = 1000 });
	for (n = 1 + place_random(STEP); ask_beside_stopped(n, &refused); n += STEP)
		asked++;
	print_message("# %u of %u were refused at the deadline\n", refused, asked);
	assert_true(asked > 10);
	assert_int_equal(ask(issued.text), TG_OK);
}

/* ---- what is tried again ---- */

static void
what_passes_is_tried_again_and_what_stays_is_unavailable(void **state)
{
	static const struct {
		struct certain certain;
		enum tg_status (*run)(void);
		enum tg_status r;
	} rows[] = {
		{ { "mdb_put", MDB_MAP_FULL, 0, 1 }, run_issue, TG_OK },
		{ { "mdb_put", MDB_MAP_FULL, 3, 1 }, run_issue, TG_OK },
		{ { "mdb_put", MDB_MAP_FULL, 0, 2 }, run_issue, TG_OK },
		{ { "mdb_put", MDB_MAP_FULL, 0, 1000 }, run_issue, TG_UNAVAILABLE },
		{ { "mdb_txn_commit", MDB_MAP_FULL, 1, 1 }, run_issue, TG_OK },
		{ { "mdb_txn_begin", MDB_MAP_RESIZED, 0, 1 }, run_issue, TG_OK },
		{ { "mdb_txn_begin", MDB_MAP_RESIZED, 1, 1 }, run_issue, TG_OK },
		{ { "mdb_txn_begin", MDB_MAP_RESIZED, 0, 1000 }, run_issue, TG_UNAVAILABLE },
		{ { "mdb_txn_begin", MDB_MAP_RESIZED, 0, 1 }, run_check, TG_OK },
		{ { "mdb_txn_begin", MDB_MAP_RESIZED, 1, 1 }, run_check, TG_OK },
		{ { "mdb_txn_begin", MDB_READERS_FULL, 0, 1 }, run_check, TG_OK },
		{ { "mdb_txn_begin", MDB_READERS_FULL, 1, 1 }, run_check, TG_OK },
		{ { "mdb_txn_begin", MDB_READERS_FULL, 0, 1000 }, run_check, TG_UNAVAILABLE },
	};
	enum tg_status r;
	size_t i;

	(void)state;
	new_token();
	for (i = 0; i < ROWS(rows); i++) {
		take_count();
		certain = rows[i].certain;
		calls = 0;
		mode = CERTAIN;
		r = rows[i].run();
		mode = OFF;
		ROW(calls > certain.skip, "row %zu: it was not called", i);
		ROW(r == rows[i].r, "row %zu: %s: %s", i, tg_status_name(r), tg_detail(tg));
		if (rows[i].run == run_issue)
			judge_issue(r == TG_OK);
		assert_int_equal(ask(token.text), TG_OK);
	}
}

#define FAULTY(sentence, function) \
	{ \
		(sentence), (function), faults_setup, faults_teardown, NULL \
	}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FAULTY("a call that fails once makes no yes and leaves nothing behind",
		    a_call_that_fails_once_makes_no_yes_and_leaves_nothing_behind),
		FAULTY("calls that fail from then on make no yes and leave nothing behind",
		    calls_that_fail_from_then_on_make_no_yes_and_leave_nothing_behind),
		FAULTY("an assertion of LMDB at any call is survived",
		    an_assertion_of_lmdb_at_any_call_is_survived),
		FAULTY("a login that is stopped anywhere holds up no other",
		    a_login_that_is_stopped_anywhere_holds_up_no_other),
		FAULTY("what passes is tried again and what stays is unavailable",
		    what_passes_is_tried_again_and_what_stays_is_unavailable),
	};

	return RUN(tests);
}
