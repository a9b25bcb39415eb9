/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "advice.h"
#include "json.h"

static int run(struct cli *cli);

enum {
	OPT_SCOPE,
	OPT_NAME,
	OPT_EXPIRES,
	OPT_NOT_BEFORE,
	OPT_IDLE,
	OPT_AS,
	OPT_FROM,
	OPT_USES,
	OPT_OUT,
};

static const struct cli_option options[] = {
	[OPT_SCOPE] = { "scope", "SCOPE",
	    "what it may do: SERVICE[:ACTION[:RESOURCE]]; repeat for more", true },
	[OPT_NAME] = { "name", "TEXT", "what it is for", false },
	[OPT_EXPIRES] = { "expires", "WHEN", "90d (default), a date as 2027-01-31T12:00Z, or never",
	    false },
	[OPT_NOT_BEFORE] = { "not-before", "WHEN",
	    "not valid earlier; durations of --expires begin there", false },
	[OPT_IDLE] = { "idle", "DURATION", "dead after so long without use", false },
	[OPT_AS] = { "as", "LOGIN", "a further user name that it may be sent with; repeat for more",
	    true },
	[OPT_FROM] = { "from", "CIDR", "only from this address or network; repeat for more", true },
	[OPT_USES] = { "uses", "N", "dead after so many uses", false },
	[OPT_OUT] = { "out", "FILE", "write the token to this new file instead of stdout", false },
};

const struct cli_command cmd_issue = {
	.name = "issue",
	.synopsis = "issue OWNER --scope SCOPE... [--name TEXT] [--expires WHEN]\n"
		    "      [--not-before WHEN] [--idle DURATION] [--as LOGIN]...\n"
		    "      [--from CIDR]... [--uses N] [--out FILE]",
	.about = "Issue a token and print it, this once, on stdout.",
	.more = "Durations are numbers with s, m, h, d or w.  A bare date means 00:00 UTC.",
	.example = "tokgate issue alice --scope 'sftp:upload:serde-*' --expires 30d",
	.options = options,
	.noptions = CLI_COUNT(options),
	.min_words = 1,
	.max_words = 1,
	.run = run,
};

static const char default_expiry[] = "90d";

/* ---- from the command line to a token ---------------------------------- */

static bool
login_valid(const char *text, const char **why)
{
	*why = "must be 1-64 of [A-Za-z0-9._@+-], not beginning with '-', and not " TG_DROP_IN;
	return tg_owner_valid(text);
}

static bool
source_valid(const char *text, const char **why)
{
	*why = "must be an address, or a network without host bits";
	return tg_source_valid(text);
}

/* The values of a repeated option, each judged, into an array of strings. */
static int
fill_list(const struct cli *cli, size_t which, bool (*valid)(const char *, const char **),
    size_t max, size_t stride, char *to, size_t *n)
{
	const struct cli_given *given = &cli->given[which];
	const char *name = options[which].name;
	const char *why = NULL;

	if (given->n > max)
		return cli_fail(CLI_USAGE, "more than %zu times --%s", max, name);
	for (size_t i = 0; i < given->n; i++) {
		if (!valid(given->at[i], &why))
			return cli_fail(CLI_USAGE, "--%s '%s': %s", name, given->at[i], why);
		if (!cli_copy(given->at[i], stride, to + i * stride))
			return cli_fail(CLI_USAGE, "--%s '%s': too long", name, given->at[i]);
	}
	*n = given->n;
	return CLI_DONE;
}

static int
fill_lists(const struct cli *cli, struct tg_token *token)
{
	int code;

	if (cli_count(cli, OPT_SCOPE) == 0) {
		cli_fail(CLI_USAGE, "without --scope a token could do nothing");
		advice_scopes(stderr);
		return CLI_USAGE;
	}
	code = fill_list(cli, OPT_SCOPE, tg_scope_valid, TG_SCOPES_MAX, sizeof(token->scopes[0]),
	    token->scopes[0], &token->nscopes);
	if (code == CLI_DONE)
		code = fill_list(cli, OPT_AS, login_valid, TG_LOGINS_MAX, sizeof(token->logins[0]),
		    token->logins[0], &token->nlogins);
	if (code == CLI_DONE)
		code = fill_list(cli, OPT_FROM, source_valid, TG_SOURCES_MAX,
		    sizeof(token->sources[0]), token->sources[0], &token->nsources);
	return code;
}

