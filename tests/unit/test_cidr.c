/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "cidr.h"

static void
addresses_have_one_text(void **state)
{
	static const struct {
		const char *text, *canonical;
	} rows[] = {
		{ "192.0.2.1", "192.0.2.1" },
		{ "0.0.0.0", "0.0.0.0" },
		{ "255.255.255.255", "255.255.255.255" },
		{ "::ffff:192.0.2.1", "192.0.2.1" },
		{ "::FFFF:c000:0201", "192.0.2.1" },
		{ "0:0:0:0:0:ffff:192.0.2.1", "192.0.2.1" },
		{ "::", "::" },
		{ "::1", "::1" },
		{ "2001:DB8:0:0:0:0:0:1", "2001:db8::1" },
		{ "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8" },
		{ "fe80::1", "fe80::1" },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255",
		    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" },
	};
	char text[TG_SOURCE_MAX + 1];
	struct cidr_addr addr;
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(rows); i++) {
		ROW(cidr_addr_parse(rows[i].text, &addr), "'%s'", rows[i].text);
		cidr_addr_format(&addr, text);
		ROW(strcmp(text, rows[i].canonical) == 0, "'%s' became '%s'", rows[i].text, text);
	}
}

static void
what_is_no_address_is_refused_and_zeroed(void **state)
{
	static const char *const rows[] = { NULL, "", " ", "192.0.2.1 ", " 192.0.2.1", "192.0.2",
		"192.0.2.1.1", "192.0.2.256", "192.0.2.01", "0xc0.0.2.1", "3221225985",
		"192.0.2.-1", "192.0.2.1/32", "fe80::1%eth0", "fe80::1%1", "[::1]",
		"::1::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "12345::", "::ffff:192.0.2",
		"::ffff:192.0.2.1:1", "localhost", "*", "192.0.2.1\n" };
	static const struct cidr_addr zero;
	struct cidr_addr addr;
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(rows); i++) {
		memset(&addr, 0xff, sizeof(addr));
		ROW(!cidr_addr_parse(rows[i], &addr), "'%s'", rows[i]);
		ROW(memcmp(&addr, &zero, sizeof(zero)) == 0, "'%s'", rows[i]);
	}
}

static void
networks_are_valid_only_in_plain_form(void **state)
{
	static const struct {
		const char *text;
		bool valid;
	} rows[] = {
		{ "192.0.2.1", true },
		{ "192.0.2.1/32", true },
		{ "192.0.2.0/24", true },
		{ "192.0.2.128/25", true },
		{ "0.0.0.0/0", true },
		{ "128.0.0.0/1", true },
		{ "2001:db8::", true },
		{ "2001:db8::/32", true },
		{ "::/0", true },
		{ "8000::/1", true },
		{ "::1/128", true },
		{ "::ffff:10.0.0.0/104", true },
		{ "::ffff:0:0/96", true },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255/128", true },
		{ NULL, false },
		{ "", false },
		{ "/", false },
		{ "/24", false },
		{ "192.0.2.0/", false },
		{ "192.0.2.0/33", false },
		{ "192.0.2.0/024", false },
		{ "192.0.2.0/00", false },
		{ "0.0.0.0/00", false },
		{ "192.0.2.0/+24", false },
		{ "192.0.2.0/-1", false },
		{ "192.0.2.0/ 24", false },
		{ "192.0.2.0/24 ", false },
		{ " 192.0.2.0/24", false },
		{ "192.0.2.0/24/24", false },
		{ "192.0.2.0/2a", false },
		{ "192.0.2.0/1000", false },
		{ "192.0.2.0/4294967320", false },
		{ "192.0.2.0/255.255.255.0", false },
		{ "192.0.2/24", false },
		{ "192.0.2.1/24", false },
		{ "192.0.2.128/24", false },
		{ "0.0.0.1/0", false },
		{ "128.0.0.0/0", false },
		{ "2001:db8::1/32", false },
		{ "2001:db8::/129", false },
		{ "::1/127", false },
		{ "::/9 ", false },
		{ "::/1:", false },
		{ "8000::/0", false },
		{ "::ffff:10.0.0.0/8", false },
		{ "::ffff:0:0/95", false },
		{ "fe80::%eth0/64", false },
		{ "example.org", false },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255/0128", false },
		{ "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc:dddd:eeee", false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(rows); i++) {
		ROW(cidr_valid(rows[i].text) == rows[i].valid, "'%s'", rows[i].text);
		ROW(tg_source_valid(rows[i].text) == rows[i].valid, "'%s'", rows[i].text);
	}
}

static void
an_address_lies_in_its_networks_alone(void **state)
{
	static const struct {
		const char *network, *addr;
		bool match;
	} rows[] = {
		{ "192.0.2.1", "192.0.2.1", true },
		{ "192.0.2.1", "192.0.2.2", false },
		{ "192.0.2.0/24", "192.0.2.0", true },
		{ "192.0.2.0/24", "192.0.2.255", true },
		{ "192.0.2.0/24", "192.0.3.0", false },
		{ "192.0.2.0/24", "192.0.1.255", false },
		{ "192.0.2.128/25", "192.0.2.127", false },
		{ "192.0.2.128/25", "192.0.2.128", true },
		{ "192.0.2.4/31", "192.0.2.5", true },
		{ "192.0.2.4/31", "192.0.2.6", false },
		{ "0.0.0.0/0", "203.0.113.7", true },
		{ "128.0.0.0/1", "127.255.255.255", false },
		{ "192.0.2.0/24", "::ffff:192.0.2.7", true },
		{ "::ffff:192.0.2.0/120", "192.0.2.7", true },
		{ "::ffff:192.0.2.0/120", "192.0.3.7", false },
		{ "::ffff:192.0.2.1", "192.0.2.1", true },
		{ "::ffff:0:0/96", "203.0.113.7", true },
		{ "::ffff:0:0/96", "::1", false },
		{ "2001:db8::/32", "2001:db8:ffff::1", true },
		{ "2001:db8::/32", "2001:db9::", false },
		{ "2001:db8::/33", "2001:db8:7fff::", true },
		{ "2001:db8::/33", "2001:db8:8000::", false },
		{ "::1/128", "::1", true },
		{ "::/0", "2001:db8::1", true },
		{ "::/0", "192.0.2.1", false },
		{ "::/0", "::ffff:192.0.2.1", false },
		{ "::/80", "192.0.2.1", false },
		{ "0.0.0.0/0", "::1", false },
		{ "0.0.0.0/0", "::192.0.2.1", false },
		{ "192.0.2.1/24", "192.0.2.1", false },
		{ "192.0.2.0/024", "192.0.2.1", false },
		{ "garbage", "192.0.2.1", false },
		{ "", "192.0.2.1", false },
		{ NULL, "192.0.2.1", false },
	};
	struct cidr_addr addr;
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(rows); i++) {
		ROW(cidr_addr_parse(rows[i].addr, &addr), "'%s'", rows[i].addr);
		ROW(cidr_match(rows[i].network, &addr) == rows[i].match, "'%s' in '%s'",
		    rows[i].addr, rows[i].network);
	}
}

