/* SPDX-License-Identifier: ISC */
/*
 * The Nth call fails, for every N until none does, alone and with all that
 * follow: a fault never becomes a yes, never "no opinion", and leaves neither
 * a descriptor nor memory behind.
 */
#include "unit.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "pam/door.h"
#include "pam/faults.h"

/* Behind us is somebody who lets all in: "no opinion" would show as success. */
static const char service[] =
    "auth [success=done ignore=ignore default=die] pam_tokgate.so passthrough %s\n"
    "auth required pam_permit.so\n"
    "account [success=ok ignore=ignore module_unknown=ignore default=die] pam_tokgate.so\n"
    "account required pam_permit.so\n"
    "session required pam_permit.so\n"
    "session [success=ok ignore=ignore module_unknown=ignore default=die] pam_tokgate.so\n";

/* One phase of one login under a fault. */
struct sweep {
	const char *what;
	const char *login;
	const char *password;
	bool may_succeed;
	void (*prepare)(pam_handle_t *pamh); /* before the fault; may be NULL */
	int (*call)(pam_handle_t *pamh, int flags);
	void (*succeeded)(pam_handle_t *pamh); /* what must hold then; may be NULL */
	void (*refused)(pam_handle_t *pamh);   /* after one call of ours failed; may be NULL */
};

static void
arguments(const char *text)
{
	char buf[1024];

	snprintf(buf, sizeof(buf), service, text);
	door_service("faulty", buf);
}

/* One login with the nth call failing.  False once none failed. */
static bool
run(const struct sweep *sweep, unsigned int n, bool onwards, int *r)
{
	struct client client = { .password = sweep->password };
	pam_handle_t *pamh = door_open("faulty", sweep->login, "192.0.2.1", &client);
	const char *failed;

	/* Load the service file: that is libpam's business. */
	assert_int_equal(pam_acct_mgmt(pamh, 0), PAM_SUCCESS);
	if (sweep->prepare != NULL)
		sweep->prepare(pamh);
	faults_arm(n, onwards);
	*r = sweep->call(pamh, 0);
	failed = faults_disarm();
	ROW(sweep->may_succeed || *r != PAM_SUCCESS, "%s, call %u (%s), %s: success", sweep->what,
	    n, failed != NULL ? failed : "none failed", onwards ? "and all after it" : "alone");
	if (*r == PAM_SUCCESS && sweep->succeeded != NULL)
		sweep->succeeded(pamh);
	if (*r != PAM_SUCCESS && sweep->refused != NULL && !onwards && failed != NULL &&
	    strncmp(failed, "pam_", 4) == 0)
		sweep->refused(pamh);
	door_close(pamh);
	return failed != NULL;
}

/*
 * The same, and nothing is left behind.  What libc keeps for itself after a
 * fault it keeps once: a leak comes each time.
 */
static bool
run_cleanly(const struct sweep *sweep, unsigned int n, bool onwards, int *r)
{
	unsigned int fds = door_open_fds(), again;
	bool failed = false;
	long blocks, left = 1;

	for (again = 0; again < 3 && left > 0; again++) {
		blocks = faults_blocks();
		failed = run(sweep, n, onwards, r);
		left = faults_blocks() - blocks;
	}
	ROW(left <= 0, "%s, call %u: %ld blocks are left", sweep->what, n, left);
	ROW(door_open_fds() == fds, "%s, call %u: a descriptor is left", sweep->what, n);
	return failed;
}

static void
sweep_all(const struct sweep *sweep, int want)
{
	unsigned int onwards, n;
	int r;

	door_log_stop();
	for (onwards = 0; onwards <= 1; onwards++) {
		for (n = 1; run_cleanly(sweep, n, onwards == 1, &r); n++)
			;
		ROW(r == want, "%s, without a fault: %d", sweep->what, r);
		ROW(n > 5, "%s: only %u calls", sweep->what, n);
	}
	door_log_clear();
}

static void
has_a_ticket(pam_handle_t *pamh)
{
	assert_non_null(pam_getenv(pamh, "TOKGATE_TICKET"));
	assert_int_equal(pam_acct_mgmt(pamh, 0), PAM_SUCCESS);
}

