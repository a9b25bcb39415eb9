/* SPDX-License-Identifier: ISC */
/*
 * tokgate.h - scoped, expiring tokens that stand in for a password
 *
 * This is the whole public interface of libtokgate.  The PAM module, the CLI
 * and package hosts that check a token themselves see this header and nothing
 * below it.
 *
 * Conventions
 *
 *  - A function returns enum tg_status.  0 (TG_OK) is the only yes; above 0
 *    the question was answered "no"; below 0 it could not be answered.
 *  - Outputs come last.  On anything but TG_OK they hold zeros unless the
 *    function says otherwise.
 *  - Times are seconds since 1970-01-01T00:00:00Z (int64_t).  0 in a time
 *    field means "none": no lower bound, never expires, never happened.
 *  - Strings are NUL-terminated.  Sizes named TG_*_MAX count the longest
 *    string without its NUL; buffers are one byte larger.
 *  - The library never prints, exits, reads the environment, handles signals
 *    or asks a name service.  It writes one syslog(3) line per check.
 *  - A handle may be used by one thread at a time; different handles may be
 *    used by different threads at once.  A handle made before fork(2) may be
 *    used in the child: no descriptor is kept between calls unless
 *    tg_hold() was called.
 */
#ifndef TOKGATE_H
#define TOKGATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All else in the library is hidden. */
#pragma GCC visibility push(default)

#define TG_VERSION "0.1.0"

#define TG_CONFIG_FILE "/etc/tokgate/tokgate.conf"
#define TG_STORE_DIR "/var/lib/tokgate"
#define TG_SOCKET "/run/tokgate/check"

/* The user name that means "the token says who I am", as on PyPI. */
#define TG_DROP_IN "__token__"

enum {
	TG_PREFIX_MAX = 8,  /* [a-z][a-z0-9]*, before the first '_' */
	TG_ID_LEN = 10,     /* base62 */
	TG_SECRET_LEN = 43, /* base62, 256 random bits */
	TG_TOKEN_MAX = TG_PREFIX_MAX + 1 + TG_ID_LEN + 1 + TG_SECRET_LEN + 6,
	TG_OWNER_MAX = 64, /* [A-Za-z0-9._@+-], not starting with '-' */
	TG_NAME_MAX = 100, /* bytes of UTF-8 without control characters */
	TG_WORD_MAX = 32,  /* a service or an action */
	TG_RESOURCE_MAX = 128,
	TG_SCOPE_MAX = TG_WORD_MAX + 1 + TG_WORD_MAX + 1 + TG_RESOURCE_MAX + 1,
	TG_SCOPES_MAX = 32,
	TG_LOGINS_MAX = 8,
	TG_SOURCES_MAX = 32,
	TG_SOURCE_MAX = 49, /* longest IPv6 text, '/' and three digits */
	TG_BY_MAX = 64,
	TG_WHY_MAX = 200,
	TG_TICKET_MAX = 255,
	TG_TEXT_MAX = 255, /* an explanation, one line */
	TG_TIME_MAX = 24,  /* "2027-01-31T12:00:00Z" and room for far years */
	TG_IDLE_MAX_S = 0x7fffffff,
};

/* Use counts that need no count. */
#define TG_USES_UNLIMITED UINT32_MAX

/*
 * Every outcome.  The order above 0 is the order of judgement: the first
 * that applies is the verdict.
 */
enum tg_status {
	TG_OK = 0,

	/* answered: no */
	TG_NOT_A_TOKEN = 1, /* not token-shaped: not ours to judge */
	TG_MALFORMED = 2,   /* token-shaped; length, prefix or checksum is wrong */
	TG_NO_MATCH = 3,    /* unknown id or wrong secret, never told apart */
	TG_REVOKED = 4,     /* from here on the secret was proven */
	TG_EXPIRED = 5,
	TG_NOT_YET_VALID = 6,
	TG_IDLE = 7,
	TG_USED_UP = 8,
	TG_OWNER_SUSPENDED = 9, /* or the owner's record is missing */
	TG_WRONG_LOGIN = 10,
	TG_WRONG_SERVICE = 11,
	TG_WRONG_ACTION = 12,
	TG_WRONG_RESOURCE = 13,
	TG_BEYOND_CEILING = 14,
	TG_WRONG_SOURCE = 15,

