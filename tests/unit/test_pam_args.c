/* SPDX-License-Identifier: ISC */
/* What the arguments of a line change, through the real libpam. */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "pam/door.h"

/* ---- arguments ----------------------------------------------------------------- */

static const char *const wrong_arguments[] = {
	"nonsense",
	"Passthrough",
	"passthrough passthrough",
	"passthrough=yes",
	"quiet=1",
	"debug=",
	"service",
	"service=",
	"service=a service=b",
	"service=123456789012345678901234567890123",
	"action=",
	"action=login action=login",
	"resource=",
	"resource=x resource=x",
	"gate resource=demo",
	"gate=",
	"gate gate=staff",
	"config=",
	"config=tokgate.conf",
	"=x",
	"pass",
	"passthroughs",
};

static void
an_argument_that_is_not_understood_refuses_every_password(void **state)
{
	struct secret secret = door_issue((struct wish) { .scope = "*" });
	char text[256];
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(wrong_arguments); i++) {
		snprintf(text, sizeof(text),
		    "auth [success=done ignore=ignore default=die] MODULE %s%s\nauth required pam_permit.so\n",
		    strncmp(wrong_arguments[i], "passthrough", 11) != 0 ? "passthrough " : "",
		    wrong_arguments[i]);
		door_service("arguments", text);
		door_log_clear();
		ROW(door_try("arguments", "alice", NULL, secret.text) == PAM_SERVICE_ERR,
		    "'%s', token", wrong_arguments[i]);
		ROW(strstr(door_log(), "argument") != NULL || strstr(door_log(), "gate") != NULL ||
			strstr(door_log(), "config") != NULL,
		    "'%s' not logged: %s", wrong_arguments[i], door_log());
		ROW(door_try("arguments", "alice", NULL, "ordinary") == PAM_SERVICE_ERR,
		    "'%s', password", wrong_arguments[i]);
	}
	door_service("control",
	    "auth [success=done ignore=ignore default=die] MODULE passthrough\n"
	    "auth required pam_permit.so\n");
	assert_int_equal(door_try("control", "alice", NULL, "ordinary"), PAM_SUCCESS);
}

static void
a_word_that_is_no_service_or_action_is_a_service_error(void **state)
{
	static const struct {
		const char *argument;
		int want;
	} rows[] = {
		{ "service=SFTP", PAM_SERVICE_ERR },
		{ "service=a:b", PAM_SERVICE_ERR },
		{ "service=*", PAM_SERVICE_ERR },
		{ "action=Up", PAM_SERVICE_ERR },
		{ "action=*", PAM_SERVICE_ERR },
		{ "action=upload", PAM_SUCCESS },
		{ "action=proxy", PAM_AUTH_ERR },
		{ "resource=demo", PAM_SUCCESS },
		{ "resource=*", PAM_SUCCESS },
	};
	struct secret secret = door_issue((struct wish) { .scope = "*" });
	char text[256];
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(rows); i++) {
		int r;

		snprintf(text, sizeof(text), "auth required pam_tokgate.so %s\n", rows[i].argument);
		door_service("arguments", text);
		r = door_try("arguments", "alice", NULL, secret.text);
		ROW(r == rows[i].want, "%s: %s", rows[i].argument, pam_strerror(NULL, r));
	}
}

/* An account or session line, with a second one that has an opinion. */
static void
line_service(const char *name, const char *module, const char *arguments)
{
	char text[1024];

	snprintf(text, sizeof(text),
	    "auth [success=done ignore=ignore default=die] pam_tokgate.so passthrough\n"
	    "auth required pam_recorder.so accept=unix-secret\n"
	    "account [success=ok ignore=ignore module_unknown=ignore default=die] %s %s\n"
	    "account required pam_permit.so\n"
	    "session required pam_permit.so\n"
	    "session [success=ok ignore=ignore module_unknown=ignore default=die] %s %s\n",
	    module, arguments, module, arguments);
	door_service(name, text);
}

