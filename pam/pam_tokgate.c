/* SPDX-License-Identifier: ISC */
/*
 * pam_tokgate.c - a token in the place of a password, for whatever asks PAM
 *
 * What passes from one phase to the next is a ticket.  It is believed from
 * two places only:
 *
 *  - the handle's data, where authentication left it;
 *  - the PAM environment as it is in setcred, since sshd authenticates in a
 *    child process of which only the environment comes back.  Nothing that
 *    reads a user's files (pam_env) has run by then, so setcred moves it into
 *    the data.
 *
 * Everything else in the environment is for programs, and is written, not read.
 */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include <security/pam_ext.h>
#include <security/pam_modules.h>
#include <security/pam_modutil.h>

#include "args.h"
#include "tokgate.h"

/* -fvisibility=hidden and the version script leave exactly these. */
#define ENTRY __attribute__((visibility("default")))

#define HELD "tokgate_login"

/* A login that a token opened. */
struct held {
	char ticket[TG_TICKET_MAX + 1];
	char user[TG_OWNER_MAX + 1]; /* PAM_USER at that time, after mapping */
};

static const char *const names[] = {
	"TOKGATE_TICKET",
	"TOKGATE_ID",
	"TOKGATE_OWNER",
	"TOKGATE_SCOPES",
	"TOKGATE_EXPIRES",
};

enum { NNAMES = sizeof(names) / sizeof(names[0]) };

/* The words of one phase for the same verdicts. */
struct codes {
	int dead;   /* proven, but the token itself is over */
	int denied; /* any other no */
};

static const struct codes auth_codes = { PAM_AUTH_ERR, PAM_AUTH_ERR };
static const struct codes account_codes = { PAM_ACCT_EXPIRED, PAM_PERM_DENIED };
static const struct codes session_codes = { PAM_SESSION_ERR, PAM_SESSION_ERR };

/* Never yes: a caller that has TG_OK has no refusal to ask for. */
static int
refusal(enum tg_status status, const struct codes *codes)
{
	switch (status) {
	case TG_NOT_A_TOKEN:
	case TG_MALFORMED:
	case TG_NO_MATCH:
	case TG_OWNER_SUSPENDED:
	case TG_WRONG_LOGIN:
	case TG_WRONG_SERVICE:
	case TG_WRONG_ACTION:
	case TG_WRONG_RESOURCE:
	case TG_BEYOND_CEILING:
	case TG_WRONG_SOURCE:
		return codes->denied;
	case TG_REVOKED:
	case TG_EXPIRED:
	case TG_NOT_YET_VALID:
	case TG_IDLE:
	case TG_USED_UP:
		return codes->dead;
	case TG_UNAVAILABLE:
		return PAM_AUTHINFO_UNAVAIL;
	case TG_MISCONFIGURED:
	case TG_INVALID:
		return PAM_SERVICE_ERR;
	case TG_OK:
		break;
	}
	return PAM_SYSTEM_ERR;
}

/* ---- what the handle keeps ---------------------------------------------- */

static void
held_free(pam_handle_t *pamh, void *data, int error_status)
{
	(void)pamh;
	(void)error_status;
	if (data != NULL)
		explicit_bzero(data, sizeof(struct held));
	free(data);
}

static int
held_set(pam_handle_t *pamh, const char *ticket, const char *user)
{
	struct held *held = NULL;
	int r;

	if (strlen(ticket) >= sizeof(held->ticket) || strlen(user) >= sizeof(held->user))
		return PAM_PERM_DENIED;
	if ((held = calloc(1, sizeof(*held))) == NULL)
		return PAM_BUF_ERR;
	memcpy(held->ticket, ticket, strlen(ticket) + 1);
	memcpy(held->user, user, strlen(user) + 1);
	if ((r = pam_set_data(pamh, HELD, held, held_free)) != PAM_SUCCESS)
		held_free(pamh, held, r);
	return r;
}

/* *held is NULL if no token opened this login; a failure is not that. */
static int
held_get(pam_handle_t *pamh, const struct held **held)
{
	const void *data = NULL;
	int r = pam_get_data(pamh, HELD, &data);

	*held = r == PAM_SUCCESS ? data : NULL;
	return r == PAM_NO_MODULE_DATA ? PAM_SUCCESS : r;
}

static int
put_env(pam_handle_t *pamh, const char *name, const char *value)
{
	char *line = NULL;
	int r, len;

	if ((len = asprintf(&line, "%s=%s", name, value)) == -1)
		return PAM_BUF_ERR;
	r = pam_putenv(pamh, line);
	explicit_bzero(line, (size_t)len);
	free(line);
	return r;
}

