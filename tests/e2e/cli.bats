#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# shellcheck shell=bash disable=SC2030,SC2031,SC2154
#
# The built command line program on stores of its own, as any user.

bats_require_minimum_version 1.5.0

setup() {
	tokgate=$BATS_TEST_DIRNAME/../../build/tokgate
	T=$BATS_TEST_TMPDIR
	store=$T/store
	: >"$T/tokgate.conf"
	t init --user "$(id -un)" >/dev/null
}

t() {
	"$tokgate" --config "$T/tokgate.conf" --store "$store" "$@"
}

# Run, with what was printed in $output and what was said in $stderr.
tok() {
	run --separate-stderr t "$@"
}

# issue ...: the token's text into a file, its id into $id.
issue() {
	local object
	object=$(t issue --json "$@" 2>/dev/null)
	jq -j .token <<<"$object" >"$T/token"
	id=$(jq -r .id <<<"$object")
}

# The same, as if it were then.
issue_at() {
	local object
	object=$(faketime "$1" "$tokgate" --config "$T/tokgate.conf" --store "$store" issue --json "${@:2}")
	jq -j .token <<<"$object" >"$T/token"
	id=$(jq -r .id <<<"$object")
}

# redirected REDIRECTION ARGUMENT...: where `run` would use the closed descriptor itself.
redirected() {
	run bash -c "\"\$@\" $1" - "$tokgate" --config "$T/tokgate.conf" --store "$store" "${@:2}"
}

# check ...: of the last issued token.
check() {
	run --separate-stderr t check "$@" <"$T/token"
}

ids() {
	t list --state all --json | jq -r .id
}

field() { # ID FILTER
	t show "$1" --json | jq -c "$2"
}

# A wrong command line: exit status 2, nothing on stdout, one line that says so, and nothing done.
refused_usage() {
	local what=$1 before
	shift
	before=$(ids)
	tok "$@"
	[ "$status" -eq 2 ]
	[ -z "$output" ]
	[ "${#stderr_lines[@]}" -eq 1 ]
	[[ $stderr == "tokgate: "*"$what"* ]]
	[ "$(ids)" = "$before" ]
}

within() {
	local deadline=$((SECONDS + $1))
	shift
	until "$@"; do
		[ "$SECONDS" -le "$deadline" ] || return 1
		sleep 0.02
	done
}

# answer PROMPT TEXT COMMAND: at a terminal, type TEXT when PROMPT is shown.
# The screen is in $T/screen, the exit status in $status.
answer() {
	local prompt=$1 text=$2 pid
	shift 2
	mkfifo "$T/keys"
	: >"$T/screen"
	script -qfec "$*" "$T/screen" <"$T/keys" >/dev/null 2>&1 3>&- &
	pid=$!
	exec 8>"$T/keys"
	within 10 grep -qF "$prompt" "$T/screen"
	printf '%s\n' "$text" >&8
	status=0
	wait "$pid" || status=$?
	exec 8>&-
	rm "$T/keys"
}

# What the program is called at a terminal.
command_line() {
	printf '%q ' "$tokgate" --config "$T/tokgate.conf" --store "$store" "$@"
}

# ---- the command line ----------------------------------------------------

@test "global options stand before or behind the command" {
	issue alice --scope sftp:login
	[ "$("$tokgate" --config "$T/tokgate.conf" --store "$store" --json list | jq -r .id)" = "$id" ]
	[ "$("$tokgate" list --config="$T/tokgate.conf" --store="$store" --json | jq -r .id)" = "$id" ]
	[ "$("$tokgate" --json list --store "$store" --config "$T/tokgate.conf" | jq -r .id)" = "$id" ]
}

@test "no command, an unknown one, or a missing or surplus argument is a usage error" {
	refused_usage "no command"
	refused_usage "unknown command 'lst'" lst
	refused_usage "unknown command ''" ''
	refused_usage "argument is missing" issue --scope sftp:login
	refused_usage "argument is missing" show
	refused_usage "unexpected argument 'bob'" issue alice bob --scope sftp:login
	refused_usage "unexpected argument 'x'" list x
	refused_usage "unexpected argument '--state'" list -- --state
	refused_usage "unknown command 'x'" help x
}

@test "an unknown or abbreviated option is a usage error" {
	refused_usage "unknown option '--colour'" list --colour
	refused_usage "unknown option '--sta'" list --sta all
	refused_usage "unknown option '--jso'" --jso list
	refused_usage "unknown option '--sto'" list --sto=/x
	refused_usage "unknown option '-j'" list -j
	refused_usage "unknown option '--scope'" list --scope sftp
	refused_usage "unknown option '--own'" list --own
}

@test "an option without its value, or with one that it does not take, is a usage error" {
	refused_usage "no value for option '--owner'" list --owner
	refused_usage "a value is too much for option '--json'" list --json=yes
}

@test "an option that is given twice is a usage error, but for --scope --as --from" {
	refused_usage "given twice: option '--json'" --json list --json
	refused_usage "given twice: option '--store'" list --store "$store"
	refused_usage "given twice: option '--owner'" list --owner a --owner b
	local o
	for o in name expires not-before idle uses out; do
		refused_usage "given twice: option '--$o'" issue alice --scope sftp "--$o" 1d "--$o" 1d
	done
	issue alice --scope sftp:login --scope ftp:login --as a --as b --from 192.0.2.1 --from 2001:db8::/32
	[ "$(field "$id" .scopes)" = '["sftp:login","ftp:login"]' ]
	[ "$(field "$id" .logins)" = '["a","b"]' ]
	[ "$(field "$id" .sources)" = '["192.0.2.1","2001:db8::/32"]' ]
}

@test "a token on the command line is refused and not repeated, wherever it stands" {
	issue alice --scope sftp:login
	local token args
	token=$(cat "$T/token")
	for args in "revoke $token" "revoke $id $token" "show $token" "issue $token --scope sftp" "list --owner $token" \
	    "check --service sftp $token" "log --token $token" "revoke $id --why=$token" "$token" "revoke -- $token"; do
		# shellcheck disable=SC2086
		tok $args
		[ "$status" -eq 2 ]
		[ -z "$output" ]
		[[ $stderr == *stdin* ]]
		[[ $stderr != *"${token:15:40}"* ]]
	done
	# one that is mistyped is as secret
	tok revoke "${token%?}"
	[ "$status" -eq 2 ]
	[[ $stderr == *stdin* && $stderr != *"${token:15:40}"* ]]
	tok log --token "${token%?}"
	[ "$status" -eq 2 ]
	[[ $stderr == *"takes an id"* && $stderr != *"${token:15:40}"* ]]
	[ "$(field "$id" .state)" = '"active"' ]
}

