/* SPDX-License-Identifier: ISC */
/*
 * faults.h - make the Nth call that could fail, fail
 *
 * Linked into a program, these stand before the functions of libc and libpam
 * for every object in the process: the module, libtokgate, LMDB, libsodium,
 * libpam, and libc's own memory.  Counted are memory, files, maps, locks,
 * clock, random numbers, and what the module asks of libpam.
 */
#ifndef FAULTS_H
#define FAULTS_H

#include <stdbool.h>
#include <stddef.h>

/* From now on the nth call fails, and with `onwards` each one after it. */
void faults_arm(unsigned int n, bool onwards);

/* No call fails any more.  The name of the first that did, or NULL. */
const char *faults_disarm(void);

/* Blocks of memory that were taken and not given back. */
long faults_blocks(void);

#endif