static void
account_and_session_with_a_wrong_argument_refuse_only_logins_by_token(void **state)
{
	struct secret secret = door_issue((struct wish) { .scope = "arguments" });
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(wrong_arguments); i++) {
		struct client client = { .password = secret.text };
		pam_handle_t *pamh;

		line_service("arguments", "MODULE", wrong_arguments[i]);
		pamh = door_open("arguments", "alice", NULL, &client);
		ROW(pam_authenticate(pamh, 0) == PAM_SUCCESS, "'%s'", wrong_arguments[i]);
		ROW(pam_acct_mgmt(pamh, 0) == PAM_SERVICE_ERR, "'%s'", wrong_arguments[i]);
		ROW(pam_setcred(pamh, PAM_ESTABLISH_CRED) == PAM_SUCCESS, "'%s'",
		    wrong_arguments[i]);
		ROW(pam_open_session(pamh, 0) == PAM_SERVICE_ERR, "'%s'", wrong_arguments[i]);
		door_all_empty(pamh);
		door_close(pamh);

		/* As with a key: no authentication by us at all. */
		pamh = door_open("arguments", "alice", NULL, &client);
		door_log_clear();
		ROW(pam_acct_mgmt(pamh, 0) == PAM_SUCCESS, "'%s'", wrong_arguments[i]);
		ROW(door_log()[0] != '\0', "'%s' not logged", wrong_arguments[i]);
		ROW(pam_open_session(pamh, 0) == PAM_SUCCESS, "'%s'", wrong_arguments[i]);
		door_all_empty(pamh);
		ROW(pam_close_session(pamh, 0) == PAM_SUCCESS, "'%s'", wrong_arguments[i]);
		door_close(pamh);
	}
}

/* ---- the gate ------------------------------------------------------------------ */

static void
gate_leaves_the_resource_to_what_stands_behind_the_door(void **state)
{
	static const struct {
		const char *arguments, *scope, *login;
		int want;
	} rows[] = {
		{ "service=sftp gate", "sftp:upload:demo", "alice", PAM_SUCCESS },
		{ "service=sftp gate", "sftp:list:*", "alice", PAM_SUCCESS },
		{ "service=sftp gate", "ftp:upload:demo", "alice", PAM_AUTH_ERR },
		{ "service=sftp action=upload gate", "sftp:upload:demo", "alice", PAM_SUCCESS },
		{ "service=sftp action=upload gate", "sftp:list:demo", "alice", PAM_AUTH_ERR },
		{ "gate", "gated:upload:demo", "alice", PAM_SUCCESS },
		{ "gate", "sftp:upload:demo", "alice", PAM_AUTH_ERR },

		/* With a group: deferred for its members, login on everything for others. */
		{ "service=sftp gate=tokgate-upload", "sftp:upload:demo", "uploader", PAM_SUCCESS },
		{ "service=sftp gate=tokgate-upload", "gated:login", "uploader", PAM_AUTH_ERR },
		{ "service=sftp gate=tokgate-upload", "sftp:upload:demo", "alice", PAM_AUTH_ERR },
		{ "service=sftp gate=tokgate-upload", "sftp:upload:*", "alice", PAM_AUTH_ERR },
		{ "service=sftp gate=tokgate-upload", "sftp", "alice", PAM_AUTH_ERR },
		{ "service=sftp gate=tokgate-upload", "gated:upload", "alice", PAM_AUTH_ERR },
		{ "service=sftp gate=tokgate-upload", "gated:login:demo", "alice", PAM_AUTH_ERR },
		{ "service=sftp gate=tokgate-upload", "gated:login", "alice", PAM_SUCCESS },

		/* With a group and a resource: asked as it stands for its members. */
		{ "service=sftp action=upload resource=demo gate=tokgate-upload",
		    "sftp:upload:demo", "uploader", PAM_SUCCESS },
		{ "service=sftp action=upload resource=demo gate=tokgate-upload",
		    "sftp:upload:else", "uploader", PAM_AUTH_ERR },
		{ "service=sftp action=upload resource=demo gate=tokgate-upload",
		    "sftp:upload:demo", "alice", PAM_AUTH_ERR },
		{ "service=sftp action=upload resource=demo gate=tokgate-upload", "sftp:upload:*",
		    "alice", PAM_AUTH_ERR },
		{ "service=sftp action=upload resource=demo gate=tokgate-upload", "gated:login",
		    "alice", PAM_SUCCESS },

		/* A user's own group counts; one that does not exist has no members. */
		{ "service=sftp gate=alice", "sftp:upload:demo", "alice", PAM_SUCCESS },
		{ "service=sftp gate=no-such-group", "sftp:upload:demo", "uploader", PAM_AUTH_ERR },
		{ "service=sftp gate=no-such-group", "gated:login", "uploader", PAM_SUCCESS },
		{ "service=sftp gate=tokgate-upload", "sftp:upload:demo", "nobody-here",
		    PAM_AUTH_ERR },
	};
	char text[256];
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(rows); i++) {
		struct secret secret = door_issue((struct wish) {
		    .owner = rows[i].login, .scope = rows[i].scope });
		int r;

		snprintf(text, sizeof(text), "auth required pam_tokgate.so %s\n",
		    rows[i].arguments);
		door_service("gated", text);
		r = door_try("gated", rows[i].login, NULL, secret.text);
		ROW(r == rows[i].want, "%s, %s, %s: %s", rows[i].arguments, rows[i].scope,
		    rows[i].login, pam_strerror(NULL, r));
	}
}

