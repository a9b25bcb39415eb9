/* SPDX-License-Identifier: ISC */
/*
 * The whole PAM module on a real store, with a libpam of our own whose calls
 * fail where the input says so.
 *
 * Input, a line each:
 *	arguments of the module, with blanks between
 *	login
 *	password; "=NAME" at its start stands for the text of a token below
 *	PAM service
 *	address of the client
 *	what the door does, a letter each; see steps[]
 *	a byte for each call into libpam: 'f' fails, all else works
 */
#include <err.h>
#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include <security/pam_ext.h>
#include <security/pam_modules.h>
#include <security/pam_modutil.h>

#include "../../pam/args.h"
#include "fuzz.h"
#include "tokgate.h"

/* ---- the store ---------------------------------------------------------------- */

static char dir[PATH_MAX], config[PATH_MAX + 16], config_arg[PATH_MAX + 32];

static struct secret {
	const char *name, *owner, *scope;
	bool alive;
	uint32_t uses;
	char text[TG_TOKEN_MAX + 1];
} secrets[] = {
	{ "alice", "alice", "sftp:upload:demo", true, TG_USES_UNLIMITED, "" },
	{ "bob", "bob", "*", true, TG_USES_UNLIMITED, "" },
	{ "root", "root", "*", true, TG_USES_UNLIMITED, "" },
	{ "often", "alice", "*", true, 1000000000, "" },
	{ "revoked", "alice", "*", false, TG_USES_UNLIMITED, "" },
	{ "expired", "alice", "*", false, TG_USES_UNLIMITED, "" },
	{ "early", "alice", "*", false, TG_USES_UNLIMITED, "" },
};

