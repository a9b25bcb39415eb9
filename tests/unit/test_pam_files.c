/* SPDX-License-Identifier: ISC */
/* The shipped service files, through the real libpam and its real modules. */
#include "unit.h"

#include <string.h>
#include <unistd.h>

#include "pam/door.h"

static const char unix_password[] = "correct horse";

static void
install_examples(void)
{
	door_example("sshd", "sshd.pam");
	door_example("vsftpd", "vsftpd.pam");
	door_example("su", "su.pam");
	door_example("imap", "token-only.pam");
	door_example("login", "token-or-password.pam");
}

/* pam_unix answers an expired account with PAM_ACCT_EXPIRED; behind it, in
 * common-account, pam_deny answers in its place. */
static void
the_shipped_files_let_in_whom_they_say(void **state)
{
	static const struct {
		const char *door, *login;
		struct wish wish;
		int want, account;
	} rows[] = {
		{ "sshd", "uploader", { .owner = "uploader", .scope = "sftp:upload:demo" },
		    PAM_SUCCESS, PAM_SUCCESS },
		{ "sshd", "uploader", { .owner = "uploader", .scope = "sftp:upload:*" },
		    PAM_SUCCESS, PAM_SUCCESS },
		{ "sshd", "uploader", { .owner = "uploader", .scope = "sshd" }, PAM_AUTH_ERR, 0 },
		{ "sshd", "alice", { .scope = "sftp:upload:demo" }, PAM_AUTH_ERR, 0 },
		{ "sshd", "alice", { .scope = "sftp:upload:*" }, PAM_AUTH_ERR, 0 },
		{ "sshd", "alice", { .scope = "sshd:login" }, PAM_SUCCESS, PAM_SUCCESS },
		{ "sshd", "bob", { .owner = "alice", .scope = "*:*" }, PAM_AUTH_ERR, 0 },
		{ "sshd", "expired", { .owner = "expired", .scope = "sshd:login" }, PAM_SUCCESS,
		    PAM_AUTH_ERR },
		{ "vsftpd", TG_DROP_IN, { .scope = "ftp:upload:demo" }, PAM_SUCCESS, PAM_SUCCESS },
		{ "vsftpd", "alice", { .scope = "ftp:upload:demo" }, PAM_SUCCESS, PAM_SUCCESS },
		{ "vsftpd", TG_DROP_IN, { .scope = "sftp:upload:demo" }, PAM_AUTH_ERR, 0 },
		{ "vsftpd", TG_DROP_IN, { .owner = "root", .scope = "ftp:upload:demo" },
		    PAM_AUTH_ERR, 0 },
		{ "vsftpd", TG_DROP_IN, { .owner = "expired", .scope = "ftp" }, PAM_SUCCESS,
		    PAM_ACCT_EXPIRED },
		{ "vsftpd", TG_DROP_IN, { .owner = "no-account", .scope = "ftp" }, PAM_SUCCESS,
		    PAM_USER_UNKNOWN },
		{ "su", "alice", { .scope = "su:login" }, PAM_SUCCESS, PAM_SUCCESS },
		{ "su", "alice", { .scope = "sshd:login" }, PAM_AUTH_ERR, 0 },
		{ "su", "expired", { .owner = "expired", .scope = "su" }, PAM_SUCCESS,
		    PAM_AUTH_ERR },
		{ "imap", "alice", { .scope = "imap" }, PAM_SUCCESS, PAM_SUCCESS },
		{ "imap", "no-account", { .owner = "no-account", .scope = "imap" }, PAM_SUCCESS,
		    PAM_SUCCESS },
		{ "imap", "alice", { .scope = "smtp" }, PAM_AUTH_ERR, 0 },
		{ "login", "alice", { .scope = "login" }, PAM_SUCCESS, PAM_SUCCESS },
		{ "login", "expired", { .owner = "expired", .scope = "login" }, PAM_SUCCESS,
		    PAM_AUTH_ERR },
	};
	size_t i;

	(void)state;
	install_examples();
	for (i = 0; i < ROWS(rows); i++) {
		struct secret secret = door_issue(rows[i].wish);
		struct client client = { .password = secret.text };
		pam_handle_t *pamh = door_open(rows[i].door, rows[i].login, NULL, &client);
		int r;

		/* su's first line asks who calls, and lets root in. */
		assert_int_equal(setresuid(4002, 0, 0), 0);
		r = pam_authenticate(pamh, 0);
		assert_int_equal(setresuid(0, 0, 0), 0);
		ROW(r == rows[i].want, "%s, %s: %s", rows[i].door, rows[i].login,
		    pam_strerror(pamh, r));
		if (r == PAM_SUCCESS) {
			r = pam_acct_mgmt(pamh, 0);
			ROW(r == rows[i].account, "%s, %s, account: %s", rows[i].door,
			    rows[i].login, pam_strerror(pamh, r));
			ROW(pam_setcred(pamh, PAM_ESTABLISH_CRED) == PAM_SUCCESS, "%s, %s",
			    rows[i].door, rows[i].login);
		}
		door_close(pamh);
	}
}