@test "help names every command and each command's help has an example" {
	tok help
	[ "$status" -eq 0 ]
	local c commands
	commands=$(sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p' <<<"$output")
	[ "$(wc -w <<<"$commands")" -eq 11 ]
	for c in $commands; do
		tok help "$c"
		[ "$status" -eq 0 ]
		[ "${lines[0]%% [a-z]*}" = "usage:" ]
		[[ $output == *"Example:"*"tokgate $c"* ]]
		local by_option=$output
		tok "$c" --help
		[ "$status" -eq 0 ]
		[ "$output" = "$by_option" ]
	done
}

@test "help and man page have the same options for each command" {
	local man=$BATS_TEST_DIRNAME/../../tools/tokgate/tokgate.8 c
	for c in $(t help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p'); do
		t help "$c" | sed -n 's/^  --\([a-z-]*\) .*/\1/p' | grep -vxE 'config|store|json|help' | sort >"$T/help" || :
		awk -v c="$c" '/^\.(Ss|Sh) /{on = ($1 == ".Ss" && $2 == "tokgate" && $3 == c)}
		    on && /^\.It Fl -/{sub(/^-/, "", $3); print $3}' "$man" | sort -u >"$T/man"
		grep -q "^\.Ss tokgate $c\>" "$man"
		diff "$T/help" "$T/man"
	done
	for c in config store json help; do
		grep -q "^\.It Fl -$c\>" "$man"
	done
}

@test "version is that of the header" {
	tok version
	[ "$output" = "tokgate $(sed -n 's/^#define TG_VERSION "\(.*\)"/\1/p' "$BATS_TEST_DIRNAME/../../common/tokgate.h")" ]
}

@test "closed descriptors do not become files of the store" {
	issue alice --scope sftp:login
	redirected '<&- 2>&-' list
	[ "$status" -eq 0 ]
	[[ $output == *"$id"* ]]
	redirected '<&-' check --service sftp
	[ "$status" -eq 3 ]
	[[ $output == *"cannot read the token from stdin"* ]]
	redirected '<&- >&- 2>&-' list
	[ "$status" -eq 3 ]
	redirected '<&- 2>&-' issue bob --scope sftp:login
	t check --service sftp <<<"$output"
	t list | grep -q bob
}

@test "no core is dumped while a token is in memory" {
	mkfifo "$T/in"
	"$tokgate" --config "$T/tokgate.conf" --store "$store" check --service sftp <"$T/in" >/dev/null 3>&- &
	local pid=$!
	exec 8>"$T/in"
	within 10 grep -Eq '^Max core file size +0 +0 ' "/proc/$pid/limits"
	exec 8>&-
	wait "$pid" || [ $? -eq 1 ]
}

@test "output that cannot be written is an error" {
	issue alice --scope sftp:login
	redirected '>/dev/full' list
	[ "$status" -eq 3 ]
	[[ $output == *"cannot write to stdout: No space left on device"* ]]
	redirected '>/dev/full' list --json
	[ "$status" -eq 3 ]
}

@test "control characters in an argument do not reach the terminal" {
	tok show $'a\e[31mb\nc'
	[ "$status" -eq 1 ]
	[ "$stderr" = "tokgate: no token 'a?[31mb?c'" ]
}

# ---- configuration and store ---------------------------------------------

@test "init makes a store that only its owner can enter, and says so" {
	rm -r "$store"
	tok init --user "$(id -un)"
	[ "$status" -eq 0 ]
	[ "$output" = "store '$store' made, owner $(id -un)" ]
	[ "$(stat -c %a "$store")" = 700 ]
	[ "$(stat -c %a "$store"/* | sort -u)" = 600 ]
	[ "$(stat -c %U "$store" "$store"/* | sort -u)" = "$(id -un)" ]
}

@test "init on a store that exists sets modes and keeps its tokens" {
	issue alice --scope sftp:login
	chmod 755 "$store"
	chmod 644 "$store"/*
	tok init --user "$(id -un)"
	[ "$status" -eq 0 ]
	[ "$output" = "store '$store' exists already: owner and modes set, owner $(id -un)" ]
	[ "$(stat -c %a "$store" "$store"/* | sort -u | xargs)" = "600 700" ]
	check --service sftp
	[ "$output" = ok ]
}

@test "init prints JSON" {
	t init --user "$(id -un)" --json | jq -e --arg s "$store" --arg u "$(id -un)" \
	    '. == {store: $s, made: false, owner: $u, config: null}'
}

@test "init refuses an unknown user, and a place where it cannot make a store" {
	refused_usage "no such user: 'nobody-of-that-name'" init --user nobody-of-that-name
	run -3 "$tokgate" --config "$T/tokgate.conf" --store "$T/no/such/store" init --user "$(id -un)"
	[[ $output == *"$T/no/such/store"* ]]
	[ ! -e "$T/no" ]
}

@test "init for an account writes the configuration that makes its store trusted" {
	[ "$EUID" -eq 0 ] || skip "needs root, to give a store away"
	run --separate-stderr "$tokgate" --config "$T/etc/tokgate.conf" --store "$T/s" init --user nobody
	[ "$status" -eq 0 ]
	[ "$output" = "store '$T/s' made, owner nobody; made '$T/etc/tokgate.conf'" ]
	[ "$(cat "$T/etc/tokgate.conf")" = "uid = $(id -u nobody)" ]
	[ "$(stat -c '%a %U' "$T/etc/tokgate.conf" "$T/etc" | xargs)" = "644 root 755 root" ]
	[ "$(stat -c %U "$T/s" "$T/s"/* | sort -u)" = nobody ]
	"$tokgate" --config "$T/etc/tokgate.conf" --store "$T/s" issue alice --scope sftp:login >/dev/null
	# without that line the same store is not trusted
	run -3 "$tokgate" --config "$T/tokgate.conf" --store "$T/s" list
	# a second time nothing is made
	run -0 "$tokgate" --config "$T/etc/tokgate.conf" --store "$T/s" init --user nobody
	[ "$output" = "store '$T/s' exists already: owner and modes set, owner nobody" ]
}

@test "init for an account leaves a configuration of the site alone and names the line that it needs" {
	[ "$EUID" -eq 0 ] || skip "needs root, to give a store away"
	echo "# ours" >"$T/tokgate.conf"
	run --separate-stderr "$tokgate" --config "$T/tokgate.conf" --store "$T/s" init --user nobody
	[ "$status" -eq 3 ]
	[[ $stderr == *"nothing done: first '$T/tokgate.conf' needs the line 'uid = $(id -u nobody)'" ]]
	[ ! -e "$T/s" ]
	[ "$(cat "$T/tokgate.conf")" = "# ours" ]
}

@test "init that fails takes its configuration away again" {
	[ "$EUID" -eq 0 ] || skip "needs root, to give a store away"
	run -3 "$tokgate" --config "$T/etc/tokgate.conf" --store "$T/no/s" init --user nobody
	[ ! -e "$T/etc" ]
}

@test "by default init gives the store to the account tokgate if there is one, else to root" {
	[ "$EUID" -eq 0 ] || skip "needs root, to give a store away"
	local owner=root
	if getent passwd tokgate >/dev/null; then
		owner=tokgate
		echo "uid = $(id -u tokgate)" >"$T/tokgate.conf"
	fi
	run -0 "$tokgate" --config "$T/tokgate.conf" --store "$T/s" init
	[ "$(stat -c %U "$T/s" "$T/s"/* | sort -u)" = $owner ]
	chown -R nobody "$T/s"
	run -0 "$tokgate" --config "$T/tokgate.conf" --store "$T/s" init
	[ "$(stat -c %U "$T/s" "$T/s"/* | sort -u)" = $owner ]
}

@test "without a store, with an unsafe one or with a bad configuration nothing is answered" {
	run -3 "$tokgate" --config "$T/tokgate.conf" --store "$T/none" list
	[[ $output == "tokgate: "*"$T/none"* ]]
	run -3 "$tokgate" --config "$T/tokgate.conf" --store "$T/none" issue alice --scope sftp:login
	run -3 "$tokgate" --config "$T/missing.conf" --store "$store" list
	[[ $output == "tokgate: "*"$T/missing.conf"* ]]
	echo "color = red" >"$T/tokgate.conf"
	run -3 t list
	[[ $output == "tokgate: "*"tokgate.conf:1: unknown key 'color'" ]]
	: >"$T/tokgate.conf"
	chmod 755 "$store"
	run -3 t list
	[[ $output == *"$store"*0700* ]]
}

@test "the configuration names the store" {
	issue alice --scope sftp:login
	echo "store = $store" >"$T/tokgate.conf"
	[ "$("$tokgate" --config "$T/tokgate.conf" list --json | jq -r .id)" = "$id" ]
}

# ---- issue ---------------------------------------------------------------

@test "issue prints the token alone" {
	tok issue alice --scope sftp:upload:serde-json
	[ "$status" -eq 0 ]
	[[ $output =~ ^tkg_[0-9A-Za-z]{10}_[0-9A-Za-z]{49}$ ]]
	[ -z "$stderr" ]
	run -0 t check --service sftp --action upload --resource serde-json <<<"$output"
}

@test "issue --json prints the object of list, and the token" {
	local object
	object=$(t issue alice --scope sftp:login --json)
	[ "$(jq -c 'del(.token)' <<<"$object")" = "$(t list --json)" ]
	jq -r .token <<<"$object" | t check --service sftp
}

@test "a token is valid for 90 days unless told otherwise" {
	issue alice --scope sftp:login
	t show "$id" --json | jq -e '(.expires_at | fromdate) - (.created_at | fromdate) == 90 * 86400'
}

@test "durations of --expires count from --not-before, so does the default" {
	issue alice --scope sftp:login --not-before 2100-01-01
	[ "$(field "$id" .not_before,.expires_at | xargs)" = "2100-01-01T00:00:00Z 2100-04-01T00:00:00Z" ]
	issue alice --scope sftp:login --not-before 2100-01-01T12:00Z --expires 1d12h
	[ "$(field "$id" .expires_at)" = '"2100-01-03T00:00:00Z"' ]
}

@test "expiry is a date, a duration of any length, or never" {
	local case
	while read -r when instant; do
		issue alice --scope sftp:login --expires "$when"
		[ "$(field "$id" .expires_at)" = "$instant" ]
	done <<-END
	2100-01-31 "2100-01-31T00:00:00Z"
	2100-01-31T12:00Z "2100-01-31T12:00:00Z"
	2100-01-31T12:00:30+01:00 "2100-01-31T11:00:30Z"
	never null
	END
	for case in 1s:1 15m:900 36h:129600 2w:1209600 1d12h:129600 1000d:86400000; do
		issue alice --scope sftp:login --expires "${case%:*}"
		t show "$id" --json | jq -e "(.expires_at | fromdate) - (.created_at | fromdate) | . >= ${case#*:} - 2 and . <= ${case#*:}"
	done
}

@test "all that issue is told is kept" {
	issue bob@example.org --scope 'sftp:upload:serde-*' --scope ftp:upload:demo --name 'CI of bäcker' --expires 30d \
	    --idle 7d --as ci --from 192.0.2.0/24 --uses 5
	field "$id" 'del(.id, .created_at, .expires_at)' | jq -e --arg by "$(id -un)" '. == {owner: "bob@example.org",
	    name: "CI of bäcker", scopes: ["sftp:upload:serde-*", "ftp:upload:demo"], logins: ["ci"],
	    sources: ["192.0.2.0/24"], state: "active", created_by: $by, not_before: null, idle_s: 604800,
	    uses_left: 5, revoked_at: null, revoked_why: null, last_used: null, last_refused: null}'
	tok show "$id"
	[[ $output == *"bob@example.org"*"CI of bäcker"*"sftp:upload:serde-*"*"ftp:upload:demo"*ci*"192.0.2.0/24"*"after 7d"*"uses left"*5* ]]
}

@test "issue refuses what it does not understand, and nothing is written" {
	local long
	long=$(printf 'a%.0s' {1..129})
	refused_usage "owner '-x'" issue --scope sftp:login -- -x
	refused_usage "owner '__token__'" issue __token__ --scope sftp:login
	refused_usage "owner ''" issue '' --scope sftp:login
	refused_usage "--scope 'SFTP'" issue alice --scope SFTP
	refused_usage "--scope 'a:b:c:d'" issue alice --scope a:b:c:d
	refused_usage "--scope 'sftp:upload:te*st'" issue alice --scope 'sftp:upload:te*st'
	refused_usage "--scope 'sftp:upload:a,ftp:upload:a'" issue alice --scope sftp:upload:a,ftp:upload:a
	refused_usage "--scope ''" issue alice --scope ''
	refused_usage "--scope 'sftp:x:$long'" issue alice --scope "sftp:x:$long"
	refused_usage "--as '__token__'" issue alice --scope sftp:login --as __token__
	refused_usage "--from '192.0.2.1/24'" issue alice --scope sftp:login --from 192.0.2.1/24
	refused_usage "--from 'example.org'" issue alice --scope sftp:login --from example.org
	refused_usage "--name" issue alice --scope sftp:login --name "$long"
	refused_usage "" issue alice --scope sftp:login --name $'a\nb'
	refused_usage "" issue alice --scope sftp:login --name $'\xff'
	local n
	for n in 0 -1 4294967295 18446744073709551617 1x '' ' 1' +1; do
		refused_usage "--uses '$n'" issue alice --scope sftp:login --uses "$n"
	done
	for n in 0d 30 1y never '' 101w1 200000w; do
		refused_usage "--idle '$n'" issue alice --scope sftp:login --idle "$n"
	done
	for n in 90 '' 2100-02-30 2100-01-31T12:00 tomorrow -1d Never; do
		refused_usage "--expires '$n'" issue alice --scope sftp:login --expires "$n"
	done
	refused_usage "in the past" issue alice --scope sftp:login --expires 2020-01-01
	refused_usage "--not-before 'x'" issue alice --scope sftp:login --not-before x
	refused_usage "" issue alice --scope sftp:login --not-before 2100-01-02 --expires 2100-01-01
	[ -z "$(ids)" ]
	[ "$(t log --json | jq -r .event)" = init ]
}

@test "the limits of issue are what it says" {
	local many=() i
	for i in {1..32}; do many+=(--scope "sftp:upload:p$i"); done
	issue alice "${many[@]}" --uses 4294967294
	[ "$(field "$id" '(.scopes | length), .uses_left' | xargs)" = "32 4294967294" ]
	refused_usage "more than 32 times --scope" issue alice "${many[@]}" --scope sftp:upload:p33
	many=()
	for i in {1..9}; do many+=(--as "u$i"); done
	refused_usage "more than 8 times --as" issue alice --scope sftp:login "${many[@]}"
	many=()
	for i in {1..33}; do many+=(--from "192.0.2.$i"); done
	refused_usage "more than 32 times --from" issue alice --scope sftp:login "${many[@]}"
}

@test "a token without a scope is refused, with examples" {
	tok issue alice
	[ "$status" -eq 2 ]
	[ -z "$output" ]
	[[ $stderr == *"without --scope"*"--scope sftp:upload:serde-json"* ]]
	[ -z "$(ids)" ]
}

@test "the scopes that issue shows as examples are scopes" {
	local scopes
	scopes=$(t issue alice 2>&1 | sed -n "s/^  --scope '\?\([^ ']*\).*/\1/p" || :)
	[ "$(wc -l <<<"$scopes")" -ge 3 ]
	while read -r scope; do
		tok issue alice --scope "$scope"
		[ "$status" -eq 0 ]
		[ -z "$stderr" ]
	done <<<"$scopes"
}

@test "a scope for every action is issued with a warning" {
	local scope
	for scope in sftp 'sftp:*' 'sftp:*:demo' '*'; do
		tok issue alice --scope ftp:upload:a --scope "$scope"
		[ "$status" -eq 0 ]
		[ "$stderr" = "tokgate: warning: '$scope' allows every action of the service" ]
		[[ $output =~ ^tkg_ ]]
	done
}

@test "--out writes the token to a new file of its own, and only there" {
	(umask 0 && t issue alice --scope sftp:login --out "$T/out" >"$T/stdout")
	[ ! -s "$T/stdout" ]
	[ "$(stat -c %a "$T/out")" = 600 ]
	[ "$(wc -l <"$T/out")" -eq 1 ]
	run -0 t check --service sftp <"$T/out"
	t issue alice --scope sftp:login --out "$T/out2" --json | jq -e 'has("token") | not'
	run -0 t check --service sftp <"$T/out2"
}

@test "--out never overwrites a file or follows a link, and then nothing is issued" {
	echo precious >"$T/out"
	ln -s "$T/elsewhere" "$T/link"
	local f
	for f in "$T/out" "$T/link" "$T/no/out" "$T"; do
		tok issue alice --scope sftp:login --out "$f"
		[ "$status" -eq 3 ]
		[ -z "$output" ]
		[[ $stderr == "tokgate: cannot make '$f': "* ]]
	done
	[ "$(cat "$T/out")" = precious ]
	[ ! -e "$T/elsewhere" ]
	[ -z "$(ids)" ]
}

@test "when issuing fails --out leaves no file" {
	run -2 t issue alice --scope sftp:login --name $'a\nb' --out "$T/out"
	[ ! -e "$T/out" ]
	run -3 "$tokgate" --config "$T/tokgate.conf" --store "$T/none" issue alice --scope sftp:login --out "$T/out"
	[ ! -e "$T/out" ]
	run -3 bash -c 'ulimit -f 0; exec "$@"' - "$tokgate" --config "$T/tokgate.conf" --store "$store" \
	    issue alice --scope sftp:login --out "$T/out"
	[ ! -e "$T/out" ]
	[ -z "$(ids)" ]
}

# The token that could not be handed over is dead.
taken_back() {
	[ "$status" -eq 3 ]
	id=$(ids)
	[[ $output == *"$1"*"token $id is revoked"* ]]
	[ "$(field "$id" .state,.revoked_why | xargs)" = "revoked could not be handed over" ]
}

@test "a token that cannot be printed is revoked: full disk" {
	redirected '>/dev/full' issue alice --scope sftp:login
	taken_back "cannot write the token to stdout: No space left on device"
}

@test "a token that cannot be printed is revoked: full disk, JSON" {
	redirected '>/dev/full' issue alice --scope sftp:login --json
	taken_back "cannot write the token to stdout"
}

@test "a token that cannot be printed is revoked: closed stdout" {
	redirected '>&-' issue alice --scope sftp:login
	taken_back "cannot write the token to stdout: Bad file descriptor"
}

@test "a token that cannot be printed is revoked: closed pipe" {
	# shellcheck disable=SC2016
	run bash -c 'exec 7> >(:); wait $!; env --default-signal=PIPE "$@" >&7' - "$tokgate" --config "$T/tokgate.conf" --store "$store" \
	    issue alice --scope sftp:login
	taken_back "cannot write the token to stdout: Broken pipe"
}

@test "a token that cannot be written to --out is revoked and the file is gone" {
	local map=()
	[ "$EUID" -eq 0 ] || map=(-U -r)
	unshare "${map[@]}" -m true 2>/dev/null || skip "needs a mount namespace, for a disk that is full"
	mkdir "$T/full"
	# shellcheck disable=SC2016
	run unshare "${map[@]}" -m bash -c 'dir=$1; shift; mount -t tmpfs -o size=4k tmpfs "$dir" &&
	    { cat /dev/zero >"$dir/zero" 2>/dev/null; "$@"; rc=$?; ls "$dir"; exit $rc; }' - "$T/full" \
	    "$tokgate" --config "$T/tokgate.conf" --store "$store" issue alice --scope sftp:login --out "$T/full/out"
	taken_back "cannot write the token to '$T/full/out': No space left on device"
	[ "${lines[-1]}" = zero ]
}

@test "on a terminal issue explains, and the token is still alone on stdout" {
	script -qec "$(command_line issue alice --scope 'sftp:upload:serde-*' --scope ftp --as ci --uses 3 --idle 7d) >$T/out" \
	    /dev/null </dev/null >"$T/screen"
	[[ $(cat "$T/out") =~ ^tkg_[0-9A-Za-z_]{60}$ ]]
	run cat "$T/screen"
	[[ $output == *"sftp: upload serde-*"*"ftp: everything of the whole service"* ]]
	[[ $output == *"It dies on "*", in 90d."* ]]
	[[ $output == *"after 7d without use"*"after 3 uses"* ]]
	[[ $output == *"User name: alice or ci"*"__token__"* ]]
	[[ $output == *"  sftp  sftp USER@HOST"*"  ftp   curl --netrc-file"* ]]
	[[ $output != *imap* ]]
	[[ $output == *"shown once"* ]]
	run ! grep -qF "$(cat "$T/out")" "$T/screen"
}

# ---- list and show -------------------------------------------------------

# One token in each state; $active ... $revoked are their ids.
one_in_each_state() {
	issue_at '2 hours ago' alice --scope sftp:login --expires 1h
	expired=$id
	issue_at '2 hours ago' alice --scope sftp:login --idle 1h
	idle=$id
	issue bob --scope ftp:upload:demo --not-before 1h
	early=$id
	issue bob --scope ftp:login --uses 1
	used_up=$id
	check --service ftp
	[ "$status" -eq 0 ]
	issue bob --scope '*:login'
	revoked=$id
	t revoke "$id" >/dev/null 2>&1
	issue alice --scope sftp:upload:demo --scope ftp:login
	active=$id
}

@test "list shows active tokens unless told otherwise" {
	one_in_each_state
	[ "$(t list --json | jq -r .id)" = "$active" ]
	[ "$(t list | sed 1d | cut -d' ' -f1)" = "$active" ]
	local case
	for case in "active $active" "expired $expired" "idle $idle" "not-yet-valid $early" "used-up $used_up" "revoked $revoked"; do
		t list --state "${case% *}" --json | jq -se --arg s "${case% *}" --arg id "${case#* }" \
		    'length == 1 and .[0].state == $s and .[0].id == $id'
		[ "$(t list --state "${case% *}" | sed 1d | cut -d' ' -f1)" = "${case#* }" ]
	done
	[ "$(t list --state all --json | wc -l)" -eq 6 ]
	refused_usage "unknown state 'ok'" list --state ok
}

@test "list selects by owner and by service" {
	one_in_each_state
	[ "$(t list --state all --owner bob --json | jq -r .owner | xargs)" = "bob bob bob" ]
	[ -z "$(t list --owner carol)" ]
	[ "$(t list --state all --service sftp --json | jq -r .id | sort)" = \
	    "$(printf '%s\n' "$expired" "$idle" "$revoked" "$active" | sort)" ]
	[ "$(t list --service ftp --owner alice --json | jq -r .id)" = "$active" ]
	[ -z "$(t list --state all --service sft | grep -v "$revoked" | sed 1d)" ]
	refused_usage "not an owner" list --owner 'a b'
	refused_usage "not a service" list --service sftp:login
	refused_usage "not a service" list --service ''
}

@test "JSON has every key for every token" {
	one_in_each_state
	t list --state all --json | jq -se 'all(keys_unsorted == ["id", "owner", "name", "scopes", "logins", "sources",
	    "state", "created_at", "created_by", "not_before", "expires_at", "idle_s", "uses_left", "revoked_at",
	    "revoked_why", "last_used", "last_refused"])'
	[ "$(field "$active" '[.name, .not_before, .idle_s, .uses_left, .revoked_at, .revoked_why, .last_used, .last_refused] | unique')" = '[null]' ]
	[ "$(t show "$active" --json)" = "$(t list --json)" ]
}

