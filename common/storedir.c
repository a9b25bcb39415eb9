/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "bytes.h"
#include "crypt.h"
#include "deadline.h"
#include "rlimits.h"
#include "secure.h"
#include "storedir.h"

/* LMDB sizes its lock file for the readers of the first opener: 64 bytes each and a head. */
enum { LOCK_FILE_SIZE = (4096 + 16) * 64 };

/*
 * Bytes of the lock file that are locked; byte PID is the guard of process PID.
 * Who waits for the gate has a shared lock on waiting_byte.
 */
static const off_t gate_byte = 0, opener_byte = (off_t)1 << 40, waiting_byte = (off_t)2 << 40;

static const struct storedir storedir_none = { .gate = -1, .usage.fd = -1 };

/* ---- checking ---- */

static enum tg_status
check_descriptors(struct detail *detail)
{
	int fd;

	for (fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			return detail_set(detail, TG_UNAVAILABLE,
			    "descriptor %d of this process is closed and LMDB would get it", fd);
	return TG_OK;
}

/* Open the directory itself as a name to look from; its owner is trusted or it is refused. */
static enum tg_status
open_dir(const char *path, uid_t also_trusted, int *fd, struct stat *st, struct detail *detail)
{
	enum tg_status r;

	*fd = -1;
	if ((r = secure_parent(path, also_trusted, detail)) == TG_NO_MATCH)
		return detail_set(detail, TG_UNAVAILABLE, "there is no store in '%s'", path);
	if (r != TG_OK)
		return r;
	if ((*fd = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) < 0)
		return detail_set(detail, TG_UNAVAILABLE, "cannot open store '%s': %s%s", path,
		    strerror(errno), errno == ENOENT ? ": 'tokgate init' makes it" : "");
	if (fstat(*fd, st) != 0)
		r = detail_set(detail, TG_UNAVAILABLE, "cannot look at '%s': %s", path,
		    strerror(errno));
	else if (st->st_uid != 0 && st->st_uid != geteuid() && st->st_uid != also_trusted)
		r = detail_set(detail, TG_MISCONFIGURED,
		    "store '%s' is owned by uid %u: root or the configured uid must own it", path,
		    (unsigned)st->st_uid);
	else if ((st->st_mode & 077) != 0)
		r = detail_set(detail, TG_MISCONFIGURED, "store '%s' has mode %04o: must be 0700",
		    path, (unsigned)st->st_mode & 07777);
	return r;
}

static enum tg_status
check_file(const char *path, const char *name, const struct stat *st, uid_t owner,
    struct detail *detail)
{
	if (!S_ISREG(st->st_mode) || st->st_nlink != 1)
		return detail_set(detail, TG_MISCONFIGURED, "'%s/%s' is not a plain file", path,
		    name);
	if (st->st_uid != owner)
		return detail_set(detail, TG_MISCONFIGURED,
		    "'%s/%s' is owned by uid %u: must be uid %u as the directory", path, name,
		    (unsigned)st->st_uid, (unsigned)owner);
	if ((st->st_mode & 077) != 0)
		return detail_set(detail, TG_MISCONFIGURED, "'%s/%s' has mode %04o: must be 0600",
		    path, name, (unsigned)st->st_mode & 07777);
	return TG_OK;
}

static bool
has_holes(const struct stat *st)
{
	return st->st_blocks * 512 < LOCK_FILE_SIZE;
}

/* Files that compress (ZFS) look as if they had holes, and are well until the disk is full. */
static bool
is_full(const char *path)
{
	struct statfs fs;

	return statfs(path, &fs) != 0 || fs.f_bavail * (uint64_t)fs.f_bsize < LOCK_FILE_SIZE;
}

/*
 * Looked at by name only: LMDB holds POSIX locks on it, which closing any
 * descriptor of it would drop.  A short one would be a SIGBUS in the
 * reader, and so would one with holes on a full disk.
 */
static enum tg_status
check_lock_file(const char *path, int dir, uid_t owner, struct detail *detail)
{
	struct stat st;
	enum tg_status r;

	if (fstatat(dir, "lock.mdb", &st, AT_SYMLINK_NOFOLLOW) != 0)
		return detail_set(detail, TG_UNAVAILABLE, "cannot look at '%s/lock.mdb': %s", path,
		    strerror(errno));
	if ((r = check_file(path, "lock.mdb", &st, owner, detail)) == TG_OK &&
	    (st.st_size < LOCK_FILE_SIZE || (has_holes(&st) && is_full(path))))
		r = detail_set(detail, TG_UNAVAILABLE,
		    "'%s/lock.mdb' is too short or has holes: 'tokgate init' mends it", path);
	return r;
}

static enum tg_status
open_file(const char *path, int dir, const char *name, int flags, uid_t owner, int *fd,
    struct stat *st, struct detail *detail)
{
	int low = openat(dir, name, flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	*fd = low;
	if (low >= 0 && low < 3) {
		*fd = fcntl(low, F_DUPFD_CLOEXEC, 3);
		close(low);
	}
	if (*fd < 0 || fstat(*fd, st) != 0)
		return detail_set(detail, TG_UNAVAILABLE, "cannot open '%s/%s': %s", path, name,
		    strerror(errno));
	return check_file(path, name, st, owner, detail);
}

/*
 * LMDB divides by the page size of a meta page and maps as far as its last
 * page without asking whether they can be right.  Offsets in a meta page of
 * the 64-bit format, version 1.
 */
enum {
	META_MAGIC_AT = 16,
	META_PAGE_SIZE_AT = META_MAGIC_AT + 24,
	META_LAST_PAGE_AT = META_MAGIC_AT + 120,
	META_TXN_AT = META_MAGIC_AT + 128,
	META_LEN = META_MAGIC_AT + 136,
	META_MAGIC = 0xBEEFC0DE,
	META_TRIES = 10,
};

static bool
read_meta(int fd, off_t at, uint32_t *page_size, uint64_t *last_page, uint64_t *txn)
{
	uint8_t page[META_LEN];
	uint32_t magic;

	if (pread(fd, page, sizeof(page), at) != sizeof(page))
		return false;
	memcpy(&magic, page + META_MAGIC_AT, sizeof(magic));
	memcpy(page_size, page + META_PAGE_SIZE_AT, sizeof(*page_size));
	memcpy(last_page, page + META_LAST_PAGE_AT, sizeof(*last_page));
	memcpy(txn, page + META_TXN_AT, sizeof(*txn));
	return magic == META_MAGIC && *page_size >= 512 && *page_size <= 65536 &&
	    (*page_size & (*page_size - 1)) == 0;
}

/*
 * LMDB writes transaction N to meta page N & 1 and reads the page with the
 * higher number, so a flipped bit in one would bring back the state before the
 * last change.
 */
static bool
metas_follow(const uint64_t txn[static 2])
{
	return txn[0] % 2 == 0 && (txn[1] % 2 == 1 || txn[1] == 0) &&
	    (txn[0] == txn[1] || txn[0] + 1 == txn[1] || txn[1] + 1 == txn[0]);
}

/* What is wrong with LMDB's file, or NULL. */
static const char *
data_problem(int fd, struct stat *st)
{
	uint64_t last[2], txn[2];
	uint32_t size[2];

	if (!read_meta(fd, 0, &size[0], &last[0], &txn[0]) ||
	    !read_meta(fd, size[0], &size[1], &last[1], &txn[1]) || size[0] != size[1])
		return "has no valid meta page";
	if (!metas_follow(txn))
		return "has meta pages that do not follow each other";
	/* Asked after the metas were read: a commit writes its pages before its meta. */
	if (fstat(fd, st) != 0)
		return "cannot be looked at";
	if (last[txn[1] > txn[0]] >= (uint64_t)st->st_size / size[0])
		return "is shorter than its pages";
	return NULL;
}

/* A commit between two reads, or during one, looks like damage: what stays is. */
static const char *
lasting_data_problem(int fd, struct stat *st)
{
	const char *problem = data_problem(fd, st);
	int tries;

	for (tries = 1; problem != NULL && tries < META_TRIES; tries++)
		problem = data_problem(fd, st);
	return problem;
}

static enum tg_status
check_data(const char *path, int dir, uid_t owner, off_t *size, struct detail *detail)
{
	const char *problem;
	enum tg_status r;
	struct stat st;
	int fd;

	r = open_file(path, dir, "data.mdb", O_RDONLY, owner, &fd, &st, detail);
	if (r == TG_OK && sizeof(size_t) == 8 && (problem = lasting_data_problem(fd, &st)) != NULL)
		r = detail_set(detail, TG_UNAVAILABLE, "'%s/data.mdb' is damaged: it %s", path,
		    problem);
	*size = r == TG_OK ? st.st_size : 0;
	if (fd >= 0)
		close(fd);
	return r;
}

/* The sidecar is best effort: one that cannot be had is no reason to refuse. */
static void
open_usage(const char *path, int dir, uid_t owner, struct usage *usage)
{
	struct detail ignored;
	struct stat st;

	if (open_file(path, dir, "usage", O_RDWR, owner, &usage->fd, &st, &ignored) == TG_OK) {
		usage_count(usage);
	} else if (usage->fd >= 0) {
		close(usage->fd);
		usage->fd = -1;
	}
}

/* ---- locks ---- */

static bool
lock_byte(int fd, off_t at, short type)
{
	struct flock lock = { .l_type = type, .l_whence = SEEK_SET, .l_start = at, .l_len = 1 };

	return fcntl(fd, F_OFD_SETLK, &lock) == 0;
}

/* What stands in the lock file behind the mark: FORMAT.md section 3. */
enum {
	HOLDER_AT = 16,
	GATE_TURNS_AT = 24,
	OPENER_TURNS_AT = 32,
	GUARD_TURNS_AT = 40,
	TURNS_LEN = 8
};

enum { CROWD = 10 };

static uint64_t
read_turns(int fd, off_t at)
{
	uint8_t turns[TURNS_LEN];

	return pread(fd, turns, sizeof(turns), at) == sizeof(turns) ? bytes_get(turns, TURNS_LEN) :
								      0;
}

/* Somebody lets go: any other number will do. */
static void
take_turn(int fd, off_t at)
{
	uint8_t turns[TURNS_LEN];

	if (rlimits_file_size())
		return;
	bytes_put(turns, read_turns(fd, at) + 1, TURNS_LEN);
	if (pwrite(fd, turns, sizeof(turns), at) != sizeof(turns))
		return; /* those who wait are a little less patient */
}

/* See storedir.h for how long. */
static bool
lock_patiently(int fd, off_t at, off_t turns_at, int patience_ms)
{
	int64_t stalled = deadline_after(patience_ms), last = deadline_after(CROWD * patience_ms);
	uint64_t seen = read_turns(fd, turns_at), turns;
	unsigned tries = 0;

	while (!lock_byte(fd, at, F_WRLCK)) {
		if (errno != EAGAIN && errno != EACCES && errno != EINTR)
			return false;
		if ((turns = read_turns(fd, turns_at)) != seen)
			stalled = deadline_after(patience_ms);
		seen = turns;
		if (!deadline_pause(stalled < last ? stalled : last, &tries))
			return false;
	}
	return true;
}

enum tg_status
storedir_opener_lock(const struct storedir *dir, int patience_ms, struct detail *detail)
{
	if (lock_patiently(dir->gate, opener_byte, OPENER_TURNS_AT, patience_ms))
		return TG_OK;
	return detail_set(detail, TG_UNAVAILABLE,
	    "the store is being opened by another process, which does not go on");
}

void
storedir_opener_unlock(const struct storedir *dir)
{
	take_turn(dir->gate, OPENER_TURNS_AT);
	lock_byte(dir->gate, opener_byte, F_UNLCK);
}

enum { HOLDER_LEN = 8 };

/* Who has the gate, for whoever waits for it in vain. */
static void
write_holder(const struct storedir *dir)
{
	uint8_t holder[HOLDER_LEN];

	bytes_put(holder, (uint64_t)getpid(), sizeof(holder));
	if (pwrite(dir->gate, holder, sizeof(holder), HOLDER_AT) != sizeof(holder))
		return; /* the message will name an older one */
}

enum tg_status
storedir_gate_lock(const struct storedir *dir, int patience_ms, struct detail *detail)
{
	uint8_t holder[HOLDER_LEN] = { 0 };

	bool locked;

	lock_byte(dir->gate, waiting_byte, F_RDLCK);
	locked = lock_patiently(dir->gate, gate_byte, GATE_TURNS_AT, patience_ms);
	lock_byte(dir->gate, waiting_byte, F_UNLCK);
	if (locked) {
		write_holder(dir);
		return TG_OK;
	}
	if (pread(dir->gate, holder, sizeof(holder), HOLDER_AT) != sizeof(holder))
		return detail_set(detail, TG_UNAVAILABLE,
		    "the store is being written by another process, which does not go on");
	return detail_set(detail, TG_UNAVAILABLE,
	    "the store is being written by process %ju, which does not go on",
	    (uintmax_t)bytes_get(holder, sizeof(holder)));
}

void
storedir_gate_unlock(const struct storedir *dir)
{
	take_turn(dir->gate, GATE_TURNS_AT);
	lock_byte(dir->gate, gate_byte, F_UNLCK);
}

void
storedir_gate_yield(const struct storedir *dir)
{
	struct flock lock = {
		.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = waiting_byte, .l_len = 1
	};
	/* longer than the longest pause of those who poll */
	const struct timespec gap = { .tv_nsec = 20000000 };

	if (fcntl(dir->gate, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK)
		nanosleep(&gap, NULL);
}

enum { MARK_LEN = 8 + CRYPT_CHECKSUM_LEN };

void
storedir_mark(const struct storedir *dir, uint64_t serial)
{
	uint8_t mark[MARK_LEN];

	bytes_put(mark, serial, 8);
	crypt_checksum(CRYPT_MARK, mark, 8, mark + 8);
	/* Lost, it is an older mark, which is no less true. */
	if (pwrite(dir->gate, mark, sizeof(mark), 0) != sizeof(mark))
		return;
}

uint64_t
storedir_marked(const struct storedir *dir)
{
	uint8_t mark[MARK_LEN], checksum[CRYPT_CHECKSUM_LEN];

	if (pread(dir->gate, mark, sizeof(mark), 0) != sizeof(mark))
		return 0;
	crypt_checksum(CRYPT_MARK, mark, 8, checksum);
	return memcmp(checksum, mark + 8, sizeof(checksum)) == 0 ? bytes_get(mark, 8) : 0;
}

/* The lock file, and with it the guard of this process. */
static enum tg_status
take_guard(const char *path, int dir, uid_t owner, int patience_ms, struct storedir *out,
    struct detail *detail)
{
	enum tg_status r;
	struct stat st;

	r = open_file(path, dir, "gate", O_RDWR, owner, &out->gate, &st, detail);
	if (r != TG_OK)
		return r;
	if (!lock_patiently(out->gate, getpid(), GUARD_TURNS_AT, patience_ms))
		return detail_set(detail, TG_UNAVAILABLE,
		    "the store is open in this process already");
	out->guarded = getpid();
	return TG_OK;
}

enum tg_status
storedir_open(const char *path, uid_t also_trusted, int patience_ms, struct storedir *out,
    struct detail *detail)
{
	enum tg_status r;
	struct stat st;
	int dir = -1;

	*out = storedir_none;
	if ((r = check_descriptors(detail)) == TG_OK &&
	    (r = open_dir(path, also_trusted, &dir, &st, detail)) == TG_OK &&
	    (r = check_data(path, dir, st.st_uid, &out->data_size, detail)) == TG_OK &&
	    (r = check_lock_file(path, dir, st.st_uid, detail)) == TG_OK &&
	    (r = take_guard(path, dir, st.st_uid, patience_ms, out, detail)) == TG_OK)
		open_usage(path, dir, st.st_uid, &out->usage);
	if (dir >= 0)
		close(dir);
	if (r != TG_OK)
		storedir_close(out);
	return r;
}

void
storedir_close(struct storedir *dir)
{
	/*
	 * Unlocked and not just closed: a child that another thread forked
	 * meanwhile has the descriptor too, and with it the locks.
	 */
	if (dir->guarded == getpid()) {
		take_turn(dir->gate, GUARD_TURNS_AT);
		lock_byte(dir->gate, gate_byte, F_UNLCK);
		lock_byte(dir->gate, opener_byte, F_UNLCK);
		lock_byte(dir->gate, dir->guarded, F_UNLCK);
	}
	if (dir->gate >= 0)
		close(dir->gate);
	if (dir->usage.fd >= 0)
		close(dir->usage.fd);
	*dir = storedir_none;
}

/* ---- making ---- */

/* statfs(2) f_type of what LMDB cannot live on. */
static enum tg_status
check_file_system(const char *path, struct detail *detail)
{
	static const struct {
		unsigned long type;
		const char *name;
	} unfit[] = {
		{ 0x6969, "NFS" },
		{ 0xff534d42, "CIFS" },
		{ 0xfe534d42, "SMB" },
		{ 0x517b, "SMB" },
		{ 0x01021997, "9p" },
		{ 0x65735546, "FUSE" },
		{ 0x00c36400, "Ceph" },
		{ 0x5346414f, "AFS" },
	};
	struct statfs fs;
	size_t i;

	if (statfs(path, &fs) != 0)
		return detail_set(detail, TG_UNAVAILABLE, "cannot look at '%s': %s", path,
		    strerror(errno));
	for (i = 0; i < sizeof(unfit) / sizeof(unfit[0]); i++)
		if (((unsigned long)fs.f_type & 0xffffffff) == unfit[i].type)
			return detail_set(detail, TG_MISCONFIGURED,
			    "'%s' is on %s: the store needs a local file system", path,
			    unfit[i].name);
	return TG_OK;
}

static enum tg_status
own(const char *path, int dir, const char *name, uid_t uid, gid_t gid, struct detail *detail)
{
	struct stat st;
	enum tg_status r;
	int fd;

	r = open_file(path, dir, name, O_RDWR, uid, &fd, &st, detail);
	if (r == TG_MISCONFIGURED && S_ISREG(st.st_mode) && st.st_nlink == 1)
		r = TG_OK; /* owner and mode are what is to be set */
	if (r == TG_OK && (fchown(fd, uid, gid) != 0 || fchmod(fd, 0600) != 0))
		r = detail_set(detail, TG_UNAVAILABLE, "cannot set owner and mode of '%s/%s': %s",
		    path, name, strerror(errno));
	if (fd >= 0)
		close(fd);
	return r;
}

static enum tg_status
make_file(const char *path, int dir, const char *name, off_t size, uid_t uid, gid_t gid,
    struct detail *detail)
{
	int fd = openat(dir, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	enum tg_status r = TG_OK;

	/* allocated, not sparse: LMDB maps it, and a full disk would be a SIGBUS */
	if (fd < 0 || (size > 0 && (errno = posix_fallocate(fd, 0, size)) != 0))
		r = detail_set(detail, TG_UNAVAILABLE, "cannot make '%s/%s': %s", path, name,
		    strerror(errno));
	if (fd >= 0)
		close(fd);
	return r == TG_OK ? own(path, dir, name, uid, gid, detail) : r;
}

static enum tg_status
make_dir(const char *path, uid_t also_trusted, uid_t uid, gid_t gid, int *dir,
    struct detail *detail)
{
	enum tg_status r;

	*dir = -1;
	if ((r = secure_parent(path, also_trusted, detail)) == TG_NO_MATCH)
		return detail_set(detail, TG_UNAVAILABLE,
		    "cannot make '%s': no such parent directory", path);
	if (r != TG_OK)
		return r;
	if ((mkdir(path, 0700) != 0 && errno != EEXIST) ||
	    (*dir = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) < 0)
		return detail_set(detail, TG_UNAVAILABLE, "cannot make '%s': %s", path,
		    strerror(errno));
	if ((r = check_file_system(path, detail)) == TG_OK &&
	    (fchown(*dir, uid, gid) != 0 || fchmod(*dir, 0700) != 0))
		r = detail_set(detail, TG_UNAVAILABLE, "cannot set owner and mode of '%s': %s",
		    path, strerror(errno));
	return r;
}

/*
 * Less than two meta pages: LMDB was stopped while it made the file, or the
 * disk was full, and it would refuse such a file for ever.
 */
static bool
drop_unfinished(int dir, off_t size)
{
	int fd;
	bool dropped;

	if (size >= 2 * sysconf(_SC_PAGESIZE))
		return false;
	fd = openat(dir, "data.mdb", O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	dropped = fd >= 0 && ftruncate(fd, 0) == 0;
	if (fd >= 0)
		close(fd);
	return dropped;
}

/* LMDB's file, if it has written it. */
static enum tg_status
adopt_data(const char *path, int dir, uid_t uid, gid_t gid, off_t *size, struct detail *detail)
{
	enum tg_status r;
	struct stat st;

	if (fstatat(dir, "data.mdb", &st, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT)
		return TG_OK;
	if ((r = own(path, dir, "data.mdb", uid, gid, detail)) == TG_OK &&
	    !drop_unfinished(dir, st.st_size))
		r = check_data(path, dir, uid, size, detail);
	return r;
}

enum tg_status
storedir_make(const char *path, uid_t also_trusted, uid_t uid, gid_t gid, int patience_ms,
    struct storedir *out, struct detail *detail)
{
	enum tg_status r;
	int dir = -1;

	*out = storedir_none;
	/* Guard and gate come before lock.mdb is opened and closed, which drops LMDB's locks on it. */
	if ((r = check_descriptors(detail)) == TG_OK &&
	    (r = make_dir(path, also_trusted, uid, gid, &dir, detail)) == TG_OK &&
	    (r = make_file(path, dir, "gate", 0, uid, gid, detail)) == TG_OK &&
	    (r = take_guard(path, dir, uid, patience_ms, out, detail)) == TG_OK &&
	    (r = storedir_gate_lock(out, patience_ms, detail)) == TG_OK &&
	    (r = make_file(path, dir, "lock.mdb", LOCK_FILE_SIZE, uid, gid, detail)) == TG_OK &&
	    (r = make_file(path, dir, "usage", 0, uid, gid, detail)) == TG_OK &&
	    (r = adopt_data(path, dir, uid, gid, &out->data_size, detail)) == TG_OK)
		open_usage(path, dir, uid, &out->usage);
	if (dir >= 0)
		close(dir);
	if (r != TG_OK)
		storedir_close(out);
	return r;
}

enum tg_status
storedir_own_data(const char *path, uid_t uid, gid_t gid, struct detail *detail)
{
	enum tg_status r = TG_OK;
	int dir = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (dir < 0)
		return detail_set(detail, TG_UNAVAILABLE, "cannot open '%s': %s", path,
		    strerror(errno));
	r = own(path, dir, "data.mdb", uid, gid, detail);
	if (r == TG_OK && fsync(dir) != 0)
		r = detail_set(detail, TG_UNAVAILABLE, "cannot sync '%s': %s", path,
		    strerror(errno));
	close(dir);
	return r;
}