static void
the_shipped_files_keep_unix_passwords_where_they_say(void **state)
{
	static const struct {
		const char *door, *login, *password;
		int want, account;
	} rows[] = {
		{ "sshd", "alice", unix_password, PAM_SUCCESS, PAM_SUCCESS },
		{ "sshd", "uploader", unix_password, PAM_SUCCESS, PAM_SUCCESS },
		{ "sshd", "alice", "wrong", PAM_AUTH_ERR, 0 },
		{ "sshd", "expired", unix_password, PAM_SUCCESS, PAM_AUTH_ERR },
		{ "sshd", TG_DROP_IN, unix_password, PAM_AUTH_ERR, 0 },
		{ "login", "alice", unix_password, PAM_SUCCESS, PAM_SUCCESS },
		{ "login", "alice", "wrong", PAM_AUTH_ERR, 0 },
		{ "vsftpd", "alice", unix_password, PAM_AUTH_ERR, 0 },
		{ "imap", "alice", unix_password, PAM_AUTH_ERR, 0 },
	};
	size_t i;

	(void)state;
	install_examples();
	for (i = 0; i < ROWS(rows); i++) {
		struct client client = { .password = rows[i].password };
		pam_handle_t *pamh = door_open(rows[i].door, rows[i].login, NULL, &client);
		int r = pam_authenticate(pamh, 0);

		ROW(r == rows[i].want, "%s, %s: %s", rows[i].door, rows[i].login,
		    pam_strerror(pamh, r));
		if (r == PAM_SUCCESS) {
			r = pam_acct_mgmt(pamh, 0);
			ROW(r == rows[i].account, "%s, %s: %s", rows[i].door, rows[i].login,
			    pam_strerror(pamh, r));
			ROW(pam_setcred(pamh, PAM_ESTABLISH_CRED) == PAM_SUCCESS, "%s",
			    rows[i].door);
		}
		door_close(pamh);
	}
}

static void
the_shipped_files_open_a_session_for_tokens_passwords_and_keys(void **state)
{
	static const char *const doors[] = { "vsftpd", "imap", "login" };
	size_t i;

	(void)state;
	install_examples();
	for (i = 0; i < ROWS(doors); i++) {
		struct secret secret = door_issue((struct wish) {
		    .scope = "ftp", .scope2 = doors[i] });
		struct client client = { .password = secret.text };
		pam_handle_t *pamh = door_open(doors[i], "alice", NULL, &client);

		ROW(pam_authenticate(pamh, 0) == PAM_SUCCESS, "%s", doors[i]);
		ROW(pam_setcred(pamh, PAM_ESTABLISH_CRED) == PAM_SUCCESS, "%s", doors[i]);
		ROW(pam_open_session(pamh, 0) == PAM_SUCCESS, "%s", doors[i]);
		ROW(strcmp(pam_getenv(pamh, "TOKGATE_ID"), secret.id) == 0, "%s", doors[i]);
		ROW(pam_close_session(pamh, 0) == PAM_SUCCESS, "%s", doors[i]);
		door_close(pamh);

		pamh = door_open(doors[i], "alice", NULL, &client);
		ROW(pam_acct_mgmt(pamh, 0) == PAM_SUCCESS, "%s", doors[i]);
		ROW(pam_open_session(pamh, 0) == PAM_SUCCESS, "%s", doors[i]);
		door_all_empty(pamh);
		ROW(pam_close_session(pamh, 0) == PAM_SUCCESS, "%s", doors[i]);
		door_close(pamh);
	}
}

static const struct CMUnitTest tests[] = {
	TEST("the shipped files let in whom they say", the_shipped_files_let_in_whom_they_say),
	TEST("the shipped files keep unix passwords where they say",
	    the_shipped_files_keep_unix_passwords_where_they_say),
	TEST("the shipped files open a session for tokens passwords and keys",
	    the_shipped_files_open_a_session_for_tokens_passwords_and_keys),
};

int
main(void)
{
	return DOOR_RUN(tests);
}
