#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# shellcheck disable=SC2030,SC2031
# Apache of Debian 12 with pam/examples/apache.pam and apache.conf: one process
# of www-data with many threads, which asks tokgated

bats_require_minimum_version 1.5.0

# shellcheck source=tests/e2e/lib.bash
. "$BATS_TEST_DIRNAME/../lib.bash"
# shellcheck source=tests/e2e/daemon.bash
. "$BATS_TEST_DIRNAME/../daemon.bash"

inbox=/srv/tokgate/http
cargo=$frame/cargo

# What a2enmod would do; the example's own, and those that the package enables.
enable_modules() {
	local name
	for name; do
		ln -s "../mods-available/$name.load" /etc/apache2/mods-enabled/
		[ ! -e "/etc/apache2/mods-available/$name.conf" ] || ln -s "../mods-available/$name.conf" /etc/apache2/mods-enabled/
	done
}

start_apache() {
	rm -rf /etc/apache2/{mods,sites,conf}-enabled /etc/apache2/ports.conf
	mkdir /etc/apache2/{mods,sites,conf}-enabled
	enable_modules authnz_pam ssl headers dav dav_fs proxy proxy_http
	enable_modules mpm_event authn_core authz_core authz_user auth_basic alias mime dir env setenvif socache_shmcb
	cp "$examples/apache.conf" /etc/apache2/sites-available/tokgate.conf
	ln -s ../sites-available/tokgate.conf /etc/apache2/sites-enabled/
	cat >/etc/apache2/ports.conf <<-'END'
	Listen 127.0.0.1:443
	Listen 127.0.0.2:443
	END
	cat >/etc/apache2/conf-enabled/test.conf <<-'END'
	ServerName localhost
	StartServers 1
	ServerLimit 1
	ThreadsPerChild 25
	MaxRequestWorkers 25
	LogFormat "%{pid}P %{tid}P %u %s" threads
	CustomLog /var/log/apache2/threads.log threads
	END
	use_example apache.pam /etc/pam.d/apache
	mkdir -p /var/log/apache2 /run/apache2
	install -d -o www-data /run/lock/apache2
	# shellcheck source=/dev/null
	(. /etc/apache2/envvars && start apache 443 /usr/sbin/apache2 -D FOREGROUND)
}

setup_file() {
	install_with_daemon
	make_certificate
	head -c 300000 /dev/urandom >"$cargo"
	install -d -m 0755 /srv/tokgate
	install -d -m 0750 -o www-data -g www-data "$inbox"
	start_package_host
	start_apache
}

teardown_file() {
	stop apache
	stop package-host
	stop tokgated
}

setup() {
	file=$BATS_TEST_NUMBER
	mark_log
}

teardown() {
	all_is_back
}

# An audit line of the upload folder: VERDICT TOKEN OWNER LOGIN [SOURCE]
audited_upload() {
	audited_for www-data "$1" "$2" "$3" "$4" "$web_question" "${@:5}"
}

# What Apache says itself, where tokgated was not asked or did not answer.
audited_alone() {
	audited_at www-data "$1" "$2" - "$3" "$web_question"
}

# ---- in ------------------------------------------------------------------

@test "Apache is one process with many threads, and not root" {
	[ "$(pgrep -c -u www-data -x apache2)" -eq 1 ]
	[ "$(pgrep -c -u root -x apache2)" -eq 1 ]
	[ "$(ps -L -o lwp= -p "$(pgrep -u www-data -x apache2)" | wc -l)" -gt 25 ]
}

@test "curl uploads with the owner's name and as __token__" {
	token=$(issue alice --scope http:upload:demo)
	for login in alice __token__; do
		mark_log
		puts "$login" "$token"
		audited_upload ok "$token" alice "$login"
	done
}

@test "the owner needs no account" {
	token=$(issue ci-release --scope 'http:upload:demo*')
	puts ci-release "$token"
	audited_upload ok "$token" ci-release ci-release
}

@test "a stock twine uploads, and the package host learns the name and no token" {
	token=$(issue alice --scope http:upload:demo)
	twine_arrives __token__ "$token"
	audited_upload ok "$token" alice __token__
}

@test "a token bound to an address opens from there and from nowhere else" {
	token=$(issue alice --scope http:upload:demo --from 127.0.0.2)
	refused alice "$token"
	audited_upload wrong-source "$token" alice alice
	mark_log
	puts alice "$token" --interface 127.0.0.2
	audited_upload ok "$token" alice alice 127.0.0.2
}

@test "a token for one use is used up by it, and the store remembers" {
	token=$(issue alice --scope http:upload:demo --uses 1)
	puts alice "$token"
	refused alice "$token"
	tokgate show "$(id_of "$token")" --json
	[ "$(tokgate show "$(id_of "$token")" --json | jq -c '[.uses_left, .last_used.source, .last_used.count,
	    .last_refused.why, .last_refused.count]')" = '[0,"127.0.0.1",1,"used-up",1]' ]
}

