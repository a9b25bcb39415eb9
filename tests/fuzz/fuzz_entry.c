/* SPDX-License-Identifier: ISC */
/* Input: a journal entry; tried as it is, and with length and checksum set right. */
#include "bytes.h"
#include "fuzz.h"
#include "record.h"

static void
try(const uint8_t *data, size_t size)
{
	uint8_t bytes[RECORD_MAX];
	struct tg_entry entry;

	memset(&entry, 0xff, sizeof(entry));
	if (record_entry_decode(data, size, &entry) != RECORD_OK)
		return;
	MUST(memchr(entry.id, '\0', sizeof(entry.id)) != NULL);
	MUST(memchr(entry.owner, '\0', sizeof(entry.owner)) != NULL);
	MUST(memchr(entry.by, '\0', sizeof(entry.by)) != NULL);
	MUST(memchr(entry.what, '\0', sizeof(entry.what)) != NULL);
	MUST(tg_event_name(entry.event)[0] != '\0');
	/* There is one way to write an entry. */
	MUST(record_entry_encode(&entry, bytes) == size && memcmp(bytes, data, size) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *sealed;
	size_t len;

	try(data, size);
	if (size < 4 + CRYPT_CHECKSUM_LEN || size > UINT16_MAX)
		return 0;
	MUST((sealed = malloc(size)) != NULL);
	memcpy(sealed, data, size);
	bytes_put(sealed + 2, size, 2);
	len = size - CRYPT_CHECKSUM_LEN;
	crypt_checksum(CRYPT_ENTRY, sealed, len, sealed + len);
	try(sealed, size);
	free(sealed);
	return 0;
}
