/* SPDX-License-Identifier: ISC */
/*
 * storedir.h - the store's directory: who may own it, what lies in it, who is using it
 *
 * The directory is 0700 and its files 0600, all of one owner: root or the
 * service user.  Anything else is refused before LMDB sees it, because who can
 * write lock.mdb can bring a revoked token back to life.
 */
#ifndef STOREDIR_H
#define STOREDIR_H

#include <sys/types.h>

#include "detail.h"
#include "usage.h"

struct storedir {
	int gate;        /* descriptor of the lock file, -1: none */
	pid_t guarded;   /* the process that has the guard, 0: none */
	off_t data_size; /* of LMDB's file */
	struct usage usage;
};

/*
 * Check the directory and its files, open the lock file and the sidecar, and
 * take the guard: nobody else in this process has the store open.  Waits at
 * most `patience_ms`, see below.  Descriptors are 3 or above,
 * and refused is a process whose descriptors 0-2 are not all open, since LMDB
 * would get them.
 */
enum tg_status storedir_open(const char *path, uid_t also_trusted, int patience_ms,
    struct storedir *out, struct detail *detail) __attribute__((warn_unused_result));
void storedir_close(struct storedir *dir);

/*
 * Locks are polled.  A crowd that moves on is waited for: the patience counts
 * from the last time that somebody let go of that lock, ten times over at most.
 * Who holds it and was stopped costs the patience and no more.
 */

/*
 * Around what takes LMDB's lock on the opening of a store or on its table of
 * readers: these know no deadline either, and a stopped process may hold them.
 */
enum tg_status storedir_opener_lock(const struct storedir *dir, int patience_ms,
    struct detail *detail) __attribute__((warn_unused_result));
void storedir_opener_unlock(const struct storedir *dir);

/* The writers' gate, taken before LMDB's own lock, which knows no deadline. */
enum tg_status storedir_gate_lock(const struct storedir *dir, int patience_ms,
    struct detail *detail) __attribute__((warn_unused_result));
void storedir_gate_unlock(const struct storedir *dir);

/* After the gate was let go: leave a gap for those who wait for it, if any do. */
void storedir_gate_yield(const struct storedir *dir);

/*
 * The number of the last change that was acknowledged, kept in the lock file:
 * a store with a lower one has gone back (a flipped bit in LMDB's meta page, an
 * old copy put in its place).  Written behind the gate after the commit, read
 * before the transaction, and 0 where it is not known.
 */
void storedir_mark(const struct storedir *dir, uint64_t serial);
uint64_t storedir_marked(const struct storedir *dir);

/*
 * Make the directory for uid and gid and the files that LMDB does not make
 * itself, as far as they are missing, and set owner and modes of what is
 * there.  Returns as storedir_open() does, with the gate locked too; data_size
 * is 0 where LMDB has not written yet.  Refuses file systems that cannot carry
 * LMDB (network, FUSE).
 */
enum tg_status storedir_make(const char *path, uid_t also_trusted, uid_t uid, gid_t gid,
    int patience_ms, struct storedir *out, struct detail *detail)
    __attribute__((warn_unused_result));

/* Give the file that LMDB made to its owner, for good. */
enum tg_status storedir_own_data(const char *path, uid_t uid, gid_t gid, struct detail *detail)
    __attribute__((warn_unused_result));

#endif
