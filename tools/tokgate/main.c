/* SPDX-License-Identifier: ISC */
/* tokgate - issue, list, revoke and check tokens; see tokgate(8) */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"

static int run_help(struct cli *cli);
static int run_version(struct cli *cli);

static const struct cli_command cmd_help = {
	.name = "help",
	.synopsis = "help [COMMAND]",
	.about = "Show what there is, or how a command is used.",
	.example = "tokgate help issue",
	.max_words = 1,
	.run = run_help,
};

static const struct cli_command cmd_version = {
	.name = "version",
	.synopsis = "version",
	.about = "Print the version.",
	.example = "tokgate version",
	.run = run_version,
};

static const struct cli_command *const commands[] = {
	&cmd_init,
	&cmd_issue,
	&cmd_list,
	&cmd_show,
	&cmd_revoke,
	&cmd_check,
	&cmd_log,
	&cmd_example,
	&cmd_doctor,
	&cmd_help,
	&cmd_version,
};

static const struct cli_command *
find_command(const char *name)
{
	for (size_t i = 0; i < CLI_COUNT(commands); i++) {
		if (strcmp(name, commands[i]->name) == 0)
			return commands[i];
	}
	cli_fail(CLI_USAGE, "unknown command '%s' (see 'tokgate help')", name);
	return NULL;
}

static int
run_help(struct cli *cli)
{
	const struct cli_command *command;

	if (cli->words.n == 1) {
		command = find_command(cli->words.at[0]);
		if (command == NULL)
			return CLI_USAGE;
		cli_help(command);
		return CLI_DONE;
	}
	puts("usage: tokgate [--config FILE] [--store DIR] [--json] COMMAND ...\n\nCommands:");
	for (size_t i = 0; i < CLI_COUNT(commands); i++)
		printf("  %-8s %s\n", commands[i]->name, commands[i]->about);
	puts("\n'tokgate help COMMAND' says more.  Exit status: 0 done or yes, 1 answered no,\n"
	     "2 wrong command line, 3 could not be done.");
	return CLI_DONE;
}

static int
run_version(struct cli *cli)
{
	(void)cli;
	puts("tokgate " TG_VERSION);
	return CLI_DONE;
}

/*
 * A descriptor 0-2 that is closed would be given to the next open file, and
 * a message would go into the store.  Each is opened the wrong way round, so
 * that reading no input and printing to nobody stay errors.
 */
static void
fill_std_fds(void)
{
	static const int modes[] = { O_WRONLY, O_RDONLY, O_WRONLY };

	for (int fd = 0; fd <= 2; fd++) {
		if (fcntl(fd, F_GETFD) == -1 && open("/dev/null", modes[fd]) != fd)
			_exit(CLI_COULD_NOT);
	}
}

/* Tokens pass through this memory: no core, no debugger of another process. */
static void
keep_secrets(void)
{
	const struct rlimit none = { 0, 0 };

	if (prctl(PR_SET_DUMPABLE, 0) != 0 || setrlimit(RLIMIT_CORE, &none) != 0)
		_exit(cli_fail(CLI_COULD_NOT, "cannot turn off core dumps: %s", strerror(errno)));
}

static int
run(struct cli *cli, int argc, char **argv)
{
	int n = cli_read(cli, argc, argv);

	if (n < 0)
		return CLI_USAGE;
	if (cli->words.n == 0)
		return cli->help ? run_help(cli) :
				   cli_fail(CLI_USAGE, "no command (see 'tokgate help')");
	cli->command = find_command(cli->words.at[0]);
	if (cli->command == NULL)
		return CLI_USAGE;
	cli->words.n = 0;
	/* The command stands where the program's name would. */
	if (cli_read(cli, argc - n + 1, argv + n - 1) < 0)
		return CLI_USAGE;
	if (cli->help) {
		cli_help(cli->command);
		return CLI_DONE;
	}
	return cli->command->run(cli);
}

int
main(int argc, char **argv)
{
	struct cli cli = { 0 };
	int code;

	fill_std_fds();
	keep_secrets();
	/* A reader that went away is an error of that write, not an end in the middle of a change. */
	signal(SIGPIPE, SIG_IGN);
	umask(077);
	/* Names are UTF-8 wherever they came from. */
	setlocale(LC_CTYPE, "C.UTF-8");

	code = argc < 1 ? CLI_USAGE : cli_flush(run(&cli, argc, argv));

	tg_close(&cli.tg);
	free(cli.words.at);
	for (size_t i = 0; i < CLI_OPTIONS_MAX; i++)
		free(cli.given[i].at);
	return code;
}
