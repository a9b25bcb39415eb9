/* SPDX-License-Identifier: ISC */
/* Input: an owner record; tried as it is, and with length and checksum set right. */
#include "bytes.h"
#include "fuzz.h"
#include "record.h"

enum { NAME_AT = 12 + 3 };

static void
try(const uint8_t *data, size_t size, const char *name)
{
	static struct tg_owner owner;
	uint8_t bytes[RECORD_MAX];
	size_t i;

	memset(&owner, 0xff, sizeof(owner));
	MUST(record_owner_decode(data, size, "", &owner) != RECORD_OK);
	memset(&owner, 0xff, sizeof(owner));
	if (record_owner_decode(data, size, name, &owner) != RECORD_OK)
		return;
	MUST(strcmp(owner.name, name) == 0);
	MUST(owner.nscopes <= TG_SCOPES_MAX && (owner.has_ceiling || owner.nscopes == 0));
	for (i = 0; i < owner.nscopes; i++)
		MUST(owner.scopes[i][0] != '\0' &&
		    memchr(owner.scopes[i], '\0', sizeof(owner.scopes[i])) != NULL);
	/* There is one way to write a record. */
	MUST(record_owner_encode(&owner, bytes) == size && memcmp(bytes, data, size) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char name[TG_OWNER_MAX + 1] = "alice";
	uint8_t *sealed;
	size_t len;

	/* The key that it would be found under. */
	if (size > NAME_AT && (len = data[NAME_AT - 1]) <= TG_OWNER_MAX && len <= size - NAME_AT) {
		memcpy(name, data + NAME_AT, len);
		name[len] = '\0';
	}
	try(data, size, name);
	if (size < 4 + CRYPT_CHECKSUM_LEN || size > UINT16_MAX)
		return 0;
	MUST((sealed = malloc(size)) != NULL);
	memcpy(sealed, data, size);
	bytes_put(sealed + 2, size, 2);
	len = size - CRYPT_CHECKSUM_LEN;
	crypt_checksum(CRYPT_OWNER, sealed, len, sealed + len);
	try(sealed, size, name);
	free(sealed);
	return 0;
}
