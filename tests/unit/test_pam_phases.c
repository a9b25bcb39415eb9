/* SPDX-License-Identifier: ISC */
/* What passes from one phase to the next, through the real libpam. */
#include "unit.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "pam/door.h"

/* ---- between the phases -------------------------------------------------------- */

/* How a token that was good at authentication ends before the next phase. */
static void
end_revoked(const struct secret *secret)
{
	door_revoke(secret);
}

static void
end_expired(const struct secret *secret)
{
	(void)secret;
	door_clock(7200);
}

static void
end_suspended(const struct secret *secret)
{
	(void)secret;
	door_suspend("carol", true);
}

static void
end_capped(const struct secret *secret)
{
	(void)secret;
	door_ceiling("carol", "ftp");
}

static void
end_not(const struct secret *secret)
{
	(void)secret;
}

static void
account_and_session_refuse_what_has_ended_since(void **state)
{
	static const struct {
		const char *what;
		void (*end)(const struct secret *secret);
		int account, session;
	} rows[] = {
		{ "nothing", end_not, PAM_SUCCESS, PAM_SUCCESS },
		{ "revoked", end_revoked, PAM_ACCT_EXPIRED, PAM_SESSION_ERR },
		{ "expired", end_expired, PAM_ACCT_EXPIRED, PAM_SESSION_ERR },
		{ "suspended", end_suspended, PAM_PERM_DENIED, PAM_SESSION_ERR },
		{ "ceiling", end_capped, PAM_PERM_DENIED, PAM_SESSION_ERR },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(rows); i++) {
		struct secret secret = door_issue((struct wish) {
		    .owner = "carol", .expires_at = time(NULL) + 3600 });
		struct client client = { .password = secret.text };
		pam_handle_t *pamh = door_open("beside", "carol", NULL, &client);
		int account, session;

		ROW(pam_authenticate(pamh, 0) == PAM_SUCCESS, "%s", rows[i].what);
		rows[i].end(&secret);
		account = pam_acct_mgmt(pamh, 0);
		session = pam_open_session(pamh, 0);
		door_clock(0);
		door_ceiling("carol", NULL);
		ROW(account == rows[i].account, "%s: %s", rows[i].what,
		    pam_strerror(pamh, account));
		ROW(session == rows[i].session, "%s: %s", rows[i].what,
		    pam_strerror(pamh, session));
		if (session != PAM_SUCCESS)
			door_all_empty(pamh);
		door_close(pamh);
	}
}

static void
a_session_exports_what_the_ceiling_leaves_now(void **state)
{
	struct secret secret = door_issue((struct wish) {
	    .owner = "carol", .scope = "sftp:upload:de*" });
	struct client client = { .password = secret.text };
	pam_handle_t *pamh = door_open("beside", "carol", NULL, &client);

	(void)state;
	assert_int_equal(pam_authenticate(pamh, 0), PAM_SUCCESS);
	door_ceiling("carol", "sftp:upload:demo");
	assert_int_equal(pam_open_session(pamh, 0), PAM_SUCCESS);
	door_ceiling("carol", NULL);
	assert_string_equal(pam_getenv(pamh, "TOKGATE_SCOPES"), "sftp:upload:demo");
	door_close(pamh);
}

static void
account_and_session_refuse_another_user_than_the_one_let_in(void **state)
{
	static const struct {
		const char *login, *changed;
		int account, session;
	} rows[] = {
		{ "alice", "bob", PAM_PERM_DENIED, PAM_SESSION_ERR },
		{ "alice", "root", PAM_PERM_DENIED, PAM_SESSION_ERR },
		{ "alice", TG_DROP_IN, PAM_PERM_DENIED, PAM_SESSION_ERR },
		{ TG_DROP_IN, "bob", PAM_PERM_DENIED, PAM_SESSION_ERR },
		{ TG_DROP_IN, "alice", PAM_PERM_DENIED, PAM_SESSION_ERR },
		{ "alice", "alice", PAM_SUCCESS, PAM_SUCCESS },
	};
	struct secret secret = door_issue((struct wish) { .owner = "alice" });
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(rows); i++) {
		struct client client = { .password = secret.text };
		pam_handle_t *pamh = door_open("beside", rows[i].login, NULL, &client);

		ROW(pam_authenticate(pamh, 0) == PAM_SUCCESS, "row %zu", i);
		assert_int_equal(pam_set_item(pamh, PAM_USER, rows[i].changed), PAM_SUCCESS);
		ROW(pam_acct_mgmt(pamh, 0) == rows[i].account, "row %zu", i);
		ROW(pam_open_session(pamh, 0) == rows[i].session, "row %zu", i);
		if (rows[i].session != PAM_SUCCESS)
			door_all_empty(pamh);
		door_close(pamh);
	}
}

