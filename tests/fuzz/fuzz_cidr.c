/* SPDX-License-Identifier: ISC */
/* Input: a network, newline, an address or another network. */
#include "cidr.h"
#include "fuzz.h"

static void
must_read_back(const struct cidr_addr *addr)
{
	char text[TG_SOURCE_MAX + 1];
	struct cidr_addr again;

	cidr_addr_format(addr, text);
	MUST(cidr_addr_parse(text, &again));
	MUST(memcmp(addr, &again, sizeof(again)) == 0);
	MUST(cidr_valid(text) && cidr_match(text, addr));
}

/* The slow way: is the address the same, bit for bit, in the network's first `bits`? */
static bool
same_bits(const struct cidr_addr *a, const struct cidr_addr *b, int bits)
{
	int i;

	for (i = 0; i < bits; i++)
		if (((a->b[i / 8] ^ b->b[i / 8]) >> (7 - i % 8) & 1) != 0)
			return false;
	return true;
}

static void
must_agree(const char *network, const struct cidr_addr *addr)
{
	static const struct cidr_addr v4 = { { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff } };
	bool match = cidr_match(network, addr);
	const char *slash = strchrnul(network, '/');
	char text[TG_SOURCE_MAX + 1];
	struct cidr_addr base;
	int bits = 128;

	snprintf(text, sizeof(text), "%.*s", (int)(slash - network), network);
	if (*slash != '\0')
		bits = atoi(slash + 1) + (strchr(network, ':') == NULL ? 96 : 0);
	MUST(cidr_addr_parse(text, &base));
	MUST(match ==
	    (same_bits(&base, addr, bits) &&
		same_bits(&base, &v4, 96) == same_bits(addr, &v4, 96)));
}

/* What lies in the inner network lies in the outer one. */
static void
must_be_within(char *inner, const char *outer)
{
	struct cidr_addr first;

	MUST(cidr_valid(inner) && cidr_valid(outer));
	*strchrnul(inner, '/') = '\0';
	MUST(cidr_addr_parse(inner, &first) && cidr_match(outer, &first));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *network = fuzz_line(&data, &size), *text = fuzz_line(&data, &size);
	struct cidr_addr addr;
	bool is_addr = cidr_addr_parse(text, &addr);

	if (is_addr)
		must_read_back(&addr);
	MUST(cidr_valid(network) == tg_source_valid(network));
	if (cidr_valid(network)) {
		MUST(strlen(network) <= TG_SOURCE_MAX);
		must_agree(network, &addr);
	} else
		MUST(!cidr_match(network, &addr));
	if (cidr_within(text, network))
		must_be_within(text, network);
	free(network);
	free(text);
	return 0;
}