static int
fill_times(const struct cli *cli, int64_t now, struct tg_token *token)
{
	const char *not_before = cli_value(cli, OPT_NOT_BEFORE);
	const char *expires = cli_value(cli, OPT_EXPIRES);
	const char *idle = cli_value(cli, OPT_IDLE);
	int64_t idle_s = 0;

	if (not_before != NULL && tg_parse_when(not_before, now, &token->not_before) != TG_OK)
		return cli_fail(CLI_USAGE, "--not-before '%s': neither a date nor a duration",
		    not_before);
	if (expires == NULL)
		expires = default_expiry;
	if (strcmp(expires, "never") != 0 &&
	    tg_parse_when(expires, not_before != NULL ? token->not_before : now,
		&token->expires_at) != TG_OK)
		return cli_fail(CLI_USAGE, "--expires '%s': neither a date, a duration, nor never",
		    expires);
	if (token->expires_at != 0 && token->expires_at <= now)
		return cli_fail(CLI_USAGE, "--expires '%s': is in the past", expires);
	if (idle != NULL && (tg_parse_duration(idle, &idle_s) != TG_OK || idle_s > TG_IDLE_MAX_S))
		return cli_fail(CLI_USAGE, "--idle '%s': not a duration of up to 68 years", idle);
	token->idle_s = (uint32_t)idle_s;
	return CLI_DONE;
}

static int
fill_uses(const struct cli *cli, struct tg_token *token)
{
	const char *text = cli_value(cli, OPT_USES);
	unsigned long long n;

	token->uses_left = TG_USES_UNLIMITED;
	if (text == NULL)
		return CLI_DONE;
	errno = 0;
	n = strtoull(text, NULL, 10);
	if (*text == '\0' || strspn(text, "0123456789") != strlen(text) || errno != 0 || n == 0 ||
	    n >= TG_USES_UNLIMITED)
		return cli_fail(CLI_USAGE, "--uses '%s': not a number from 1 to %" PRIu32, text,
		    TG_USES_UNLIMITED - 1);
	token->uses_left = (uint32_t)n;
	return CLI_DONE;
}

static int
fill_token(const struct cli *cli, int64_t now, struct tg_token *token)
{
	const char *owner = cli->words.at[0];
	const char *name = cli_value(cli, OPT_NAME);
	const char *why;
	int code;

	if (!login_valid(owner, &why) || !cli_copy(owner, sizeof(token->owner), token->owner))
		return cli_fail(CLI_USAGE, "owner '%s': %s", owner, why);
	if (name != NULL && !cli_copy(name, sizeof(token->name), token->name))
		return cli_fail(CLI_USAGE, "--name: longer than %d bytes", TG_NAME_MAX);
	code = fill_lists(cli, token);
	if (code == CLI_DONE)
		code = fill_times(cli, now, token);
	if (code == CLI_DONE)
		code = fill_uses(cli, token);
	return code;
}

/* ---- handing the text over --------------------------------------------- */

/* All of it, and on the disk where it is a file; false and errno else. */
static bool
deliver(int fd, const char *text)
{
	size_t len = strlen(text);
	struct stat st;

	while (len > 0) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		text += n;
		len -= (size_t)n;
	}
	return fstat(fd, &st) == 0 && (!S_ISREG(st.st_mode) || fsync(fd) == 0);
}

/* Is the new file's name on the disk too? */
static bool
sync_directory(const char *path)
{
	char copy[PATH_MAX];
	bool ok = false;
	int fd;

	if (!cli_copy(path, sizeof(copy), copy)) {
		errno = ENAMETOOLONG;
		return false;
	}
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		ok = fsync(fd) == 0 || errno == EINVAL; /* file systems that have nothing to sync */
		close(fd);
	}
	return ok;
}

