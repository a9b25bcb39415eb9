/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypt.h"
#include "usage.h"

#define ID "7Hq2mX9aBc"

enum { SLOT = 160, HALF = 80 };

static const struct tg_use none;

/* Made by another program from FORMAT.md: a use and a refusal. */
static const char use_hex[] =
    "374871326d5839614263000400000005000000006955b90000000000000000000000ffffc0000207"
    "7366747000000000000000000000000000000000000000000000000000000000b1dd73568174ef77";
static const char refusal_hex[] =
    "374871326d58396142630f0400000001000000006955b90120010db8000000000000000000000001"
    "6874747000000000000000000000000000000000000000000000000000000000404901cdfb9fd821";

static struct tg_use
make_use(enum tg_status why, uint32_t count, int64_t at, const char *service, const char *source)
{
	struct tg_use use = { .why = why, .count = count, .at = at };

	strcpy(use.service, service);
	strcpy(use.source, source);
	return use;
}

static bool
same(const struct tg_use *a, const struct tg_use *b)
{
	return a->at == b->at && a->count == b->count && a->why == b->why &&
	    strcmp(a->service, b->service) == 0 && strcmp(a->source, b->source) == 0;
}

static bool
is_zero(const struct tg_use *use)
{
	return memcmp(use, &none, sizeof(none)) == 0;
}

/* A file of this many slots, in memory. */
static struct usage
make_file(uint32_t slots)
{
	struct usage usage = { .fd = memfd_create("usage", MFD_CLOEXEC | MFD_ALLOW_SEALING) };

	assert_true(usage.fd >= 0);
	assert_true(usage_reserve(&usage, slots));
	return usage;
}

static void
from_hex(const char *hex, uint8_t out[static HALF])
{
	unsigned int byte;
	size_t i;

	assert_int_equal(2 * HALF, strlen(hex));
	for (i = 0; i < HALF; i++) {
		assert_int_equal(1, sscanf(hex + 2 * i, "%2x", &byte));
		out[i] = (uint8_t)byte;
	}
}

static off_t
file_size(const struct usage *usage)
{
	struct stat st;

	assert_int_equal(0, fstat(usage->fd, &st));
	return st.st_size;
}

/* Read into memory that is full of something else. */
static void
read_slot(struct usage *usage, uint32_t slot, struct tg_use *used, struct tg_use *refused)
{
	memset(used, 0xff, sizeof(*used));
	memset(refused, 0xff, sizeof(*refused));
	usage_read(usage, slot, ID, used, refused);
}

static void
a_slot_has_the_bytes_that_others_compute(void **state)
{
	struct tg_use use = make_use(TG_OK, 5, 1767225600, "sftp", "192.0.2.7"), used;
	struct tg_use refusal = make_use(TG_WRONG_SOURCE, 1, 1767225601, "http", "2001:db8::1"),
		      refused;
	struct usage usage = make_file(3);
	uint8_t want[SLOT], got[SLOT];

	(void)state;
	assert_int_equal(SLOT, USAGE_SLOT_SIZE);
	from_hex(use_hex, want);
	from_hex(refusal_hex, want + HALF);
	usage_write(&usage, 1, ID, USAGE_USED, &use);
	usage_write(&usage, 1, ID, USAGE_REFUSED, &refusal);
	assert_int_equal(SLOT, pread(usage.fd, got, SLOT, SLOT));
	assert_memory_equal(want, got, SLOT);
	assert_int_equal(3 * SLOT, file_size(&usage));

	assert_int_equal(SLOT, pwrite(usage.fd, want, SLOT, 2 * SLOT));
	read_slot(&usage, 2, &used, &refused);
	assert_true(same(&use, &used));
	assert_true(same(&refusal, &refused));
	close(usage.fd);
}

static void
a_use_is_read_back_as_it_was_written(void **state)
{
	static const struct {
		uint32_t count;
		int64_t at;
		const char *service, *source, *read_as;
	} rows[] = {
		{ 1, 1, "sftp", "192.0.2.7", "192.0.2.7" },
		{ 0, 1, "sftp", "::ffff:192.0.2.7", "192.0.2.7" },
		{ UINT32_MAX, INT64_MAX, "a", "2001:db8::1", "2001:db8::1" },
		{ 7, 1767225600, "abcdefghijklmnopqrstuvwxyz012345", "ff02::1", "ff02::1" },
		{ 7, 1767225600, "", "::1", "::1" },
		{ 7, 1767225600, "sftp", "8000::", "8000::" },
		{ 7, 1767225600, "sftp", "::ff00:0:0:0", "::ff00:0:0:0" },
		{ 7, 1767225600, "sftp", "0:0:0:1::", "0:0:0:1::" },
		{ 7, 1767225600, "sftp", "0.0.0.0", "0.0.0.0" },
		{ 7, 1767225600, "sftp", "", "" },
		{ 7, 1767225600, "sftp", "::", "" },
		{ 7, 1767225600, "sftp", "no address", "" },
	};
	struct usage usage = make_file(1);
	struct tg_use use, used, refused;
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(rows); i++) {
		use = make_use(TG_OK, rows[i].count, rows[i].at, rows[i].service, rows[i].source);
		usage_write(&usage, 0, ID, USAGE_USED, &use);
		read_slot(&usage, 0, &used, &refused);
		strcpy(use.source, rows[i].read_as);
		ROW(same(&use, &used), "row %zu", i);
		ROW(is_zero(&refused), "row %zu", i);
	}
	close(usage.fd);
}

