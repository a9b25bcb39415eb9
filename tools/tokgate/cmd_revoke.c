/* SPDX-License-Identifier: ISC */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "json.h"

static int run(struct cli *cli);

enum { OPT_WHY, OPT_OWNER, OPT_ALL, OPT_STDIN, OPT_YES };

static const struct cli_option options[] = {
	[OPT_WHY] = { "why", "TEXT", "the reason, for the log", false },
	[OPT_OWNER] = { "owner", "OWNER", "every token of this owner", false },
	[OPT_ALL] = { "all", NULL, "every token of everybody", false },
	[OPT_STDIN] = { "stdin", NULL, "ids or whole tokens on stdin, one a line", false },
	[OPT_YES] = { "yes", NULL, "do not ask; needed where there is no terminal", false },
};

const struct cli_command cmd_revoke = {
	.name = "revoke",
	.synopsis = "revoke ID... [--why TEXT]\n"
		    "revoke --owner OWNER | --all [--yes] [--why TEXT]\n"
		    "revoke --stdin [--why TEXT]",
	.about = "Revoke tokens for good, and print the id of each.",
	.more = "When it is done no later check on this host says yes.  Unknown ids are named and\n"
		"make the exit status 1; the others are revoked all the same.",
	.example = "tokgate revoke 7Hq2mX9aBc --why 'laptop lost'",
	.options = options,
	.noptions = CLI_COUNT(options),
	.max_words = SIZE_MAX,
	.run = run,
};

struct revocation {
	struct cli *cli;
	char by[TG_BY_MAX + 1];
	const char *why; /* NULL: none */
	size_t done;
	int code;
};

static void
print_id(void *arg, const char *id)
{
	struct revocation *rev = arg;
	struct json *json;

	rev->done++;
	if (!rev->cli->json) {
		puts(id);
		return;
	}
	json = json_new();
	json_text(json, "id", id);
	if (json_print(&json) != CLI_DONE)
		rev->code = CLI_COULD_NOT;
}

/*
 * Revoke one.  `line` names it where it came from stdin, whose text may be a
 * secret; 0: an argument.  False if there is no use in going on.
 */
static bool
revoke_one(struct revocation *rev, const char *text, size_t line)
{
	char id[TG_ID_LEN + 1];
	enum tg_status status = tg_parse_id(text, id);

	if (status == TG_OK)
		status = tg_revoke(rev->cli->tg, id, rev->by, rev->why);
	else
		status = TG_NO_MATCH;
	if (status == TG_OK) {
		print_id(rev, id);
		return true;
	}
	if (status != TG_NO_MATCH) {
		rev->code = cli_refused(rev->cli, status);
		return false;
	}
	if (line == 0)
		cli_fail(CLI_NO, "no token '%s'", text);
	else if (*id != '\0')
		cli_fail(CLI_NO, "line %zu: no token '%s'", line, id);
	else
		cli_fail(CLI_NO, "line %zu: neither an id nor a token", line);
	if (rev->code == CLI_DONE)
		rev->code = CLI_NO;
	return true;
}

/*
 * The next line without the blanks around it; false at the end.  "!", which
 * is neither an id nor a token, for a line too long to be one.
 */
static bool
read_line(size_t size, char *line)
{
	size_t n = 0;
	int c;

	while ((c = getchar()) != EOF && c != '\n') {
		if (n == 0 && isblank(c))
			continue;
		if (n < size - 1)
			line[n] = c != '\0' ? (char)c : '!';
		n++;
	}
	if (n > size - 1) {
		line[0] = '!';
		n = 1;
	}
	while (n > 0 && strchr(" \t\r", line[n - 1]) != NULL)
		n--;
	line[n] = '\0';
	return c != EOF || n > 0;
}

