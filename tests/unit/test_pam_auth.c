/* SPDX-License-Identifier: ISC */
/* What authentication answers, through the real libpam. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "pam/door.h"

/* ---- a token opens the door ---------------------------------------------------- */

static void
a_right_token_passes_every_phase(void **state)
{
	int64_t expires = time(NULL) + 3600;
	struct secret secret = door_issue((struct wish) {
	    .scope = "sftp:upload:demo", .expires_at = expires });
	struct client client = { .password = secret.text };
	char when[TG_TIME_MAX + 1];
	pam_handle_t *pamh;

	(void)state;
	tg_format_when(expires, when);
	door_record_clear();
	pamh = door_open("beside", "alice", "192.0.2.7", &client);
	assert_int_equal(pam_putenv(pamh, "TOKGATE_SCOPES=forged"), PAM_SUCCESS);
	assert_int_equal(pam_authenticate(pamh, 0), PAM_SUCCESS);
	assert_true(strlen(pam_getenv(pamh, "TOKGATE_TICKET")) > 0);
	assert_null(pam_getenv(pamh, "TOKGATE_SCOPES"));
	assert_string_equal(door_user(pamh), "alice");
	assert_int_equal(pam_acct_mgmt(pamh, 0), PAM_SUCCESS);
	assert_int_equal(pam_setcred(pamh, PAM_ESTABLISH_CRED), PAM_SUCCESS);
	assert_int_equal(pam_open_session(pamh, 0), PAM_SUCCESS);
	assert_true(strlen(pam_getenv(pamh, "TOKGATE_TICKET")) > 0);
	assert_string_equal(pam_getenv(pamh, "TOKGATE_ID"), secret.id);
	assert_string_equal(pam_getenv(pamh, "TOKGATE_OWNER"), "alice");
	assert_string_equal(pam_getenv(pamh, "TOKGATE_SCOPES"), "sftp:upload:demo");
	assert_string_equal(pam_getenv(pamh, "TOKGATE_EXPIRES"), when);
	assert_int_equal(pam_close_session(pamh, 0), PAM_SUCCESS);
	assert_int_equal(pam_setcred(pamh, PAM_DELETE_CRED), PAM_SUCCESS);
	door_close(pamh);
	assert_int_equal(client.prompts, 1);
	assert_string_equal(client.shown, "");
	assert_string_equal(door_recorded(), "");
}

static void
scopes_are_exported_with_blanks_and_no_expiry_is_empty(void **state)
{
	struct secret secret = door_issue((struct wish) {
	    .scope = "sftp:upload:de*", .scope2 = "sftp:upload:demo" });
	struct client client = { .password = secret.text };
	pam_handle_t *pamh = door_open("beside", "alice", NULL, &client);

	(void)state;
	assert_int_equal(pam_authenticate(pamh, 0), PAM_SUCCESS);
	assert_int_equal(pam_open_session(pamh, 0), PAM_SUCCESS);
	assert_string_equal(pam_getenv(pamh, "TOKGATE_SCOPES"), "sftp:upload:de* sftp:upload:demo");
	assert_string_equal(pam_getenv(pamh, "TOKGATE_EXPIRES"), "");
	door_close(pamh);
}

static void
the_default_question_is_login_on_everything_of_the_pam_service(void **state)
{
	static const struct {
		const char *scope, *service;
		int want;
	} rows[] = {
		{ "door:login:*", "door", PAM_SUCCESS },
		{ "door", "door", PAM_SUCCESS },
		{ "door:*:*", "door", PAM_SUCCESS },
		{ "*:login", "door", PAM_SUCCESS },
		{ "door:login:demo", "door", PAM_AUTH_ERR },
		{ "door:upload", "door", PAM_AUTH_ERR },
		{ "other:login", "door", PAM_AUTH_ERR },
		{ "*", "-bad-word", PAM_SERVICE_ERR },
	};
	size_t i;

	(void)state;
	door_service("door", "auth required pam_tokgate.so\n");
	door_service("-bad-word", "auth required pam_tokgate.so\n");
	for (i = 0; i < ROWS(rows); i++) {
		struct secret secret = door_issue((struct wish) { .scope = rows[i].scope });
		int r = door_try(rows[i].service, "alice", NULL, secret.text);

		ROW(r == rows[i].want, "%s at %s: %s", rows[i].scope, rows[i].service,
		    pam_strerror(NULL, r));
	}
}

