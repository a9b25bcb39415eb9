/* SPDX-License-Identifier: ISC */
/* doctor.h - what the checks of `tokgate doctor` share */
#ifndef DOCTOR_H
#define DOCTOR_H

#include <limits.h>

#include "cli.h"

struct doctor {
	struct cli *cli;
	const char *module;  /* path of the PAM module */
	const char *etc;     /* where the servers' files are */
	const char *pam_dir; /* directory of PAM's service files */
	bool no_config;      /* it could not be used */
	char
	    unprivileged[PATH_MAX + 24]; /* where a server that is not root names its PAM service */
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

/* Does this one? */
bool doctor_pam_uses(struct doctor *doctor, const char *service);

/* What stands in the servers' own files; fills in doctor->unprivileged. */
void doctor_servers(struct doctor *doctor);

/* The daemon, its sockets and its account. */
void doctor_daemon(struct doctor *doctor);

#endif