@test "last used and last refused say when, where and why" {
	issue alice --scope sftp:login
	check --service sftp --from 192.0.2.7
	check --service sftp --from 2001:db8::1
	check --service ftp --from 192.0.2.8
	t show "$id" --json | jq -e '.last_used == {at: .last_used.at, service: "sftp", source: "2001:db8::1", count: 2}
	    and .last_refused == {at: .last_refused.at, service: "ftp", source: "192.0.2.8", count: 1, why: "wrong-service"}
	    and (.last_used.at | fromdate) >= (.created_at | fromdate)'
	[[ $(t list) == *"ago from 2001:db8::1" ]]
	[[ $(t show "$id") == *"sftp from 2001:db8::1, 2 in all"*"ftp from 192.0.2.8, 1 in all, wrong-service"* ]]
	check --service sftp
	t show "$id" --json | jq -e '.last_used.source == null and .last_used.count == 3'
}

@test "the table says how long a token has" {
	issue alice --scope sftp:login --expires never
	issue alice --scope sftp:login --expires 36h
	issue_at '4 days ago' alice --scope sftp:login --expires 1d
	[[ $(t list | sed 1d | awk '{print $5}' | sort | xargs) == "36h never" ]]
	[[ $(t list --state expired) == *" 3d ago "* ]]
}