/* ---- refusals, as auth says them ----------------------------------------------- */

static void
each_kind_of_no_is_an_auth_error_and_never_reaches_the_next_module(void **state)
{
	int64_t now = time(NULL), day = 24 * 3600;
	const struct {
		const char *what;
		struct wish wish;
		const char *login, *from;
		int want;
	} rows[] = {
		{ "right", { .scope = "sftp" }, "alice", NULL, PAM_SUCCESS },
		{ "right, drop-in login", { .scope = "sftp" }, TG_DROP_IN, NULL, PAM_SUCCESS },
		{ "right, --as login", { .as = "bob" }, "bob", NULL, PAM_SUCCESS },
		{ "right, bound address", { .from = "192.0.2.0/24" }, "alice", "192.0.2.9",
		    PAM_SUCCESS },
		{ "expired", { .issued_at = now - 2 * day, .expires_at = now - day }, "alice", NULL,
		    PAM_AUTH_ERR },
		{ "not yet valid", { .not_before = now + day, .expires_at = now + 2 * day },
		    "alice", NULL, PAM_AUTH_ERR },
		{ "idle", { .issued_at = now - 9 * day, .idle_s = 3600 }, "alice", NULL,
		    PAM_AUTH_ERR },
		{ "wrong login", { .owner = "alice" }, "bob", NULL, PAM_AUTH_ERR },
		{ "wrong login, root", { .owner = "alice" }, "root", NULL, PAM_AUTH_ERR },
		{ "wrong service", { .scope = "ftp:upload:demo" }, "alice", NULL, PAM_AUTH_ERR },
		{ "wrong action", { .scope = "sftp:list:demo" }, "alice", NULL, PAM_AUTH_ERR },
		{ "wrong resource", { .scope = "sftp:upload:else" }, "alice", NULL, PAM_AUTH_ERR },
		{ "wrong source", { .from = "192.0.2.0/24" }, "alice", "198.51.100.1",
		    PAM_AUTH_ERR },
		{ "unknown source", { .from = "192.0.2.0/24" }, "alice", NULL, PAM_AUTH_ERR },
		{ "source by name", { .from = "127.0.0.0/8" }, "alice", "localhost", PAM_AUTH_ERR },
	};
	size_t i;

	(void)state;
	door_record_clear();
	for (i = 0; i < ROWS(rows); i++) {
		struct secret secret = door_issue(rows[i].wish);
		int r = door_try("beside", rows[i].login, rows[i].from, secret.text);

		ROW(r == rows[i].want, "%s: %s", rows[i].what, pam_strerror(NULL, r));
	}
	assert_string_equal(door_recorded(), "");
}

static void
a_token_that_died_is_an_auth_error(void **state)
{
	struct secret revoked = door_issue((struct wish) { 0 });
	struct secret once = door_issue((struct wish) { .uses = 1 });
	struct secret suspended = door_issue((struct wish) { .owner = "gone" });
	struct secret capped = door_issue((struct wish) { .owner = "capped" });

	(void)state;
	door_record_clear();
	assert_int_equal(door_try("beside", "alice", NULL, revoked.text), PAM_SUCCESS);
	door_revoke(&revoked);
	assert_int_equal(door_try("beside", "alice", NULL, revoked.text), PAM_AUTH_ERR);

	assert_int_equal(door_try("beside", "alice", NULL, once.text), PAM_SUCCESS);
	assert_int_equal(door_try("beside", "alice", NULL, once.text), PAM_AUTH_ERR);

	assert_int_equal(door_try("beside", "gone", NULL, suspended.text), PAM_SUCCESS);
	door_suspend("gone", true);
	assert_int_equal(door_try("beside", "gone", NULL, suspended.text), PAM_AUTH_ERR);
	door_suspend("gone", false);
	assert_int_equal(door_try("beside", "gone", NULL, suspended.text), PAM_SUCCESS);

	door_ceiling("capped", "ftp");
	assert_int_equal(door_try("beside", "capped", NULL, capped.text), PAM_AUTH_ERR);
	door_ceiling("capped", NULL);
	assert_int_equal(door_try("beside", "capped", NULL, capped.text), PAM_SUCCESS);
	assert_string_equal(door_recorded(), "");
}

