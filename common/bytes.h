/* SPDX-License-Identifier: ISC */
/* bytes.h - big-endian integers and length-checked writing and reading of byte strings */
#ifndef BYTES_H
#define BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline void
bytes_put(uint8_t *to, uint64_t value, size_t size)
{
	while (size-- > 0) {
		to[size] = (uint8_t)value;
		value >>= 8;
	}
}

static inline uint64_t
bytes_get(const uint8_t *from, size_t size)
{
	uint64_t value = 0;

	while (size-- > 0)
		value = value << 8 | *from++;
	return value;
}

/* A buffer being filled.  `full` stays set once something did not fit. */
struct writer {
	uint8_t *data;
	size_t len, size;
	bool full;
};

static inline void
writer_put(struct writer *w, const void *data, size_t len)
{
	if (w->full || len > w->size - w->len) {
		w->full = true;
		return;
	}
	memcpy(w->data + w->len, data, len);
	w->len += len;
}

static inline void
writer_int(struct writer *w, uint64_t value, size_t size)
{
	uint8_t buf[8];

	bytes_put(buf, value, size);
	writer_put(w, buf, size);
}

/* Bytes being read.  `bad` stays set once there were too few; reads give zeros then. */
struct reader {
	const uint8_t *data;
	size_t len;
	bool bad;
};

static inline const uint8_t *
reader_take(struct reader *r, size_t len)
{
	const uint8_t *taken = r->data;

	if (r->bad || len > r->len) {
		r->bad = true;
		return NULL;
	}
	r->data += len;
	r->len -= len;
	return taken;
}

static inline uint64_t
reader_int(struct reader *r, size_t size)
{
	const uint8_t *p = reader_take(r, size);

	return p == NULL ? 0 : bytes_get(p, size);
}

static inline void
reader_copy(struct reader *r, void *to, size_t len)
{
	const uint8_t *p = reader_take(r, len);

	if (p != NULL)
		memcpy(to, p, len);
	else
		memset(to, 0, len);
}

#endif
