/* SPDX-License-Identifier: ISC */
/*
 * The analyzer sees one source at a time: it has to be told that detail_set()
 * returns the status that it is given.
 */
#include "detail.h"

#define detail_set(detail, status, ...) ((void)(detail_set)(detail, status, __VA_ARGS__), (status))
