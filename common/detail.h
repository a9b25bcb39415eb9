/* SPDX-License-Identifier: ISC */
/* detail.h - the sentence that goes with a status: "cannot open '/x': Permission denied" */
#ifndef DETAIL_H
#define DETAIL_H

#include "tokgate.h"

/* Lives in the handle.  Never holds a secret. */
struct detail {
	char text[256];
};

/* Set the text (cut at its size) and return `status`, so that a refusal is one line. */
enum tg_status detail_set(struct detail *detail, enum tg_status status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
