/* SPDX-License-Identifier: ISC */
/*
 * Each call that could fail fails once, at each place in turn, and then from
 * each place on: of who asks tokgated, and of what tokgated does to answer.
 * The functions below take the place of the real ones, for this thread.
 */
#include "unit.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "daemon.h"
#include "wire.h"

/* ---- what fails ---- */

static __thread bool armed, onwards;
static __thread unsigned calls, nth;
static __thread const char *first; /* the function that failed first */
static __thread long live_blocks;

static bool
fails(const char *name, int error)
{
	if (!armed || (++calls != nth && !(onwards && calls > nth)))
		return false;
	if (first == NULL)
		first = name;
	errno = error;
	return true;
}

static void
arm(unsigned n, bool and_onwards)
{
	calls = 0;
	nth = n;
	onwards = and_onwards;
	first = NULL;
	armed = true;
}

/* The function that failed first, or NULL. */
static const char *
disarm(void)
{
	armed = false;
	return first;
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
		return fails(#name, error) ? (type)-1 : real args; \
	}

LIBC(int, socket, (int domain, int type, int protocol), (domain, type, protocol), EMFILE)
LIBC(int, connect, (int fd, const struct sockaddr *addr, socklen_t len), (fd, addr, len), ENOBUFS)
LIBC(int, getsockopt, (int fd, int level, int name, void *value, socklen_t *len),
    (fd, level, name, value, len), ENOBUFS)
LIBC(int, setsockopt, (int fd, int level, int name, const void *value, socklen_t len),
    (fd, level, name, value, len), ENOBUFS)
LIBC(ssize_t, send, (int fd, const void *data, size_t len, int flags), (fd, data, len, flags),
    ENOBUFS)
LIBC(ssize_t, recvmsg, (int fd, struct msghdr *message, int flags), (fd, message, flags), ENOMEM)
LIBC(int, poll, (struct pollfd * fds, nfds_t n, int ms), (fds, n, ms), ENOMEM)
LIBC(int, stat, (const char *path, struct stat *st), (path, st), EIO)
LIBC(int, fstat, (int fd, struct stat *st), (fd, st), EIO)
LIBC(int, fstatat, (int fd, const char *path, struct stat *st, int flags), (fd, path, st, flags),
    EIO)
LIBC(ssize_t, pread, (int fd, void *to, size_t len, off_t at), (fd, to, len, at), EIO)
LIBC(ssize_t, pwrite, (int fd, const void *from, size_t len, off_t at), (fd, from, len, at), ENOSPC)
LIBC(int, fsync, (int fd), (fd), EIO)
LIBC(int, fdatasync, (int fd), (fd), EIO)
LIBC(int, clock_gettime, (clockid_t clock, struct timespec *ts), (clock, ts), EINVAL)
LIBC(int, getrlimit, (__rlimit_resource_t what, struct rlimit *limit), (what, limit), EINVAL)

void *
mmap(void *at, size_t len, int prot, int flags, int fd, off_t offset)
{
	REAL(mmap);
	return fails("mmap", ENOMEM) ? MAP_FAILED : real(at, len, prot, flags, fd, offset);
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
	return fails("fcntl", EIO) ? -1 : real(fd, cmd, arg);
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
	return fails("open", EMFILE) ? -1 : real(path, flags, bits);
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
	return fails("openat", EMFILE) ? -1 : real(dir, path, flags, bits);
}

/* What _FORTIFY_SOURCE makes of openat(). */
int __openat_2(int dir, const char *path, int flags);

int
__openat_2(int dir, const char *path, int flags)
{
	return openat(dir, path, flags);
}

#ifndef __SANITIZE_ADDRESS__
/* The sanitizers bring their own, and find what leaks; without them we count. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void __libc_free(void *p);

static void *
counted(void *p)
{
	live_blocks += p != NULL;
	return p;
}

void *
malloc(size_t size)
{
	return fails("malloc", ENOMEM) ? NULL : counted(__libc_malloc(size));
}

void *
calloc(size_t n, size_t size)
{
	return fails("calloc", ENOMEM) ? NULL : counted(__libc_calloc(n, size));
}

void
free(void *p)
{
	live_blocks -= p != NULL;
	__libc_free(p);
}
#endif

#pragma GCC visibility pop

/* LMDB as the core sees it. */
#define LMDB(name, params, args, error) \
	int name params \
	{ \
		REAL(name); \
		return fails(#name, 0) ? error : real args; \
	}

LMDB(mdb_env_create, (MDB_env * *env), (env), ENOMEM)
LMDB(mdb_env_set_mapsize, (MDB_env * env, size_t size), (env, size), ENOMEM)
LMDB(mdb_env_open, (MDB_env * env, const char *path, unsigned flags, mdb_mode_t bits),
    (env, path, flags, bits), MDB_VERSION_MISMATCH)
LMDB(mdb_env_get_fd, (MDB_env * env, mdb_filehandle_t *fd), (env, fd), EINVAL)
LMDB(mdb_reader_check, (MDB_env * env, int *dead), (env, dead), EIO)
LMDB(mdb_txn_begin, (MDB_env * env, MDB_txn *parent, unsigned flags, MDB_txn **txn),
    (env, parent, flags, txn), ENOMEM)
LMDB(mdb_dbi_open, (MDB_txn * txn, const char *name, unsigned flags, MDB_dbi *dbi),
    (txn, name, flags, dbi), MDB_CORRUPTED)
LMDB(mdb_get, (MDB_txn * txn, MDB_dbi dbi, MDB_val *key, MDB_val *data), (txn, dbi, key, data),
    MDB_PAGE_NOTFOUND)
LMDB(mdb_put, (MDB_txn * txn, MDB_dbi dbi, MDB_val *key, MDB_val *data, unsigned flags),
    (txn, dbi, key, data, flags), MDB_TXN_FULL)

/* One that fails has ended the transaction nevertheless. */
int
mdb_txn_commit(MDB_txn *txn)
{
	REAL(mdb_txn_commit);
	if (!fails("mdb_txn_commit", 0))
		return real(txn);
	mdb_txn_abort(txn);
	return EIO;
}

/* ---- a sweep ---- */

static struct tg *tg;
static struct issued live, dead, limited;
static struct tg_grant grant;
static char ticket[TG_TICKET_MAX + 1];
static uint32_t as;

static const struct tg_request upload = {
	.service = "sftp", .action = "upload", .resource = "demo"
};

struct sweep {
	const char *what;
	void (*prepare)(void); /* before each fault; may be NULL */
	enum tg_status (*run)(void);
	enum tg_status want;             /* without a fault; with one, or that it cannot be said */
	void (*judge)(enum tg_status r); /* what must be true then */
	unsigned least;                  /* calls that there are to fail */
};

/* One run with a fault.  False once none came. */
static bool
run(const struct sweep *sweep, unsigned n, bool and_onwards)
{
	const char *failed;
	enum tg_status r;

	if (sweep->prepare != NULL)
		sweep->prepare();
	arm(n, and_onwards);
	r = sweep->run();
	failed = disarm();
	if (failed == NULL)
		ROW(r == sweep->want, "%s, no fault: %s: %s", sweep->what, tg_status_name(r),
		    tg_detail(tg));
	ROW(r == sweep->want || r == TG_UNAVAILABLE || r == TG_MISCONFIGURED,
	    "%s, call %u (%s)%s: %s", sweep->what, n, failed,
	    and_onwards ? " and all after it" : "", tg_status_name(r));
	sweep->judge(r);
	return failed != NULL;
}

/* The same, and nothing is left behind.  What LMDB keeps it keeps once: a leak comes each time. */
static bool
run_cleanly(const struct sweep *sweep, unsigned n, bool and_onwards, unsigned fds)
{
	bool failed = false;
	long blocks, left = 1;
	int again;

	for (again = 0; again < 3 && left > 0; again++) {
		blocks = live_blocks;
		failed = run(sweep, n, and_onwards);
		left = live_blocks - blocks;
	}
	ROW(left <= 0, "%s, call %u: %ld blocks are left", sweep->what, n, left);
	ROW(place_fds() == fds, "%s, call %u: %u descriptors, were %u", sweep->what, n, place_fds(),
	    fds);
	return failed;
}

static void
run_all(const struct sweep *sweeps, size_t count)
{
	unsigned n, fds;
	size_t i;
	int k;

	for (i = 0; i < count; i++)
		for (k = 0; k <= 1; k++) {
			fds = place_fds();
			for (n = 1; run_cleanly(&sweeps[i], n, k == 1, fds); n++)
				;
			ROW(n > sweeps[i].least, "%s: only %u calls", sweeps[i].what, n - 1);
		}
}

/* ---- who asks ---- */

static enum tg_status
check(const struct issued *token)
{
	return tg_check(tg, token->text, strlen(token->text), &upload, &grant);
}

static enum tg_status
check_live(void)
{
	return check(&live);
}

static enum tg_status
check_dead(void)
{
	return check(&dead);
}

static enum tg_status
check_limited(void)
{
	return check(&limited);
}

static enum tg_status
ask_again(void)
{
	return tg_ask(tg, ticket, &grant);
}

static uint32_t
uses_left(void)
{
	struct tg_token token;
	struct tg *own;

	/* of the store, whoever we are */
	assert_int_equal(seteuid(0), 0);
	own = place_open();
	assert_int_equal(tg_get(own, limited.id, &token), TG_OK);
	tg_close(&own);
	assert_int_equal(seteuid(as), 0);
	return token.uses_left;
}

static uint32_t before;

static void
note_uses(void)
{
	before = uses_left();
}

/* Each yes was paid for, and no more than that and one whose answer was lost. */
static void
want_paid(enum tg_status r)
{
	uint32_t used = before - uses_left();

	ROW(r == TG_OK ? used >= 1 && used <= 2 : used <= 1, "%s for %u uses", tg_status_name(r),
	    used);
}

static void
want_grant(enum tg_status r)
{
	if (r == TG_OK)
		assert_string_equal(grant.identity, "alice");
	else
		assert_int_equal(grant.nscopes + strlen(grant.identity) + strlen(grant.ticket), 0);
}

static struct issued victim;

static void
new_victim(void)
{
	struct tg *own = place_open();

	tg_set_now(own, 0);
	victim = place_issue(own, NULL);
	tg_close(&own);
}

static enum tg_status
revoke_victim(void)
{
	return tg_revoke(tg, victim.id, "root", NULL);
}

/* What was confirmed is so, whichever way it is asked. */
static void
want_revoked(enum tg_status r)
{
	if (r == TG_OK)
		assert_int_equal(daemon_check(tg, victim.text), TG_REVOKED);
}

static void
issue_all(void)
{
	struct tg *own = place_open();

	tg_set_now(own, 0);
	live = place_issue(own, NULL);
	dead = place_issue(own, NULL);
	limited = place_issue(own, &(struct wish) { .uses = 1000000 });
	assert_int_equal(tg_revoke(own, dead.id, "root", NULL), TG_OK);
	assert_int_equal(tg_check(own, live.text, strlen(live.text), &upload, &grant), TG_OK);
	memcpy(ticket, grant.ticket, sizeof(ticket));
	tg_close(&own);
}

static void
whatever_fails_who_asks_is_not_misled(void **state)
{
	static const struct sweep sweeps[] = {
		{ "live", NULL, check_live, TG_OK, want_grant, 8 },
		{ "dead", NULL, check_dead, TG_REVOKED, want_grant, 8 },
		{ "limited", note_uses, check_limited, TG_OK, want_paid, 8 },
		{ "ticket", NULL, ask_again, TG_OK, want_grant, 8 },
	};

	(void)state;
	issue_all();
	tg = daemon_client();
	as = GUEST;
	assert_int_equal(seteuid(GUEST), 0);
	run_all(sweeps, ROWS(sweeps));
	assert_int_equal(seteuid(0), 0);
	tg_close(&tg);
}

static void
whatever_fails_root_is_not_misled_either(void **state)
{
	/* where the daemon's answer is lost, the store gives another one */
	static const struct sweep sweeps[] = {
		{ "live", NULL, check_live, TG_OK, want_grant, 8 },
		{ "dead", NULL, check_dead, TG_REVOKED, want_grant, 8 },
		{ "limited", note_uses, check_limited, TG_OK, want_paid, 8 },
		{ "ticket", NULL, ask_again, TG_OK, want_grant, 8 },
		{ "revocation", new_victim, revoke_victim, TG_OK, want_revoked, 20 },
	};

	(void)state;
	issue_all();
	tg = daemon_client();
	as = 0;
	run_all(sweeps, ROWS(sweeps));
	tg_close(&tg);
}

/* ---- who answers ---- */

static struct tg *server;
static struct issued other_live; /* of another store */
static char other[128];

static bool
wanted(void *arg)
{
	(void)arg;
	return true;
}

/* Served like that, the status in the reply. */
static enum tg_status
serve(const uint8_t *message, size_t len, const struct tg_patience *patience)
{
	uint8_t reply[TG_MESSAGE_MAX];
	struct wire_answer answer;
	size_t reply_len;

	memset(&grant, 0, sizeof(grant));
	switch (tg_serve(server, GUEST, message, len, patience, reply, &reply_len)) {
	case TG_SERVE_ANSWER:
		break;
	case TG_SERVE_LAST:
		fail_msg("LMDB did not give up");
	case TG_SERVE_LATER:
		return TG_USED_UP; /* which no token here is */
	case TG_SERVE_DROP:
		fail_msg("dropped");
	}
	assert_true(wire_answer_decode(reply, reply_len, &answer));
	grant = answer.grant;
	return answer.status;
}

static enum tg_status
serve_token(const struct issued *token, bool patient)
{
	static const struct tg_patience patience = { .most_ms = 20, .wanted = wanted };
	uint8_t message[TG_MESSAGE_MAX];

	return serve(message, daemon_question(token->text, message), patient ? &patience : NULL);
}

static enum tg_status
serve_live(void)
{
	return serve_token(&live, false);
}

static enum tg_status
serve_dead(void)
{
	return serve_token(&dead, false);
}

static enum tg_status
serve_limited(void)
{
	return serve_token(&limited, true);
}

static enum tg_status
serve_limited_later(void)
{
	return serve_token(&limited, false);
}

static enum tg_status
serve_ticket(void)
{
	struct wire_question q = { .kind = WIRE_ASK };
	uint8_t message[WIRE_QUESTION_MAX];

	strcpy(q.ticket, ticket);
	return serve(message, wire_question_encode(&q, message), NULL);
}

static uint32_t
uses_left_in_server(void)
{
	struct tg_token token;

	assert_int_equal(tg_get(server, limited.id, &token), TG_OK);
	return token.uses_left;
}

static void
note_uses_in_server(void)
{
	assert_int_equal(serve_live(), TG_OK); /* it has recovered */
	before = uses_left_in_server();
}

static void
want_paid_in_server(enum tg_status r)
{
	uint32_t used;

	assert_int_equal(serve_live(), TG_OK);
	used = before - uses_left_in_server();
	ROW(r == TG_OK ? used == 1 : used <= 1, "%s for %u uses", tg_status_name(r), used);
}

/* The next one, without a fault, is answered right. */
static void
want_recovered(enum tg_status r)
{
	want_grant(r);
	assert_int_equal(serve_live(), TG_OK);
	assert_int_equal(serve_dead(), TG_REVOKED);
}

static void
swap_stores(void)
{
	char third[128];

	snprintf(third, sizeof(third), "%s/third", place_top());
	assert_int_equal(rename(place_store(), third), 0);
	assert_int_equal(rename(other, place_store()), 0);
	assert_int_equal(rename(third, other), 0);
}

/* The other store is there; then this one is again, and has to be noticed. */
static void
replace_store(void)
{
	swap_stores();
	assert_int_equal(serve_token(&other_live, false), TG_OK);
	swap_stores();
}

static void
whatever_fails_what_is_served_is_right(void **state)
{
	static const struct sweep sweeps[] = {
		{ "live", NULL, serve_live, TG_OK, want_recovered, 4 },
		{ "dead", NULL, serve_dead, TG_REVOKED, want_recovered, 4 },
		{ "limited", note_uses_in_server, serve_limited, TG_OK, want_paid_in_server, 8 },
		{ "limited, later", NULL, serve_limited_later, TG_USED_UP, want_recovered, 4 },
		{ "ticket", NULL, serve_ticket, TG_OK, want_recovered, 4 },
		{ "live, in a store that was replaced", replace_store, serve_live, TG_OK,
		    want_recovered, 20 },
		{ "dead, in a store that was replaced", replace_store, serve_dead, TG_REVOKED,
		    want_recovered, 20 },
	};

	(void)state;
	snprintf(other, sizeof(other), "%s/other", place_top());
	/* two stores, and a token of each */
	issue_all();
	other_live = live;
	assert_int_equal(rename(place_store(), other), 0);
	place_init();
	issue_all();
	tg = server = daemon_client();
	assert_int_equal(tg_hold(server), TG_OK);
	assert_int_equal(serve_live(), TG_OK);
	replace_store();
	run_all(sweeps, ROWS(sweeps));
	tg_close(&server);
	place_clear();
	assert_int_equal(rename(other, place_store()), 0);
}

int
main(void)
{
	struct CMUnitTest tests[] = {
		SERVED("whatever fails, who asks is not misled",
		    whatever_fails_who_asks_is_not_misled),
		SERVED("whatever fails, root is not misled either",
		    whatever_fails_root_is_not_misled_either),
		HOUSED("whatever fails, what is served is right",
		    whatever_fails_what_is_served_is_right),
	};

	return RUN_DAEMON(tests);
}