static void
a_right_token_is_granted_or_refused(void **state)
{
	struct secret secret = door_issue((struct wish) { .scope = "sftp" });
	struct sweep sweep = { .what = "right",
		.login = "alice",
		.password = secret.text,
		.may_succeed = true,
		.call = pam_authenticate,
		.succeeded = has_a_ticket,
		.refused = door_all_unset };

	(void)state;
	arguments("service=sftp");
	sweep_all(&sweep, PAM_SUCCESS);
}

static struct secret counted;
static uint32_t uses_left;

static uint32_t
read_uses(void)
{
	static struct tg_token token;

	assert_int_equal(tg_get(door_tg(), counted.id, &token), TG_OK);
	return token.uses_left;
}

static void
note_uses(pam_handle_t *pamh)
{
	(void)pamh;
	uses_left = read_uses();
}

static void
has_cost_a_use(pam_handle_t *pamh)
{
	has_a_ticket(pamh);
	assert_true(read_uses() < uses_left);
}

static void
a_yes_to_a_limited_token_always_cost_a_use(void **state)
{
	struct sweep sweep = { .what = "limited",
		.login = "alice",
		.may_succeed = true,
		.prepare = note_uses,
		.call = pam_authenticate,
		.succeeded = has_cost_a_use };

	(void)state;
	counted = door_issue((struct wish) { .scope = "sftp", .uses = 100000 });
	sweep.password = counted.text;
	arguments("service=sftp");
	sweep_all(&sweep, PAM_SUCCESS);
}

static void
a_wrong_or_dead_token_is_refused(void **state)
{
	int64_t now = time(NULL);
	struct secret good = door_issue((struct wish) { .scope = "sftp" });
	struct secret used = door_issue((struct wish) { .uses = 1 });
	struct secret revoked = door_issue((struct wish) { .scope = "sftp" });
	struct secret expired = door_issue((struct wish) {
	    .issued_at = now - 7200, .expires_at = now - 60 });
	struct secret early = door_issue((struct wish) { .not_before = now + 3600 });
	struct secret other = door_issue((struct wish) { .scope = "ftp" });
	struct secret bound = door_issue((struct wish) { .from = "198.51.100.0/24" });
	struct secret bob = door_issue((struct wish) { .owner = "bob" });
	struct secret root = door_issue((struct wish) { .owner = "root" });
	struct secret idle = door_issue((struct wish) { .issued_at = now - 9999, .idle_s = 60 });
	char mistyped[TG_TOKEN_MAX + 1], wrong[TG_TOKEN_MAX + 1];
	const struct {
		const char *what, *login, *password;
	} rows[] = {
		{ "mistyped", "alice", mistyped },
		{ "wrong secret", "alice", wrong },
		{ "used up", "alice", used.text },
		{ "revoked", "alice", revoked.text },
		{ "expired", "alice", expired.text },
		{ "not yet valid", "alice", early.text },
		{ "idle", "alice", idle.text },
		{ "wrong service", "alice", other.text },
		{ "wrong source", "alice", bound.text },
		{ "wrong login", "alice", bob.text },
		{ "map_user to uid 0", TG_DROP_IN, root.text },
		{ "ordinary password of the drop-in login", TG_DROP_IN, "ordinary" },
	};
	size_t i;

	(void)state;
	strcpy(mistyped, good.text);
	door_spoil(mistyped, -1);
	strcpy(wrong, good.text);
	door_spoil(wrong, 30);
	door_reseal(wrong);
	door_revoke(&revoked);
	arguments("service=sftp action=upload resource=demo map_user");
	assert_int_equal(door_try("faulty", "alice", NULL, used.text), PAM_SUCCESS);
	for (i = 0; i < ROWS(rows); i++) {
		struct sweep sweep = { .what = rows[i].what,
			.login = rows[i].login,
			.password = rows[i].password,
			.call = pam_authenticate };

		sweep_all(&sweep, PAM_AUTH_ERR);
	}
}

