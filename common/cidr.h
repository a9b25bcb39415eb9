/* SPDX-License-Identifier: ISC */
/*
 * cidr.h - addresses and networks
 *
 * Texts are those of inet_pton(3), without zone ids.  ::ffff:a.b.c.d is
 * a.b.c.d, in an address and in a network.  An IPv4 address lies in no IPv6
 * network, ::/0 included, and the other way round.
 */
#ifndef CIDR_H
#define CIDR_H

#include "tokgate.h"

struct cidr_addr {
	uint8_t b[16]; /* network order; a.b.c.d as ::ffff:a.b.c.d */
};

/* False, and *out zeroed, if the text is NULL or no address. */
bool cidr_addr_parse(const char *text, struct cidr_addr *out);

/*
 * Is this "address" or "address/bits" without host bits, bits a plain decimal
 * number, of at most TG_SOURCE_MAX characters?
 */
bool cidr_valid(const char *network);

/* Does the address lie in the network?  False for a network that is not valid. */
bool cidr_match(const char *network, const struct cidr_addr *addr);

/* Does all of `inner` lie in `outer`?  False if one is not valid. */
bool cidr_within(const char *inner, const char *outer);

/* The address as text; fits TG_SOURCE_MAX. */
void cidr_addr_format(const struct cidr_addr *addr, char out[static TG_SOURCE_MAX + 1]);

#endif
