/* SPDX-License-Identifier: ISC */
/* Doors with something of ours missing or broken, through the real libpam. */
#include "unit.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pam/door.h"

/* A store or configuration in a bad state, and how auth calls it. */
static const char *
broken_config(const char *what)
{
	static char path[512];
	char text[512];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s.conf", door_dir(), what);
	if (strcmp(what, "missing-config") == 0)
		return path;
	if (strcmp(what, "unknown-key") == 0)
		return door_file("unknown-key.conf", "nonsense = 1\n", 0600);
	if (strcmp(what, "writable-config") == 0)
		return door_file("writable-config.conf", "uid = 0\n", 0666);
	snprintf(text, sizeof(text), "cp -a %s %s/%s", door_store(), door_dir(), what);
	if (strcmp(what, "missing-store") != 0)
		assert_int_equal(system(text), 0);
	snprintf(text, sizeof(text), "%s/%s", door_dir(), what);
	if (strcmp(what, "open-store") == 0)
		assert_int_equal(chmod(text, 0777), 0);
	if (strcmp(what, "foreign-store") == 0)
		assert_int_equal(chown(text, 4001, 4001), 0);
	snprintf(text, sizeof(text), "%s/%s/data.mdb", door_dir(), what);
	if (strcmp(what, "cut-store") == 0) {
		assert_int_equal(stat(text, &st), 0);
		assert_int_equal(truncate(text, st.st_size / 2), 0);
	}
	if (strcmp(what, "empty-store") == 0)
		assert_int_equal(unlink(text), 0);
	if (strcmp(what, "garbage-store") == 0) {
		int fd = open(text, O_WRONLY | O_CLOEXEC);
		char bytes[8192];

		memset(bytes, 0xa5, sizeof(bytes));
		assert_int_equal(pwrite(fd, bytes, sizeof(bytes), 0), sizeof(bytes));
		close(fd);
	}
	snprintf(text, sizeof(text), "store = %s/%s\n", door_dir(), what);
	snprintf(path, sizeof(path), "%s.conf", what);
	return door_file(path, text, 0600);
}

static const struct {
	const char *what;
	int want;
} broken[] = {
	{ "missing-config", PAM_SERVICE_ERR },
	{ "unknown-key", PAM_SERVICE_ERR },
	{ "writable-config", PAM_SERVICE_ERR },
	{ "missing-store", PAM_AUTHINFO_UNAVAIL },
	{ "empty-store", PAM_AUTHINFO_UNAVAIL },
	{ "cut-store", PAM_AUTHINFO_UNAVAIL },
	{ "garbage-store", PAM_AUTHINFO_UNAVAIL },
	{ "open-store", PAM_SERVICE_ERR },
	{ "foreign-store", PAM_SERVICE_ERR },
};

static void
with_everything_of_ours_broken_tokens_fail_and_passwords_and_keys_do_not(void **state)
{
	struct secret secret = door_issue((struct wish) { .scope = "*", .scope2 = "broken" });
	char text[2048];
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(broken); i++) {
		const char *path = broken_config(broken[i].what);
		struct client client = { .password = secret.text };
		pam_handle_t *pamh;
		int r;

		snprintf(text, sizeof(text),
		    "auth [success=done ignore=ignore default=die] MODULE debug passthrough config=%s\n"
		    "auth required pam_recorder.so accept=unix-secret\n"
		    "account [success=ok ignore=ignore module_unknown=ignore default=die] MODULE config=%s\n"
		    "account required pam_permit.so\n"
		    "session required pam_permit.so\n"
		    "session [success=ok ignore=ignore module_unknown=ignore default=die] MODULE config=%s\n",
		    path, path, path);
		door_service("broken", text);
		door_record_clear();
		door_log_clear();
		r = door_try("broken", "alice", NULL, secret.text);
		ROW(r == broken[i].want, "%s: %s", broken[i].what, pam_strerror(NULL, r));
		ROW(strstr(door_log(), "unavailable: ") != NULL ||
			strstr(door_log(), "misconfigured: ") != NULL,
		    "%s: no reason in the log: %s", broken[i].what, door_log());
		ROW(door_recorded()[0] == '\0', "%s: token went on", broken[i].what);
		ROW(door_try("broken", "alice", NULL, "unix-secret") == PAM_SUCCESS, "%s",
		    broken[i].what);

		/* A key: no authentication. */
		pamh = door_open("broken", "alice", NULL, &client);
		ROW(pam_acct_mgmt(pamh, 0) == PAM_SUCCESS, "%s", broken[i].what);
		ROW(pam_open_session(pamh, 0) == PAM_SUCCESS, "%s", broken[i].what);
		door_all_empty(pamh);
		ROW(pam_close_session(pamh, 0) == PAM_SUCCESS, "%s", broken[i].what);
		door_close(pamh);
	}
}