static void
a_token_that_is_not_quite_right_never_reaches_the_next_module(void **state)
{
	struct secret secret = door_issue((struct wish) { 0 });
	char long_text[TG_TOKEN_MAX + 8];
	char texts[8][TG_TOKEN_MAX + 1];
	size_t n = 0, i;

	(void)state;
	for (i = 0; i < ROWS(texts); i++)
		strcpy(texts[i], secret.text);
	door_spoil(texts[n++], -1); /* checksum */
	door_spoil(texts[n++], 6);  /* id, checksum no longer fits */
	door_spoil(texts[n++], 30); /* secret, checksum no longer fits */
	door_spoil(texts[n], 6);    /* unknown id */
	door_reseal(texts[n++]);
	door_spoil(texts[n], 30); /* wrong secret */
	door_reseal(texts[n++]);
	texts[n][strlen(texts[n]) - 1] = '\0'; /* cut short */
	n++;
	texts[n++][48] = '\0';        /* cut shorter */
	memcpy(texts[n++], "ghp", 3); /* somebody else's */
	assert_int_equal(n, ROWS(texts));

	door_record_clear();
	for (i = 0; i < n; i++)
		ROW(door_try("beside", "alice", NULL, texts[i]) == PAM_AUTH_ERR, "row %zu", i);
	snprintf(long_text, sizeof(long_text), "%sA", secret.text);
	assert_int_equal(door_try("beside", "alice", NULL, long_text), PAM_AUTH_ERR);
	assert_int_equal(door_try("beside", TG_DROP_IN, NULL, "unix-secret"), PAM_AUTH_ERR);
	assert_int_equal(door_try("beside", TG_DROP_IN, NULL, ""), PAM_AUTH_ERR);
	assert_string_equal(door_recorded(), "");
	assert_int_equal(door_try("beside", "alice", NULL, secret.text), PAM_SUCCESS);
}

static void
an_ordinary_password_goes_on_only_with_passthrough(void **state)
{
	(void)state;
	door_record_clear();
	assert_int_equal(door_try("alone", "alice", NULL, "unix-secret"), PAM_AUTH_ERR);
	assert_string_equal(door_recorded(), "");
	assert_int_equal(door_try("beside", "alice", NULL, "unix-secret"), PAM_SUCCESS);
	assert_int_equal(door_try("beside", "alice", NULL, "wrong"), PAM_AUTH_ERR);
	assert_string_equal(door_recorded(), "unix-secret\nwrong\n");

	/* Nothing but "no opinion" is a no. */
	door_service("nobody",
	    "auth [success=done ignore=ignore default=die] pam_tokgate.so passthrough\n");
	assert_int_equal(door_try("nobody", "alice", NULL, "unix-secret"), PAM_PERM_DENIED);
}

/* What stands in the place of a token, as a line of the recorder's. */
#define JUNK "\b\n\r\177INCORRECT\n"

/* Neither in the handle nor by asking again: a door may give the same answer twice. */
static void
a_module_behind_a_careless_control_gets_no_token(void **state)
{
	static const char *const rows[][2] = {
		{ "optional", "peek" },
		{ "optional", "" },
		{ "required", "" },
		{ "sufficient", "" },
	};
	struct secret secret = door_issue((struct wish) { 0 });
	char mistyped[TG_TOKEN_MAX + 1], text[256];
	size_t i;

	(void)state;
	strcpy(mistyped, secret.text);
	door_spoil(mistyped, -1);
	for (i = 0; i < ROWS(rows); i++) {
		snprintf(text, sizeof(text),
		    "auth %s pam_tokgate.so service=sftp action=upload resource=other\n"
		    "auth optional pam_recorder.so %s\n"
		    "auth required pam_deny.so\n",
		    rows[i][0], rows[i][1]);
		door_service("careless", text);
		door_record_clear();
		assert_int_not_equal(door_try("careless", "alice", NULL, secret.text), PAM_SUCCESS);
		assert_int_not_equal(door_try("careless", "alice", NULL, mistyped), PAM_SUCCESS);
		assert_int_not_equal(door_try("careless", TG_DROP_IN, NULL, "short"), PAM_SUCCESS);
		assert_string_equal(door_recorded(), JUNK JUNK JUNK);
		assert_int_not_equal(door_try("careless", "alice", NULL, "ordinary"), PAM_SUCCESS);
		assert_string_equal(door_recorded(), JUNK JUNK JUNK "ordinary\n");
	}
}