@test "the table is cut to the width of a terminal, and nowhere else" {
	issue a-rather-long-owner@example.org --name 'ÄÖÜ ein recht langer Name für ein Token, das es gar nicht gibt' \
	    --scope 'sftp:upload:some-project-with-a-long-name' --scope 'ftp:upload:some-project-with-a-long-name'
	run t list
	[[ $output == *"a-rather-long-owner@example.org"*"gar nicht gibt"*"sftp:upload:some-project-with-a-long-name, ftp:upload:some-project-with-a-long-name"* ]]
	[[ $output != *$'\t'* ]]
	local width
	for width in 40 72 100; do
		script -qec "stty cols $width; env -u COLUMNS $(command_line list)" /dev/null </dev/null | tr -d '\r' >"$T/screen"
		[ "$(wc -l <"$T/screen")" -eq 2 ]
		[ "$(LC_ALL=C.UTF-8 wc -L <"$T/screen")" -le $width ]
		grep -q … "$T/screen"
		script -qec "COLUMNS=$width $(command_line list)" /dev/null </dev/null | tr -d '\r' | diff - "$T/screen"
	done
	[[ $(COLUMNS=40 t list) == "$output" ]]
}

@test "show tells a token by its id with or without prefix, and an unknown one is exit status 1" {
	issue alice --scope sftp:login
	[ "$(t show "$id")" = "$(t show "tkg_$id")" ]
	t show "$id" | grep -q "^owner  *alice$"
	local no
	for no in 0000000000 tkg_0000000000 nonsense ''; do
		tok show "$no"
		[ "$status" -eq 1 ]
		[ -z "$output" ]
		[ "$stderr" = "tokgate: no token '$no'" ]
	done
}

# ---- revoke --------------------------------------------------------------

@test "a revoked token is dead at once, for good, and says why and by whom" {
	issue alice --scope sftp:login
	tok revoke "tkg_$id" --why 'laptop lost'
	[ "$status" -eq 0 ]
	[ "$output" = "$id" ]
	[ "$stderr" = "1 token revoked" ]
	check --service sftp
	[ "$status" -eq 1 ]
	[ "$output" = revoked ]
	[ "$(field "$id" .revoked_why)" = '"laptop lost"' ]
	[[ $(t show "$id") == *"revoked "*" by $(id -un)"*"laptop lost"* ]]
	# twice is fine and changes nothing
	local first
	first=$(t show "$id" --json | jq 'del(.last_refused)')
	tok revoke "$id" --why other
	[ "$status" -eq 0 ]
	[ "$(t show "$id" --json | jq 'del(.last_refused)')" = "$first" ]
}

@test "several are revoked at once, unknown ones are named and do not stop the others" {
	issue alice --scope sftp:login
	local a=$id
	issue alice --scope sftp:login
	tok revoke "$a" 0000000000 nonsense "$id"
	[ "$status" -eq 1 ]
	[ "$output" = "$a"$'\n'"$id" ]
	[[ $stderr == *"no token '0000000000'"*"no token 'nonsense'"*"2 tokens revoked" ]]
	[ -z "$(t list)" ]
	tok revoke 0000000000
	[ "$status" -eq 1 ]
	[ -z "$output" ]
}

@test "revoke --json prints objects" {
	issue alice --scope sftp:login
	[ "$(t revoke "$id" --json 2>/dev/null)" = "{\"id\":\"$id\"}" ]
}