	/* could not be answered */
	TG_UNAVAILABLE = -1,   /* store missing, damaged, unreadable, busy */
	TG_MISCONFIGURED = -2, /* unknown option, unsafe file */
	TG_INVALID = -3,       /* the caller's argument; tg_detail() says which */
};

/* "ok", "no-match", "expired", ...: the word used in logs, JSON and the CLI. */
const char *tg_status_name(enum tg_status status);

/* ---- handle and configuration ------------------------------------------ */

struct tg;

/*
 * Make a handle from a configuration file; opens nothing that stays open.
 *
 * config  path, or NULL for TG_CONFIG_FILE.  A missing default file means
 *         defaults; a missing named one is TG_MISCONFIGURED.  The file must
 *         be regular, owned by root or the caller, and writable by nobody
 *         else, as must its directory.
 * store   directory that replaces the configured one, or NULL.
 *
 * A handle is made on every outcome but lack of memory (*out is NULL then),
 * so that tg_detail() can say what was wrong; every call on a handle whose
 * tg_open() failed returns that same failure.  Free it with tg_close().
 */
enum tg_status tg_open(const char *config, const char *store, struct tg **out)
    __attribute__((warn_unused_result));

/* Wipe and free *tg and null the caller's pointer; NULL is fine. */
void tg_close(struct tg **tg);

/*
 * What went wrong in the last call, as "cannot open '/x': Permission denied",
 * or "".  Never holds a secret.  Belongs to the handle.
 */
const char *tg_detail(const struct tg *tg);

/* Judge and stamp as if it were `now`; 0 returns to the system's clock. */
void tg_set_now(struct tg *tg, int64_t now);

/*
 * Hand each audit line to `fn` instead of syslog(3).  The line has no
 * newline and lives as long as the call.  fn NULL returns to syslog.
 */
void tg_set_log(struct tg *tg, void (*fn)(void *arg, const char *line), void *arg);

/* The store's directory and the owner it must have besides root. */
const char *tg_store_dir(const struct tg *tg);
uint32_t tg_service_uid(const struct tg *tg);

/*
 * Keep the store open from now to tg_close(): for programs that own their
 * descriptors and make many calls (the CLI, a daemon, a benchmark).  Never
 * for a module in somebody else's process, never across fork(2).
 */
enum tg_status tg_hold(struct tg *tg) __attribute__((warn_unused_result));

/* ---- the check --------------------------------------------------------- */

/*
 * Must this password never be shown to another password check?  True for a
 * token-shaped text of any prefix ([a-z][a-z0-9]{0,7}_ and at least 40 of
 * [A-Za-z0-9_-]), whatever its checksum, and for anything sent with the
 * drop-in login.  Decided on the text alone.  login NULL: unknown, not the
 * drop-in login.
 */
bool tg_keep_from_others(const char *login, const char *password, size_t len);

/* What is asked.  Zero it, then set what is known. */
struct tg_request {
	const char *service;  /* required: a service word */
	const char *action;   /* NULL: "login"; with gate, NULL: any */
	const char *resource; /* NULL: "*", the whole service; ignored with gate */
	const char *login;    /* NULL or "": the drop-in login */
	const char *source;   /* address in text; NULL or unparsable: unknown */
	bool gate;            /* defer the resource to what stands behind the door */
	bool dry_run;         /* consume nothing, record nothing */
};

/*
 * The answer.  Beyond `text` all is empty until the secret is proven; scopes,
 * identity and ticket are empty unless it is a yes.
 */
struct tg_grant {
	char id[TG_ID_LEN + 1];
	char owner[TG_OWNER_MAX + 1];
	char identity[TG_OWNER_MAX + 1]; /* login, or owner for the drop-in login */
	size_t nscopes;                  /* those that apply to this question, 32 at most */
	char scopes[TG_SCOPES_MAX][TG_SCOPE_MAX + 1];
	int64_t expires_at;
	char ticket[TG_TICKET_MAX + 1]; /* for tg_ask(); fit for an environment variable */
	char text[TG_TEXT_MAX + 1];     /* what the holder may be told; "" before proof */
};

