/* SPDX-License-Identifier: ISC */
#include <stdarg.h>
#include <stdio.h>

#include "detail.h"

enum tg_status
detail_set(struct detail *detail, enum tg_status status, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(detail->text, sizeof(detail->text), fmt, ap);
	va_end(ap);
	return status;
}
