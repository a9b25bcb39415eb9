/* SPDX-License-Identifier: ISC */
/* pamfile.h - the lines of a PAM service file, as pam.d(5) has them */
#ifndef PAMFILE_H
#define PAMFILE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

enum pam_phase { PAM_AUTH, PAM_ACCOUNT, PAM_PASSWORD, PAM_SESSION, PAM_NPHASES };

/* What libpam does with what a module returns. */
enum pam_action {
	ACT_IGNORE,
	ACT_OK,
	ACT_DONE,
	ACT_BAD,
	ACT_DIE,
	ACT_RESET,
	ACT_JUMP, /* over `jump` lines */
};

struct pam_line {
	char file[PATH_MAX];
	size_t number;       /* where the line begins */
	unsigned int phases; /* bits 1 << enum pam_phase; an @include counts for all */
	unsigned int depth;  /* of substacks */
	char *text;          /* what the others point into */
	char *control;       /* a word, or all between the brackets */
	bool bracketed;
	char *module; /* last part of the path; "" of a substack's own line */
	char **args;
	size_t nargs;
};

/* A service's lines in order, with those of the files that it includes. */
struct pam_stack {
	struct pam_line *lines;
	size_t nlines;
	size_t room;
	char unread[PATH_MAX + 100]; /* which file could not be read, and why; "": all were */
};

/* Every line of `dir`/`name`; false, and stack->unread, if a file could not be read. */
bool pamfile_read(const char *dir, const char *name, struct pam_stack *stack);
void pamfile_free(struct pam_stack *stack);

/* What a line does with a module's return value, named as in pam.d(5); *jump is for ACT_JUMP. */
enum pam_action pamfile_action(const struct pam_line *line, const char *value, size_t *jump);

#endif
