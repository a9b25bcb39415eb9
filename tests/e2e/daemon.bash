# SPDX-License-Identifier: ISC
# shellcheck shell=bash disable=SC2034,SC2154
#
# daemon.bash - tokgated, and the servers that ask it; after lib.bash
#
# Of the tests are $cargo, what is uploaded, $file, its name, and $inbox.

socket=/run/tokgate/check
certificate=/etc/ssl/certs/ssl-cert-snakeoil.pem

# ---- the daemon ----------------------------------------------------------

# The service user that the shipped file makes, a store of his, and tokgated.
install_with_daemon() {
	systemd-sysusers "$src/tools/tokgated/tokgate.sysusers"
	install_tokgate
	start_tokgated
}

daemon_listens() {
	[ -n "$(ss -Hlx "src = $socket")" ]
}

start_tokgated() {
	tokgated >>"$frame/tokgated.out" 2>&1 </dev/null 3>&- &
	echo $! >"$frame/tokgated.pid"
	within 10 daemon_listens
}

# As if this line had always been in the configuration.
configure() {
	stop tokgated
	echo "$1" >>/etc/tokgate/tokgate.conf
	start_tokgated
}

# A test that took the daemon or the store away, or set something, is over.
all_is_back() {
	local pid
	pid=$(cat "$frame/tokgated.pid")
	[ ! -d "$frame/store.kept" ] || put_store_back
	kill -CONT "$pid" 2>/dev/null || :
	if gone "$pid"; then
		start_tokgated
	fi
}

# ---- the log -------------------------------------------------------------

# audit_says USER MARK VERDICT TOKEN OWNER LOGIN WHAT [SOURCE]: exactly one audit
# line since the mark.  MARK stands before what is USER's word alone; WHAT is
# "service=... resource=..."; an empty TOKEN is none that was recognised.
audit_says() {
	local user=$1 mark=$2 id=- got want
	shift 2
	[ -z "$2" ] || id=$(id_of "$2")
	want="tokgate: verdict=$1 id=$id owner=$3 login=$mark$4 $5 source=$mark${6-127.0.0.1} uid=$(id -u "$user")"
	got=$(audit)
	[ "$got" = "$want" ] && return
	printf 'audit line expected:\n%s\nfound:\n%s\n' "$want" "$got" >&2
	return 1
}

# By tokgated, asked by a USER whom it was not told to trust.
audited_for() {
	audit_says "$1" '(claimed)' "${@:2}"
}

# By the server's own process, or for one that tokgated trusts.
audited_at() {
	audit_says "$1" '' "${@:2}"
}

# ---- servers -------------------------------------------------------------

# The certificate that the package ssl-cert would make.
make_certificate() {
	mkdir -p /etc/ssl/private "${certificate%/*}"
	(umask 077 && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
	    -subj /CN=localhost -addext 'subjectAltName=DNS:localhost,IP:127.0.0.1,IP:127.0.0.2' \
	    -keyout /etc/ssl/private/ssl-cert-snakeoil.key -out "$certificate") 2>/dev/null
	chmod 644 "$certificate"
}

# A package host behind the server: what it is sent lies in $received.
received=$frame/received

start_package_host() {
	install -d -m 700 "$received"
	start package-host 8081 "$src/tests/e2e/package-host" 8081 "$received"
}

# make_package VERSION: a package as `python -m build` would make it; prints its path.
make_package() {
	local dir=$frame/dist/hello-$1
	mkdir -p "$dir"
	printf 'Metadata-Version: 2.1\nName: hello\nVersion: %s\n' "$1" >"$dir/PKG-INFO"
	head -c 200000 /dev/urandom >"$dir/data"
	tar -C "$frame/dist" -czf "$dir.tar.gz" "hello-$1"
	echo "$dir.tar.gz"
}

# ---- clients -------------------------------------------------------------

# web_as LOGIN SECRET ARGUMENT...: curl, which prints the status.
web_as() {
	curl_as "$1" "$2" --cacert "$certificate" -o "$frame/answer" -w '%{http_code}' "${@:3}"
}

# twine_as LOGIN SECRET FILE
twine_as() {
	local rc=0
	(
		umask 077
		cat >"$frame/pypirc" <<-END
		[distutils]
		index-servers = here
		[here]
		repository = https://127.0.0.1/legacy/
		username = $1
		password = $2
		END
	)
	twine upload --config-file "$frame/pypirc" --cert "$certificate" -r here --non-interactive \
	    --disable-progress-bar "$3" </dev/null 2>&1 || rc=$?
	rm "$frame/pypirc"
	return $rc
}

# many_puts NUMBER: all at once, at https://127.0.0.1/upload/N with the login
# and secret of line N of standard input; prints their statuses in that order.
many_puts() {
	local n=0 login secret
	while read -r login secret; do
		n=$((n + 1))
		printf 'next\nurl = "https://127.0.0.1/upload/%s"\nuser = "%s:%s"\nupload-file = "%s"\n' \
		    "$n" "$login" "$secret" "$cargo"
		printf 'cacert = "%s"\noutput = "/dev/null"\nwrite-out = "%s %%{http_code}\\n"\n' "$certificate" "$n"
	done | curl -sS --parallel --parallel-immediate --parallel-max "$1" -K - | sort -n | cut -d' ' -f2
}

# ---- what must hold at a web server; $inbox is its folder -----------------

web_question='service=http action=upload resource=demo'

# put LOGIN SECRET [OPTION...]: upload the cargo under the test's name; prints the status.
put() {
	web_as "$1" "$2" -T "$cargo" "https://127.0.0.1/upload/$file" "${@:3}"
}

# puts LOGIN SECRET [OPTION...]: it arrives.
puts() {
	[ "$(put "$@")" = 201 ]
	cmp "$cargo" "$inbox/$file"
	[ "$(stat -c %U "$inbox/$file")" = www-data ]
	rm "$inbox/$file"
}

# refused LOGIN SECRET [OPTION...]: by the server, and nothing arrived.
refused() {
	[ "$(put "$@")" = 401 ]
	[ ! -e "$inbox/$file" ]
}

# twine_arrives LOGIN TOKEN: under that name, and the package host sees no token.
twine_arrives() {
	local package
	package=$(make_package "1.$file")
	twine_as "$1" "$2" "$package"
	cmp "$package" "$received/${package##*/}"
	grep -qx "X-Remote-User: $1" "$received/${package##*/}.headers"
	run ! grep -qi '^Authorization' "$received/${package##*/}.headers"
}

twine_refused() {
	local package
	package=$(make_package "2.$file")
	run -1 twine_as "$1" "$2" "$package"
	[[ "$output" == *401* ]]
	[ ! -e "$received/${package##*/}" ]
}

# Nor is what clients made of a secret for their header.
no_header_kept() {
	local login token
	while read -r token; do
		for login in alice bob __token__; do
			printf %s "$login:$token" | base64 -w 0
			echo
		done
	done <"$issued" >"$frame/headers"
	! grep -rlsFf "$frame/headers" "$frame/upper" "$frame"/*.* "$frame/syslog" "$received"
}

only_says() { # STATUS METHOD URL [OPTION...]
	[ "$(web_as alice "$token" -X "$2" "https://127.0.0.1$3" "${@:4}")" = "$1" ]
	run ! cmp -s "$cargo" "$frame/answer"
}