static void
a_later_attempt_in_one_handle_starts_from_nothing(void **state)
{
	struct secret secret = door_issue((struct wish) { 0 });
	struct client client = { .password = "wrong" };
	pam_handle_t *pamh = door_open("beside", "alice", NULL, &client);

	(void)state;
	assert_int_equal(pam_authenticate(pamh, 0), PAM_AUTH_ERR);
	door_all_unset(pamh);
	client.password = secret.text;
	assert_int_equal(pam_authenticate(pamh, 0), PAM_SUCCESS);
	assert_int_equal(pam_acct_mgmt(pamh, 0), PAM_SUCCESS);

	/* By Unix password now: the ticket of the attempt before is no longer there. */
	client.password = "unix-secret";
	assert_int_equal(pam_putenv(pamh, "TOKGATE_SCOPES=forged"), PAM_SUCCESS);
	assert_int_equal(pam_authenticate(pamh, 0), PAM_SUCCESS);
	door_all_unset(pamh);
	door_revoke(&secret);
	assert_int_equal(pam_acct_mgmt(pamh, 0), PAM_SUCCESS);
	assert_int_equal(pam_open_session(pamh, 0), PAM_SUCCESS);
	door_all_empty(pamh);

	client.password = secret.text;
	assert_int_equal(pam_authenticate(pamh, 0), PAM_AUTH_ERR);
	door_all_unset(pamh);
	door_close(pamh);
}

static void
a_refused_attempt_leaves_nothing_of_a_granted_one(void **state)
{
	struct secret secret = door_issue((struct wish) { 0 });
	struct client client = { .password = secret.text };
	pam_handle_t *pamh = door_open("alone", "alice", NULL, &client);

	(void)state;
	assert_int_equal(pam_authenticate(pamh, 0), PAM_SUCCESS);
	client.password = "wrong";
	assert_int_equal(pam_authenticate(pamh, 0), PAM_AUTH_ERR);
	door_all_unset(pamh);
	assert_int_equal(pam_setcred(pamh, PAM_ESTABLISH_CRED), PAM_PERM_DENIED);
	door_close(pamh);
}

/* ---- sshd's way: authentication in a child, the environment comes back --------- */

/* Authenticate and check the account in a child process; its ticket, as sshd copies it back. */
static void
ticket_from_child(const char *service, const char *login, const char *password, char *ticket,
    size_t size)
{
	struct client client = { .password = password };
	int fds[2], status;
	pam_handle_t *pamh;
	ssize_t n;
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	assert_int_not_equal(pid = fork(), -1);
	if (pid == 0) {
		const char *value;

		pamh = door_open(service, login, NULL, &client);
		if (pam_authenticate(pamh, 0) != PAM_SUCCESS ||
		    pam_acct_mgmt(pamh, 0) != PAM_SUCCESS ||
		    (value = pam_getenv(pamh, "TOKGATE_TICKET")) == NULL ||
		    write(fds[1], value, strlen(value)) != (ssize_t)strlen(value))
			_exit(1);
		_exit(0);
	}
	close(fds[1]);
	n = read(fds[0], ticket, size - 1);
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_true(n > 0);
	ticket[n] = '\0';
}

/* A monitor that never authenticated itself, with this in its PAM environment. */
static pam_handle_t *
monitor(const char *login, const char *name, const char *value, struct client *client)
{
	pam_handle_t *pamh = door_open("beside", login, NULL, client);
	char line[TG_TICKET_MAX + 64];

	snprintf(line, sizeof(line), "%s=%s", name, value);
	assert_int_equal(pam_putenv(pamh, line), PAM_SUCCESS);
	return pamh;
}

