/* SPDX-License-Identifier: ISC */
/*
 * daemon.h - the real tokgated on the store of place.h, and somebody to ask it
 *
 * Needs root: the daemon becomes a service user, and who asks it is somebody
 * else.  In a mount namespace of its own, where that can be had, the places
 * lie in memory and /dev/log is ours, so that its audit lines can be read.
 */
#ifndef DAEMON_H
#define DAEMON_H

#include "place.h"

enum {
	GUEST = 65534,      /* nobody */
	NEIGHBOUR = 4241,   /* has no account, as little as */
	TRUSTED = 4242,     /* whose word is taken by the configuration */
	WATCHDOG_MS = 5000, /* ten times what a client waits, and no more than that hangs */
};

/* A test with a store that the service user owns and a configuration that names a socket. */
#define HOUSED(sentence, function) \
	{ \
		(sentence), (function), daemon_house, daemon_leave, NULL \
	}
/* The same with a daemon, which must still be there at the end, and end well. */
#define SERVED(sentence, function) \
	{ \
		(sentence), (function), daemon_serve, daemon_dismiss, NULL \
	}
int daemon_house(void **state);
int daemon_leave(void **state);
int daemon_serve(void **state);
int daemon_dismiss(void **state);

/* Instead of RUN(): all are skipped unless run by root. */
#define RUN_DAEMON(tests) daemon_run(__FILE__, tests, ROWS(tests))
struct CMUnitTest;
int daemon_run(const char *name, struct CMUnitTest *tests, size_t n);

uint32_t daemon_uid(void); /* of the service user */
const char *daemon_socket(void);
const char *daemon_program(void);

/* The configuration with more lines. */
void daemon_configure(const char *more);

/* In the place of the store another one, empty, of the service user. */
void daemon_renew(void);
/* The store belongs to the service user, whoever made it. */
void daemon_own(void);

/* ---- the process --------------------------------------------------------- */

/* Start it and wait until it answers; SIGTERM, and it leaves with 0; SIGKILL. */
void daemon_start(void);
void daemon_stop(void);
void daemon_kill(void);

/* Start the program otherwise: `prepare` runs in the child before it. */
pid_t daemon_spawn(const char *const *arguments, void (*prepare)(void));

/* Wait until a question at the socket is answered; false if `pid` ends before. */
bool daemon_await(pid_t pid, const char *path);

pid_t daemon_pid(void);
pid_t daemon_consumer(pid_t daemon);           /* its second process */
unsigned daemon_fds(pid_t pid);                /* when it rests */
bool daemon_fds_become(pid_t pid, unsigned n); /* false: not in time */
const char *daemon_said(void);                 /* on stderr, since the place was made */

/* ---- asking -------------------------------------------------------------- */

/* A handle that asks the daemon; place_line() is its own audit line. */
struct tg *daemon_client(void);

/* As somebody else, who has no other way than the daemon. */
enum tg_status daemon_check_as(uint32_t uid, struct tg *tg, const char *text,
    const struct tg_request *req, struct tg_grant *grant);
enum tg_status daemon_ask_as(uint32_t uid, struct tg *tg, const char *ticket,
    struct tg_grant *grant);

/* sftp:upload:demo for the guest. */
enum tg_status daemon_check(struct tg *tg, const char *text);

/* For children: become that user for good. */
bool daemon_become(uint32_t uid);

/* A connection with nothing asked yet, -1: refused; a message; the reply, 0: closed. */
int daemon_connect(const char *path);
bool daemon_send(int fd, const void *message, size_t len);
size_t daemon_receive(int fd, uint8_t reply[static TG_MESSAGE_MAX]);

/* The message of a check for sftp:upload:demo. */
size_t daemon_question(const char *text, uint8_t message[static TG_MESSAGE_MAX]);

/* Returns when all that the second process was given before is done. */
void daemon_settle(struct tg *tg, const struct issued *limited);

/* ---- its audit lines ----------------------------------------------------- */

bool daemon_logged(void); /* can they be read here? */
unsigned daemon_lines(void);
/* Line number `i`, from 0, once it is there; NULL if it does not come. */
const char *daemon_line(unsigned i);

#endif
