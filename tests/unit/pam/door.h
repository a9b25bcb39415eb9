/* SPDX-License-Identifier: ISC */
/*
 * door.h - a PAM door with a client before it, for tests
 *
 * A private directory of service files, a store made through the public API,
 * and, in a mount namespace of the test's own, a user database with known
 * accounts.  The module is the built one, and libpam the system's.
 */
#ifndef DOOR_H
#define DOOR_H

#include "../unit.h"

#include <security/pam_appl.h>

#include "tokgate.h"

/* ---- the place ---------------------------------------------------------- */

/* Set up, run the tests, take down; one skipped test if this machine does not let us. */
#define DOOR_RUN(tests) door_run(__FILE__, (tests), ROWS(tests))
int door_run(const char *file, const struct CMUnitTest *tests, size_t n);

/* In another process image that a test started: use the place that is set up. */
void door_attach(const char *dir);

/* Absolute paths. */
const char *door_dir(void);    /* for files of a test */
const char *door_config(void); /* the configuration that names the store */
const char *door_store(void);
const char *door_module(void); /* the built pam_tokgate.so */

/*
 * Two doors are there from the start: "beside" takes tokens for
 * sftp:upload:demo and the password "unix-secret", which the recorder checks;
 * "alone" takes only the tokens, with the same recorder behind.
 */

/*
 * Write a service file.  "pam_tokgate.so" becomes the built module with
 * config= and debug, "MODULE" its path alone, "pam_recorder.so" the module of
 * that name with file=, and "DIR" door_dir().
 */
void door_service(const char *name, const char *text);

/* The same from a file below pam/examples. */
void door_example(const char *name, const char *file);

/* Write a file below door_dir(); returns its path, valid until the next call. */
const char *door_file(const char *name, const char *text, unsigned int mode);

/* ---- the store ---------------------------------------------------------- */

/* A handle on the store, whose audit lines go where those of the module go. */
struct tg *door_tg(void);

/* Fields of a token that differ from: owner alice, sftp:upload:demo, no expiry. */
struct wish {
	const char *owner;
	const char *scope;
	const char *scope2;
	const char *as;
	const char *from;
	int64_t not_before;
	int64_t expires_at;
	int64_t issued_at; /* as if it were then */
	uint32_t idle_s;
	uint32_t uses;
};

/* A token that is in the store. */
struct secret {
	char id[TG_ID_LEN + 1];
	char text[TG_TOKEN_MAX + 1];
};

struct secret door_issue(struct wish wish);
void door_revoke(const struct secret *secret);
void door_suspend(const char *owner, bool suspended);
void door_ceiling(const char *owner, const char *scope); /* NULL: none */

/* Change one character; `at` counts from the end if negative. */
void door_spoil(char *text, int at);

/* Make the checksum of a token text right again after a change. */
void door_reseal(char *text);

/* ---- the client ----------------------------------------------------------- */

enum answer {
	ANSWER,      /* the password */
	ANSWER_NULL, /* success, but no text */
	ANSWER_NO_RESPONSE,
	ANSWER_CANCEL,
	ANSWER_REFUSE_TEXTS, /* the password, but a failure on messages */
};

struct client {
	const char *password;
	enum answer answer;
	unsigned int prompts; /* how often it was asked for a password */
	char shown[1024];     /* messages, a line each */
	unsigned int delay;   /* longest delay that was asked for */
	struct pam_conv conv;
};

/* Start a transaction.  client must outlive it; from may be NULL. */
pam_handle_t *door_open(const char *service, const char *login, const char *from,
    struct client *client);
void door_close(pam_handle_t *pamh);

/* All of it for one pam_authenticate(). */
int door_try(const char *service, const char *login, const char *from, const char *password);

const char *door_user(pam_handle_t *pamh);

/* All five variables must be there and empty; must not be there; either of that. */
void door_all_empty(pam_handle_t *pamh);
void door_all_unset(pam_handle_t *pamh);
void door_nothing_set(pam_handle_t *pamh);

/* ---- what was left behind -------------------------------------------------- */

/* What was sent to syslog(3) by anybody in this process since door_log_clear(). */
const char *door_log(void);
void door_log_clear(void);
void door_log_stop(void); /* keep nothing of what comes; for long loops */

/* The first line of all, also of those not kept, that held half a secret; or "". */
const char *door_leak(void);

/* Passwords that the recorder saw since then, a line each. */
const char *door_recorded(void);
void door_record_clear(void);

/* The system's clock as this process sees it, moved by so many seconds. */
void door_clock(int64_t offset_s);

/* Unless NULL: does it fail now? */
extern bool (*door_clock_fails)(void);

unsigned int door_open_fds(void);

#endif
