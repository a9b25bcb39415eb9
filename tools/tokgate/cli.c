/* SPDX-License-Identifier: ISC */
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

/* ---- talk -------------------------------------------------------------- */

int
cli_fail(int code, const char *fmt, ...)
{
	char line[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	/* Arguments are quoted in messages: none of them steers a terminal. */
	for (char *p = line; *p != '\0'; p++) {
		if (iscntrl((unsigned char)*p))
			*p = '?';
	}
	fflush(stdout);
	fprintf(stderr, "tokgate: %s\n", line);
	return code;
}

int
cli_exit(enum tg_status status)
{
	switch (status) {
	case TG_OK:
		return CLI_DONE;
	case TG_NOT_A_TOKEN:
	case TG_MALFORMED:
	case TG_NO_MATCH:
	case TG_REVOKED:
	case TG_EXPIRED:
	case TG_NOT_YET_VALID:
	case TG_IDLE:
	case TG_USED_UP:
	case TG_OWNER_SUSPENDED:
	case TG_WRONG_LOGIN:
	case TG_WRONG_SERVICE:
	case TG_WRONG_ACTION:
	case TG_WRONG_RESOURCE:
	case TG_BEYOND_CEILING:
	case TG_WRONG_SOURCE:
		return CLI_NO;
	case TG_INVALID:
		return CLI_USAGE;
	case TG_UNAVAILABLE:
	case TG_MISCONFIGURED:
		return CLI_COULD_NOT;
	}
	return CLI_COULD_NOT;
}

int
cli_refused(const struct cli *cli, enum tg_status status)
{
	const char *detail = tg_detail(cli->tg);

	return cli_fail(cli_exit(status), "%s", *detail != '\0' ? detail : tg_status_name(status));
}

int
cli_flush(int code)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return code;
	/* `tokgate list | head` is nobody's mistake. */
	if (errno == EPIPE)
		return CLI_COULD_NOT;
	return cli_fail(CLI_COULD_NOT, "cannot write to stdout: %s", strerror(errno));
}

/* ---- the command line -------------------------------------------------- */

enum { OPT_CONFIG, OPT_STORE, OPT_JSON, OPT_HELP };

static const struct cli_option globals[] = {
	[OPT_CONFIG] = { "config", "FILE", "read this configuration (" TG_CONFIG_FILE ")", false },
	[OPT_STORE] = { "store", "DIR", "work on this store, whatever the configuration says",
	    false },
	[OPT_JSON] = { "json", NULL, "print JSON, one object a line", false },
	[OPT_HELP] = { "help", NULL, "show this", false },
};

/* getopt_long(3) answers these for option i of the command, of the globals. */
enum { VAL_COMMAND = 0x100, VAL_GLOBAL = 0x200 };

static void
fill_options(const struct cli_option *from, size_t n, int base, struct option *to)
{
	for (size_t i = 0; i < n; i++) {
		to[i].name = from[i].name;
		to[i].has_arg = from[i].value != NULL ? required_argument : no_argument;
		to[i].flag = NULL;
		to[i].val = base + (int)i;
	}
}

static const struct cli_option *
find_option(const struct cli *cli, int val)
{
	if (val >= VAL_GLOBAL && (size_t)(val - VAL_GLOBAL) < CLI_COUNT(globals))
		return &globals[val - VAL_GLOBAL];
	if (val >= VAL_COMMAND && cli->command != NULL &&
	    (size_t)(val - VAL_COMMAND) < cli->command->noptions)
		return &cli->command->options[val - VAL_COMMAND];
	return NULL;
}

static void
give(struct cli_given *given, size_t most, const char *text)
{
	if (given->at == NULL)
		given->at = cli_calloc(most, sizeof(*given->at));
	given->at[given->n++] = text;
}

static int
usage(const struct cli *cli, const char *what, const char *word)
{
	return cli_fail(-1, "%s '%.*s' (see 'tokgate help%s%s')", what, (int)strcspn(word, "="),
	    word, cli->command != NULL ? " " : "", cli->command != NULL ? cli->command->name : "");
}

/* A whole token of this or any other site: on no account an argument. */
static bool
is_whole_token(const char *text)
{
	char id[TG_ID_LEN + 1];

	return cli_looks_secret(text) && tg_parse_id(text, id) == TG_OK;
}