@test "revoke wants exactly one way of saying which, and a reason that fits" {
	issue alice --scope sftp:login
	refused_usage "needs one of" revoke
	refused_usage "needs one of" revoke --why x
	refused_usage "needs one of" revoke "$id" --all --yes
	refused_usage "needs one of" revoke --all --owner alice --yes
	refused_usage "needs one of" revoke --stdin "$id"
	refused_usage "not an owner" revoke --owner 'a b' --yes
	refused_usage "" revoke "$id" --why "$(printf 'x%.0s' {1..201})"
	[ "$(t list --json | jq -r .id)" = "$id" ]
}

@test "revoke --owner and --all need --yes where there is no terminal" {
	issue alice --scope sftp:login
	refused_usage "--yes is needed" revoke --owner alice </dev/null
	refused_usage "--yes is needed" revoke --all </dev/null
	[ "$(t list --json | jq -r .id)" = "$id" ]
}

@test "revoke --owner says when there is no such owner" {
	issue alice --scope ftp
	tok revoke --owner alcie --yes
	[ "$status" -eq 1 ]
	[[ "$stderr" == *"no owner 'alcie'"* ]]
	check --service ftp
}

@test "revoke --owner revokes all of one owner, --all those of everybody" {
	local a b
	issue alice --scope sftp:login
	a=$id
	issue alice --scope sftp:login
	b=$id
	issue bob --scope sftp:login
	tok revoke --owner alice --yes --why gone
	[ "$status" -eq 0 ]
	[ "$(sort <<<"$output")" = "$(printf '%s\n' "$a" "$b" | sort)" ]
	[ "$stderr" = "2 tokens revoked" ]
	[ "$(t list --json | jq -r .id)" = "$id" ]
	[ "$(field "$a" .revoked_why)" = '"gone"' ]
	tok revoke --all --yes
	[ "$status" -eq 0 ]
	[ "$output" = "$id" ]
	[ -z "$(t list)" ]
	tok revoke --all --yes
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	[ "$stderr" = "0 tokens revoked" ]
}

@test "at a terminal revoke asks, and only y is a yes" {
	issue alice --scope sftp:login
	issue alice --scope sftp:login
	answer '[y/N]' n "$(command_line revoke --owner alice)"
	[ "$status" -eq 1 ]
	grep -q "Revoke 2 tokens of alice?" "$T/screen"
	grep -q "nothing revoked" "$T/screen"
	[ "$(t list --json | wc -l)" -eq 2 ]
	answer '[y/N]' '' "$(command_line revoke --all)"
	[ "$status" -eq 1 ]
	grep -q "Revoke 2 tokens of everybody?" "$T/screen"
	[ "$(t list --json | wc -l)" -eq 2 ]
	answer '[y/N]' y "$(command_line revoke --owner alice)"
	[ "$status" -eq 0 ]
	grep -q "2 tokens revoked" "$T/screen"
	[ -z "$(t list)" ]
}