static void
what_never_was_written_is_unknown(void **state)
{
	struct usage usage = make_file(2);
	struct tg_use used, refused;

	(void)state;
	read_slot(&usage, 0, &used, &refused);
	assert_true(is_zero(&used) && is_zero(&refused));
	read_slot(&usage, 1, &used, &refused);
	assert_true(is_zero(&used) && is_zero(&refused));
	close(usage.fd);
}

static void
a_damaged_half_is_unknown_and_the_other_is_not(void **state)
{
	struct usage usage = make_file(1);
	struct tg_use used, refused;
	uint8_t slot[SLOT];
	size_t bit;

	(void)state;
	from_hex(use_hex, slot);
	from_hex(refusal_hex, slot + HALF);
	for (bit = 0; bit < 8 * SLOT; bit++) {
		slot[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(SLOT, pwrite(usage.fd, slot, SLOT, 0));
		read_slot(&usage, 0, &used, &refused);
		ROW(is_zero(&used) == (bit / 8 < HALF), "bit %zu", bit);
		ROW(is_zero(&refused) == (bit / 8 >= HALF), "bit %zu", bit);
		slot[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	close(usage.fd);
}

static void
a_torn_half_is_unknown(void **state)
{
	struct usage usage = make_file(1);
	struct tg_use used, refused;
	uint8_t older[SLOT] = { 0 }, newer[HALF];
	size_t torn;

	(void)state;
	from_hex(use_hex, older);
	from_hex(refusal_hex, newer);
	/* The id is the same in both; from the first byte that differs to the last one. */
	for (torn = 11; torn < HALF; torn++) {
		assert_int_equal(SLOT, pwrite(usage.fd, older, SLOT, 0));
		assert_int_equal(torn, pwrite(usage.fd, newer, torn, 0));
		read_slot(&usage, 0, &used, &refused);
		ROW(is_zero(&used), "torn after %zu bytes", torn);
	}
	close(usage.fd);
}

static void
what_another_token_left_in_the_slot_is_unknown(void **state)
{
	static const char *const ids[] = { "8Hq2mX9aBc", "7Hq2mX9aBd", "7hq2mX9aBc", "0000000000" };
	struct tg_use use = make_use(TG_OK, 5, 1767225600, "sftp", "192.0.2.7"), used, refused;
	struct usage usage = make_file(1);
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(ids); i++) {
		usage_write(&usage, 0, ids[i], USAGE_USED, &use);
		usage_write(&usage, 0, ids[i], USAGE_REFUSED, &use);
		read_slot(&usage, 0, &used, &refused);
		ROW(is_zero(&used) && is_zero(&refused), "'%s'", ids[i]);
	}
	close(usage.fd);
}

/* With a right checksum. */
static void
a_half_that_says_what_cannot_be_is_unknown(void **state)
{
	static const struct {
		const char *name;
		size_t offset;
		uint8_t value;
		bool known;
	} rows[] = {
		{ "as it was", 10, 0, true },
		{ "the longest service", 11, 32, true },
		{ "a service longer than any", 11, 33, false },
		{ "the longest length", 11, 255, false },
		{ "a time before 1970", 16, 0x80, false },
	};
	struct usage usage = make_file(1);
	struct tg_use used, refused;
	uint8_t slot[SLOT];
	size_t i, k;

	(void)state;
	for (i = 0; i < ROWS(rows); i++) {
		from_hex(use_hex, slot);
		slot[rows[i].offset] = rows[i].value;
		crypt_checksum(CRYPT_USE, slot, 72, slot + 72);
		memcpy(slot + HALF, slot, HALF);
		slot[HALF + 10] = TG_REVOKED;
		crypt_checksum(CRYPT_USE, slot + HALF, 72, slot + HALF + 72);
		assert_int_equal(SLOT, pwrite(usage.fd, slot, SLOT, 0));
		read_slot(&usage, 0, &used, &refused);
		ROW(is_zero(&used) == !rows[i].known, "%s", rows[i].name);
		ROW(is_zero(&refused) == !rows[i].known, "%s", rows[i].name);
	}
	/* a half of the other kind: a refusal in the place of a use, and the other way round */
	from_hex(use_hex, slot);
	from_hex(use_hex, slot + HALF);
	slot[10] = TG_REVOKED;
	crypt_checksum(CRYPT_USE, slot, 72, slot + 72);
	assert_int_equal(SLOT, pwrite(usage.fd, slot, SLOT, 0));
	read_slot(&usage, 0, &used, &refused);
	assert_true(is_zero(&used) && is_zero(&refused));
	from_hex(use_hex, slot);
	for (k = 16; k < 24; k++)
		slot[k] = 0;
	crypt_checksum(CRYPT_USE, slot, 72, slot + 72);
	assert_int_equal(SLOT, pwrite(usage.fd, slot, SLOT, 0));
	read_slot(&usage, 0, &used, &refused);
	assert_true(is_zero(&used));
	close(usage.fd);
}

static void
a_slot_out_of_range_is_neither_read_nor_written(void **state)
{
	static const uint32_t rows[] = { 4, 5, 1000, UINT32_MAX };
	struct tg_use use = make_use(TG_OK, 5, 1767225600, "sftp", "192.0.2.7"), used, refused;
	struct usage usage = make_file(4);
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(rows); i++) {
		read_slot(&usage, rows[i], &used, &refused);
		ROW(is_zero(&used) && is_zero(&refused), "%u", rows[i]);
		usage_write(&usage, rows[i], "0000000000", USAGE_USED, &use);
		ROW(file_size(&usage) == 4 * SLOT, "%u", rows[i]);
	}
	close(usage.fd);
}

static void
slots_that_another_process_added_are_found(void **state)
{
	struct tg_use use = make_use(TG_OK, 5, 1767225600, "sftp", "192.0.2.7"), used, refused;
	struct usage usage = make_file(4);

	(void)state;
	usage.slots = 2; /* as it was when this one was opened */
	usage_write(&usage, 3, ID, USAGE_USED, &use);
	read_slot(&usage, 3, &used, &refused);
	assert_true(same(&use, &used));
	assert_int_equal(usage.slots, 4);
	usage.slots = 2;
	read_slot(&usage, 3, &used, &refused);
	assert_true(same(&use, &used));
	close(usage.fd);
}

static void
slots_do_not_touch_each_other(void **state)
{
	enum { N = 5 };
	struct tg_use use, used, refused;
	struct usage usage = make_file(N);
	uint32_t i;

	(void)state;
	for (i = 0; i < N; i++) {
		use = make_use(TG_OK, i + 1, 1767225600, "sftp", "");
		usage_write(&usage, i, ID, USAGE_USED, &use);
		use = make_use(TG_EXPIRED, i + 100, 1767225600, "sftp", "");
		usage_write(&usage, i, ID, USAGE_REFUSED, &use);
	}
	for (i = 0; i < N; i++) {
		read_slot(&usage, i, &used, &refused);
		ROW(used.count == i + 1 && used.why == TG_OK, "%u", i);
		ROW(refused.count == i + 100 && refused.why == TG_EXPIRED, "%u", i);
	}
	assert_int_equal(N * SLOT, file_size(&usage));
	close(usage.fd);
}

static void
the_last_of_all_slots_is_as_good_as_the_first(void **state)
{
	struct tg_use use = make_use(TG_OK, 5, 1767225600, "sftp", "192.0.2.7"), used, refused;
	struct usage usage = make_file(1);
	uint32_t last = UINT32_MAX - 1;

	(void)state;
	usage.slots = UINT32_MAX;
	assert_int_equal(0, ftruncate(usage.fd, (off_t)UINT32_MAX * SLOT));
	usage_write(&usage, last, ID, USAGE_USED, &use);
	read_slot(&usage, last, &used, &refused);
	assert_true(same(&use, &used));
	use.why = TG_EXPIRED;
	usage_write(&usage, last, ID, USAGE_REFUSED, &use);
	read_slot(&usage, last, &used, &refused);
	assert_true(same(&use, &refused));
	assert_true(file_size(&usage) == (off_t)UINT32_MAX * SLOT);
	close(usage.fd);
}

static void
without_a_file_or_with_a_short_one_all_is_unknown(void **state)
{
	struct tg_use use = make_use(TG_OK, 5, 1767225600, "sftp", "192.0.2.7"), used, refused;
	struct usage nothing = { .fd = -1 }, usage = make_file(2);

	(void)state;
	usage_write(&nothing, 0, ID, USAGE_USED, &use);
	read_slot(&nothing, 0, &used, &refused);
	assert_true(is_zero(&used) && is_zero(&refused));
	nothing.slots = 1;
	usage_write(&nothing, 0, ID, USAGE_USED, &use);
	read_slot(&nothing, 0, &used, &refused);
	assert_true(is_zero(&used) && is_zero(&refused));

	usage_write(&usage, 1, ID, USAGE_USED, &use);
	assert_int_equal(0, ftruncate(usage.fd, 2 * SLOT - 1));
	read_slot(&usage, 1, &used, &refused);
	assert_true(is_zero(&used) && is_zero(&refused));
	close(usage.fd);
}

static void
room_is_made_for_slots_and_those_before_stay(void **state)
{
	struct tg_use use = make_use(TG_OK, 5, 1767225600, "sftp", "192.0.2.7"), used, refused;
	struct usage usage = make_file(2), nothing = { .fd = -1 };

	(void)state;
	usage_write(&usage, 1, ID, USAGE_USED, &use);
	assert_true(usage_reserve(&usage, 1));
	assert_true(usage_reserve(&usage, 0));
	assert_int_equal(2, usage.slots);
	assert_int_equal(2 * SLOT, file_size(&usage));
	assert_true(usage_reserve(&usage, 64));
	assert_int_equal(64, usage.slots);
	assert_int_equal(64 * SLOT, file_size(&usage));
	read_slot(&usage, 1, &used, &refused);
	assert_true(same(&use, &used));
	read_slot(&usage, 63, &used, &refused);
	assert_true(is_zero(&used) && is_zero(&refused));
	close(usage.fd);

	assert_true(usage_reserve(&nothing, 0));
	assert_false(usage_reserve(&nothing, 1));
	assert_int_equal(0, nothing.slots);
}

static void
where_there_is_no_room_none_is_promised(void **state)
{
	struct usage usage = make_file(2);

	(void)state;
	assert_int_equal(0, fcntl(usage.fd, F_ADD_SEALS, F_SEAL_GROW));
	assert_false(usage_reserve(&usage, 3));
	assert_int_equal(2, usage.slots);
	assert_int_equal(2 * SLOT, file_size(&usage));
	close(usage.fd);
}

/* SIGXFSZ would end the program that the check runs in. */
static void
under_a_file_size_limit_nothing_is_written(void **state)
{
	struct tg_use use = make_use(TG_OK, 5, 1767225600, "sftp", "192.0.2.7"), used, refused;
	struct usage usage = make_file(2);
	struct rlimit before, limit;

	(void)state;
	assert_int_equal(0, getrlimit(RLIMIT_FSIZE, &before));
	limit = before;
	limit.rlim_cur = SLOT;
	assert_int_equal(0, setrlimit(RLIMIT_FSIZE, &limit));
	usage_write(&usage, 0, ID, USAGE_USED, &use);
	usage_write(&usage, 1, ID, USAGE_USED, &use);
	assert_int_equal(0, setrlimit(RLIMIT_FSIZE, &before));
	read_slot(&usage, 0, &used, &refused);
	assert_true(is_zero(&used));
	read_slot(&usage, 1, &used, &refused);
	assert_true(is_zero(&used));
	usage_write(&usage, 1, ID, USAGE_USED, &use);
	read_slot(&usage, 1, &used, &refused);
	assert_true(same(&use, &used));
	close(usage.fd);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST("a slot has the bytes of FORMAT.md, written and read",
		    a_slot_has_the_bytes_that_others_compute),
		TEST("a use is read back as it was written", a_use_is_read_back_as_it_was_written),
		TEST("what never was written is unknown", what_never_was_written_is_unknown),
		TEST("one bit flipped in a half makes it unknown, and not the other half",
		    a_damaged_half_is_unknown_and_the_other_is_not),
		TEST("a half torn anywhere is unknown", a_torn_half_is_unknown),
		TEST("what another token left in the slot is unknown",
		    what_another_token_left_in_the_slot_is_unknown),
		TEST("a half that says what cannot be is unknown",
		    a_half_that_says_what_cannot_be_is_unknown),
		TEST("a slot out of range is neither read nor written",
		    a_slot_out_of_range_is_neither_read_nor_written),
		TEST("slots that another process added are found",
		    slots_that_another_process_added_are_found),
		TEST("slots and halves do not touch each other", slots_do_not_touch_each_other),
		TEST("the last of all slots is as good as the first",
		    the_last_of_all_slots_is_as_good_as_the_first),
		TEST("without a file, or with a short one, all is unknown",
		    without_a_file_or_with_a_short_one_all_is_unknown),
		TEST("room is made for more slots, and those before stay",
		    room_is_made_for_slots_and_those_before_stay),
		TEST("where there is no room none is promised",
		    where_there_is_no_room_none_is_promised),
		TEST("under a file size limit nothing is written, and no signal comes",
		    under_a_file_size_limit_nothing_is_written),
	};

	return RUN(tests);
}
