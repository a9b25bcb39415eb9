/* SPDX-License-Identifier: ISC */
/*
 * cli.h - what the commands of tokgate share
 *
 * A command is one row of data and one function.  main.c reads the command
 * line by that row and calls the function; the function answers with an exit
 * code and never calls exit(3) itself.  stdout is data, stderr is talk.
 */
#ifndef CLI_H
#define CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tokgate.h"

enum {
	CLI_DONE = 0,      /* done, or yes */
	CLI_NO = 1,        /* answered: no */
	CLI_USAGE = 2,     /* the command line */
	CLI_COULD_NOT = 3, /* not answered, not done */
};

enum { CLI_OPTIONS_MAX = 12 };

struct cli_option {
	const char *name;  /* without dashes */
	const char *value; /* how the help calls its value; NULL: it takes none */
	const char *help;
	bool repeats; /* else a second one is an error */
};

/* The values of one option, in order; all point into argv. */
struct cli_given {
	size_t n;
	const char **at; /* NULL entries for an option that takes no value */
};

struct cli {
	const struct cli_command *command;
	const char *config; /* --config, or NULL */
	const char *store;  /* --store, or NULL */
	bool json;
	bool help;
	struct cli_given words; /* neither options nor their values */
	struct cli_given given[CLI_OPTIONS_MAX];
	struct tg *tg; /* made by cli_open() */
};

struct cli_command {
	const char *name;
	const char *synopsis; /* one line for each form, without "tokgate " */
	const char *about;    /* one line */
	const char *more;     /* further lines, or NULL */
	const char *example;
	const struct cli_option *options;
	size_t noptions;
	size_t min_words;
	size_t max_words;
	int (*run)(struct cli *cli);
};

extern const struct cli_command cmd_init;
extern const struct cli_command cmd_issue;
extern const struct cli_command cmd_list;
extern const struct cli_command cmd_show;
extern const struct cli_command cmd_revoke;
extern const struct cli_command cmd_check;
extern const struct cli_command cmd_log;
extern const struct cli_command cmd_example;
extern const struct cli_command cmd_doctor;

#define CLI_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- the command line -------------------------------------------------- */

/*
 * Read argv[1..] by the options of cli->command and the global ones.  With no
 * command yet, stop at the first word, which is left in cli->words.  Returns
 * how many elements of argv were read, or -1 after a message.
 */
int cli_read(struct cli *cli, int argc, char **argv);

/* How often option `which` of the command was given. */
size_t cli_count(const struct cli *cli, size_t which);

/* Its value (the first), or NULL. */
const char *cli_value(const struct cli *cli, size_t which);

/* Print a command's help on stdout. */
void cli_help(const struct cli_command *command);

/* ---- talk -------------------------------------------------------------- */

/* "tokgate: ...\n" on stderr, control characters replaced; returns `code`. */
int cli_fail(int code, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Say tg_detail() and return the exit code of `status`. */
int cli_refused(const struct cli *cli, enum tg_status status);

/* The exit code of a status. */
int cli_exit(enum tg_status status);

/* Flush stdout; an error becomes CLI_COULD_NOT, else `code`. */
int cli_flush(int code);

/* ---- the store --------------------------------------------------------- */

/* Make cli->tg from --config and --store; CLI_DONE, or a code after a message. */
int cli_open(struct cli *cli);

/*
 * Who really asks, for the journal: the login uid of the audit system, else
 * the one that sudo names, else the real uid; by name, or "#uid".
 */
void cli_by(char by[static TG_BY_MAX + 1]);

/* ---- words ------------------------------------------------------------- */

/* Is this text token-shaped, so that it must not be repeated? */
bool cli_looks_secret(const char *text);

/* "active", or the name of the status. */
const char *cli_state_name(enum tg_status state);

/* Copy a string that fits; false if it is too long. */
bool cli_copy(const char *text, size_t size, char *out);

/* "90d", "36h", "15m", "20s": how long a time is, for people. */
enum { CLI_SPAN_MAX = 24 };
void cli_span(int64_t seconds, char out[static CLI_SPAN_MAX + 1]);

/* calloc(3) or the end of the program: for memory of which nothing depends. */
void *cli_calloc(size_t n, size_t size);

#endif