@test "revoke --stdin takes tokens and ids, names unknown lines by number and repeats no secret" {
	local a b other token
	issue alice --scope sftp:login
	a=$id
	issue alice --scope sftp:login
	b=$id
	token=$(cat "$T/token")
	"$tokgate" --config "$T/tokgate.conf" --store "$T/other" init --user "$(id -un)" >/dev/null
	other=$("$tokgate" --config "$T/tokgate.conf" --store "$T/other" issue eve --scope sftp:login)
	run --separate-stderr t revoke --stdin --why leaked <<-END
	  tkg_$a

	$other
	${token%?}
	$a and more
	$(printf '%s%2000s' "$a" x)
	$token
	END
	[ "$status" -eq 1 ]
	[ "$output" = "$a"$'\n'"$b" ]
	[ "$stderr" = "tokgate: line 3: no token '${other:4:10}'
tokgate: line 4: neither an id nor a token
tokgate: line 5: neither an id nor a token
tokgate: line 6: neither an id nor a token
2 tokens revoked" ]
	[ "$(field "$b" .revoked_why)" = '"leaked"' ]
}

@test "revoke --stdin takes a last line without its end, and no lines at all" {
	issue alice --scope sftp:login
	run -0 t revoke --stdin <"$T/token"
	[ -z "$(t list)" ]
	tok revoke --stdin </dev/null
	[ "$status" -eq 0 ]
	[ "$stderr" = "0 tokens revoked" ]
	redirected '<&-' revoke --stdin
	[ "$status" -eq 3 ]
}

@test "many tokens are revoked in one go" {
	local i
	for i in {1..30}; do t issue alice --scope sftp:login; done >"$T/tokens"
	[ "$(t revoke --stdin <"$T/tokens" 2>/dev/null | wc -l)" -eq 30 ]
	[ -z "$(t list)" ]
}

# ---- check ---------------------------------------------------------------

# verdict WORD STATUS ARGUMENT...: of the token in $T/token.
verdict() {
	check "${@:3}"
	[ "$output" = "$1" ]
	[ "$status" -eq "$2" ]
}

@test "check says yes to what a scope covers" {
	issue alice --scope 'sftp:upload:serde-*' --scope ftp:login --as ci
	verdict ok 0 --service sftp --action upload --resource serde-json
	[ -z "$stderr" ]
	verdict ok 0 --service ftp
	verdict ok 0 --service ftp --login alice
	verdict ok 0 --service ftp --login ci
	verdict ok 0 --service ftp --login __token__
	verdict ok 0 --service sftp --gate
	verdict ok 0 --service sftp --gate --action upload
	verdict wrong-action 1 --service sftp --gate --action delete
	verdict ok 0 --service ftp --from 192.0.2.1
}

@test "check names each refusal, and says why where the token was proven" {
	issue alice --scope 'sftp:upload:serde-*' --from 192.0.2.0/24
	verdict wrong-action 1 --service sftp --from 192.0.2.1
	[ "$stderr" = "tokgate: token tkg_$id: asked sftp:login:*, token has sftp:upload:serde-*" ]
	verdict wrong-service 1 --service ftp --action upload --resource serde-json --from 192.0.2.1
	[ "$stderr" = "tokgate: token tkg_$id: asked ftp:upload:serde-json, token has sftp:upload:serde-*" ]
	verdict wrong-resource 1 --service sftp --action upload --resource serde --from 192.0.2.1
	[ "$stderr" = "tokgate: token tkg_$id: asked sftp:upload:serde, token has sftp:upload:serde-*" ]
	verdict wrong-resource 1 --service sftp --action upload --from 192.0.2.1
	verdict wrong-login 1 --service sftp --action upload --resource serde-json --login bob --from 192.0.2.1
	[[ $stderr == "tokgate: token tkg_$id"* ]]
	verdict wrong-source 1 --service sftp --action upload --resource serde-json --from 198.51.100.1
	verdict wrong-source 1 --service sftp --action upload --resource serde-json
	[[ $stderr == "tokgate: token tkg_$id"* ]]
	verdict ok 0 --service sftp --action upload --resource serde-json --from ::ffff:192.0.2.1
}

@test "check names each way of being dead" {
	issue_at '2 hours ago' alice --scope sftp:login --expires 1h
	verdict expired 1 --service sftp
	[[ $stderr == "tokgate: token tkg_$id expired "* ]]
	issue_at '2 hours ago' alice --scope sftp:login --idle 1h
	verdict idle 1 --service sftp
	[[ $stderr == "tokgate: token tkg_$id"* ]]
	issue alice --scope sftp:login --not-before 1h
	verdict not-yet-valid 1 --service sftp
	[[ $stderr == "tokgate: token tkg_$id"* ]]
	issue alice --scope sftp:login --uses 2
	verdict ok 0 --service sftp --dry-run
	verdict ok 0 --service sftp
	verdict ok 0 --service sftp
	verdict used-up 1 --service sftp
	verdict used-up 1 --service sftp --dry-run
	issue alice --scope sftp:login
	t revoke "$id" >/dev/null 2>&1
	verdict revoked 1 --service sftp
	[[ $stderr == "tokgate: token tkg_$id"* ]]
}

@test "a token dies when its time comes" {
	issue alice --scope sftp:login --expires 1h
	run -0 faketime '+59 minutes' "$tokgate" --config "$T/tokgate.conf" --store "$store" check --service sftp <"$T/token"
	run -1 faketime '+61 minutes' "$tokgate" --config "$T/tokgate.conf" --store "$store" check --service sftp <"$T/token"
	[[ $output == *expired* ]]
}

@test "what is no token of this store gets a no and no explanation" {
	printf 'correct horse battery staple' >"$T/token"
	verdict not-a-token 1 --service sftp --login alice
	[ -z "$stderr" ]
	: >"$T/token"
	verdict not-a-token 1 --service sftp
	printf ' \n' >"$T/token"
	verdict not-a-token 1 --service sftp
	issue alice --scope sftp:login
	local token
	token=$(cat "$T/token")
	echo "${token%?}" >"$T/token"
	verdict malformed 1 --service sftp
	[ -z "$stderr" ]
	tr a-zA-Z b-zaB-ZA <<<"$token" >"$T/token"
	verdict malformed 1 --service sftp
	"$tokgate" --config "$T/tokgate.conf" --store "$T/other" init --user "$(id -un)" >/dev/null
	"$tokgate" --config "$T/tokgate.conf" --store "$T/other" issue alice --scope sftp:login >"$T/token"
	verdict no-match 1 --service sftp
	[ -z "$stderr" ]
}

@test "blanks and line ends around the token do not count, anything within does" {
	issue alice --scope sftp:login
	local token
	token=$(cat "$T/token")
	printf ' \t%s \r\n' "$token" >"$T/token"
	verdict ok 0 --service sftp
	printf '%s\n%s\n' "$token" "$token" >"$T/token"
	verdict malformed 1 --service sftp
	printf '%s\0' "$token" >"$T/token"
	verdict malformed 1 --service sftp
}

@test "a store that is damaged, unsafe or missing is no answer" {
	issue alice --scope sftp:login
	rm "$store/lock.mdb"
	verdict unavailable 3 --service sftp
	[[ $stderr == "tokgate: "*"$store"* ]]
	t init --user "$(id -un)" >/dev/null
	verdict ok 0 --service sftp
	truncate -s 5000 "$store/data.mdb"
	verdict unavailable 3 --service sftp
	chmod 755 "$store"
	verdict misconfigured 3 --service sftp
	rm -r "$store"
	verdict unavailable 3 --service sftp
	echo nonsense >"$T/tokgate.conf"
	verdict misconfigured 3 --service sftp
	[[ $stderr == *"tokgate.conf:1"* ]]
}

@test "check refuses a question that makes no sense" {
	issue alice --scope sftp:login
	refused_usage "--service" check </dev/null
	refused_usage "exclude each other" check --service sftp --gate --resource x </dev/null
	refused_usage "not an address: 'example.org'" check --service sftp --from example.org </dev/null
	refused_usage "not an address: '192.0.2.0/24'" check --service sftp --from 192.0.2.0/24 </dev/null
	check --service 'S FTP'
	[ "$status" -eq 2 ]
	[ -z "$output" ]
	check --service sftp --action 'a:b'
	[ "$status" -eq 2 ]
	[ -z "$output" ]
	head -c 1048577 /dev/zero | tr '\0' ' ' >"$T/token"
	check --service sftp
	[ "$status" -eq 2 ]
	[[ $stderr == *"more than 1 MiB"* ]]
	truncate -s 1048576 "$T/token"
	verdict not-a-token 1 --service sftp
}

@test "check prints JSON" {
	issue alice --scope 'sftp:upload:serde-*' --scope ftp:login --expires 2100-01-01
	check --service sftp --action upload --resource serde-json --json
	[ "$output" = "{\"verdict\":\"ok\",\"id\":\"$id\",\"owner\":\"alice\",\"scopes\":[\"sftp:upload:serde-*\"],\"expires_at\":\"2100-01-01T00:00:00Z\"}" ]
	check --service sftp --json
	[ "$status" -eq 1 ]
	jq -e --arg id "$id" '.verdict == "wrong-action" and .id == $id and .owner == "alice" and .scopes == []' <<<"$output"
	: >"$T/token"
	check --service sftp --json
	[ "$output" = '{"verdict":"not-a-token","id":null,"owner":null,"scopes":[],"expires_at":null}' ]
	[ "$status" -eq 1 ]
}

@test "a dry run leaves no trace" {
	issue alice --scope sftp:login --uses 1
	verdict ok 0 --service sftp --dry-run
	verdict wrong-service 1 --service ftp --dry-run
	[ "$(field "$id" '[.uses_left, .last_used, .last_refused]')" = '[1,null,null]' ]
	verdict ok 0 --service sftp
	[ "$(field "$id" '[.uses_left, .last_used.count]')" = '[0,1]' ]
}

@test "at a terminal check asks for the token and does not show it" {
	issue alice --scope sftp:login
	answer 'Token: ' "$(cat "$T/token")" "$(command_line check --service sftp)"
	[ "$status" -eq 0 ]
	grep -q '^ok' "$T/screen"
	run ! grep -q "$id" "$T/screen"
}

# ---- log -----------------------------------------------------------------

@test "the log has every change with who made it" {
	issue alice --scope sftp:upload:demo
	t revoke "$id" --why 'laptop lost' >/dev/null 2>&1
	check --service sftp
	t log --json | jq -se --arg id "$id" --arg by "$(id -un)" 'length == 3
	    and all(keys_unsorted == ["serial", "at", "event", "id", "owner", "by", "what"])
	    and (map(.event) == ["init", "issue", "revoke"])
	    and (map(.id) == [null, $id, $id])
	    and (map(.serial) | . == sort and . == unique)
	    and (.[1:] | all(.by == $by and .owner == "alice"))
	    and (.[1].what | contains("sftp:upload:demo")) and (.[2].what | contains("laptop lost"))'
	[ "$(t log | sed 1d | awk '{print $3}' | xargs)" = "init issue revoke" ]
}

@test "the log names the real user behind sudo" {
	[ "$EUID" -eq 0 ] || skip "needs root, which alone is trusted to say who called"
	[ "$(cat /proc/self/loginuid)" = 4294967295 ] || skip "the audit system knows who logged in, and comes first"
	SUDO_UID=$(id -u nobody) t issue alice --scope sftp:login >/dev/null
	SUDO_UID=4294967294 t issue alice --scope sftp:login >/dev/null
	local bad
	for bad in 4294967295 '' x -1 1x; do
		SUDO_UID=$bad t issue alice --scope sftp:login >/dev/null
	done
	[ "$(t log --json | jq -r 'select(.event == "issue").by' | xargs)" = "nobody #4294967294 root root root root root" ]
}

@test "the log selects by token, owner and time" {
	issue_at '3 days ago' alice --scope sftp:login
	local old=$id
	issue bob --scope sftp:login
	[ "$(t log --token "$old" --json | jq -r .event)" = issue ]
	[ "$(t log --token "tkg_$id" --json | jq -r .id)" = "$id" ]
	[ "$(t log --owner bob --json | jq -r .id)" = "$id" ]
	[ "$(t log --owner bob --token "$old")" = "" ]
	[ "$(t log --since 2d --owner alice)" = "" ]
	[ "$(t log --since 4d --owner alice --json | jq -r .id)" = "$old" ]
	[ "$(t log --since "$(date -u -d '2 days ago' +%FT%H:%MZ)" --json | jq -r .id | grep -v null)" = "$id" ]
	[ -z "$(t log --since 2100-01-01)" ]
	refused_usage "neither a date nor a duration: 'x'" log --since x
	refused_usage "not the id of a token: 'x'" log --token x
	refused_usage "not an owner" log --owner 'a b'
}

# ---- example -------------------------------------------------------------

@test "example lists the shipped files and prints each unchanged" {
	local dir=/usr/share/doc/tokgate/examples f
	[ -e "$dir" ] || dir=$BATS_TEST_DIRNAME/../../pam/examples
	tok example
	[ "$status" -eq 0 ]
	[ "$(awk '{print $1}' <<<"$output")" = "$(LC_ALL=C ls "$dir")" ]
	run ! grep -qE '^[^ ]+ *$' <<<"$output"
	for f in "$dir"/*; do
		t example "${f##*/}" | cmp - "$f"
	done
	t example sshd | cmp - "$dir/sshd.pam"
	[ "$(t example --json | jq -r .name)" = "$(LC_ALL=C ls "$dir")" ]
}

@test "an unknown example is exit status 1 and names those that there are" {
	tok example gopher
	[ "$status" -eq 1 ]
	[ -z "$output" ]
	[[ $stderr == *"no example 'gopher', there are: "*sshd.conf*sshd.pam* ]]
	refused_usage "not the name" example ../examples/sshd.pam
	refused_usage "not the name" example /etc/passwd
	refused_usage "not the name" example .
	refused_usage "not the name" example ''
}

# ---- doctor --------------------------------------------------------------

# A directory of service files with Debian's common ones, and the built module.
pam_dir() {
	mkdir "$T/pam.d"
	cp "$BATS_TEST_DIRNAME/../../build/pam_tokgate.so" "$T/module.so"
	chmod 644 "$T/module.so"
	local f
	for f in auth account password session; do
		printf '%s required pam_unix.so\n' "$f" >"$T/pam.d/common-$f"
	done
}

# doctor: JSON lines in $output.
doctor() {
	tok doctor --etc "$T" --module "$T/module.so" --json
}

# found CHECK [WHERE]: exactly this, with a problem and a fix.
found() {
	doctor
	[ "$status" -eq 1 ]
	[ -z "$stderr" ]
	jq -se --arg check "$1" --arg where "${2:-}" 'length == 1 and (.[0] | keys_unsorted == ["check", "where", "problem", "fix"]
	    and .check == $check and ($where == "" or .where == $where) and .problem != "" and .fix != "")' <<<"$output" ||
	    { echo "$output"; return 1; }
}