static void
setcred_takes_over_the_ticket_of_an_authentication_in_a_child(void **state)
{
	struct secret secret = door_issue((struct wish) { .scope = "sftp:upload:demo" });
	struct client client = { 0 };
	char ticket[TG_TICKET_MAX + 1];
	pam_handle_t *pamh;

	(void)state;
	ticket_from_child("beside", "alice", secret.text, ticket, sizeof(ticket));
	pamh = monitor("alice", "TOKGATE_TICKET", ticket, &client);
	assert_int_equal(pam_setcred(pamh, PAM_ESTABLISH_CRED), PAM_SUCCESS);
	/* What a file of the user says afterwards is not heard. */
	assert_int_equal(pam_putenv(pamh, "TOKGATE_TICKET=forged"), PAM_SUCCESS);
	assert_int_equal(pam_putenv(pamh, "TOKGATE_SCOPES=*"), PAM_SUCCESS);
	assert_int_equal(pam_open_session(pamh, 0), PAM_SUCCESS);
	assert_string_equal(pam_getenv(pamh, "TOKGATE_TICKET"), ticket);
	assert_string_equal(pam_getenv(pamh, "TOKGATE_ID"), secret.id);
	assert_string_equal(pam_getenv(pamh, "TOKGATE_SCOPES"), "sftp:upload:demo");
	/* sshd calls it a second time, in the user's process. */
	assert_int_equal(pam_setcred(pamh, PAM_ESTABLISH_CRED), PAM_SUCCESS);
	assert_int_equal(pam_close_session(pamh, 0), PAM_SUCCESS);
	door_close(pamh);
}

static void
a_taken_over_ticket_is_judged_afresh(void **state)
{
	struct secret secret = door_issue((struct wish) { 0 });
	struct client client = { 0 };
	char ticket[TG_TICKET_MAX + 1];
	pam_handle_t *pamh;

	(void)state;
	ticket_from_child("beside", "alice", secret.text, ticket, sizeof(ticket));
	door_revoke(&secret);
	pamh = monitor("alice", "TOKGATE_TICKET", ticket, &client);
	assert_int_equal(pam_setcred(pamh, PAM_ESTABLISH_CRED), PAM_SUCCESS);
	assert_int_equal(pam_open_session(pamh, 0), PAM_SESSION_ERR);
	door_all_empty(pamh);
	door_close(pamh);
}

static void
a_ticket_works_for_its_login_alone(void **state)
{
	struct secret secret = door_issue((struct wish) { .owner = "alice" });
	struct client client = { 0 };
	char ticket[TG_TICKET_MAX + 1];
	pam_handle_t *pamh;
	size_t i;

	(void)state;
	ticket_from_child("beside", "alice", secret.text, ticket, sizeof(ticket));
	pamh = monitor("bob", "TOKGATE_TICKET", ticket, &client);
	assert_int_equal(pam_setcred(pamh, PAM_ESTABLISH_CRED), PAM_SUCCESS);
	assert_int_equal(pam_open_session(pamh, 0), PAM_SESSION_ERR);
	door_all_empty(pamh);
	door_close(pamh);

	/* Nor does a ticket with any character changed, */
	for (i = 0; i < strlen(ticket); i++) {
		char forged[TG_TICKET_MAX + 1];

		strcpy(forged, ticket);
		door_spoil(forged, (int)i);
		pamh = monitor("alice", "TOKGATE_TICKET", forged, &client);
		ROW(pam_setcred(pamh, PAM_ESTABLISH_CRED) == PAM_SUCCESS, "character %zu", i);
		ROW(pam_open_session(pamh, 0) == PAM_SESSION_ERR, "character %zu", i);
		door_all_empty(pamh);
		door_close(pamh);
	}

	/* and one too long to be one is not even kept. */
	{
		char line[2 * TG_TICKET_MAX] = "TOKGATE_TICKET=";

		memset(line + strlen(line), 'x', sizeof(line) - strlen(line) - 1);
		pamh = door_open("beside", "alice", NULL, &client);
		assert_int_equal(pam_putenv(pamh, line), PAM_SUCCESS);
		assert_int_not_equal(pam_setcred(pamh, PAM_ESTABLISH_CRED), PAM_SUCCESS);
		door_close(pamh);
	}
}

static void
account_does_not_believe_the_environment(void **state)
{
	struct secret secret = door_issue((struct wish) { 0 });
	struct client client = { 0 };
	char ticket[TG_TICKET_MAX + 1];
	pam_handle_t *pamh;

	(void)state;
	ticket_from_child("beside", "alice", secret.text, ticket, sizeof(ticket));
	door_revoke(&secret);
	pamh = monitor("alice", "TOKGATE_TICKET", ticket, &client);
	/* Not by token, for all that this process knows: other modules decide. */
	assert_int_equal(pam_acct_mgmt(pamh, 0), PAM_SUCCESS);
	door_close(pamh);
	door_service("only_us",
	    "account required pam_tokgate.so\nsession required pam_tokgate.so\n"
	    "auth required pam_tokgate.so\n");
	pamh = door_open("only_us", "alice", NULL, &client);
	assert_int_equal(pam_acct_mgmt(pamh, 0), PAM_PERM_DENIED);
	assert_int_equal(pam_open_session(pamh, 0), PAM_PERM_DENIED);
	assert_int_equal(pam_setcred(pamh, PAM_ESTABLISH_CRED), PAM_PERM_DENIED);
	door_close(pamh);
}