/* ---- the conversation ---------------------------------------------------------- */

static void
a_client_that_gives_no_password_gets_a_no(void **state)
{
	static const struct {
		enum answer answer;
		const char *password;
		int want;
	} rows[] = {
		{ ANSWER_CANCEL, "x", PAM_CONV_ERR },
		{ ANSWER_NULL, NULL, PAM_CONV_ERR },
		{ ANSWER_NO_RESPONSE, NULL, PAM_CONV_ERR },
		{ ANSWER, "", PAM_AUTH_ERR },
	};
	size_t i;

	(void)state;
	door_record_clear();
	for (i = 0; i < ROWS(rows); i++) {
		struct client client = { .password = rows[i].password, .answer = rows[i].answer };
		pam_handle_t *pamh = door_open("alone", "alice", NULL, &client);

		ROW(pam_authenticate(pamh, 0) == rows[i].want, "row %zu", i);
		door_close(pamh);
		/* With passthrough an empty password is another module's, a missing one nobody's. */
		pamh = door_open("beside", "alice", NULL, &client);
		ROW(pam_authenticate(pamh, 0) == rows[i].want, "row %zu, passthrough", i);
		door_close(pamh);
	}
	assert_string_equal(door_recorded(), "\n");
}

static void
the_user_name_is_asked_for_where_the_door_gave_none(void **state)
{
	struct secret secret = door_issue((struct wish) { 0 });
	struct client client = { .password = secret.text };
	pam_handle_t *pamh = door_open("beside", NULL, NULL, &client);

	(void)state;
	/* This client answers every question with the token: not even logged as a name. */
	door_log_clear();
	assert_int_equal(pam_authenticate(pamh, 0), PAM_AUTH_ERR);
	assert_int_equal(client.prompts, 1);
	assert_null(strstr(door_log(), secret.id));
	door_close(pamh);

	client.answer = ANSWER_CANCEL;
	pamh = door_open("beside", NULL, NULL, &client);
	assert_int_equal(pam_authenticate(pamh, 0), PAM_CONV_ERR);
	door_close(pamh);

	client.answer = ANSWER;
	client.password = "";
	pamh = door_open("beside", NULL, NULL, &client);
	assert_int_equal(pam_authenticate(pamh, 0), PAM_AUTH_ERR);
	door_close(pamh);
}

static void
huge_passwords_and_control_bytes_are_ordinary_failing_input(void **state)
{
	static const size_t sizes[] = { 127, 511, 512, 513, 1024, 65536, 1 << 20 };
	struct secret secret = door_issue((struct wish) { 0 });
	char text[TG_TOKEN_MAX + 8];
	char *huge = malloc((1 << 20) + 1);
	size_t i, j;

	(void)state;
	assert_non_null(huge);
	door_log_stop();
	for (i = 0; i < ROWS(sizes); i++) {
		/* Token-shaped, then not. */
		snprintf(huge, sizes[i] + 1, "%s", secret.text);
		memset(huge + strlen(huge), 'A', sizes[i] - strlen(huge));
		huge[sizes[i]] = '\0';
		ROW(door_try("alone", "alice", NULL, huge) == PAM_AUTH_ERR, "%zu bytes", sizes[i]);
		for (j = 0; j < sizes[i]; j++)
			huge[j] = (char)(j % 255 + 1);
		ROW(door_try("alone", "alice", NULL, huge) == PAM_AUTH_ERR, "%zu bytes", sizes[i]);
	}
	free(huge);

	/* What sshd sends for users who may not log in. */
	assert_int_equal(door_try("alone", "alice", NULL, "\b\n\r\177INCORRECT\b\n\r\177INCORRECT"),
	    PAM_AUTH_ERR);
	for (i = 0; i < 32; i++) {
		static const char bytes[] = "\n\r\t \x01\x7f\x80\xff";

		snprintf(text, sizeof(text), "%s%c", secret.text, bytes[i % 8]);
		ROW(door_try("alone", "alice", NULL, text) == PAM_AUTH_ERR, "byte %zu after",
		    i % 8);
		snprintf(text, sizeof(text), "%c%s", bytes[i % 8], secret.text);
		ROW(door_try("alone", "alice", NULL, text) == PAM_AUTH_ERR, "byte %zu before",
		    i % 8);
	}
	door_log_clear();
}