nothing_found() {
	doctor
	[ "$status" -eq 0 ] || echo "$output$stderr"
	[ "$status" -eq 0 ]
	[ -z "$output$stderr" ]
}

@test "doctor finds nothing wrong with a good store, the built module and the shipped files" {
	pam_dir
	local dir=$BATS_TEST_DIRNAME/../../pam/examples f
	for f in "$dir"/*.pam; do
		f=${f##*/}
		cp "$dir/$f" "$T/pam.d/${f%.pam}"
	done
	nothing_found
	tok doctor --etc "$T" --module "$T/module.so"
	[ "$status" -eq 0 ]
	[ "$output" = "nothing wrong with configuration, store, module, clock, PAM files, servers and tokgated" ]
}

@test "doctor finds a missing store, open modes, strange files, damage" {
	pam_dir
	chmod 750 "$store"
	found store-mode "$store"
	chmod 700 "$store"
	chmod 640 "$store/data.mdb"
	found store-mode "$store/data.mdb"
	chmod 600 "$store/data.mdb"
	mkdir "$store/sub"
	found store-file "$store/sub"
	rmdir "$store/sub"
	nothing_found
	truncate -s 5000 "$store/data.mdb"
	found store-open "$store"
	rm -r "$store"
	found store "$store"
	: >"$store"
	found store "$store"
}

@test "doctor finds a store of somebody else" {
	[ "$EUID" -eq 0 ] || skip "needs root, to give files away"
	pam_dir
	chown nobody "$store/data.mdb"
	found store-owner "$store/data.mdb"
	chown -R nobody "$store"
	found store-owner "$store"
	echo "uid = $(id -u nobody)" >"$T/tokgate.conf"
	nothing_found
}

@test "doctor finds a bad configuration" {
	pam_dir
	echo nonsense >"$T/tokgate.conf"
	found config "$T/tokgate.conf"
}

@test "doctor finds a module that is missing, not ours, unloadable or writable" {
	pam_dir
	rm "$T/module.so"
	found module "$T/module.so"
	echo nonsense >"$T/module.so"
	found module-load "$T/module.so"
	cp "$BATS_TEST_DIRNAME/../../build/libtokgate.so.0" "$T/module.so"
	chmod 644 "$T/module.so"
	doctor
	[ "$(jq -r .problem <<<"$output" | sort | xargs)" = "has no pam_sm_acct_mgmt has no pam_sm_authenticate \
has no pam_sm_close_session has no pam_sm_open_session has no pam_sm_setcred" ]
	cp "$BATS_TEST_DIRNAME/../../build/pam_tokgate.so" "$T/module.so"
	chmod 666 "$T/module.so"
	found module-mode "$T/module.so"
}

@test "doctor finds a clock that cannot be right" {
	pam_dir
	run --separate-stderr faketime '2020-01-01' "$tokgate" --config "$T/tokgate.conf" --store "$store" doctor --etc "$T" \
	    --module "$T/module.so" --json
	[ "$status" -eq 1 ]
	[ "$(jq -r .check <<<"$output")" = clock ]
}

@test "doctor says what it could not look at" {
	pam_dir
	tok doctor --etc "$T" --pam-dir "$T/nowhere" --module "$T/module.so"
	[ "$status" -eq 3 ]
	[[ $stderr == *"could not look at '$T/nowhere': No such file"* ]]
	echo '@include nowhere' >"$T/pam.d/x"
	doctor
	[ "$status" -eq 3 ]
	[[ $stderr == *"could not look at $T/pam.d/nowhere: No such file"* ]]
	echo '@include x' >"$T/pam.d/x"
	doctor
	[ "$status" -eq 3 ]
}

# service NAME: a service file with these lines on stdin; $svc is its path.
service() {
	svc=$T/pam.d/$1
	cat >"$svc"
}

good_auth='auth [success=done ignore=ignore default=die] pam_tokgate.so passthrough'
good_account='account [success=ok ignore=ignore module_unknown=ignore default=die] pam_tokgate.so'
good_session='session [success=ok ignore=ignore module_unknown=ignore default=die] pam_tokgate.so'

@test "doctor accepts controls in which a refusal is final" {
	pam_dir
	local control
	for control in required requisite REQUIRED '[success=done default=die]' '[default=bad success=ok]' '[success=ok]'; do
		service door <<<"auth $control pam_tokgate.so"
		nothing_found
	done
	service door <<<"$good_auth"$'\n@include common-auth'
	nothing_found
	service door <<<"auth [success=1 ignore=ignore default=die] pam_tokgate.so passthrough"$'\n@include common-auth\nauth required pam_permit.so'
	nothing_found
	service door <<<"auth [success=1 ignore=ignore default=die] pam_tokgate.so passthrough"$'\nauth substack common-auth\nauth required pam_permit.so'
	nothing_found
}

@test "doctor finds controls in which a refusal is not final" {
	pam_dir
	local control
	for control in sufficient optional '[success=done default=ignore]' '[success=done auth_err=ignore default=die]' \
	    '[success=done authinfo_unavail=1 default=die]' '[success=done service_err=ok default=die]'; do
		service door <<<"auth $control pam_tokgate.so"
		found pam-refusal "$svc:1"
	done
	service door <<<"account optional pam_tokgate.so"
	found pam-refusal "$svc:1"
}

@test "doctor finds every other password check that is shown a token" {
	pam_dir
	service door <<<$'auth requisite pam_tokgate.so\n@include common-auth'
	found pam-leak "$svc:1"
	[[ $(jq -r .problem <<<"$output") == "a granted token is shown as a password to pam_unix.so ($T/pam.d/common-auth:1)" ]]
	service door <<<$'auth [success=done default=bad] pam_tokgate.so\nauth include common-auth'
	found pam-leak "$svc:1"
	[[ $(jq -r .problem <<<"$output") == "a refused token is shown"* ]]
	service door <<<$'auth sufficient /lib/security/pam_ldap.so\nauth required /opt/pam_tokgate.so'
	found pam-leak "$svc:2"
	[[ $(jq -r .problem <<<"$output") == "every token is shown as a password to pam_ldap.so"* ]]
	service door <<<$'auth [success=1 default=die] pam_tokgate.so\nauth required pam_env.so\nauth required pam_unix.so'
	found pam-leak "$svc:1"
}

@test "doctor finds account and session lines that lock out who has no token" {
	pam_dir
	local phase
	for phase in account session; do
		service door <<<"$phase required pam_tokgate.so"
		found pam-lockout "$svc:1"
		service door <<<"-$phase [success=ok ignore=ignore default=bad] pam_tokgate.so"
		found pam-lockout "$svc:1"
		service door <<<"$phase [success=ok module_unknown=ignore default=die] pam_tokgate.so"
		found pam-lockout "$svc:1"
		service door <<<"$phase [success=done ignore=ignore module_unknown=ignore default=die] pam_tokgate.so"
		found pam-skip "$svc:1"
	done
	service door <<<"$good_account"$'\n'"$good_session"
	nothing_found
}

@test "doctor finds services in which only tokens let people in, root included" {
	pam_dir
	local name
	for name in sshd login su su-l sudo; do
		service $name <<<$'auth required pam_tokgate.so'
		found pam-root "$svc:1"
		service $name <<<"$good_auth"
		found pam-root "$svc:1"
		service $name <<<"$good_auth"$'\nauth required pam_deny.so'
		found pam-root "$svc:1"
		service $name <<<"$good_auth"$'\n@include common-auth'
		nothing_found
		service $name <<<$'auth sufficient pam_unix.so\nauth required pam_tokgate.so'
		found pam-leak "$svc:2"
		rm "$svc"
	done
	service sftp-door <<<$'auth required pam_tokgate.so'
	nothing_found
}

@test "doctor finds a pam_env line behind ours" {
	pam_dir
	service door <<<"$good_session"$'\nsession required pam_env.so user_readenv=1'
	found pam-env "$svc:2"
	service door <<<$'session required pam_env.so user_readenv=1\n'"$good_session"
	nothing_found
}

@test "doctor finds a gate without a group at sshd" {
	pam_dir
	service sshd <<<"$good_auth gate"$'\n@include common-auth'
	found pam-gate "$svc:1"
	service sshd <<<"$good_auth gate=uploaders"$'\n@include common-auth'
	nothing_found
	rm "$svc"
	service ftp <<<"$good_auth gate"$'\n@include common-auth'
	nothing_found
}