static void
a_store_that_breaks_between_the_phases_refuses_the_token(void **state)
{
	struct secret secret = door_issue((struct wish) { .scope = "*", .scope2 = "broken" });
	char text[1024];
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(broken); i++) {
		struct client client = { .password = secret.text };
		pam_handle_t *pamh;
		int r;

		/* The store of before made way for the one of the table's row. */
		snprintf(text, sizeof(text),
		    "auth required pam_tokgate.so\naccount required MODULE config=%s/%s.conf\n"
		    "session required MODULE config=%s/%s.conf\n",
		    door_dir(), broken[i].what, door_dir(), broken[i].what);
		door_service("broken", text);
		pamh = door_open("broken", "alice", NULL, &client);
		ROW(pam_authenticate(pamh, 0) == PAM_SUCCESS, "%s", broken[i].what);
		r = pam_acct_mgmt(pamh, 0);
		ROW(r == broken[i].want, "%s: %s", broken[i].what, pam_strerror(pamh, r));
		r = pam_open_session(pamh, 0);
		ROW(r == broken[i].want, "%s: %s", broken[i].what, pam_strerror(pamh, r));
		door_all_empty(pamh);
		door_close(pamh);
	}
}

static void
a_missing_module_refuses_passwords_and_lets_keys_in(void **state)
{
	struct client client = { .password = "unix-secret" };
	pam_handle_t *pamh;

	(void)state;
	door_service("gone",
	    "auth [success=done ignore=ignore default=die] /nonexistent/pam_tokgate_gone.so passthrough\n"
	    "auth required pam_permit.so\n"
	    "account [success=ok ignore=ignore module_unknown=ignore default=die] /nonexistent/pam_tokgate_gone.so\n"
	    "account required pam_permit.so\n"
	    "session required pam_permit.so\n"
	    "session [success=ok ignore=ignore module_unknown=ignore default=die] /nonexistent/pam_tokgate_gone.so\n");
	pamh = door_open("gone", "alice", NULL, &client);
	assert_int_equal(pam_authenticate(pamh, 0), PAM_MODULE_UNKNOWN);
	door_close(pamh);
	pamh = door_open("gone", "alice", NULL, &client);
	assert_int_equal(pam_acct_mgmt(pamh, 0), PAM_SUCCESS);
	assert_int_equal(pam_open_session(pamh, 0), PAM_SUCCESS);
	assert_int_equal(pam_close_session(pamh, 0), PAM_SUCCESS);
	door_close(pamh);
}

static void
a_process_without_rights_gets_unavailable(void **state)
{
	struct secret secret = door_issue((struct wish) { .scope = "unprivileged" });
	char text[PATH_MAX + 64];
	int status;
	pid_t pid;

	(void)state;
	/* A module and a configuration that it may read, wherever the checkout is. */
	snprintf(text, sizeof(text), "cp '%s' %s/copy.so", door_module(), door_dir());
	assert_int_equal(system(text), 0);
	snprintf(text, sizeof(text), "auth required DIR/copy.so config=%s\n", door_config());
	door_service("unprivileged", text);
	assert_int_equal(chmod(door_dir(), 0755), 0);
	assert_int_equal(chmod(door_config(), 0644), 0);
	assert_int_equal(door_try("unprivileged", "alice", NULL, secret.text), PAM_SUCCESS);
	assert_int_not_equal(pid = fork(), -1);
	if (pid == 0) {
		if (setgid(4002) == -1 || setuid(4002) == -1)
			_exit(255);
		_exit(door_try("unprivileged", "alice", NULL, secret.text));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), PAM_AUTHINFO_UNAVAIL);
}

static const struct CMUnitTest tests[] = {
	TEST("with everything of ours broken tokens fail and passwords and keys do not",
	    with_everything_of_ours_broken_tokens_fail_and_passwords_and_keys_do_not),
	TEST("a store that breaks between the phases refuses the token",
	    a_store_that_breaks_between_the_phases_refuses_the_token),
	TEST("a missing module refuses passwords and lets keys in",
	    a_missing_module_refuses_passwords_and_lets_keys_in),
	TEST("a process without rights gets unavailable",
	    a_process_without_rights_gets_unavailable),
};

int
main(void)
{
	return DOOR_RUN(tests);
}