static void
revoke_lines(struct revocation *rev)
{
	static char buffer[BUFSIZ]; /* stdio's own could not be wiped */
	char text[1024];
	size_t line = 0;
	bool going = true;

	setvbuf(stdin, buffer, _IOFBF, sizeof(buffer));
	while (going && read_line(sizeof(text), text)) {
		line++;
		if (*text != '\0')
			going = revoke_one(rev, text, line);
	}
	if (!going)
		cli_fail(rev->code, "stopped at line %zu", line);
	else if (ferror(stdin))
		rev->code = cli_fail(CLI_COULD_NOT, "cannot read stdin: %s", strerror(errno));
	explicit_bzero(buffer, sizeof(buffer));
	explicit_bzero(text, sizeof(text));
}

static void
revoke_words(struct revocation *rev)
{
	bool going = true;

	for (size_t i = 0; going && i < rev->cli->words.n; i++)
		going = revoke_one(rev, rev->cli->words.at[i], 0);
	if (!going && rev->cli->words.n > 1)
		cli_fail(rev->code, "stopped after %zu of %zu", rev->done, rev->cli->words.n);
}

static bool
count_live(void *arg, const struct tg_token *token)
{
	size_t *n = arg;

	if (token->state != TG_REVOKED)
		(*n)++;
	return true;
}

/* Ask on the terminal; CLI_DONE is a yes. */
static int
confirm(struct cli *cli, const char *owner)
{
	char answer[16] = "";
	enum tg_status status;
	size_t n = 0;

	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
		return cli_fail(CLI_USAGE, "without a terminal to ask on, --yes is needed");
	status = tg_each(cli->tg, owner, count_live, &n);
	if (status != TG_OK && status != TG_NO_MATCH)
		return cli_refused(cli, status);
	fprintf(stderr, "Revoke %zu token%s of %s? [y/N] ", n, n == 1 ? "" : "s",
	    owner != NULL ? owner : "everybody");
	if (fgets(answer, sizeof(answer), stdin) == NULL || (*answer != 'y' && *answer != 'Y'))
		return cli_fail(CLI_NO, "nothing revoked");
	return CLI_DONE;
}

static void
revoke_many(struct revocation *rev, const char *owner)
{
	enum tg_status status;

	if (cli_count(rev->cli, OPT_YES) == 0) {
		rev->code = confirm(rev->cli, owner);
		if (rev->code != CLI_DONE)
			return;
	}
	status = tg_revoke_all(rev->cli->tg, owner, rev->by, rev->why, print_id, rev);
	if (status == TG_NO_MATCH)
		rev->code = cli_fail(CLI_NO, "no owner '%s'", owner);
	else if (status != TG_OK)
		rev->code = cli_refused(rev->cli, status);
}

/* Exactly one way of saying which. */
static int
check_usage(const struct cli *cli)
{
	const char *owner = cli_value(cli, OPT_OWNER);
	size_t ways = (cli->words.n > 0) + cli_count(cli, OPT_OWNER) + cli_count(cli, OPT_ALL) +
	    cli_count(cli, OPT_STDIN);

	if (ways != 1)
		return cli_fail(CLI_USAGE, "revoke needs one of: ids, --owner, --all, --stdin");
	if (owner != NULL && !tg_owner_valid(owner))
		return cli_fail(CLI_USAGE, "not an owner's name: '%s'", owner);
	return CLI_DONE;
}

static int
run(struct cli *cli)
{
	struct revocation rev = { .cli = cli, .why = cli_value(cli, OPT_WHY) };
	bool many = cli_count(cli, OPT_OWNER) > 0 || cli_count(cli, OPT_ALL) > 0;
	enum tg_status status;
	int code = check_usage(cli);

	if (code == CLI_DONE)
		code = cli_open(cli);
	if (code != CLI_DONE)
		return code;
	cli_by(rev.by);
	if (many) {
		revoke_many(&rev, cli_value(cli, OPT_OWNER));
	} else {
		status = tg_hold(cli->tg);
		if (status != TG_OK)
			return cli_refused(cli, status);
		if (cli_count(cli, OPT_STDIN) > 0)
			revoke_lines(&rev);
		else
			revoke_words(&rev);
	}
	if (rev.code == CLI_DONE || rev.done > 0)
		fprintf(stderr, "%zu token%s revoked\n", rev.done, rev.done == 1 ? "" : "s");
	return rev.code;
}