/*
 * May the holder of this text do that?  Consumes one use of a limited-use
 * token on a yes, records the use (or the refusal after proof) as best it
 * can, and writes one audit line.
 *
 * What the text alone decides (TG_NOT_A_TOKEN, TG_MALFORMED) comes first and
 * needs no store, no configuration and no handle: tg may be NULL, and all else
 * is TG_UNAVAILABLE then.
 *
 * The text need not be NUL-terminated and is not trimmed: exactly one
 * spelling is valid per token.
 *
 * Returns any of enum tg_status but TG_INVALID is for a request that names no
 * valid service or action.  *out is always set, see struct tg_grant.
 */
enum tg_status tg_check(struct tg *tg, const char *password, size_t len,
    const struct tg_request *req, struct tg_grant *out) __attribute__((warn_unused_result));

/*
 * Ask again, without the token: is what this ticket proved still granted, and
 * what are its scopes for that service now?  Judged afresh: revocation,
 * expiry, suspension, ceiling, login and source.  Uses and idle time are
 * conditions of logging in, not of staying, and are not judged.  Consumes and
 * records nothing and writes no audit line.  out->ticket is the same ticket.
 *
 * A ticket that this store did not make is TG_NO_MATCH.
 */
enum tg_status tg_ask(struct tg *tg, const char *ticket, struct tg_grant *out)
    __attribute__((warn_unused_result));

/* ---- tokgated ---------------------------------------------------------- */

/* What there is to see of a daemon from outside. */
struct tg_daemon {
	const char *path; /* where the configuration has it asked; belongs to the handle */
	bool same_store;  /* it answers from the store that this handle has, ... */
	bool current;     /* ... with the last change to it */
	uint32_t uid;     /* of the process that answered */
};

/*
 * Look at the daemon, also where the caller named a store.
 *
 * TG_OK           it answers in time and is believed; *out says what it said
 * TG_NO_MATCH     nobody listens there
 * TG_UNAVAILABLE  anything else; tg_detail() says what
 */
enum tg_status tg_daemon(struct tg *tg, struct tg_daemon *out) __attribute__((warn_unused_result));

/* What follows is for tokgated itself. */

enum { TG_MESSAGE_MAX = 8192 };

/* Path `i` where the configuration wants questions answered; NULL past the last. */
const char *tg_listen_path(const struct tg *tg, size_t i);

enum tg_serving {
	TG_SERVE_ANSWER, /* send `answer` */
	TG_SERVE_LAST,   /* send it and end: this process cannot open a store any more */
	TG_SERVE_LATER,  /* it has to write: give it to a handle that may wait */
	TG_SERVE_DROP,   /* not a question: close the connection */
};

/* For a use of a limited-use token, which has to be written before the yes. */
struct tg_patience {
	int most_ms;               /* to wait for other writers */
	bool (*wanted)(void *arg); /* asked when its turn comes: does anybody still wait? */
	void *arg;
};

/*
 * Answer one message of a peer, known by the SO_PEERCRED of unix(7).  The
 * handle holds its store (tg_hold()); it is opened anew if another one lies at
 * its path by now.  patience NULL: what would wait for a writer is
 * TG_SERVE_LATER.  Writes the audit line of a check.  Wipe the answer after
 * use: it may hold a ticket.
 */
enum tg_serving tg_serve(struct tg *tg, uint32_t peer_uid, const void *message, size_t len,
    const struct tg_patience *patience, uint8_t answer[static TG_MESSAGE_MAX], size_t *answer_len)
    __attribute__((warn_unused_result));

/* Free the reader slots of processes that died; for whoever keeps a store open. */
void tg_tidy(struct tg *tg);

/* ---- tokens ------------------------------------------------------------ */

/* A use or a refusal, from the sidecar: best effort, at == 0: none known. */
struct tg_use {
	int64_t at;
	uint32_t count;
	enum tg_status why; /* of a refusal; TG_OK of a use */
	char service[TG_WORD_MAX + 1];
	char source[TG_SOURCE_MAX + 1]; /* "" if unknown */
};