static void
a_session_without_a_token_gets_every_variable_empty(void **state)
{
	static const char *const names[] = { "TOKGATE_TICKET", "TOKGATE_ID", "TOKGATE_OWNER",
		"TOKGATE_SCOPES", "TOKGATE_EXPIRES" };
	struct secret secret = door_issue((struct wish) { 0 });
	char ticket[TG_TICKET_MAX + 1];
	size_t i;

	(void)state;
	ticket_from_child("beside", "alice", secret.text, ticket, sizeof(ticket));
	for (i = 0; i < ROWS(names); i++) {
		struct client client = { 0 };
		/* As after a public key, with pam_env before us and a user's file that names a good ticket. */
		pam_handle_t *pamh = monitor("alice", names[i], i == 0 ? ticket : "forged",
		    &client);

		ROW(pam_open_session(pamh, 0) == PAM_SUCCESS, "%s", names[i]);
		door_all_empty(pamh);
		ROW(pam_close_session(pamh, 0) == PAM_SUCCESS, "%s", names[i]);
		door_close(pamh);
	}
}

static void
a_user_file_of_pam_env_is_overridden(void **state)
{
	struct secret secret = door_issue((struct wish) { 0 });
	struct client client = { .password = secret.text };
	char text[1024];
	pam_handle_t *pamh;

	(void)state;
	snprintf(text, sizeof(text),
	    "auth [success=done ignore=ignore default=die] pam_tokgate.so passthrough service=sftp action=upload resource=demo\n"
	    "auth required pam_recorder.so accept=unix-secret\n"
	    "session required pam_env.so readenv=1 envfile=%s\n"
	    "session [success=ok ignore=ignore module_unknown=ignore default=die] pam_tokgate.so\n",
	    door_file("environment",
		"TOKGATE_SCOPES=*\nTOKGATE_OWNER=root\nTOKGATE_TICKET=x\nOTHER=kept\n", 0644));
	door_service("env", text);
	pamh = door_open("env", "alice", NULL, &client);
	assert_int_equal(pam_authenticate(pamh, 0), PAM_SUCCESS);
	assert_int_equal(pam_open_session(pamh, 0), PAM_SUCCESS);
	assert_string_equal(pam_getenv(pamh, "OTHER"), "kept");
	assert_string_equal(pam_getenv(pamh, "TOKGATE_OWNER"), "alice");
	assert_string_equal(pam_getenv(pamh, "TOKGATE_SCOPES"), "sftp:upload:demo");
	door_close(pamh);

	client.password = "unix-secret";
	pamh = door_open("env", "alice", NULL, &client);
	assert_int_equal(pam_authenticate(pamh, 0), PAM_SUCCESS);
	assert_int_equal(pam_open_session(pamh, 0), PAM_SUCCESS);
	assert_string_equal(pam_getenv(pamh, "OTHER"), "kept");
	door_all_empty(pamh);
	door_close(pamh);
}

static const struct CMUnitTest tests[] = {
	TEST("account and session refuse what has ended since",
	    account_and_session_refuse_what_has_ended_since),
	TEST("a session exports what the ceiling leaves now",
	    a_session_exports_what_the_ceiling_leaves_now),
	TEST("account and session refuse another user than the one let in",
	    account_and_session_refuse_another_user_than_the_one_let_in),
	TEST("a later attempt in one handle starts from nothing",
	    a_later_attempt_in_one_handle_starts_from_nothing),
	TEST("a refused attempt leaves nothing of a granted one",
	    a_refused_attempt_leaves_nothing_of_a_granted_one),
	TEST("setcred takes over the ticket of an authentication in a child",
	    setcred_takes_over_the_ticket_of_an_authentication_in_a_child),
	TEST("a taken over ticket is judged afresh", a_taken_over_ticket_is_judged_afresh),
	TEST("a ticket works for its login alone", a_ticket_works_for_its_login_alone),
	TEST("account does not believe the environment", account_does_not_believe_the_environment),
	TEST("a session without a token gets every variable empty",
	    a_session_without_a_token_gets_every_variable_empty),
	TEST("a user file of pam env is overridden", a_user_file_of_pam_env_is_overridden),
};

int
main(void)
{
	return DOOR_RUN(tests);
}
