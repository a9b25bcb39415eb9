/* SPDX-License-Identifier: ISC */
#include <arpa/inet.h>
#include <string.h>

#include "cidr.h"

enum { ADDR_BITS = 128, V4_BITS = 32 };

/* A network taken apart; bits count from the start of the 16 bytes. */
struct net {
	struct cidr_addr addr;
	unsigned int bits;
};

static const uint8_t v4_prefix[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

static bool
is_v4(const struct cidr_addr *addr)
{
	return memcmp(addr->b, v4_prefix, sizeof(v4_prefix)) == 0;
}

bool
cidr_addr_parse(const char *text, struct cidr_addr *out)
{
	memset(out, 0, sizeof(*out));
	if (text == NULL)
		return false;
	if (inet_pton(AF_INET6, text, out->b) == 1)
		return true;
	if (inet_pton(AF_INET, text, out->b + sizeof(v4_prefix)) == 1) {
		memcpy(out->b, v4_prefix, sizeof(v4_prefix));
		return true;
	}
	memset(out, 0, sizeof(*out));
	return false;
}

/* 0 .. max in plain decimal, without sign and leading zeros. */
static bool
parse_bits(const char *text, unsigned int max, unsigned int *out)
{
	size_t i, len = strlen(text);

	*out = 0;
	if (len == 0 || len > 3 || (text[0] == '0' && len > 1))
		return false;
	for (i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		*out = *out * 10 + (unsigned int)(text[i] - '0');
	}
	return *out <= max;
}

static bool
same_prefix(const struct cidr_addr *a, const struct cidr_addr *b, unsigned int bits)
{
	unsigned int whole = bits / 8, rest = bits % 8;

	if (memcmp(a->b, b->b, whole) != 0)
		return false;
	return rest == 0 || ((a->b[whole] ^ b->b[whole]) >> (8 - rest)) == 0;
}

static bool
has_host_bits(const struct net *net)
{
	unsigned int i;

	for (i = net->bits; i < ADDR_BITS; i++)
		if ((net->addr.b[i / 8] & (0x80 >> (i % 8))) != 0)
			return true;
	return false;
}

static bool
net_parse(const char *text, struct net *out)
{
	char addr[TG_SOURCE_MAX + 1];
	const char *slash;
	size_t len;

	if (text == NULL || strnlen(text, TG_SOURCE_MAX + 1) > TG_SOURCE_MAX)
		return false;
	slash = strchr(text, '/');
	len = slash != NULL ? (size_t)(slash - text) : strlen(text);
	memcpy(addr, text, len);
	addr[len] = '\0';
	if (!cidr_addr_parse(addr, &out->addr))
		return false;
	out->bits = ADDR_BITS;
	if (slash == NULL)
		return true;
	/* The text decides how bits are counted: ::ffff:10.0.0.0/104 is 10.0.0.0/8. */
	if (strchr(addr, ':') != NULL) {
		if (!parse_bits(slash + 1, ADDR_BITS, &out->bits))
			return false;
	} else {
		if (!parse_bits(slash + 1, V4_BITS, &out->bits))
			return false;
		out->bits += ADDR_BITS - V4_BITS;
	}
	return !has_host_bits(out);
}

bool
cidr_valid(const char *network)
{
	struct net net;

	return net_parse(network, &net);
}

bool
tg_source_valid(const char *source)
{
	return cidr_valid(source);
}

bool
cidr_match(const char *network, const struct cidr_addr *addr)
{
	struct net net;

	if (!net_parse(network, &net))
		return false;
	/* Without host bits, a network that starts in ::ffff:0:0/96 lies in it. */
	if (is_v4(&net.addr) != is_v4(addr))
		return false;
	return same_prefix(&net.addr, addr, net.bits);
}

bool
cidr_within(const char *inner, const char *outer)
{
	struct net in, out;

	return net_parse(inner, &in) && net_parse(outer, &out) && in.bits >= out.bits &&
	    is_v4(&in.addr) == is_v4(&out.addr) && same_prefix(&in.addr, &out.addr, out.bits);
}

void
cidr_addr_format(const struct cidr_addr *addr, char out[static TG_SOURCE_MAX + 1])
{
	if (is_v4(addr))
		inet_ntop(AF_INET, addr->b + sizeof(v4_prefix), out, TG_SOURCE_MAX + 1);
	else
		inet_ntop(AF_INET6, addr->b, out, TG_SOURCE_MAX + 1);
}