@test "doctor finds arguments that the module would refuse" {
	pam_dir
	local arg
	for arg in pass_through service= action= resource= gate= config= debug=1 Service=sftp service=SFTP action=a:b resource=a,b \
	    "passthrough passthrough" "gate resource=x" "gate=$(printf %300s x | tr " " x)"; do
		service door <<<"auth required pam_tokgate.so $arg"
		doctor
		[ "$status" -eq 1 ]
		jq -se --arg w "$svc:1" 'length > 0 and all(.check == "pam-argument" and .where == $w)' <<<"$output"
	done
	service door <<<"auth required pam_tokgate.so service=sftp action=upload resource=demo gate=g map_user quiet debug config=$T/tokgate.conf"
	nothing_found
	service door <<<"auth required pam_tokgate.so config=$T/none"
	found pam-config "$svc:1"
	service door <<<"password required pam_tokgate.so"
	found pam-phase "$svc:1"
}

@test "doctor reads service files as PAM does" {
	pam_dir
	# remarks, blanks, continuation, a leading '-', tabs, a bracket within brackets, a path
	service door <<-'END'
	# auth sufficient pam_tokgate.so

	  -auth	[success=done \
	     default=ignore]   \
	  /lib/security/pam_tokgate.so   # debug=2
	END
	found pam-refusal "$svc:3"
	service door <<<'auth required pam_tokgate.so [service=sftp]'
	nothing_found
	service door <<<'auth required pam_exec.so /usr/bin/pam_tokgate.so.old'
	nothing_found
	# a line in an included file is reported where it stands, once
	service common-auth <<<'auth sufficient pam_tokgate.so'
	service a <<<'@include common-auth'
	service b <<<'auth include common-auth'
	service c <<<'auth substack common-auth'
	service d <<<'session include common-auth'
	found pam-refusal "$T/pam.d/common-auth:1"
	# copies of editors and packagers are no services
	service door~ <<<'auth optional pam_tokgate.so'
	service door.dpkg-old <<<'auth optional pam_tokgate.so'
	found pam-refusal "$T/pam.d/common-auth:1"
}

# ---- doctor: servers -------------------------------------------------------

# server FILE: below /etc, on stdin.
server() {
	mkdir -p "$T/${1%/*}"
	cat >"$T/$1"
}

# A service that uses the module for each server, and each server that does.
servers() {
	local name
	pam_dir
	for name in apache nginx dovecot proftpd smtp; do
		service "$name" <<<'auth [success=done default=die] pam_tokgate.so'
	done
	server apache2/apache2.conf <<<$'IncludeOptional sites-enabled/*.conf'
	server apache2/sites-enabled/a.conf <<<$'<Location "/">\n\tauthpamservice "apache"\n</Location>'
	server nginx/nginx.conf <<<'http { include /etc/nginx/sites-enabled/*; }'$'\ninclude /etc/nginx/sites-enabled/*;'
	server nginx/sites-enabled/a <<<'auth_pam_service_name "nginx";'
	server dovecot/dovecot.conf <<<$'!include conf.d/*.conf\n!include_try local.conf'
	server dovecot/conf.d/10-auth.conf <<<$'passdb {\n driver = pam\n}'
	server proftpd/proftpd.conf <<<$'AuthOrder mod_auth_pam.c* mod_auth_unix.c\nUseReverseDNS off\nInclude /etc/proftpd/conf.d/'
	server default/saslauthd <<<$'MECHANISMS="pam"\nOPTIONS="-m /var/run/saslauthd"'
	nothing_found
}

@test "doctor finds nothing wrong with the shipped servers' files" {
	servers
	local dir=$BATS_TEST_DIRNAME/../../pam/examples
	cp "$dir/apache.conf" "$T/apache2/sites-enabled/a.conf"
	cp "$dir/nginx.conf" "$T/nginx/sites-enabled/a"
	cp "$dir/dovecot.conf" "$T/dovecot/dovecot.conf"
	cp "$dir/proftpd.conf" "$T/proftpd/proftpd.conf"
	nothing_found
}

@test "doctor finds caches in which a revoked token stays good" {
	servers
	server apache2/sites-enabled/b.conf <<<'AuthnCacheProvideFor file PAM'
	found server-cache "$T/apache2/sites-enabled/b.conf:1"
	server apache2/sites-enabled/b.conf <<<$'AuthnCacheProvideFor file\n# AuthnCacheProvideFor PAM'
	nothing_found
	server dovecot/conf.d/10-auth.conf <<<$'#auth_cache_size = 1\nauth_cache_size = 10 M'
	found server-cache "$T/dovecot/conf.d/10-auth.conf:2"
	# the last one holds
	server dovecot/local.conf <<<'auth_cache_size=0'
	nothing_found
	server dovecot/local.conf <<<'auth_cache_size=1M'
	found server-cache "$T/dovecot/local.conf:1"
	rm "$T/dovecot/local.conf" "$T/dovecot/conf.d/10-auth.conf"
	server default/saslauthd <<<'OPTIONS="-c -m /var/run/saslauthd"'
	found server-cache "$T/default/saslauthd:1"
	server default/saslauthd <<<'OPTIONS="-m /var/run/a-c -c"'
	found server-cache "$T/default/saslauthd:1"
	server default/saslauthd <<<'OPTIONS="-m /var/run/a-c"'
	nothing_found
}

@test "doctor finds servers that show a refused password to others" {
	servers
	server dovecot/conf.d/10-auth.conf <<<$'passdb {\n driver = pam\n}\npassdb {\n driver = ldap\n}'
	found server-leak "$T/dovecot/conf.d/10-auth.conf:1"
	server dovecot/conf.d/10-auth.conf <<<$'passdb {\n driver = pam\n result_failure = return-fail\n}\npassdb {\n driver = ldap\n}'
	nothing_found
	server dovecot/conf.d/10-auth.conf <<<$'passdb {\n driver = ldap\n}\npassdb {\n driver = pam\n}'
	nothing_found
	server proftpd/proftpd.conf <<<$'AuthOrder mod_auth_pam.c mod_auth_unix.c\nUseReverseDNS off'
	found server-leak "$T/proftpd/proftpd.conf:1"
	server proftpd/proftpd.conf <<<'UseReverseDNS off'
	found server-leak "$T/proftpd/proftpd.conf"
}

@test "doctor finds servers that give PAM names in the place of addresses" {
	servers
	server proftpd/proftpd.conf <<<'AuthOrder mod_auth_pam.c* mod_auth_unix.c'
	found server-names "$T/proftpd/proftpd.conf"
	server proftpd/conf.d/b.conf <<<'UseReverseDNS on'
	server proftpd/proftpd.conf <<<$'AuthOrder mod_auth_pam.c* \\\n  mod_auth_unix.c\nInclude /etc/proftpd/conf.d/'
	found server-names "$T/proftpd/conf.d/b.conf:1"
	server proftpd/conf.d/b.conf <<<'UseReverseDNS off'
	nothing_found
	server apache2/sites-enabled/b.conf <<<'HostnameLookups Double'
	found server-names "$T/apache2/sites-enabled/b.conf:1"
}

@test "doctor finds servers that write secrets to their log, or crash" {
	servers
	server dovecot/local.conf <<<'auth_debug_passwords = yes'
	found server-secrets "$T/dovecot/local.conf:1"
	server dovecot/local.conf <<<'auth_verbose_passwords = sha1:6'
	found server-secrets "$T/dovecot/local.conf:1"
	server dovecot/local.conf <<<$'auth_verbose_passwords = no\nauth_debug_passwords = no'
	nothing_found
	server nginx/sites-enabled/b <<<'auth_pam_set_pam_env on;'
	found server-crash "$T/nginx/sites-enabled/b:1"
}

@test "doctor leaves alone servers whose PAM services are not ours" {
	servers
	local name
	for name in apache nginx dovecot proftpd smtp; do
		service "$name" <<<'auth required pam_unix.so'
	done
	server apache2/sites-enabled/b.conf <<<$'AuthnCacheProvideFor PAM\nHostnameLookups On'
	server nginx/sites-enabled/b <<<'auth_pam_set_pam_env on;'
	server dovecot/local.conf <<<$'auth_cache_size = 1M\nauth_debug_passwords = yes'
	server proftpd/proftpd.conf <<<'AuthOrder mod_auth_pam.c'
	server default/saslauthd <<<'OPTIONS="-c"'
	nothing_found
}

@test "doctor reads servers' files until it cannot" {
	servers
	server proftpd/proftpd.conf <<<'Include /etc/proftpd/proftpd.conf'
	doctor
	[ "$status" -eq 3 ]
	[[ $stderr == *"could not look at $T/proftpd/proftpd.conf: Too many levels"* ]]
}

@test "doctor finds map_user at a server that ignores it" {
	servers
	service proftpd <<<'auth [success=done default=die] pam_tokgate.so map_user'
	found pam-map "$svc:1"
	service proftpd <<<'auth [success=done default=die] pam_tokgate.so'
	service sshd <<<"$good_auth map_user"$'\n@include common-auth'
	found pam-map "$svc:1"
	service sshd <<<"$good_auth"$'\n@include common-auth'
	service vsftpd <<<'auth [success=done default=die] pam_tokgate.so map_user'
	nothing_found
}
