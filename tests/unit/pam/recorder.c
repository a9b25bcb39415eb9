/* SPDX-License-Identifier: ISC */
/*
 * A PAM module for tests: a password check behind ours that writes down every
 * password it gets to see.
 *
 *	file=PATH    where to, a line each
 *	accept=TEXT  the right password; none is without it
 *	peek         do not ask, only look at what others left in the handle
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <security/pam_ext.h>
#include <security/pam_modules.h>

#define ENTRY __attribute__((visibility("default")))

static const char *
option(int argc, const char **argv, const char *name)
{
	size_t len = strlen(name);
	int i;

	for (i = 0; i < argc; i++)
		if (strncmp(argv[i], name, len) == 0)
			return argv[i] + len;
	return NULL;
}

static int
record(const char *path, const char *password)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	int r = PAM_SUCCESS;

	if (fd == -1 || dprintf(fd, "%s\n", password) < 0)
		r = PAM_SYSTEM_ERR;
	if (fd != -1)
		close(fd);
	return r;
}

ENTRY int
pam_sm_authenticate(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	const char *file = option(argc, argv, "file="), *accept = option(argc, argv, "accept=");
	const void *left = NULL;
	const char *password = NULL;
	int r;

	(void)flags;
	if (file == NULL)
		return PAM_SERVICE_ERR;
	if (option(argc, argv, "peek") != NULL) {
		r = pam_get_item(pamh, PAM_AUTHTOK, &left);
		password = left;
	} else
		r = pam_get_authtok(pamh, PAM_AUTHTOK, &password, NULL);
	if (r != PAM_SUCCESS)
		return r;
	if (password != NULL && (r = record(file, password)) != PAM_SUCCESS)
		return r;
	if (password != NULL && accept != NULL && strcmp(password, accept) == 0)
		return PAM_SUCCESS;
	return PAM_AUTH_ERR;
}

ENTRY int
pam_sm_setcred(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	(void)pamh;
	(void)flags;
	(void)argc;
	(void)argv;
	return PAM_SUCCESS;
}
