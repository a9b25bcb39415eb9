/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "secure.h"

static void
add_uid(uid_t uid, char out[static 64])
{
	size_t len = strlen(out);

	snprintf(out + len, 64 - len, " or uid %lu", (unsigned long)uid);
}

/* `what` stands before the name in the detail: "" or "directory ". */
static enum tg_status
judge_owner(const struct stat *st, uid_t also_trusted, const char *what, const char *path,
    struct detail *detail)
{
	char trusted[64] = "root";
	uid_t self = geteuid();

	if (st->st_uid == 0 || st->st_uid == self || st->st_uid == also_trusted)
		return TG_OK;
	if (self != 0)
		add_uid(self, trusted);
	if (also_trusted != 0 && also_trusted != self)
		add_uid(also_trusted, trusted);
	return detail_set(detail, TG_MISCONFIGURED, "unsafe %s'%s': owner is uid %lu, should be %s",
	    what, path, (unsigned long)st->st_uid, trusted);
}

static enum tg_status
judge_parent(const struct stat *st, uid_t also_trusted, const char *dir, struct detail *detail)
{
	enum tg_status status = judge_owner(st, also_trusted, "directory ", dir, detail);

	if (status != TG_OK)
		return status;
	if ((st->st_mode & (S_IWGRP | S_IWOTH)) == 0 ||
	    ((st->st_mode & S_ISVTX) != 0 && st->st_uid == 0))
		return TG_OK;
	return detail_set(detail, TG_MISCONFIGURED,
	    "unsafe directory '%s': mode %04o, should not be writable for group or others", dir,
	    (unsigned int)(st->st_mode & 07777));
}

static enum tg_status
judge_file(const struct stat *st, uid_t also_trusted, const char *path, struct detail *detail)
{
	if (!S_ISREG(st->st_mode))
		return detail_set(detail, TG_MISCONFIGURED,
		    "unsafe '%s': not a regular file, should be one", path);
	if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return detail_set(detail, TG_MISCONFIGURED,
		    "unsafe '%s': mode %04o, should not be writable for group or others", path,
		    (unsigned int)(st->st_mode & 07777));
	return judge_owner(st, also_trusted, "", path, detail);
}

static enum tg_status
open_failed(const char *path, int error, struct detail *detail)
{
	if (error == ELOOP)
		return detail_set(detail, TG_MISCONFIGURED,
		    "unsafe '%s': a symbolic link, should be a regular file", path);
	if (error == ENXIO)
		return detail_set(detail, TG_MISCONFIGURED,
		    "unsafe '%s': not a regular file, should be one", path);
	return detail_set(detail, error == ENOENT ? TG_NO_MATCH : TG_UNAVAILABLE,
	    "cannot open '%s': %s", path, strerror(error));
}

/* *base, the last part of the path, points into it; slashes at its end belong to that part. */
static bool
split(const char *path, char dir[static PATH_MAX], const char **base)
{
	size_t len = strlen(path);

	while (len > 0 && path[len - 1] == '/')
		len--;
	while (len > 0 && path[len - 1] != '/')
		len--;
	*base = path + len;
	if (len > 1)
		len--;
	if (len >= PATH_MAX)
		return false;
	if (len == 0)
		return snprintf(dir, PATH_MAX, "%s", path[0] == '/' ? "/" : ".") > 0;
	memcpy(dir, path, len);
	dir[len] = '\0';
	return true;
}

/* The parent of `path`, judged; *base is the name in it. */
static enum tg_status
open_parent(const char *path, uid_t also_trusted, int *fd, const char **base, struct detail *detail)
{
	enum tg_status status;
	char dir[PATH_MAX];
	struct stat st;

	*fd = -1;
	if (!split(path, dir, base))
		return open_failed(path, ENAMETOOLONG, detail);
	if ((*fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC)) == -1 || fstat(*fd, &st) == -1)
		status = open_failed(path, errno, detail);
	else
		status = judge_parent(&st, also_trusted, dir, detail);
	if (status != TG_OK && *fd != -1) {
		close(*fd);
		*fd = -1;
	}
	return status;
}

/* Move a descriptor out of the place of stdin, stdout and stderr; -1 on failure. */
static int
above_stdio(int fd)
{
	int moved, error;

	if (fd > STDERR_FILENO || fd == -1)
		return fd;
	moved = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	error = errno;
	close(fd);
	errno = error;
	return moved;
}

enum tg_status
secure_open(const char *path, uid_t also_trusted, int *fd, struct detail *detail)
{
	enum tg_status status;
	const char *base;
	int dir, file = -1;
	struct stat st;

	*fd = -1;
	if ((status = open_parent(path, also_trusted, &dir, &base, detail)) != TG_OK)
		return status;
	file = above_stdio(openat(dir, base,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
	if (file == -1 || fstat(file, &st) == -1)
		status = open_failed(path, errno, detail);
	else
		status = judge_file(&st, also_trusted, path, detail);
	if (status == TG_OK) {
		*fd = file;
		file = -1;
	}
	if (file != -1)
		close(file);
	close(dir);
	return status;
}

enum tg_status
secure_parent(const char *path, uid_t also_trusted, struct detail *detail)
{
	enum tg_status status;
	const char *base;
	int dir;

	if ((status = open_parent(path, also_trusted, &dir, &base, detail)) == TG_OK)
		close(dir);
	return status;
}