/* ---- map_user ------------------------------------------------------------------ */

static void
map_user_turns_the_drop_in_login_into_the_owner(void **state)
{
	static const char args[] = "service=sftp action=upload resource=demo";
	static const struct {
		const char *map, *login;
		struct wish wish;
		int want;
		const char *user;
	} rows[] = {
		{ "map_user", TG_DROP_IN, { .owner = "alice" }, PAM_SUCCESS, "alice" },
		{ "map_user", TG_DROP_IN, { .owner = "no-account" }, PAM_SUCCESS, "no-account" },
		{ "map_user", TG_DROP_IN, { .owner = "root" }, PAM_AUTH_ERR, TG_DROP_IN },
		{ "map_user", TG_DROP_IN, { .owner = "toor" }, PAM_AUTH_ERR, TG_DROP_IN },
		{ "map_user", "alice", { .owner = "alice" }, PAM_SUCCESS, "alice" },
		{ "map_user", "bob", { .owner = "alice", .as = "bob" }, PAM_SUCCESS, "bob" },
		{ "map_user", "root", { .owner = "root" }, PAM_SUCCESS, "root" },
		{ "", TG_DROP_IN, { .owner = "alice" }, PAM_SUCCESS, TG_DROP_IN },
		{ "", TG_DROP_IN, { .owner = "root" }, PAM_SUCCESS, TG_DROP_IN },
	};
	char text[512];
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(rows); i++) {
		struct secret secret = door_issue(rows[i].wish);
		struct client client = { .password = secret.text };
		pam_handle_t *pamh;
		int r;

		snprintf(text, sizeof(text),
		    "auth required pam_tokgate.so %s %s\naccount required pam_tokgate.so\n"
		    "session required pam_tokgate.so\n",
		    args, rows[i].map);
		door_service("mapped", text);
		pamh = door_open("mapped", rows[i].login, NULL, &client);
		r = pam_authenticate(pamh, 0);
		ROW(r == rows[i].want, "row %zu: %s", i, pam_strerror(NULL, r));
		ROW(strcmp(door_user(pamh), rows[i].user) == 0, "row %zu: user is %s", i,
		    door_user(pamh));
		if (r == PAM_SUCCESS) {
			ROW(pam_acct_mgmt(pamh, 0) == PAM_SUCCESS, "row %zu", i);
			ROW(pam_setcred(pamh, PAM_ESTABLISH_CRED) == PAM_SUCCESS, "row %zu", i);
			ROW(pam_open_session(pamh, 0) == PAM_SUCCESS, "row %zu", i);
		} else
			door_all_unset(pamh);
		door_close(pamh);
	}
}

static const struct CMUnitTest tests[] = {
	TEST("an argument that is not understood refuses every password",
	    an_argument_that_is_not_understood_refuses_every_password),
	TEST("a word that is no service or action is a service error",
	    a_word_that_is_no_service_or_action_is_a_service_error),
	TEST("account and session with a wrong argument refuse only logins by token",
	    account_and_session_with_a_wrong_argument_refuse_only_logins_by_token),
	TEST("gate leaves the resource to what stands behind the door",
	    gate_leaves_the_resource_to_what_stands_behind_the_door),
	TEST("map user turns the drop in login into the owner",
	    map_user_turns_the_drop_in_login_into_the_owner),
};

int
main(void)
{
	return DOOR_RUN(tests);
}