/*
 * A token as kept: everything but its secret.  About 9 KiB; plain data,
 * nothing to free.
 *
 * For tg_issue() the caller sets owner, name, scopes, logins, sources,
 * not_before, expires_at, idle_s, uses_left and by.created; the rest must be
 * zero.
 */
struct tg_token {
	char id[TG_ID_LEN + 1];
	char owner[TG_OWNER_MAX + 1];
	char name[TG_NAME_MAX + 1];
	size_t nscopes;
	char scopes[TG_SCOPES_MAX][TG_SCOPE_MAX + 1];
	size_t nlogins; /* further logins it may be used with ("--as") */
	char logins[TG_LOGINS_MAX][TG_OWNER_MAX + 1];
	size_t nsources; /* networks it may come from; 0: anywhere */
	char sources[TG_SOURCES_MAX][TG_SOURCE_MAX + 1];
	int64_t created_at;
	char created_by[TG_BY_MAX + 1];
	int64_t not_before;
	int64_t expires_at;
	uint32_t idle_s;    /* dead after this many seconds without use; 0: no limit */
	uint32_t uses_left; /* TG_USES_UNLIMITED: no limit */
	int64_t revoked_at;
	char revoked_by[TG_BY_MAX + 1];
	char revoked_why[TG_WHY_MAX + 1];

	/* Found out when read, not kept in the record. */
	enum tg_status state; /* TG_OK (active), REVOKED .. USED_UP */
	struct tg_use last_used;
	struct tg_use last_refused;
};

/*
 * Make the store: directory 0700 and files 0600 owned by `uid`/`gid`.  On an
 * existing store nothing but owner and modes is set.  Refuses remote and
 * FUSE file systems.  prefix: NULL for "tkg".  by: who acts, for the journal.
 * *made tells whether the store is new.
 */
enum tg_status tg_init(struct tg *tg, uint32_t uid, uint32_t gid, const char *prefix,
    const char *by, bool *made) __attribute__((warn_unused_result));

/*
 * Issue a token.  Fills the rest of *token (id, created_at, state) and writes
 * the secret text, NUL-terminated, to `text`; wipe it after use.  Creates the
 * owner's record if there is none.  Durable on return.  TG_INVALID names the
 * first unfit field in tg_detail(); nothing is written then.
 */
enum tg_status tg_issue(struct tg *tg, struct tg_token *token, char text[static TG_TOKEN_MAX + 1])
    __attribute__((warn_unused_result));

/* The token of an id (without prefix); TG_NO_MATCH if there is none. */
enum tg_status tg_get(struct tg *tg, const char *id, struct tg_token *out)
    __attribute__((warn_unused_result));

/*
 * Call fn for each token, of `owner` only unless NULL, in order of id, until
 * fn returns false.  Damaged records are passed over; TG_UNAVAILABLE names one
 * at the end.  The store is not open while fn runs, so it may take its
 * time and call other functions on the same handle.
 */
enum tg_status tg_each(struct tg *tg, const char *owner,
    bool (*fn)(void *arg, const struct tg_token *token), void *arg)
    __attribute__((warn_unused_result));

/*
 * Narrow a token in place: name, scopes, sources and expiry become those of
 * `to`.  Anything wider than before is TG_INVALID: a wider token is a new
 * one.  TG_NO_MATCH: no such id; TG_REVOKED: it is dead already.
 */
enum tg_status tg_change(struct tg *tg, const char *id, const struct tg_token *to, const char *by)
    __attribute__((warn_unused_result));

/*
 * Revoke for good.  TG_OK only when no later check on this host can say yes.
 * Revoking twice is fine and keeps the first time and reason.  why may be
 * NULL.  TG_NO_MATCH: no such id.
 */
enum tg_status tg_revoke(struct tg *tg, const char *id, const char *by, const char *why)
    __attribute__((warn_unused_result));

/*
 * Revoke every token of `owner` (NULL: of everybody) in one transaction, and
 * call fn, unless NULL, for each that was live.  TG_NO_MATCH: no such owner.
 * A damaged record lets nobody in and does not keep the others alive:
 * TG_UNAVAILABLE names one then, after all others were revoked.
 */