static int
refuse_secret(void)
{
	return cli_fail(-1,
	    "a token must not be an argument, where others on this machine can read "
	    "it: pass it on stdin, and revoke it if it was a live one");
}

static int
take_global(struct cli *cli, size_t which, const char *value, const char *word)
{
	const char **text[] = { [OPT_CONFIG] = &cli->config, [OPT_STORE] = &cli->store };
	bool *flag[] = { [OPT_JSON] = &cli->json, [OPT_HELP] = &cli->help };
	bool twice = value != NULL ? *text[which] != NULL : *flag[which];

	if (twice)
		return usage(cli, "given twice: option", word);
	if (value != NULL)
		*text[which] = value;
	else
		*flag[which] = true;
	return 0;
}

static int
take_option(struct cli *cli, int val, const char *value, const char *word, size_t most)
{
	const struct cli_option *option = find_option(cli, val);
	struct cli_given *given;

	/* getopt_long(3) takes any unambiguous beginning of a name; a later option would change it. */
	if (option == NULL || strncmp(word, "--", 2) != 0 ||
	    strcspn(word + 2, "=") != strlen(option->name))
		return usage(cli, "unknown option", word);
	if (value != NULL && is_whole_token(value))
		return refuse_secret();
	if (val >= VAL_GLOBAL)
		return take_global(cli, (size_t)(val - VAL_GLOBAL), value, word);
	given = &cli->given[val - VAL_COMMAND];
	if (given->n > 0 && !option->repeats)
		return usage(cli, "given twice: option", word);
	give(given, most, value);
	return 0;
}

/* What getopt_long(3) could not take: '?' or ':'. */
static int
refuse_option(const struct cli *cli, int answer, const char *word)
{
	const struct cli_option *option = find_option(cli, optopt);

	if (option == NULL || strncmp(word, "--", 2) != 0 ||
	    strcspn(word + 2, "=") != strlen(option->name))
		return usage(cli, "unknown option", word);
	return usage(cli, answer == ':' ? "no value for option" : "a value is too much for option",
	    word);
}

static int
take_word(struct cli *cli, const char *word, size_t most)
{
	if (cli_looks_secret(word))
		return refuse_secret();
	if (cli->command != NULL && cli->words.n >= cli->command->max_words)
		return usage(cli, "unexpected argument", word);
	give(&cli->words, most, word);
	return 0;
}

int
cli_read(struct cli *cli, int argc, char **argv)
{
	struct option longs[CLI_OPTIONS_MAX + CLI_COUNT(globals) + 1] = { 0 };
	size_t noptions = cli->command != NULL ? cli->command->noptions : 0;
	size_t most = (size_t)argc;

	if (noptions > 0)
		fill_options(cli->command->options, noptions, VAL_COMMAND, longs);
	fill_options(globals, CLI_COUNT(globals), VAL_GLOBAL, longs + noptions);

	opterr = 0;
	optind = 0; /* glibc: begin anew */
	for (;;) {
		const char *word = argv[optind > 0 ? optind : 1];
		/* '-': words in their place, as option 1; nothing is moved about. */
		int val = getopt_long(argc, argv, "-:", longs, NULL);

		if (val == -1)
			break;
		if (val == '?' || val == ':') {
			if (refuse_option(cli, val, word) != 0)
				return -1;
		} else if (val != 1) {
			if (take_option(cli, val, optarg, word, most) != 0)
				return -1;
		} else {
			if (take_word(cli, optarg, most) != 0)
				return -1;
			if (cli->command == NULL)
				return optind;
		}
	}
	for (; optind < argc; optind++) { /* behind "--" */
		if (take_word(cli, argv[optind], most) != 0)
			return -1;
		if (cli->command == NULL)
			return optind + 1;
	}
	if (cli->command != NULL && !cli->help && cli->words.n < cli->command->min_words)
		return usage(cli, "an argument is missing for", cli->command->name);
	return optind;
}

size_t
cli_count(const struct cli *cli, size_t which)
{
	return cli->given[which].n;
}

const char *
cli_value(const struct cli *cli, size_t which)
{
	return cli->given[which].n > 0 ? cli->given[which].at[0] : NULL;
}