enum { NSECRETS = sizeof(secrets) / sizeof(secrets[0]) };

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void
remove_store(void)
{
	nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void
issue(struct tg *tg, struct secret *secret)
{
	static struct tg_token token;
	int64_t now = time(NULL);

	memset(&token, 0, sizeof(token));
	token.nscopes = 1;
	strcpy(token.owner, secret->owner);
	strcpy(token.scopes[0], secret->scope);
	strcpy(token.created_by, "fuzz");
	token.uses_left = secret->uses;
	if (strcmp(secret->name, "early") == 0)
		token.not_before = now + 100000000;
	if (strcmp(secret->name, "expired") == 0) {
		tg_set_now(tg, now - 100);
		token.expires_at = now - 10;
	}
	MUST(tg_issue(tg, &token, secret->text) == TG_OK);
	tg_set_now(tg, 0);
	if (strcmp(secret->name, "revoked") == 0)
		MUST(tg_revoke(tg, token.id, "fuzz", NULL) == TG_OK);
}

static void
make_store(void)
{
	struct tg *tg = NULL;
	FILE *file;
	bool made;
	size_t i;

	/* Beside the harness: libFuzzer ends without atexit(3), and then `make clean` has it. */
	if (realpath(program_invocation_name, dir) == NULL || strlen(dir) > sizeof(dir) - 8 ||
	    mkdtemp(strcat(dir, ".XXXXXX")) == NULL)
		err(1, "%s", dir);
	atexit(remove_store);
	umask(022);
	snprintf(config, sizeof(config), "%s/tokgate.conf", dir);
	snprintf(config_arg, sizeof(config_arg), "config=%s", config);
	if ((file = fopen(config, "w")) == NULL || fprintf(file, "store = %s/store\n", dir) < 0 ||
	    fclose(file) == EOF)
		err(1, "%s", config);
	MUST(tg_open(config, NULL, &tg) == TG_OK);
	MUST(tg_init(tg, geteuid(), getegid(), NULL, "root", &made) == TG_OK);
	for (i = 0; i < NSECRETS; i++)
		issue(tg, &secrets[i]);
	tg_close(&tg);
}

/* ---- a libpam -------------------------------------------------------------------- */

enum { NVARS = 5 };
static const char *const vars[NVARS] = { "TOKGATE_TICKET", "TOKGATE_ID", "TOKGATE_OWNER",
	"TOKGATE_SCOPES", "TOKGATE_EXPIRES" };

struct pam_handle {
	char *user, *service, *rhost, *authtok;
	const char *typed; /* what the client answers */
	char *env[NVARS];  /* NULL: not set */
	void *data;
	void (*cleanup)(pam_handle_t *pamh, void *data, int error_status);
	bool has_data;
	bool told; /* a text was shown */
	const char *faults;
	unsigned int failed;
};

/* Half of a secret is as bad as all of it. */
static bool
holds_secret(const void *text, size_t len)
{
	size_t i;

	for (i = 0; i < NSECRETS; i++)
		if (memmem(text, len, secrets[i].text + strlen(secrets[i].text) - 6 - TG_SECRET_LEN,
			TG_SECRET_LEN / 2) != NULL)
			return true;
	return false;
}

static void
must_be_clean(const char *line)
{
	MUST(!holds_secret(line, strlen(line)));
}

static void
must_be_clean_v(const char *fmt, va_list ap)
{
	char line[4096];

	vsnprintf(line, sizeof(line), fmt, ap);
	must_be_clean(line);
}

/* The library's audit lines end here. */
void
syslog(int priority, const char *fmt, ...)
{
	va_list ap;

	(void)priority;
	va_start(ap, fmt);
	must_be_clean_v(fmt, ap);
	va_end(ap);
}

void
pam_syslog(const pam_handle_t *pamh, int priority, const char *fmt, ...)
{
	va_list ap;

	(void)pamh;
	(void)priority;
	va_start(ap, fmt);
	must_be_clean_v(fmt, ap);
	va_end(ap);
}

static bool
fails(pam_handle_t *pamh)
{
	if (*pamh->faults == '\0')
		return false;
	if (*pamh->faults++ != 'f')
		return false;
	pamh->failed++;
	return true;
}

static void
replace(char **place, const char *text)
{
	char *copy = NULL;

	if (text != NULL)
		MUST((copy = strdup(text)) != NULL);
	free(*place);
	*place = copy;
}

static char **
item(pam_handle_t *pamh, int type)
{
	MUST(type == PAM_SERVICE || type == PAM_USER || type == PAM_RHOST || type == PAM_AUTHTOK);
	return type == PAM_SERVICE ? &pamh->service :
	    type == PAM_USER       ? &pamh->user :
	    type == PAM_RHOST      ? &pamh->rhost :
				     &pamh->authtok;
}

int
pam_get_item(const pam_handle_t *pamh, int type, const void **out)
{
	/* The handle is ours, and const only by libpam's prototype. */
	union {
		const pam_handle_t *in;
		pam_handle_t *out;
	} handle = { pamh };

	*out = NULL;
	if (fails(handle.out))
		return PAM_SYSTEM_ERR;
	*out = *item(handle.out, type);
	return PAM_SUCCESS;
}

int
pam_set_item(pam_handle_t *pamh, int type, const void *value)
{
	if (fails(pamh))
		return PAM_BUF_ERR;
	replace(item(pamh, type), value);
	return PAM_SUCCESS;
}

int
pam_get_user(pam_handle_t *pamh, const char **user, const char *prompt)
{
	(void)prompt;
	*user = NULL;
	if (fails(pamh))
		return PAM_CONV_ERR;
	*user = pamh->user;
	return PAM_SUCCESS;
}

int
pam_get_authtok(pam_handle_t *pamh, int type, const char **authtok, const char *prompt)
{
	(void)prompt;
	MUST(type == PAM_AUTHTOK);
	if (fails(pamh))
		return PAM_AUTHTOK_ERR;
	if (pamh->authtok == NULL)
		replace(&pamh->authtok, pamh->typed);
	*authtok = pamh->authtok;
	return PAM_SUCCESS;
}

/* The variable of a line NAME or NAME=VALUE. */
static size_t
variable(const char *line)
{
	size_t len = strcspn(line, "="), i;

	for (i = 0; i < NVARS; i++)
		if (strlen(vars[i]) == len && strncmp(vars[i], line, len) == 0)
			return i;
	MUST(!"a variable of ours");
	return 0;
}

const char *
pam_getenv(pam_handle_t *pamh, const char *name)
{
	return pamh->env[variable(name)];
}

int
pam_putenv(pam_handle_t *pamh, const char *line)
{
	const char *equals = strchr(line, '=');

	if (fails(pamh))
		return PAM_BUF_ERR;
	if (equals == NULL && pamh->env[variable(line)] == NULL)
		return PAM_BAD_ITEM;
	replace(&pamh->env[variable(line)], equals != NULL ? equals + 1 : NULL);
	return PAM_SUCCESS;
}

int
pam_get_data(const pam_handle_t *pamh, const char *name, const void **out)
{
	(void)name;
	if (!pamh->has_data)
		return PAM_NO_MODULE_DATA;
	*out = pamh->data;
	return PAM_SUCCESS;
}

int
pam_set_data(pam_handle_t *pamh, const char *name, void *data,
    void (*cleanup)(pam_handle_t *pamh, void *data, int error_status))
{
	(void)name;
	if (fails(pamh))
		return PAM_BUF_ERR;
	if (pamh->cleanup != NULL)
		pamh->cleanup(pamh, pamh->data, PAM_DATA_REPLACE);
	pamh->has_data = true;
	pamh->data = data;
	pamh->cleanup = cleanup;
	return PAM_SUCCESS;
}

int
pam_prompt(pam_handle_t *pamh, int style, char **response, const char *fmt, ...)
{
	va_list ap;

	(void)response;
	MUST(style == PAM_ERROR_MSG || style == PAM_TEXT_INFO);
	va_start(ap, fmt);
	must_be_clean_v(fmt, ap);
	va_end(ap);
	pamh->told = true;
	return fails(pamh) ? PAM_CONV_ERR : PAM_SUCCESS;
}

struct passwd *
pam_modutil_getpwnam(pam_handle_t *pamh, const char *user)
{
	static struct passwd pw;

	errno = 0;
	if (fails(pamh)) {
		errno = EIO;
		return NULL;
	}
	pw.pw_uid = strcmp(user, "root") == 0 ? 0 : 1000;
	return strcmp(user, "bob") == 0 ? NULL : &pw;
}

int
pam_modutil_user_in_group_nam_nam(pam_handle_t *pamh, const char *user, const char *group)
{
	return !fails(pamh) && strcmp(user, "alice") == 0 && strcmp(group, "members") == 0;
}

/* ---- one door ------------------------------------------------------------------------- */

struct door {
	pam_handle_t pamh;
	const char **argv;
	int argc;
	struct args args; /* of the module, if `understood` */
	bool understood;
	const struct secret *secret; /* that the password is exactly, or NULL */
	char *ticket;                /* of the last yes */
	bool over;                   /* no door goes on after this */
};

static bool
all_vars(const pam_handle_t *pamh, const char *value)
{
	size_t i;

	for (i = 0; i < NVARS; i++)
		if (value == NULL ? pamh->env[i] != NULL :
				    pamh->env[i] == NULL || strcmp(pamh->env[i], value) != 0)
			return false;
	return true;
}

/* What stands in the place of a token in the handle. */
static const char junk[] = "\b\n\r\177INCORRECT";

static void
must_deserve_a_yes(const struct door *door, const char *login)
{
	const struct secret *secret = door->secret;
	const pam_handle_t *pamh = &door->pamh;
	bool drop_in = strcmp(login, TG_DROP_IN) == 0;
	bool map = drop_in && door->args.given[ARG_MAP_USER];

	MUST(door->understood && secret != NULL && secret->alive);
	MUST(drop_in || strcmp(login, secret->owner) == 0);
	MUST(!map || strcmp(secret->owner, "root") != 0);
	MUST(strcmp(pamh->user, map ? secret->owner : login) == 0);
	MUST(pamh->data != NULL && pamh->env[0] != NULL && pamh->env[0][0] != '\0');
	MUST(pamh->authtok != NULL && strcmp(pamh->authtok, junk) == 0);
	/* Its one scope is an upload; nothing says so unless the arguments do. */
	if (strcmp(secret->scope, "*") != 0)
		MUST(door->args.value[ARG_ACTION] != NULL || door->args.given[ARG_GATE]);
	/* "*" covers everything but acting as somebody else. */
	MUST(door->args.value[ARG_ACTION] == NULL ||
	    strcmp(door->args.value[ARG_ACTION], "proxy") != 0 ||
	    (door->args.value[ARG_GATE] != NULL && strcmp(login, "alice") != 0));
}

static void
authenticate(struct door *door, int flags)
{
	pam_handle_t *pamh = &door->pamh;
	bool kept = tg_keep_from_others(pamh->user, pamh->typed, strlen(pamh->typed));
	unsigned int failed = pamh->failed;
	char *login = NULL;
	int r;

	replace(&login, pamh->user);
	replace(&pamh->authtok, NULL);
	pamh->told = false;
	r = pam_sm_authenticate(pamh, flags, door->argc, door->argv);
	MUST(r == PAM_SUCCESS || r == PAM_IGNORE || r == PAM_AUTH_ERR || r == PAM_CONV_ERR ||
	    r == PAM_SERVICE_ERR || r == PAM_AUTHINFO_UNAVAIL || r == PAM_SYSTEM_ERR ||
	    r == PAM_BUF_ERR);
	if (r == PAM_SUCCESS) {
		must_deserve_a_yes(door, login);
		replace(&door->ticket, pamh->env[0]);
	}
	if (r == PAM_IGNORE)
		MUST(door->understood && door->args.given[ARG_PASSTHROUGH] && !kept);
	if (r != PAM_SUCCESS && pamh->failed == failed)
		MUST(pamh->data == NULL && all_vars(pamh, NULL) && strcmp(pamh->user, login) == 0);
	if (kept && pamh->failed == failed)
		MUST(pamh->authtok == NULL || strcmp(pamh->authtok, junk) == 0);
	/* A yes that came to nothing, and could not even be taken back. */
	door->over = r != PAM_SUCCESS && (pamh->data != NULL || pamh->env[0] != NULL);
	MUST(!door->over || pamh->failed >= failed + 1);
	if (pamh->told)
		MUST(r != PAM_SUCCESS && door->secret != NULL && !door->args.given[ARG_QUIET] &&
		    (flags & PAM_SILENT) == 0);
	free(login);
}

static void
authenticate_aloud(struct door *door)
{
	authenticate(door, 0);
}

static void
authenticate_silently(struct door *door)
{
	authenticate(door, PAM_SILENT);
}

static void
take_credentials(struct door *door)
{
	int r = pam_sm_setcred(&door->pamh, PAM_ESTABLISH_CRED, door->argc, door->argv);

	MUST((r == PAM_SUCCESS) == (door->pamh.data != NULL) || r == PAM_BUF_ERR ||
	    r == PAM_SYSTEM_ERR || r == PAM_PERM_DENIED);
	MUST(r != PAM_IGNORE || door->pamh.data == NULL);
}

static void
delete_credentials(struct door *door)
{
	int r = pam_sm_setcred(&door->pamh, PAM_DELETE_CRED, door->argc, door->argv);

	MUST(r == (door->pamh.data != NULL ? PAM_SUCCESS : PAM_IGNORE));
}

/* What a later phase may answer to a login by token. */
static void
must_deserve_to_go_on(const struct door *door)
{
	const char *user = door->pamh.user;

	MUST(door->understood && door->ticket != NULL);
	MUST(strcmp(user, TG_DROP_IN) == 0 || strcmp(user, "alice") == 0 ||
	    strcmp(user, "bob") == 0 || strcmp(user, "root") == 0);
}

static void
account(struct door *door)
{
	int r = pam_sm_acct_mgmt(&door->pamh, 0, door->argc, door->argv);

	MUST((r == PAM_IGNORE) == (door->pamh.data == NULL));
	if (r == PAM_SUCCESS)
		must_deserve_to_go_on(door);
}

static void
open_session(struct door *door)
{
	pam_handle_t *pamh = &door->pamh;
	unsigned int failed = pamh->failed;
	int r = pam_sm_open_session(pamh, 0, door->argc, door->argv);

	MUST(r != PAM_IGNORE || (pamh->data == NULL && all_vars(pamh, "")));
	MUST(pamh->data != NULL || r == PAM_IGNORE || pamh->failed != failed);
	if (r == PAM_SUCCESS) {
		must_deserve_to_go_on(door);
		MUST(strcmp(pamh->env[0], door->ticket) == 0);
		MUST(pamh->env[1][0] != '\0' && pamh->env[2][0] != '\0' && pamh->env[3][0] != '\0');
	} else if (pamh->failed == failed)
		MUST(all_vars(pamh, ""));
}

static void
close_session(struct door *door)
{
	int r = pam_sm_close_session(&door->pamh, 0, door->argc, door->argv);

	MUST(r == (door->pamh.data != NULL ? PAM_SUCCESS : PAM_IGNORE));
}

/* ---- what others do to the handle ---- */

static void
set_user_bob(struct door *door)
{
	replace(&door->pamh.user, "bob");
}

static void
set_user_root(struct door *door)
{
	replace(&door->pamh.user, "root");
}

static void
forge_scopes(struct door *door)
{
	replace(&door->pamh.env[3], "*");
}

static void
forge_ticket(struct door *door)
{
	replace(&door->pamh.env[0], door->pamh.typed);
}

/* sshd: another process authenticated, the environment came back. */
static void
lose_data(struct door *door)
{
	pam_handle_t *pamh = &door->pamh;

	if (pamh->cleanup != NULL)
		pamh->cleanup(pamh, pamh->data, 0);
	pamh->data = NULL;
	pamh->cleanup = NULL;
	pamh->has_data = false;
}

static const struct step {
	char letter;
	void (*take)(struct door *door);
} steps[] = {
	{ 'a', authenticate_aloud },
	{ 's', authenticate_silently },
	{ 'c', take_credentials },
	{ 'd', delete_credentials },
	{ 't', account },
	{ 'o', open_session },
	{ 'x', close_session },
	{ 'B', set_user_bob },
	{ 'R', set_user_root },
	{ 'S', forge_scopes },
	{ 'T', forge_ticket },
	{ 'L', lose_data },
};

static void
walk(struct door *door, const char *letters)
{
	size_t n = 0, i;

	for (; *letters != '\0' && n < 12 && !door->over; letters++)
		for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
			if (steps[i].letter == *letters) {
				steps[i].take(door);
				n++;
			}
}

/* "=alice..." becomes the token of that name and what comes after it. */
static char *
password_of(const char *line, const struct secret **secret)
{
	char *text = NULL;
	size_t i, len;

	*secret = NULL;
	for (i = 0; line[0] == '=' && i < NSECRETS && text == NULL; i++) {
		len = strlen(secrets[i].name);
		if (strncmp(line + 1, secrets[i].name, len) != 0)
			continue;
		MUST(asprintf(&text, "%s%s", secrets[i].text, line + 1 + len) >= 0);
		*secret = line[1 + len] == '\0' ? &secrets[i] : NULL;
	}
	if (text == NULL)
		MUST((text = strdup(line)) != NULL);
	return text;
}

/* Our own configuration, unless the input names one. */
static void
split_arguments(struct door *door, char *line)
{
	static const char *argv[34];
	char why[ARGS_WHY_MAX + 1], *word, *rest = NULL;
	bool named = strstr(line, "config") != NULL;

	door->argv = argv;
	for (word = strtok_r(line, " ", &rest); word != NULL && door->argc < 32;
	     word = strtok_r(NULL, " ", &rest))
		argv[door->argc++] = word;
	if (!named)
		argv[door->argc++] = config_arg;
	door->understood = args_parse(door->argc, argv, &door->args, why);
	must_be_clean(why);
	MUST(door->understood == (why[0] == '\0'));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *lines[7], *typed;
	struct door door;
	size_t i;

	if (config[0] == '\0')
		make_store();
	/* libFuzzer learns what it sees compared. */
	if (size == 0 || holds_secret(data, size))
		return 0;
	memset(&door, 0, sizeof(door));
	for (i = 0; i < 7; i++)
		lines[i] = fuzz_line(&data, &size);
	typed = password_of(lines[2], &door.secret);
	split_arguments(&door, lines[0]);
	replace(&door.pamh.user, lines[1]);
	replace(&door.pamh.service, lines[3]);
	replace(&door.pamh.rhost, lines[4][0] != '\0' ? lines[4] : NULL);
	door.pamh.typed = typed;
	door.pamh.faults = lines[6];
	walk(&door, lines[5]);

	lose_data(&door);
	for (i = 0; i < NVARS; i++)
		free(door.pamh.env[i]);
	free(door.pamh.user);
	free(door.pamh.service);
	free(door.pamh.rhost);
	free(door.pamh.authtok);
	free(door.ticket);
	free(typed);
	for (i = 0; i < 7; i++)
		free(lines[i]);
	return 0;
}