/* An empty name still overrides what the client or a user's file put there. */
static int
export_empty(pam_handle_t *pamh)
{
	int r = PAM_SUCCESS, last;
	size_t i;

	for (i = 0; i < NNAMES; i++)
		if ((last = put_env(pamh, names[i], "")) != PAM_SUCCESS)
			r = last;
	return r;
}

static int
export_scopes(pam_handle_t *pamh, const struct tg_grant *grant)
{
	size_t size = grant->nscopes * sizeof(grant->scopes[0]) + 1, i;
	char *text, *at;
	int r;

	if ((at = text = calloc(1, size)) == NULL)
		return PAM_BUF_ERR;
	for (i = 0; i < grant->nscopes; i++) {
		if (i > 0)
			*at++ = ' ';
		at = stpcpy(at, grant->scopes[i]);
	}
	r = put_env(pamh, "TOKGATE_SCOPES", text);
	free(text);
	return r;
}

static int
export_grant(pam_handle_t *pamh, const struct tg_grant *grant)
{
	char expires[TG_TIME_MAX + 1] = "";
	int r;

	if (grant->expires_at != 0)
		tg_format_when(grant->expires_at, expires);
	if ((r = put_env(pamh, "TOKGATE_TICKET", grant->ticket)) != PAM_SUCCESS ||
	    (r = put_env(pamh, "TOKGATE_ID", grant->id)) != PAM_SUCCESS ||
	    (r = put_env(pamh, "TOKGATE_OWNER", grant->owner)) != PAM_SUCCESS ||
	    (r = export_scopes(pamh, grant)) != PAM_SUCCESS)
		return r;
	return put_env(pamh, "TOKGATE_EXPIRES", expires);
}

/* Nothing of an earlier attempt may speak for this one. */
static int
forget(pam_handle_t *pamh)
{
	int r = pam_set_data(pamh, HELD, NULL, NULL), last;
	size_t i;

	for (i = 0; i < NNAMES; i++)
		if (pam_getenv(pamh, names[i]) != NULL &&
		    (last = pam_putenv(pamh, names[i])) != PAM_SUCCESS)
			r = last;
	return r;
}

/* ---- what is common to the phases ---------------------------------------- */

static bool
read_args(pam_handle_t *pamh, int argc, const char **argv, struct args *args)
{
	char why[ARGS_WHY_MAX + 1];

	if (args_parse(argc, argv, args, why))
		return true;
	pam_syslog(pamh, LOG_ERR, "%s", why);
	return false;
}

/* A no needs no line beside the audit line; a failure is for the admin. */
static void
report(pam_handle_t *pamh, const struct args *args, const struct tg *tg, enum tg_status status)
{
	if (status < TG_OK)
		pam_syslog(pamh, LOG_ERR, "%s: %s", tg_status_name(status), tg_detail(tg));
	else if (args->given[ARG_DEBUG])
		pam_syslog(pamh, LOG_DEBUG, "verdict: %s", tg_status_name(status));
}

/* ---- authentication ------------------------------------------------------- */

/*
 * Copies the user's name, since what follows may set another.  A token that
 * was typed in its place goes nowhere: neither to a log nor to another module.
 */
static int
get_login(pam_handle_t *pamh, char **login)
{
	const char *user = NULL;

	if (pam_get_user(pamh, &user, NULL) != PAM_SUCCESS)
		return PAM_CONV_ERR;
	if (user == NULL || user[0] == '\0')
		return PAM_AUTH_ERR;
	if (tg_keep_from_others(NULL, user, strlen(user))) {
		pam_syslog(pamh, LOG_NOTICE, "a token was typed as the user name: refused unseen");
		return PAM_AUTH_ERR;
	}
	if ((*login = strdup(user)) == NULL)
		return PAM_BUF_ERR;
	return PAM_SUCCESS;
}

static int
get_password(pam_handle_t *pamh, const char **password)
{
	if (pam_get_authtok(pamh, PAM_AUTHTOK, password, NULL) != PAM_SUCCESS)
		return PAM_CONV_ERR;
	return *password != NULL ? PAM_SUCCESS : PAM_AUTH_ERR;
}

/* `token`: what was typed may be one; an ordinary password waits for no name service. */
static int
make_request(pam_handle_t *pamh, const struct args *args, const char *login, bool token,
    struct tg_request *req)
{
	const void *service = NULL, *rhost = NULL;
	const char *group = args->value[ARG_GATE];
	bool member;

	if (pam_get_item(pamh, PAM_SERVICE, &service) != PAM_SUCCESS ||
	    pam_get_item(pamh, PAM_RHOST, &rhost) != PAM_SUCCESS)
		return PAM_SYSTEM_ERR;
	member = token && group != NULL &&
	    pam_modutil_user_in_group_nam_nam(pamh, login, group) == 1;
	args_request(args, service, member, req);
	req->login = login;
	req->source = rhost;
	if (args->given[ARG_DEBUG])
		pam_syslog(pamh, LOG_DEBUG, "service %s, action %s, resource %s",
		    req->service != NULL ? req->service : "missing",
		    req->action != NULL ? req->action : "by default",
		    req->resource != NULL ? req->resource : "by default");
	return PAM_SUCCESS;
}