static void
a_network_lies_in_wider_ones_of_its_kind(void **state)
{
	static const struct {
		const char *inner, *outer;
		bool within;
	} rows[] = {
		{ "192.0.2.1", "192.0.2.1", true },
		{ "192.0.2.1", "192.0.2.1/32", true },
		{ "192.0.2.1/32", "192.0.2.0/24", true },
		{ "192.0.2.0/24", "192.0.2.0/24", true },
		{ "192.0.2.128/25", "192.0.2.0/24", true },
		{ "192.0.2.0/24", "192.0.2.0/25", false },
		{ "192.0.2.0/24", "192.0.2.0", false },
		{ "192.0.3.0/24", "192.0.2.0/24", false },
		{ "192.0.2.0/24", "0.0.0.0/0", true },
		{ "0.0.0.0/0", "128.0.0.0/1", false },
		{ "::ffff:192.0.2.0/120", "192.0.2.0/24", true },
		{ "192.0.2.0/24", "::ffff:0:0/96", true },
		{ "192.0.2.0/24", "::/0", false },
		{ "0.0.0.0/0", "::/0", false },
		{ "::/0", "0.0.0.0/0", false },
		{ "2001:db8::/33", "2001:db8::/32", true },
		{ "2001:db8::/32", "2001:db8::/33", false },
		{ "2001:db8::/32", "::/0", true },
		{ "192.0.2.1/24", "192.0.2.0/24", false },
		{ "192.0.2.1", "192.0.2.1/24", false },
		{ "garbage", "0.0.0.0/0", false },
		{ "192.0.2.1", NULL, false },
		{ NULL, "0.0.0.0/0", false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(rows); i++)
		ROW(cidr_within(rows[i].inner, rows[i].outer) == rows[i].within, "'%s' in '%s'",
		    rows[i].inner, rows[i].outer);
}

static void
every_prefix_length_splits_where_it_says(void **state)
{
	char network[TG_SOURCE_MAX + 1 + 4], base[TG_SOURCE_MAX + 1];
	struct cidr_addr first, last, outside;
	unsigned int bits, i;

	(void)state;
	for (bits = 1; bits <= 128; bits++) {
		/* An IPv6 network of 1010... with all after `bits` cleared, and its two ends. */
		for (i = 0; i < 16; i++)
			first.b[i] = 0xaa;
		for (i = bits; i < 128; i++)
			first.b[i / 8] &= (uint8_t) ~(0x80 >> (i % 8));
		last = first;
		for (i = bits; i < 128; i++)
			last.b[i / 8] |= (uint8_t)(0x80 >> (i % 8));
		outside = first;
		outside.b[(bits - 1) / 8] ^= (uint8_t)(0x80 >> ((bits - 1) % 8));
		cidr_addr_format(&first, base);
		snprintf(network, sizeof(network), "%s/%u", base, bits);
		ROW(cidr_match(network, &first), "first of %s", network);
		ROW(cidr_match(network, &last), "last of %s", network);
		ROW(!cidr_match(network, &outside), "outside of %s", network);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST("an address has one text, and ::ffff:a.b.c.d is a.b.c.d",
		    addresses_have_one_text),
		TEST("what is no address is refused and leaves zeros",
		    what_is_no_address_is_refused_and_zeroed),
		TEST("a network is valid only without host bits and with a plain decimal prefix",
		    networks_are_valid_only_in_plain_form),
		TEST("an address lies in its own networks and in no other",
		    an_address_lies_in_its_networks_alone),
		TEST("a network lies in wider ones of its own kind",
		    a_network_lies_in_wider_ones_of_its_kind),
		TEST("each of the 128 prefix lengths splits where it says",
		    every_prefix_length_splits_where_it_says),
	};

	return RUN(tests);
}
