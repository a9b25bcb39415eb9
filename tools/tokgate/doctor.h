/* SPDX-License-Identifier: ISC */
/* doctor.h - what the checks of `tokgate doctor` share */
#ifndef DOCTOR_H
#define DOCTOR_H

#include "cli.h"

struct doctor {
	struct cli *cli;
	const char *module;  /* path of the PAM module */
	const char *pam_dir; /* directory of PAM's service files */
	size_t nfindings;
	char **seen; /* one text each, so that an included line is reported once */
	bool blind;  /* something could not be looked at */
	int code;    /* of printing */
};

/* Report something to mend: where it is, what is wrong, how to mend it. */
void doctor_find(struct doctor *doctor, const char *check, const char *where, const char *problem,
    const char *fix);

/* Say what could not be looked at. */
void doctor_blind(struct doctor *doctor, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Every PAM service that uses the module. */
void doctor_pam(struct doctor *doctor);

#endif