/* May this owner become the user?  A token never makes root out of somebody else. */
static int
check_owner(pam_handle_t *pamh, const char *owner, const char *id)
{
	const struct passwd *pw;

	errno = 0;
	pw = pam_modutil_getpwnam(pamh, owner);
	if (pw == NULL && errno != 0) {
		pam_syslog(pamh, LOG_ERR, "map_user: refused token %s: cannot look up %s: %m", id,
		    owner);
		return PAM_AUTHINFO_UNAVAIL;
	}
	if (pw != NULL && pw->pw_uid == 0) {
		pam_syslog(pamh, LOG_NOTICE, "map_user: refused token %s of %s, who has uid 0", id,
		    owner);
		return PAM_AUTH_ERR;
	}
	return PAM_SUCCESS;
}

/* What a yes leaves behind.  PAM_USER comes last, so that a refusal has not changed it. */
static int
admit(pam_handle_t *pamh, const struct args *args, const char *login, const struct tg_grant *grant)
{
	bool map = args->given[ARG_MAP_USER] && strcmp(login, TG_DROP_IN) == 0;
	const char *user = map ? grant->identity : login;
	int r;

	if (map && (r = check_owner(pamh, user, grant->id)) != PAM_SUCCESS)
		return r;
	if ((r = put_env(pamh, "TOKGATE_TICKET", grant->ticket)) != PAM_SUCCESS ||
	    (r = held_set(pamh, grant->ticket, user)) != PAM_SUCCESS)
		return r;
	return map ? pam_set_item(pamh, PAM_USER, user) : PAM_SUCCESS;
}

/* The holder has proven the secret and may know why it was not enough. */
static void
explain(pam_handle_t *pamh, const struct args *args, int flags, const struct tg_grant *grant)
{
	if (grant->text[0] == '\0' || args->given[ARG_QUIET] || (flags & PAM_SILENT) != 0)
		return;
	/* A door may refuse to show it; that changes no verdict. */
	(void)pam_error(pamh, "%s", grant->text);
}

static int
judge(pam_handle_t *pamh, int flags, const struct args *args, const char *login,
    const char *password, struct tg *tg, struct tg_grant *grant)
{
	size_t len = strlen(password);
	struct tg_request req;
	enum tg_status status;
	int r;

	if ((r = make_request(pamh, args, login, tg != NULL, &req)) != PAM_SUCCESS)
		return r;
	status = tg_check(tg, password, len, &req, grant);
	report(pamh, args, tg, status);
	if (status == TG_OK)
		return admit(pamh, args, login, grant);
	if (status == TG_NOT_A_TOKEN && args->given[ARG_PASSTHROUGH] &&
	    !tg_keep_from_others(login, password, len))
		return PAM_IGNORE;
	explain(pamh, args, flags, grant);
	return refusal(status, &auth_codes);
}

static int
authenticate(pam_handle_t *pamh, int flags, const struct args *args)
{
	struct tg_grant *grant = NULL;
	const char *password = NULL;
	struct tg *tg = NULL;
	char *login = NULL;
	int r = PAM_SYSTEM_ERR;

	if ((r = get_login(pamh, &login)) != PAM_SUCCESS ||
	    (r = get_password(pamh, &password)) != PAM_SUCCESS)
		goto out;
	/*
	 * For what does not look like a token no file is read.  A bad configuration
	 * is for the check to tell.
	 */
	if ((grant = calloc(1, sizeof(*grant))) == NULL ||
	    (tg_keep_from_others(NULL, password, strlen(password)) &&
		tg_open(args->value[ARG_CONFIG], NULL, &tg) != TG_OK && tg == NULL)) {
		r = PAM_BUF_ERR;
		goto out;
	}
	r = judge(pamh, flags, args, login, password, tg, grant);
out:
	/*
	 * Whatever the line's control says, a module behind this one must not see a
	 * token.  Nothing in its place would make that module ask for it again.
	 */
	if (password != NULL && tg_keep_from_others(login, password, strlen(password)) &&
	    pam_set_item(pamh, PAM_AUTHTOK, "\b\n\r\177INCORRECT") != PAM_SUCCESS)
		r = PAM_SYSTEM_ERR;
	if (grant != NULL)
		explicit_bzero(grant, sizeof(*grant));
	free(grant);
	tg_close(&tg);
	free(login);
	return r;
}