static void
help_options(const struct cli_option *options, size_t n)
{
	char left[40];

	for (size_t i = 0; i < n; i++) {
		snprintf(left, sizeof(left), "--%s%s%s", options[i].name,
		    options[i].value != NULL ? " " : "",
		    options[i].value != NULL ? options[i].value : "");
		printf("  %-20s %s\n", left, options[i].help);
	}
}

void
cli_help(const struct cli_command *command)
{
	const char *line = command->synopsis;
	const char *lead = "usage:";

	while (*line != '\0') {
		int len = (int)strcspn(line, "\n");

		/* A line that begins with a blank goes on with the form above it. */
		printf("%-6s %s %.*s\n", lead, *line != ' ' ? "tokgate" : "       ", len, line);
		lead = "";
		line += line[len] != '\0' ? len + 1 : len;
	}
	printf("\n%s\n", command->about);
	if (command->more != NULL)
		printf("%s\n", command->more);
	putchar('\n');
	help_options(command->options, command->noptions);
	help_options(globals, CLI_COUNT(globals));
	printf("\nExample:\n  %s\n", command->example);
}

/* ---- the store --------------------------------------------------------- */

int
cli_open(struct cli *cli)
{
	enum tg_status status;

	if (cli->store != NULL && cli->store[0] != '/')
		return cli_fail(CLI_USAGE, "--store '%s': must be an absolute path", cli->store);
	status = tg_open(cli->config, cli->store, &cli->tg);
	if (cli->tg == NULL)
		return cli_fail(CLI_COULD_NOT, "out of memory");
	return status == TG_OK ? CLI_DONE : cli_refused(cli, status);
}

/* A decimal uid and nothing else.  (uid_t)-1 means "none" to everybody. */
static bool
parse_uid(const char *text, uid_t *uid)
{
	char *end;
	unsigned long long n;

	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	n = strtoull(text, &end, 10);
	if (errno != 0 || *end != '\0' || n >= UINT32_MAX)
		return false;
	*uid = (uid_t)n;
	return true;
}

static bool
audit_uid(uid_t *uid)
{
	char text[16] = "";
	FILE *f = fopen("/proc/self/loginuid", "re");

	if (f == NULL)
		return false;
	if (fgets(text, sizeof(text), f) == NULL)
		text[0] = '\0';
	fclose(f);
	text[strcspn(text, "\n")] = '\0';
	return parse_uid(text, uid);
}

/* Of use only for root, who could say anything. */
static bool
sudo_uid(uid_t *uid)
{
	const char *text = geteuid() == 0 ? secure_getenv("SUDO_UID") : NULL;

	return text != NULL && parse_uid(text, uid);
}

void
cli_by(char by[static TG_BY_MAX + 1])
{
	const struct passwd *pw;
	uid_t uid;

	if (!audit_uid(&uid) && !sudo_uid(&uid))
		uid = getuid();
	pw = getpwuid(uid);
	if (pw == NULL || !cli_copy(pw->pw_name, TG_BY_MAX + 1, by))
		snprintf(by, TG_BY_MAX + 1, "#%" PRIu32, (uint32_t)uid);
}

/* ---- words ------------------------------------------------------------- */

bool
cli_looks_secret(const char *text)
{
	/* With a login that is not the drop-in one the text alone decides. */
	return tg_keep_from_others("root", text, strlen(text));
}

const char *
cli_state_name(enum tg_status state)
{
	return state == TG_OK ? "active" : tg_status_name(state);
}

bool
cli_copy(const char *text, size_t size, char *out)
{
	size_t len = strlen(text);

	if (len >= size)
		return false;
	memcpy(out, text, len + 1);
	return true;
}

void
cli_span(int64_t seconds, char out[static CLI_SPAN_MAX + 1])
{
	static const struct {
		int64_t s;
		char letter;
	} units[] = { { 86400, 'd' }, { 3600, 'h' }, { 60, 'm' }, { 1, 's' } };
	size_t i = 0;

	/* Two of a unit at least: "36h" says more than "1d". */
	while (units[i].s > 1 && seconds < 2 * units[i].s)
		i++;
	snprintf(out, CLI_SPAN_MAX + 1, "%" PRId64 "%c", (seconds + units[i].s / 2) / units[i].s,
	    units[i].letter);
}

void *
cli_calloc(size_t n, size_t size)
{
	void *p = calloc(n, size);

	if (p == NULL)
		exit(cli_fail(CLI_COULD_NOT, "out of memory"));
	return p;
}
