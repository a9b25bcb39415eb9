#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# shellcheck disable=SC2030,SC2031
# nginx of Debian 12 with pam/examples/nginx.pam and nginx.conf: workers of
# www-data, which ask tokgated and wait for it

bats_require_minimum_version 1.5.0

# shellcheck source=tests/e2e/lib.bash
. "$BATS_TEST_DIRNAME/../lib.bash"
# shellcheck source=tests/e2e/daemon.bash
. "$BATS_TEST_DIRNAME/../daemon.bash"

inbox=/srv/tokgate/http
cargo=$frame/cargo

start_nginx() {
	rm -rf /etc/nginx/{modules,sites}-enabled /etc/nginx/conf.d
	mkdir /etc/nginx/{modules,sites}-enabled
	ln -s /usr/share/nginx/modules-available/mod-http-auth-pam.conf /etc/nginx/modules-enabled/
	cp "$examples/nginx.conf" /etc/nginx/sites-available/tokgate
	ln -s ../sites-available/tokgate /etc/nginx/sites-enabled/
	use_example nginx.pam /etc/pam.d/nginx
	mkdir -p /var/log/nginx /var/lib/nginx
	start nginx 443 /usr/sbin/nginx -g 'daemon off;'
}

setup_file() {
	install_with_daemon
	configure "trusted = $(id -u www-data)"
	make_certificate
	head -c 300000 /dev/urandom >"$cargo"
	install -d -m 0755 /srv/tokgate
	install -d -m 0750 -o www-data -g www-data "$inbox"
	start_package_host
	start_nginx
}

teardown_file() {
	stop nginx
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
	audited_at www-data "$1" "$2" "$3" "$4" "$web_question" "${@:5}"
}

# ---- in ------------------------------------------------------------------

@test "nginx's workers are not root" {
	[ "$(pgrep -c -u www-data -x nginx)" -ge 1 ]
	[ "$(pgrep -c -u root -x nginx)" -eq 1 ]
}

@test "curl uploads with the owner's name and as __token__" {
	token=$(issue alice --scope http:upload:demo)
	for login in alice __token__; do
		mark_log
		puts "$login" "$token"
		audited_upload ok "$token" alice "$login"
	done
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

@test "a token for one use is used up by it" {
	token=$(issue alice --scope http:upload:demo --uses 1)
	puts alice "$token"
	mark_log
	refused alice "$token"
	audited_upload used-up "$token" alice alice
}

@test "of 80 uploads at once the 40 with a good token arrive" {
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
	audited_upload malformed '' - __token__
}

@test "another owner's name is refused" {
	token=$(issue alice --scope http:upload:demo)
	refused bob "$token"
	audited_upload wrong-login "$token" alice bob
}

@test "an ordinary password is refused without asking anybody" {
	add_user alice
	refused alice "$(unix_password alice)"
	audited_upload not-a-token '' - alice
}

@test "the folder gives nothing back" {
	token=$(issue alice --scope http:upload:demo)
	cp "$cargo" "$inbox/kept"
	only_says 403 GET /upload/kept
	only_says 403 GET /upload/
	only_says 403 DELETE /upload/kept
	only_says 403 MKCOL /upload/new
	only_says 403 MOVE /upload/kept -H 'Destination: https://127.0.0.1/upload/moved'
	only_says 403 COPY /upload/kept -H 'Destination: https://127.0.0.1/upload/copied'
	only_says 403 GET /legacy/
	cmp "$cargo" "$inbox/kept"
	[ "$(ls "$inbox")" = kept ]
	rm "$inbox/kept"
}

# ---- without -------------------------------------------------------------

@test "without tokgated tokens are unavailable, and back with it" {
	token=$(issue alice --scope http:upload:demo)
	stop tokgated
	refused alice "$token"
	audited_upload unavailable "$token" - alice
	log_since_mark | grep -q "pam_tokgate(nginx:auth): unavailable: no tokgated listens at '$socket'"
	start_tokgated
	puts alice "$token"
}

@test "while tokgated is stopped nobody waits for long, and tokens are unavailable" {
	token=$(issue alice --scope http:upload:demo)
	kill -STOP "$(cat "$frame/tokgated.pid")"
	[ "$(put alice "$token" -m 5)" = 401 ]
	audited_upload unavailable "$token" - alice
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

# ---- secrets -------------------------------------------------------------

@test "no secret is in a log, a file or another process, nor a header that had one" {
	token=$(issue alice --scope http:upload:demo)
	puts alice "$token"
	found_nowhere
	no_header_kept
}
