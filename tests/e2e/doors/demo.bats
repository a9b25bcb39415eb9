#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# What `make demo` runs

bats_require_minimum_version 1.5.0

demo=$BATS_TEST_DIRNAME/../demo

teardown() {
	rm -f /usr/local/bin/sftp
}

@test "a demo shows uploads that arrive, and refusals with their audit lines" {
	run -0 "$demo"
	[ "$(grep -c '^    arrived: .* owner alice$' <<<"$output")" -eq 3 ]
	[ "$(sed -n 's/^    log: tokgate: verdict=\([a-z-]*\) .*/\1/p' <<<"$output" | tr '\n' ' ')" = \
	    'ok ok ok wrong-service expired malformed revoked revoked ' ]
	[ "$(grep -c '^    refused: ' <<<"$output")" -eq 5 ]
	[ -z "$(ss -Hltn)" ]
}

@test "a demo in which an upload does not arrive fails" {
	printf '#!/bin/sh\nexit 0\n' >/usr/local/bin/sftp
	chmod 755 /usr/local/bin/sftp
	run -1 "$demo"
	[[ "$output" == *'demo: FAILED'* ]]
	[[ "$output" != *'How to go on'* ]]
}
