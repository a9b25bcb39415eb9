/* SPDX-License-Identifier: ISC */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <security/pam_ext.h>
#include <security/pam_modules.h>
#include <security/pam_modutil.h>

#include "door.h"
#include "faults.h"

#define INSTEAD __attribute__((visibility("default"), used))

static bool armed, onwards_too;
static unsigned int count, nth;
static const char *first;
static long blocks;

static bool
fails(const char *name)
{
	if (!armed)
		return false;
	count++;
	if (count != nth && !(onwards_too && count > nth))
		return false;
	if (first == NULL)
		first = name;
	return true;
}

static bool
clock_fails(void)
{
	return fails("clock_gettime");
}

void
faults_arm(unsigned int n, bool onwards)
{
	door_clock_fails = clock_fails;
	count = 0;
	nth = n;
	onwards_too = onwards;
	first = NULL;
	armed = true;
}

const char *
faults_disarm(void)
{
	armed = false;
	return first;
}

long
faults_blocks(void)
{
	return blocks;
}

/*
 * The function that this one stands before.  Looked up before anything fails;
 * objects that are set up before this one may need it even earlier.
 */
#define NEXT(name) \
	__attribute__((constructor)) static __typeof__(name) *next_##name(void) \
	{ \
		static __typeof__(name) *next; \
\
		if (next == NULL) \
			*(void **)&next = dlsym(RTLD_NEXT, #name); \
		return next; \
	}

/* RESULT NAME(PARAMETERS), which fails with `bad` and errno, else NAME(ARGUMENTS) of libc. */
#define FAILING(result, name, parameters, arguments, bad, error) \
	NEXT(name) \
	INSTEAD result name parameters \
	{ \
		if (fails(#name)) { \
			errno = error; \
			return bad; \
		} \
		return next_##name() arguments; \
	}

/* ---- memory -------------------------------------------------------------- */

/* A sanitizer has a heap of its own; there the calls below malloc are swept, and leaks found by it. */
#ifndef __SANITIZE_ADDRESS__

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *p);

static void *
counted(void *p)
{
	if (p != NULL)
		__atomic_add_fetch(&blocks, 1, __ATOMIC_RELAXED);
	return p;
}

static void *
no_memory(void)
{
	errno = ENOMEM;
	return NULL;
}

INSTEAD void *
malloc(size_t size)
{
	return fails("malloc") ? no_memory() : counted(__libc_malloc(size));
}

INSTEAD void *
calloc(size_t n, size_t size)
{
	return fails("calloc") ? no_memory() : counted(__libc_calloc(n, size));
}

INSTEAD void *
realloc(void *p, size_t size)
{
	if (fails("realloc"))
		return no_memory();
	return p == NULL ? counted(__libc_realloc(p, size)) : __libc_realloc(p, size);
}

INSTEAD int
posix_memalign(void **out, size_t alignment, size_t size)
{
	if (fails("posix_memalign") || (*out = counted(__libc_memalign(alignment, size))) == NULL)
		return ENOMEM;
	return 0;
}

INSTEAD void
free(void *p)
{
	if (p != NULL)
		__atomic_sub_fetch(&blocks, 1, __ATOMIC_RELAXED);
	__libc_free(p);
}

#endif

/* ---- files ------------------------------------------------------------------- */

int __open_2(const char *path, int flags);
int __openat_2(int fd, const char *path, int flags);
ssize_t __read_chk(int fd, void *buf, size_t n, size_t room);
ssize_t __pread_chk(int fd, void *buf, size_t n, off_t offset, size_t room);
int __fxstat(int version, int fd, struct stat *st);

FAILING(int, __open_2, (const char *path, int flags), (path, flags), -1, EMFILE)
FAILING(int, __openat_2, (int fd, const char *path, int flags), (fd, path, flags), -1, EMFILE)
FAILING(ssize_t, __read_chk, (int fd, void *buf, size_t n, size_t room), (fd, buf, n, room), -1,
    EIO)
FAILING(ssize_t, __pread_chk, (int fd, void *buf, size_t n, off_t offset, size_t room),
    (fd, buf, n, offset, room), -1, EIO)
FAILING(ssize_t, read, (int fd, void *buf, size_t n), (fd, buf, n), -1, EIO)
FAILING(ssize_t, pread, (int fd, void *buf, size_t n, off_t offset), (fd, buf, n, offset), -1, EIO)
FAILING(ssize_t, write, (int fd, const void *buf, size_t n), (fd, buf, n), -1, ENOSPC)
FAILING(ssize_t, pwrite, (int fd, const void *buf, size_t n, off_t offset), (fd, buf, n, offset),
    -1, ENOSPC)
FAILING(off_t, lseek, (int fd, off_t offset, int whence), (fd, offset, whence), -1, EIO)
FAILING(int, fsync, (int fd), (fd), -1, EIO)
FAILING(int, fdatasync, (int fd), (fd), -1, EIO)
FAILING(int, ftruncate, (int fd, off_t size), (fd, size), -1, ENOSPC)
FAILING(int, fstat, (int fd, struct stat *st), (fd, st), -1, EIO)
FAILING(int, __fxstat, (int version, int fd, struct stat *st), (version, fd, st), -1, EIO)
FAILING(int, fstatat, (int fd, const char *path, struct stat *st, int flags), (fd, path, st, flags),
    -1, EIO)
FAILING(int, statfs, (const char *path, struct statfs *fs), (path, fs), -1, EIO)
FAILING(int, fstatfs, (int fd, struct statfs *fs), (fd, fs), -1, EIO)
FAILING(int, getrlimit, (__rlimit_resource_t what, struct rlimit *limit), (what, limit), -1, EINVAL)
FAILING(void *, mmap, (void *at, size_t size, int prot, int flags, int fd, off_t offset),
    (at, size, prot, flags, fd, offset), MAP_FAILED, ENOMEM)
FAILING(ssize_t, getrandom, (void *buf, size_t n, unsigned int flags), (buf, n, flags), -1, ENOSYS)
FAILING(int, getentropy, (void *buf, size_t n), (buf, n), -1, EIO)

NEXT(open)
INSTEAD int
open(const char *path, int flags, ...)
{
	mode_t mode;
	va_list ap;

	va_start(ap, flags);
	mode = (flags & O_CREAT) != 0 ? va_arg(ap, mode_t) : 0;
	va_end(ap);
	if (fails("open")) {
		errno = EMFILE;
		return -1;
	}
	return next_open()(path, flags, mode);
}

NEXT(openat)
INSTEAD int
openat(int fd, const char *path, int flags, ...)
{
	mode_t mode;
	va_list ap;

	va_start(ap, flags);
	mode = (flags & O_CREAT) != 0 ? va_arg(ap, mode_t) : 0;
	va_end(ap);
	if (fails("openat")) {
		errno = EMFILE;
		return -1;
	}
	return next_openat()(fd, path, flags, mode);
}

NEXT(fcntl)
INSTEAD int
fcntl(int fd, int command, ...)
{
	va_list ap;
	void *argument;

	va_start(ap, command);
	argument = va_arg(ap, void *);
	va_end(ap);
	if (fails("fcntl")) {
		errno = ENOLCK;
		return -1;
	}
	return next_fcntl()(fd, command, argument);
}

/* ---- libpam ------------------------------------------------------------------------ */

FAILING(int, pam_get_item, (const pam_handle_t *pamh, int type, const void **item),
    (pamh, type, item), PAM_SYSTEM_ERR, 0)
FAILING(int, pam_set_item, (pam_handle_t * pamh, int type, const void *item), (pamh, type, item),
    PAM_BUF_ERR, 0)
FAILING(int, pam_get_user, (pam_handle_t * pamh, const char **user, const char *prompt),
    (pamh, user, prompt), PAM_CONV_ERR, 0)
FAILING(int, pam_get_authtok,
    (pam_handle_t * pamh, int item, const char **authtok, const char *prompt),
    (pamh, item, authtok, prompt), PAM_AUTHTOK_ERR, 0)
FAILING(int, pam_get_data, (const pam_handle_t *pamh, const char *name, const void **data),
    (pamh, name, data), PAM_SYSTEM_ERR, 0)
FAILING(int, pam_set_data,
    (pam_handle_t * pamh, const char *name, void *data,
	void (*cleanup)(pam_handle_t *pamh, void *data, int error_status)),
    (pamh, name, data, cleanup), PAM_BUF_ERR, 0)
FAILING(int, pam_putenv, (pam_handle_t * pamh, const char *line), (pamh, line), PAM_BUF_ERR, 0)

/*
 * With no memory at all, libpam 1.5.2 tries in these two for 2^31 times to
 * keep its answer.  So of a fault that lasts they see nothing inside.
 */
#define FAILING_AROUND(result, name, parameters, arguments, bad) \
	NEXT(name) \
	INSTEAD result name parameters \
	{ \
		bool paused = armed && onwards_too; \
		result r; \
\
		if (fails(#name)) { \
			errno = EIO; \
			return bad; \
		} \
		armed = armed && !paused; \
		r = next_##name() arguments; \
		armed = armed || paused; \
		return r; \
	}

FAILING_AROUND(struct passwd *, pam_modutil_getpwnam, (pam_handle_t * pamh, const char *user),
    (pamh, user), NULL)
FAILING_AROUND(int, pam_modutil_user_in_group_nam_nam,
    (pam_handle_t * pamh, const char *user, const char *group), (pamh, user, group), 0)