/* Make --out's file; it must be new. */
static int
create_out(const char *path, int *fd)
{
	*fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (*fd < 0)
		return cli_fail(CLI_COULD_NOT, "cannot make '%s': %s", path, strerror(errno));
	if (fchmod(*fd, 0600) != 0) {
		cli_fail(CLI_COULD_NOT, "cannot set the mode of '%s': %s", path, strerror(errno));
		close(*fd);
		unlink(path);
		return CLI_COULD_NOT;
	}
	return CLI_DONE;
}

static bool
deliver_json(const struct tg_token *token, const char *text)
{
	struct json *json = json_token(token);
	char *line;
	bool ok;

	if (text != NULL)
		json_text(json, "token", text);
	line = json_end(&json);
	errno = ENOMEM;
	ok = line != NULL && deliver(STDOUT_FILENO, line);
	json_free(&line);
	return ok;
}

/* The token to --out or stdout, and with --json the object to stdout. */
static bool
hand_over(const struct cli *cli, const struct tg_token *token, const char *text, int out)
{
	const char *path = cli_value(cli, OPT_OUT);
	char line[TG_TOKEN_MAX + 2];
	bool ok = true;

	if (path != NULL || !cli->json) {
		snprintf(line, sizeof(line), "%s\n", text);
		ok = deliver(out, line);
		explicit_bzero(line, sizeof(line));
	}
	if (ok && path != NULL)
		ok = sync_directory(path);
	if (ok && cli->json)
		ok = deliver_json(token, path == NULL ? text : NULL);
	return ok;
}

/* A token that nobody got must not stay alive. */
static int
take_back(struct cli *cli, const struct tg_token *token, int err)
{
	const char *path = cli_value(cli, OPT_OUT);

	cli_fail(CLI_COULD_NOT, "cannot write the token to %s%s%s: %s", path != NULL ? "'" : "",
	    path != NULL ? path : "stdout", path != NULL ? "'" : "", strerror(err));
	if (tg_revoke(cli->tg, token->id, token->created_by, "could not be handed over") != TG_OK)
		return cli_fail(CLI_COULD_NOT, "token %s is alive, revoke it: %s", token->id,
		    tg_detail(cli->tg));
	return cli_fail(CLI_COULD_NOT, "token %s is revoked", token->id);
}

static int
issue_to(struct cli *cli, struct tg_token *token, int out)
{
	char text[TG_TOKEN_MAX + 1] = "";
	enum tg_status status = tg_issue(cli->tg, token, text);
	int code = CLI_DONE;

	if (status != TG_OK)
		code = cli_refused(cli, status);
	else if (!hand_over(cli, token, text, out))
		code = take_back(cli, token, errno);
	explicit_bzero(text, sizeof(text));
	return code;
}

/* From the new file to the last byte in it nothing but SIGKILL comes between. */
static int
issue(struct cli *cli, struct tg_token *token)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP };
	const char *path = cli_value(cli, OPT_OUT);
	int out = STDOUT_FILENO;
	int code = CLI_DONE;
	sigset_t block, before;

	sigemptyset(&block);
	for (size_t i = 0; i < CLI_COUNT(signals); i++)
		sigaddset(&block, signals[i]);
	sigprocmask(SIG_BLOCK, &block, &before);

	if (path != NULL)
		code = create_out(path, &out);
	if (code == CLI_DONE) {
		code = issue_to(cli, token, out);
		if (code != CLI_DONE && path != NULL)
			unlink(path);
		if (path != NULL)
			close(out);
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
	return code;
}

static int
run(struct cli *cli)
{
	int64_t now = time(NULL);
	struct tg_token token = { 0 };
	int code = fill_token(cli, now, &token);

	if (code == CLI_DONE)
		code = cli_open(cli);
	if (code != CLI_DONE)
		return code;
	cli_by(token.created_by);
	code = issue(cli, &token);
	if (code != CLI_DONE)
		return code;
	for (size_t i = 0; i < token.nscopes; i++) {
		if (advice_any_action(token.scopes[i]))
			cli_fail(CLI_DONE, "warning: '%s' allows every action of the service",
			    token.scopes[i]);
	}
	if (isatty(STDERR_FILENO))
		advice_token(&token, now, stderr);
	return CLI_DONE;
}