static void
an_upload_token_outside_the_group_is_refused(void **state)
{
	struct secret secret = door_issue((struct wish) { .scope = "sftp:upload:*" });
	struct sweep sweep = { .what = "outside",
		.login = "alice",
		.password = secret.text,
		.call = pam_authenticate };

	(void)state;
	arguments("service=sftp gate=tokgate-upload");
	sweep_all(&sweep, PAM_AUTH_ERR);
}

/* ---- the later phases ------------------------------------------------------------- */

static struct secret dying;

static void
log_in(pam_handle_t *pamh)
{
	assert_int_equal(pam_authenticate(pamh, 0), PAM_SUCCESS);
}

static void
log_in_and_expire(pam_handle_t *pamh)
{
	log_in(pamh);
	door_clock(7200);
}

static void
all_is_exported(pam_handle_t *pamh)
{
	assert_string_equal(pam_getenv(pamh, "TOKGATE_ID"), dying.id);
	assert_string_equal(pam_getenv(pamh, "TOKGATE_OWNER"), "alice");
	assert_string_equal(pam_getenv(pamh, "TOKGATE_SCOPES"), "sftp");
	assert_true(strlen(pam_getenv(pamh, "TOKGATE_EXPIRES")) > 0);
}

static int
account_in_time(pam_handle_t *pamh, int flags)
{
	int r = pam_acct_mgmt(pamh, flags);

	door_clock(0);
	return r;
}

static int
session_in_time(pam_handle_t *pamh, int flags)
{
	int r = pam_open_session(pamh, flags);

	door_clock(0);
	return r;
}

static void
a_ticket_is_never_accepted_or_overlooked_by_a_fault(void **state)
{
	const struct {
		struct sweep sweep;
		int want;
	} rows[] = {
		{ { .what = "account",
		      .may_succeed = true,
		      .prepare = log_in,
		      .call = pam_acct_mgmt },
		    PAM_SUCCESS },
		{ { .what = "account, expired",
		      .prepare = log_in_and_expire,
		      .call = account_in_time },
		    PAM_ACCT_EXPIRED },
		{ { .what = "session",
		      .may_succeed = true,
		      .prepare = log_in,
		      .call = pam_open_session,
		      .succeeded = all_is_exported,
		      .refused = door_nothing_set },
		    PAM_SUCCESS },
		{ { .what = "session, expired",
		      .prepare = log_in_and_expire,
		      .call = session_in_time },
		    PAM_SESSION_ERR },
	};
	size_t i;

	(void)state;
	arguments("service=sftp");
	dying = door_issue((struct wish) { .scope = "sftp", .expires_at = time(NULL) + 3600 });
	for (i = 0; i < ROWS(rows); i++) {
		struct sweep sweep = rows[i].sweep;

		sweep.login = "alice";
		sweep.password = dying.text;
		sweep_all(&sweep, rows[i].want);
	}
}

static void
forge(pam_handle_t *pamh)
{
	assert_int_equal(pam_putenv(pamh, "TOKGATE_SCOPES=*"), PAM_SUCCESS);
	assert_int_equal(pam_putenv(pamh, "TOKGATE_OWNER=root"), PAM_SUCCESS);
}

static void
a_session_without_a_token_opens_with_nothing_forged(void **state)
{
	struct sweep sweep = { .what = "no token",
		.login = "alice",
		.may_succeed = true,
		.prepare = forge,
		.call = pam_open_session,
		.succeeded = door_all_empty };

	(void)state;
	arguments("service=sftp");
	sweep_all(&sweep, PAM_SUCCESS);
}

static const struct CMUnitTest tests[] = {
	TEST("a right token is granted or refused", a_right_token_is_granted_or_refused),
	TEST("a yes to a limited token always cost a use",
	    a_yes_to_a_limited_token_always_cost_a_use),
	TEST("a wrong or dead token is refused", a_wrong_or_dead_token_is_refused),
	TEST("an upload token outside the group is refused",
	    an_upload_token_outside_the_group_is_refused),
	TEST("a ticket is never accepted or overlooked by a fault",
	    a_ticket_is_never_accepted_or_overlooked_by_a_fault),
	TEST("a session without a token opens with nothing forged",
	    a_session_without_a_token_opens_with_nothing_forged),
};

int
main(void)
{
	return DOOR_RUN(tests);
}
