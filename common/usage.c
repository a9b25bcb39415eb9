/* SPDX-License-Identifier: ISC */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bytes.h"
#include "cidr.h"
#include "crypt.h"
#include "rlimits.h"
#include "usage.h"

enum { HALF = USAGE_SLOT_SIZE / 2, SUMMED = HALF - CRYPT_CHECKSUM_LEN };

/* A torn, foreign or empty half is all zeros: unknown. */
static void
half_decode(const uint8_t *half, const char *id, struct tg_use *out)
{
	uint8_t checksum[CRYPT_CHECKSUM_LEN];
	struct reader r = { .data = half, .len = SUMMED };
	struct cidr_addr source;
	uint8_t service_len;

	memset(out, 0, sizeof(*out));
	crypt_checksum(CRYPT_USE, half, SUMMED, checksum);
	if (memcmp(checksum, half + SUMMED, sizeof(checksum)) != 0 ||
	    memcmp(reader_take(&r, TG_ID_LEN), id, TG_ID_LEN) != 0)
		return;
	out->why = (enum tg_status)reader_int(&r, 1);
	service_len = (uint8_t)reader_int(&r, 1);
	out->count = (uint32_t)reader_int(&r, 4);
	out->at = (int64_t)reader_int(&r, 8);
	reader_copy(&r, &source, sizeof(source));
	if (service_len > TG_WORD_MAX || out->at <= 0) {
		memset(out, 0, sizeof(*out));
		return;
	}
	reader_copy(&r, out->service, service_len);
	if (bytes_get(source.b, 8) != 0 || bytes_get(source.b + 8, 8) != 0)
		cidr_addr_format(&source, out->source);
}

static void
half_encode(const char *id, const struct tg_use *use, uint8_t half[static HALF])
{
	struct writer w = { .data = half, .size = HALF };
	struct cidr_addr source;

	memset(half, 0, HALF);
	cidr_addr_parse(use->source, &source);
	writer_put(&w, id, TG_ID_LEN);
	writer_int(&w, (uint64_t)use->why, 1);
	writer_int(&w, strlen(use->service), 1);
	writer_int(&w, use->count, 4);
	writer_int(&w, (uint64_t)use->at, 8);
	writer_put(&w, source.b, sizeof(source.b));
	writer_put(&w, use->service, strlen(use->service));
	crypt_checksum(CRYPT_USE, half, SUMMED, half + SUMMED);
}

void
usage_count(struct usage *usage)
{
	struct stat st;
	off_t slots = 0;

	if (usage->fd >= 0 && fstat(usage->fd, &st) == 0)
		slots = st.st_size / USAGE_SLOT_SIZE;
	usage->slots = slots > UINT32_MAX ? UINT32_MAX : (uint32_t)slots;
}

static bool
has_slot(struct usage *usage, uint32_t slot)
{
	if (slot >= usage->slots)
		usage_count(usage);
	return slot < usage->slots;
}

void
usage_read(struct usage *usage, uint32_t slot, const char *id, struct tg_use *used,
    struct tg_use *refused)
{
	uint8_t bytes[USAGE_SLOT_SIZE];

	memset(used, 0, sizeof(*used));
	memset(refused, 0, sizeof(*refused));
	if (!has_slot(usage, slot) ||
	    pread(usage->fd, bytes, sizeof(bytes), (off_t)slot * USAGE_SLOT_SIZE) != sizeof(bytes))
		return;
	half_decode(bytes, id, used);
	half_decode(bytes + HALF, id, refused);
	/* each half is of its own kind */
	if (used->why != TG_OK)
		memset(used, 0, sizeof(*used));
	if (refused->why == TG_OK)
		memset(refused, 0, sizeof(*refused));
}

void
usage_write(struct usage *usage, uint32_t slot, const char *id, enum usage_kind kind,
    const struct tg_use *use)
{
	off_t at = (off_t)slot * USAGE_SLOT_SIZE + (kind == USAGE_REFUSED ? HALF : 0);
	uint8_t half[HALF];

	if (!has_slot(usage, slot) || rlimits_file_size())
		return;
	half_encode(id, use, half);
	/* Best effort: if it is lost, an older use is shown. */
	if (pwrite(usage->fd, half, sizeof(half), at) != sizeof(half))
		return;
}

bool
usage_reserve(struct usage *usage, uint32_t slots)
{
	if (slots <= usage->slots)
		return true;
	if (usage->fd < 0 || posix_fallocate(usage->fd, 0, (off_t)slots * USAGE_SLOT_SIZE) != 0)
		return false;
	usage->slots = slots;
	return true;
}
