/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "cli.h"
#include "json.h"

static int run(struct cli *cli);

enum { OPT_SERVICE, OPT_LOGIN, OPT_ACTION, OPT_RESOURCE, OPT_GATE, OPT_FROM, OPT_DRY_RUN };

static const struct cli_option options[] = {
	[OPT_SERVICE] = { "service", "SERVICE", "the door that asks", false },
	[OPT_LOGIN] = { "login", "LOGIN", "the user name that was sent (" TG_DROP_IN ")", false },
	[OPT_ACTION] = { "action", "ACTION", "what is to be done (login)", false },
	[OPT_RESOURCE] = { "resource", "RESOURCE", "to what (*, the whole service)", false },
	[OPT_GATE] = { "gate", NULL, "to something that is decided later, behind the door", false },
	[OPT_FROM] = { "from", "ADDRESS", "where the client is (unknown)", false },
	[OPT_DRY_RUN] = { "dry-run", NULL, "consume no use and record nothing", false },
};

const struct cli_command cmd_check = {
	.name = "check",
	.synopsis = "check --service SERVICE [--login LOGIN] [--action ACTION]\n"
		    "      [--resource RESOURCE | --gate] [--from ADDRESS] [--dry-run]",
	.about = "Ask what a door would ask about the token on stdin, and print the verdict.",
	.more = "A yes counts as a use unless --dry-run is given.",
	.example = "tokgate check --service sftp --action upload --resource serde-json < token.txt",
	.options = options,
	.noptions = CLI_COUNT(options),
	.run = run,
};

enum { INPUT_MAX = 1024 * 1024 };

/*
 * No echo while a token is typed or pasted, and no signal from the keyboard
 * that would leave the terminal so.
 */
static bool
hush_terminal(struct termios *saved)
{
	struct termios quiet;

	if (tcgetattr(STDIN_FILENO, saved) != 0)
		return false;
	quiet = *saved;
	quiet.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
	return tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet) == 0;
}

/* All of stdin, or a line of a terminal, into `buf`; -1 and errno on an error. */
static ssize_t
read_input(char *buf, size_t size)
{
	struct termios saved;
	bool line = isatty(STDIN_FILENO);
	bool hushed = line && hush_terminal(&saved);
	size_t used = 0;
	ssize_t n;
	int err;

	if (line)
		fputs("Token: ", stderr);
	do {
		n = read(STDIN_FILENO, buf + used, size - used);
		if (n > 0)
			used += (size_t)n;
	} while ((n > 0 && !line && used < size) || (n < 0 && errno == EINTR));
	err = errno;
	if (line)
		fputc('\n', stderr);
	if (hushed)
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &saved);
	errno = err;
	return n < 0 ? -1 : (ssize_t)used;
}

/* Blanks and line ends around the text are the file's, not the token's. */
static size_t
trim(const char **text, size_t len)
{
	static const char blanks[] = " \t\r\n";

	while (len > 0 && memchr(blanks, (*text)[len - 1], sizeof(blanks) - 1) != NULL)
		len--;
	while (len > 0 && memchr(blanks, **text, sizeof(blanks) - 1) != NULL) {
		(*text)++;
		len--;
	}
	return len;
}

static int
print_verdict(const struct cli *cli, enum tg_status verdict, const struct tg_grant *grant)
{
	struct json *json;

	if (!cli->json) {
		puts(tg_status_name(verdict));
		return CLI_DONE;
	}
	json = json_new();
	json_text(json, "verdict", tg_status_name(verdict));
	json_text(json, "id", grant->id);
	json_text(json, "owner", grant->owner);
	json_texts(json, "scopes", grant->nscopes, grant->scopes[0], sizeof(grant->scopes[0]));
	json_when(json, "expires_at", grant->expires_at);
	return json_print(&json);
}

static int
judge(struct cli *cli, const struct tg_request *req, const char *text, size_t len)
{
	struct tg_grant grant = { 0 };
	enum tg_status verdict = tg_check(cli->tg, text, len, req, &grant);
	int code = cli_exit(verdict);

	/* The command line was wrong: no verdict. */
	if (verdict == TG_INVALID)
		return cli_refused(cli, verdict);
	if (print_verdict(cli, verdict, &grant) != CLI_DONE)
		code = CLI_COULD_NOT;
	else if (code == CLI_COULD_NOT)
		cli_refused(cli, verdict);
	else if (verdict != TG_OK && grant.text[0] != '\0')
		cli_fail(code, "%s", grant.text);
	explicit_bzero(&grant, sizeof(grant));
	return code;
}

static int
fill_request(const struct cli *cli, struct tg_request *req)
{
	req->service = cli_value(cli, OPT_SERVICE);
	req->login = cli_value(cli, OPT_LOGIN);
	req->action = cli_value(cli, OPT_ACTION);
	req->resource = cli_value(cli, OPT_RESOURCE);
	req->source = cli_value(cli, OPT_FROM);
	req->gate = cli_count(cli, OPT_GATE) > 0;
	req->dry_run = cli_count(cli, OPT_DRY_RUN) > 0;
	if (req->service == NULL)
		return cli_fail(CLI_USAGE, "check needs --service, the door that asks");
	if (req->gate && req->resource != NULL)
		return cli_fail(CLI_USAGE, "--gate and --resource exclude each other");
	/* To the check such an address is an unknown one; here it is a slip. */
	if (req->source != NULL &&
	    (strchr(req->source, '/') != NULL || !tg_source_valid(req->source)))
		return cli_fail(CLI_USAGE, "not an address: '%s'", req->source);
	return CLI_DONE;
}

static int
run(struct cli *cli)
{
	struct tg_request req = { 0 };
	const char *text;
	char *buf;
	ssize_t len;
	int code = fill_request(cli, &req);

	if (code != CLI_DONE)
		return code;
	buf = cli_calloc(1, INPUT_MAX + 1);
	text = buf;
	len = read_input(buf, INPUT_MAX + 1);
	if (len < 0) {
		code = cli_fail(CLI_COULD_NOT, "cannot read the token from stdin: %s",
		    strerror(errno));
	} else if (len > INPUT_MAX) {
		code = cli_fail(CLI_USAGE, "more than 1 MiB on stdin");
	} else {
		len = (ssize_t)trim(&text, (size_t)len);
		/* A handle that could not be made gives its reason as the verdict. */
		if (tg_open(cli->config, cli->store, &cli->tg) != TG_OK && cli->tg == NULL)
			code = cli_fail(CLI_COULD_NOT, "out of memory");
		else
			code = judge(cli, &req, text, (size_t)len);
	}
	explicit_bzero(buf, INPUT_MAX + 1);
	free(buf);
	return code;
}