@test "threads get their own answers: of 80 uploads at once the 40 with a good token arrive" {
	good=$(issue alice --scope http:upload:demo)
	bad=$(issue alice --scope http:upload:other)
	for n in {1..40}; do
		echo "alice $good"
		echo "alice $bad"
	done | many_puts 80 >"$frame/statuses"
	[ "$(wc -l <"$frame/statuses")" -eq 80 ]
	[ "$(sed -n 'p;n' "$frame/statuses" | sort | uniq -c | xargs)" = '40 201' ]
	[ "$(sed -n 'n;p' "$frame/statuses" | sort | uniq -c | xargs)" = '40 401' ]
	for n in {1..80..2}; do
		cmp "$cargo" "$inbox/$n"
	done
	rm "$inbox"/{1..80..2}
	[ -z "$(ls "$inbox")" ]
	[ "$(audit | grep -o 'verdict=[a-z-]*' | sort | uniq -c | xargs)" = '40 verdict=ok 40 verdict=wrong-resource' ]
	[ "$(cut -d' ' -f1 /var/log/apache2/threads.log | sort -u | wc -l)" -eq 1 ]
	[ "$(cut -d' ' -f2 /var/log/apache2/threads.log | sort -u | wc -l)" -ge 10 ]
}

@test "of 40 uploads at once with a token for one use exactly one arrives" {
	token=$(issue alice --scope http:upload:demo --uses 1)
	for n in {1..40}; do
		echo "alice $token"
	done | many_puts 40 >"$frame/statuses"
	[ "$(wc -l <"$frame/statuses")" -eq 40 ]
	[ "$(grep -c 201 "$frame/statuses")" -eq 1 ]
	[ "$(find "$inbox" -type f | wc -l)" -eq 1 ]
	find "$inbox" -type f -delete
	run ! grep -v '201\|401' "$frame/statuses"
}

# ---- out -----------------------------------------------------------------

@test "a token for another service, action or project is refused" {
	for case in wrong-service:ftp:upload:demo wrong-action:http:download:demo wrong-resource:http:upload:demo2; do
		mark_log
		token=$(issue alice --scope "${case#*:}")
		refused alice "$token"
		audited_upload "${case%%:*}" "$token" alice alice
	done
}

@test "an expired token is refused" {
	token=$(issue_expired alice --scope http:upload:demo)
	refused __token__ "$token"
	audited_upload expired "$token" alice __token__
}

@test "a token revoked a moment ago is refused by the running server, to curl and to twine" {
	token=$(issue alice --scope http:upload:demo)
	puts alice "$token"
	mark_log
	tokgate revoke "$(id_of "$token")"
	refused alice "$token"
	audited_upload revoked "$token" alice alice
	twine_refused __token__ "$token"
}

@test "one mistyped character, or another secret, is refused" {
	token=$(issue alice --scope http:upload:demo)
	refused __token__ "$(other_secret "$token")"
	audited_upload no-match "$token" - __token__
	mark_log
	refused __token__ "$(mistyped "$token")"
	audited_alone malformed '' __token__
}

@test "another owner's name is refused" {
	token=$(issue alice --scope http:upload:demo)
	refused bob "$token"
	audited_upload wrong-login "$token" alice bob
}

@test "an ordinary password is refused without asking anybody" {
	add_user alice
	refused alice "$(unix_password alice)"
	audited_alone not-a-token '' alice
}

@test "the folder gives nothing back and keeps what it has" {
	token=$(issue alice --scope http:upload:demo)
	cp "$cargo" "$inbox/kept"
	only_says 403 GET /upload/kept
	only_says 403 GET /upload/
	only_says 403 PROPFIND /upload/
	only_says 403 DELETE /upload/kept
	only_says 403 MKCOL /upload/new
	only_says 403 MOVE /upload/kept -H 'Destination: https://127.0.0.1/upload/moved'
	only_says 403 COPY /upload/kept -H 'Destination: https://127.0.0.1/upload/copied'
	only_says 403 GET /legacy/
	only_says 412 PUT /upload/kept -T /etc/passwd
	cmp "$cargo" "$inbox/kept"
	[ "$(ls "$inbox")" = kept ]
	rm "$inbox/kept"
}

# ---- without -------------------------------------------------------------

@test "without tokgated tokens are unavailable, and back with it" {
	token=$(issue alice --scope http:upload:demo)
	stop tokgated
	refused alice "$token"
	audited_alone unavailable "$token" alice
	log_since_mark | grep -q "pam_tokgate(apache:auth): unavailable: no tokgated listens at '$socket'"
	start_tokgated
	puts alice "$token"
}

@test "while tokgated is stopped nobody waits for long, and tokens are unavailable" {
	token=$(issue alice --scope http:upload:demo)
	kill -STOP "$(cat "$frame/tokgated.pid")"
	[ "$(put alice "$token" -m 5)" = 401 ]
	audited_alone unavailable "$token" alice
	kill -CONT "$(cat "$frame/tokgated.pid")"
	puts alice "$token"
}

@test "without a store tokens are unavailable, and back with it" {
	token=$(issue alice --scope http:upload:demo)
	keep_store
	rm -r /var/lib/tokgate
	refused alice "$token"
	audited_upload unavailable "$token" - alice
	put_store_back
	puts alice "$token"
}

# ---- the log -------------------------------------------------------------

@test "what a server says that tokgated was told to trust is not marked as claimed" {
	token=$(issue alice --scope http:upload:demo)
	cp /etc/tokgate/tokgate.conf "$frame/kept.conf"
	configure "trusted = $(id -u www-data)"
	puts alice "$token"
	audited_at www-data ok "$token" alice alice "$web_question"
	mv "$frame/kept.conf" /etc/tokgate/tokgate.conf
	stop tokgated
}

@test "no secret is in a log, a file or another process, nor a header that had one" {
	token=$(issue alice --scope http:upload:demo)
	puts alice "$token"
	found_nowhere
	no_header_kept
}