static void
a_hostile_login_cannot_write_a_second_log_line_or_field(void **state)
{
	struct secret secret = door_issue((struct wish) { 0 });

	(void)state;
	door_log_clear();
	assert_int_equal(door_try("alone", "a\ntokgate: verdict=ok id=x", NULL, secret.text),
	    PAM_AUTH_ERR);
	assert_int_equal(door_try("alone", "x owner=root verdict=ok", "1 verdict=ok", secret.text),
	    PAM_AUTH_ERR);
	assert_non_null(strstr(door_log(), "verdict=wrong-login"));
	assert_null(strstr(door_log(), "verdict=ok"));
	assert_null(strstr(door_log(), "owner=root"));
}

/* ---- explain after proof ------------------------------------------------------- */

static void
only_who_has_proven_the_secret_is_told_why(void **state)
{
	int64_t now = time(NULL);
	struct secret expired = door_issue((struct wish) {
	    .issued_at = now - 7200, .expires_at = now - 3600 });
	char wrong[TG_TOKEN_MAX + 1];
	const struct {
		const char *what, *service, *password;
		int flags;
		enum answer answer;
		bool told;
	} rows[] = {
		{ "proven", "beside", expired.text, 0, ANSWER, true },
		{ "the door cannot show it", "beside", expired.text, 0, ANSWER_REFUSE_TEXTS, true },
		{ "PAM_SILENT", "beside", expired.text, PAM_SILENT, ANSWER, false },
		{ "quiet", "quiet", expired.text, 0, ANSWER, false },
		{ "wrong secret", "beside", wrong, 0, ANSWER, false },
	};
	size_t i;

	(void)state;
	strcpy(wrong, expired.text);
	door_spoil(wrong, 30);
	door_reseal(wrong);
	door_service("quiet",
	    "auth required pam_tokgate.so quiet service=sftp action=upload resource=demo\n");
	for (i = 0; i < ROWS(rows); i++) {
		struct client client = { .password = rows[i].password, .answer = rows[i].answer };
		pam_handle_t *pamh = door_open(rows[i].service, "alice", NULL, &client);

		ROW(pam_authenticate(pamh, rows[i].flags) == PAM_AUTH_ERR, "%s", rows[i].what);
		door_close(pamh);
		ROW((strstr(client.shown, expired.id) != NULL &&
			strstr(client.shown, "expired") != NULL) == rows[i].told,
		    "%s: '%s'", rows[i].what, client.shown);
		ROW(rows[i].told || client.shown[0] == '\0', "%s: '%s'", rows[i].what,
		    client.shown);
		ROW(client.delay == 0, "%s: asked for a delay", rows[i].what);
	}
}

static const struct CMUnitTest tests[] = {
	TEST("a right token passes every phase", a_right_token_passes_every_phase),
	TEST("scopes are exported with blanks and no expiry is empty",
	    scopes_are_exported_with_blanks_and_no_expiry_is_empty),
	TEST("the default question is login on everything of the pam service",
	    the_default_question_is_login_on_everything_of_the_pam_service),
	TEST("each kind of no is an auth error and never reaches the next module",
	    each_kind_of_no_is_an_auth_error_and_never_reaches_the_next_module),
	TEST("a token that died is an auth error", a_token_that_died_is_an_auth_error),
	TEST("a token that is not quite right never reaches the next module",
	    a_token_that_is_not_quite_right_never_reaches_the_next_module),
	TEST("an ordinary password goes on only with passthrough",
	    an_ordinary_password_goes_on_only_with_passthrough),
	TEST("a module behind a careless control gets no token",
	    a_module_behind_a_careless_control_gets_no_token),
	TEST("a client that gives no password gets a no",
	    a_client_that_gives_no_password_gets_a_no),
	TEST("the user name is asked for where the door gave none",
	    the_user_name_is_asked_for_where_the_door_gave_none),
	TEST("huge passwords and control bytes are ordinary failing input",
	    huge_passwords_and_control_bytes_are_ordinary_failing_input),
	TEST("a hostile login cannot write a second log line or field",
	    a_hostile_login_cannot_write_a_second_log_line_or_field),
	TEST("only who has proven the secret is told why",
	    only_who_has_proven_the_secret_is_told_why),
};

int
main(void)
{
	return DOOR_RUN(tests);
}