ENTRY int
pam_sm_authenticate(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	struct args args;
	int r;

	if (forget(pamh) != PAM_SUCCESS)
		return PAM_SYSTEM_ERR;
	if (!read_args(pamh, argc, argv, &args))
		return PAM_SERVICE_ERR;
	r = authenticate(pamh, flags, &args);
	if (r != PAM_SUCCESS && forget(pamh) != PAM_SUCCESS)
		return PAM_SYSTEM_ERR;
	return r;
}

ENTRY int
pam_sm_setcred(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	const void *user = NULL;
	const struct held *held;
	const char *ticket;
	int r;

	(void)argc;
	(void)argv;
	if ((r = held_get(pamh, &held)) != PAM_SUCCESS)
		return r;
	ticket = pam_getenv(pamh, "TOKGATE_TICKET");
	if ((flags & PAM_DELETE_CRED) != 0 || ticket == NULL || ticket[0] == '\0')
		return held != NULL ? PAM_SUCCESS : PAM_IGNORE;
	if (held != NULL && strcmp(ticket, held->ticket) == 0)
		return PAM_SUCCESS;
	if (pam_get_item(pamh, PAM_USER, &user) != PAM_SUCCESS || user == NULL)
		return PAM_SYSTEM_ERR;
	return held_set(pamh, ticket, user);
}

/* ---- asking again ----------------------------------------------------------- */

static int
ask(pam_handle_t *pamh, const struct args *args, const struct held *held, const struct codes *codes,
    struct tg_grant *grant)
{
	enum tg_status status;
	const void *user = NULL;
	struct tg *tg = NULL;

	if (pam_get_item(pamh, PAM_USER, &user) != PAM_SUCCESS || user == NULL)
		return PAM_SYSTEM_ERR;
	if (tg_open(args->value[ARG_CONFIG], NULL, &tg) != TG_OK && tg == NULL)
		return PAM_BUF_ERR;
	status = tg_ask(tg, held->ticket, grant);
	report(pamh, args, tg, status);
	tg_close(&tg);
	if (status != TG_OK)
		return refusal(status, codes);
	/* The drop-in login keeps its name where nothing maps it. */
	if (strcmp(user, held->user) == 0 &&
	    (strcmp(user, grant->identity) == 0 || strcmp(user, TG_DROP_IN) == 0))
		return PAM_SUCCESS;
	pam_syslog(pamh, LOG_NOTICE, "the user is not the one that the token let in");
	return codes->denied;
}

/*
 * A login that was not by token is none of our business, however wrong our
 * own line is: a typo in it must not lock out a key.
 */
ENTRY int
pam_sm_acct_mgmt(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	struct tg_grant *grant = NULL;
	const struct held *held;
	struct args args;
	bool understood = read_args(pamh, argc, argv, &args);
	int r;

	(void)flags;
	if ((r = held_get(pamh, &held)) != PAM_SUCCESS)
		return r;
	if (held == NULL)
		return PAM_IGNORE;
	if (!understood)
		return PAM_SERVICE_ERR;
	if ((grant = calloc(1, sizeof(*grant))) == NULL)
		return PAM_BUF_ERR;
	r = ask(pamh, &args, held, &account_codes, grant);
	explicit_bzero(grant, sizeof(*grant));
	free(grant);
	return r;
}

/* args is NULL if they were not understood. */
static int
open_session(pam_handle_t *pamh, const struct args *args)
{
	struct tg_grant *grant = NULL;
	const struct held *held;
	int r;

	if ((r = export_empty(pamh)) != PAM_SUCCESS || (r = held_get(pamh, &held)) != PAM_SUCCESS)
		return r;
	if (held == NULL)
		return PAM_IGNORE;
	if (args == NULL)
		return PAM_SERVICE_ERR;
	if ((grant = calloc(1, sizeof(*grant))) == NULL)
		return PAM_BUF_ERR;
	r = ask(pamh, args, held, &session_codes, grant);
	if (r == PAM_SUCCESS)
		r = export_grant(pamh, grant);
	explicit_bzero(grant, sizeof(*grant));
	free(grant);
	return r;
}

ENTRY int
pam_sm_open_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	struct args args;
	bool understood = read_args(pamh, argc, argv, &args);
	int r = open_session(pamh, understood ? &args : NULL);

	(void)flags;
	if (r != PAM_SUCCESS && r != PAM_IGNORE)
		(void)export_empty(pamh);
	return r;
}

/* Runs as the user in some doors (proftpd), so nothing is opened here. */
ENTRY int
pam_sm_close_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	const struct held *held;
	int r;

	(void)flags;
	(void)argc;
	(void)argv;
	if ((r = held_get(pamh, &held)) != PAM_SUCCESS)
		return r;
	return held != NULL ? PAM_SUCCESS : PAM_IGNORE;
}
