/* SPDX-License-Identifier: ISC */
/*
 * place.h - a store of its own for a test, and processes to run against it
 *
 * Made through the public API in a new directory, at PLACE_NOW.  A child never
 * returns into cmocka: it runs a function and leaves with its value.
 */
#ifndef PLACE_H
#define PLACE_H

#include <sys/types.h>

#include "tokgate.h"

enum { PLACE_NOW = 1800000000 }; /* 2027-01-15T08:00:00Z */

#ifdef __SANITIZE_ADDRESS__
enum { PLACE_SANITIZED = 1 };
#else
enum { PLACE_SANITIZED = 0 };
#endif

/* A test that has an empty store when it starts, and nothing left behind. */
#define PLACED(sentence, function) \
	{ \
		(sentence), (function), place_setup, place_teardown, NULL \
	}
int place_setup(void **state);
int place_teardown(void **state);

const char *place_top(void); /* the directory around it, 0700 */
const char *place_store(void);
const char *place_config(void);           /* a file that names nothing */
const char *place_file(const char *name); /* in the store; valid for four calls */

/* Take the store away; make another one in its place. */
void place_clear(void);
void place_init(void);

/* ---- handles and tokens --------------------------------------------------- */

/* A handle on the store at PLACE_NOW; place_line() is its last audit line. */
struct tg *place_open(void);
/* For threads and children: no audit line is kept, and cmocka is not called. */
struct tg *place_open_apart(void);
struct tg *place_open_at(const char *store);
void place_keep_line(void *arg, const char *line); /* for tg_set_log() */
const char *place_line(void);
unsigned place_lines(void); /* how many there were */

/* What differs from a token of alice for sftp:upload:demo, at any time, for any number of uses. */
struct wish {
	const char *owner, *name, *by;
	const char *scopes[4], *logins[3], *sources[3]; /* up to the first NULL */
	int64_t not_before, expires_at;
	uint32_t idle_s, uses;
};

struct issued {
	char id[TG_ID_LEN + 1];
	char text[TG_TOKEN_MAX + 1];
};

void place_wish(const struct wish *wish, struct tg_token *out);
struct issued place_issue(struct tg *tg, const struct wish *wish);
struct issued place_other_secret(const struct issued *issued); /* well-formed, wrong */
struct issued place_unknown(void);                             /* well-formed, of nobody */

/* Ask for sftp:upload:demo. */
enum tg_status place_check(struct tg *tg, const char *text);
/* The same on a handle of its own. */
enum tg_status place_ask(const char *text);

/* Suspend or not; ceiling NULL: none, "": nothing. */
void place_owner(struct tg *tg, const char *owner, bool suspended, const char *ceiling);

size_t place_journal(struct tg *tg, uint64_t *last_serial); /* number of entries */
size_t place_tokens(struct tg *tg);

/* ---- processes and waiting --------------------------------------------------- */

/* A new child that runs fn and leaves with its value, 0 to 127.  It does not outlive us. */
pid_t place_fork(int (*fn)(void *arg), void *arg);

/* The value of a child, or minus the signal that ended it; killed when it takes a minute. */
int place_wait(pid_t pid);
/* The same, or -SIGALRM and it is killed when it takes so long. */
int place_wait_ms(pid_t pid, int ms);
int place_child(int (*fn)(void *arg), void *arg);

/* A child that holds gate and write transaction until it is killed. */
pid_t place_stuck_writer(void);

/* Stop a child and wait until it has stopped; kill it and wait for its end. */
void place_stop(pid_t pid);
void place_kill(pid_t pid);

int64_t place_ms(void); /* monotonic */
void place_pause(void); /* between two looks at a condition */

/* Memory that children share with us; zeros. */
void *place_shared(size_t size);
void place_unshare(void *memory, size_t size);

/* Wait until *flag is at least `least`; false if it takes too long. */
bool place_await(const volatile int *flag, int least);

unsigned place_fds(void);
bool place_is_root(void);

/* ---- chance and bytes ----------------------------------------------------- */

/* From SEED in the environment, or a new one; printed either way. */
void place_seed(void);
uint32_t place_random(uint32_t below);

/* A whole file in memory, to be freed. */
uint8_t *place_read(const char *path, size_t *len);
void place_write(const char *path, const void *data, size_t len);

#endif