enum tg_status tg_revoke_all(struct tg *tg, const char *owner, const char *by, const char *why,
    void (*fn)(void *arg, const char *id), void *arg) __attribute__((warn_unused_result));

/* ---- owners ------------------------------------------------------------ */

/* An owner's record; made by tg_issue(), judged at each check. */
struct tg_owner {
	char name[TG_OWNER_MAX + 1];
	int64_t created_at;
	bool suspended;
	bool has_ceiling; /* false: no ceiling; true and nscopes 0: nothing is allowed */
	size_t nscopes;
	char scopes[TG_SCOPES_MAX][TG_SCOPE_MAX + 1];
};

enum tg_status tg_owner_get(struct tg *tg, const char *name, struct tg_owner *out)
    __attribute__((warn_unused_result));

/* Set suspension and ceiling of an existing owner; TG_NO_MATCH: there is none. */
enum tg_status tg_owner_set(struct tg *tg, const struct tg_owner *owner, const char *by)
    __attribute__((warn_unused_result));

/* ---- journal ----------------------------------------------------------- */

enum tg_event {
	TG_EVENT_INIT = 1,
	TG_EVENT_ISSUE = 2,
	TG_EVENT_CHANGE = 3,
	TG_EVENT_REVOKE = 4,
	TG_EVENT_OWNER = 5,
};

/* "init", "issue", ... */
const char *tg_event_name(enum tg_event event);

/* One acknowledged change to the store. */
struct tg_entry {
	uint64_t serial; /* the transaction that wrote it */
	int64_t at;
	enum tg_event event;
	char id[TG_ID_LEN + 1]; /* "" where no single token is meant */
	char owner[TG_OWNER_MAX + 1];
	char by[TG_BY_MAX + 1];
	char what[TG_TEXT_MAX + 1]; /* scopes given, reason of a revocation, ... */
};

/* Call fn for each entry, oldest first, until it returns false; as tg_each(). */
enum tg_status tg_log(struct tg *tg, bool (*fn)(void *arg, const struct tg_entry *entry), void *arg)
    __attribute__((warn_unused_result));

/* ---- texts ------------------------------------------------------------- */

/*
 * "90d", "36h", "15m", "45s", "2w" and sums of them ("1d12h"), as in
 * sshd_config(5) TIME FORMATS but with the unit required.  Seconds, 1 ..
 * 100 years.
 */
enum tg_status tg_parse_duration(const char *text, int64_t *seconds)
    __attribute__((warn_unused_result));

/*
 * An instant: a duration from `from`, or a date in RFC 3339 form,
 * "2027-01-31" (00:00 UTC), "2027-01-31T12:00Z", "2027-01-31T12:00:30Z", or
 * with an offset "+01:00" in the place of "Z".  Years 1970 .. 9999, without
 * the first instant of 1970, since 0 means "none".
 */
enum tg_status tg_parse_when(const char *text, int64_t from, int64_t *at)
    __attribute__((warn_unused_result));

/* RFC 3339 in UTC with seconds; a time outside 1970 .. 9999 shows as the nearest end. */
void tg_format_when(int64_t at, char out[static TG_TIME_MAX + 1]);

/*
 * The id in "7Hq2mX9aBc", "tkg_7Hq2mX9aBc" or a whole token text (whose
 * checksum must be right).
 */
enum tg_status tg_parse_id(const char *text, char id[static TG_ID_LEN + 1])
    __attribute__((warn_unused_result));

/* Is this a scope?  *why, unless NULL, becomes a static text that says what is wrong. */
bool tg_scope_valid(const char *scope, const char **why);

/* Is this 1-64 of [A-Za-z0-9._@+-], not starting with '-', not the drop-in login? */
bool tg_owner_valid(const char *owner);

/* Is this an address or a network in CIDR notation without host bits? */
bool tg_source_valid(const char *source);

/* The store's token prefix, "tkg" unless chosen otherwise; reads the store. */
enum tg_status tg_prefix(struct tg *tg, char out[static TG_PREFIX_MAX + 1])
    __attribute__((warn_unused_result));

#pragma GCC visibility pop

#endif
