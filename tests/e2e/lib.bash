# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# lib.bash - real servers, stock clients and what they left behind
#
# For the end-to-end tests and the demo, inside the frame.  No token is ever
# an argument or in an environment: programs get it from a descriptor.

frame=/run/frame
src=$frame/src
issued=$frame/issued # the token texts of all times, for found_nowhere
examples=/usr/share/doc/tokgate/examples

# ---- the machine ---------------------------------------------------------

# Put the product in its places, without anything that this machine may have
# of it, and make a store.
install_tokgate() {
	rm -rf /etc/tokgate /var/lib/tokgate
	make -s -C "$src" install >/dev/null
	tokgate init >/dev/null
	(umask 077 && : >"$issued")
}

# add_user NAME [GROUP]: with a Unix password, whatever the machine had.
add_user() {
	userdel -rf "$1" >/dev/null 2>&1 || :
	useradd -m -s /bin/bash ${2:+-G "$2"} "$1"
	echo "$1:$(unix_password "$1")" | chpasswd
}

unix_password() {
	echo "Unix password of $1"
}

# use_example NAME FILE: install an example unchanged, but for `debug` on each line of ours.
use_example() {
	sed 's/pam_tokgate\.so.*/& debug/' "$examples/$1" >"$2"
}

# within SECONDS COMMAND...: repeat it until it is true.
within() {
	local deadline=$((SECONDS + $1))
	shift
	until "$@"; do
		if [ "$SECONDS" -gt "$deadline" ]; then
			echo "not so in time: $*" >&2
			return 1
		fi
		sleep 0.02
	done
}

# ---- servers -------------------------------------------------------------

listening() {
	[ -n "$(ss -Hltn "sport = :$1")" ]
}

# start NAME PORT COMMAND...: what it prints goes to a file in the frame.
start() {
	local name=$1 port=$2
	shift 2
	"$@" >>"$frame/$name.out" 2>&1 </dev/null 3>&- 4>&- &
	echo $! >"$frame/$name.pid"
	within 10 listening "$port"
}

gone() {
	! kill -0 "$1" 2>/dev/null
}

stop() {
	local pid
	pid=$(cat "$frame/$1.pid")
	kill "$pid"
	within 10 gone "$pid"
}

keep_store() {
	cp -a /var/lib/tokgate "$frame/store.kept"
}

put_store_back() {
	rm -rf /var/lib/tokgate
	mv "$frame/store.kept" /var/lib/tokgate
}

# The upload folders as the examples say.
make_folders() {
	install -d -m 0755 /srv/tokgate
	install -d -m 2770 -g tokgate-upload /srv/tokgate/demo
	install -d -m 1777 /srv/tokgate/ftp
}

# The stock configuration of the package, our example beside it, both methods.
start_sshd() {
	getent passwd sshd >/dev/null || useradd -r -d /run/sshd -s /usr/sbin/nologin sshd
	rm -rf /etc/ssh/sshd_config.d
	mkdir -p /etc/ssh/sshd_config.d
	cp /usr/share/openssh/sshd_config /etc/ssh/sshd_config
	cp "$examples/sshd.conf" /etc/ssh/sshd_config.d/tokgate.conf
	use_example sshd.pam /etc/pam.d/sshd
	[ -e /etc/ssh/ssh_host_ed25519_key ] || ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key
	start sshd 22 /usr/sbin/sshd -D -o LogLevel=DEBUG3 -o HostKey=/etc/ssh/ssh_host_ed25519_key \
	    -o KbdInteractiveAuthentication=yes "$@"
}

start_vsftpd() {
	mkdir -p /run/vsftpd/empty
	[ -e /etc/ftpusers ] || echo root >/etc/ftpusers
	cp "$examples/vsftpd.conf" /etc/vsftpd.conf
	use_example vsftpd.pam /etc/pam.d/vsftpd
	start vsftpd 21 /usr/sbin/vsftpd /etc/vsftpd.conf
}

# ---- tokens --------------------------------------------------------------

# issue OWNER ...: print the token.  AT='2 hours ago': as if it were then.
issue() {
	local text
	text=$(${AT:+faketime "$AT"} tokgate issue "$@" 2>/dev/null) || return
	echo "$text" >>"$issued"
	echo "$text"
}

# An hour's token that was issued two hours ago.
issue_expired() {
	AT='2 hours ago' issue "$@" --expires 1h
}

id_of() {
	local rest=${1#*_}
	echo "${rest:0:10}"
}

# The token with another secret, and a checksum that is right for it.
other_secret() {
	python3 - 9<<<"$1" <<-'END'
	import zlib
	digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	body = open(9).read().strip()[:-6]
	body = body[:-1] + digits[(digits.index(body[-1]) + 1) % 62]
	crc, sum = zlib.crc32(body.encode()), ""
	while len(sum) < 6:
	    crc, digit = divmod(crc, 62)
	    sum = digits[digit] + sum
	print(body + sum)
	END
}

# The token with its 20th character mistyped.
mistyped() {
	local c=${1:19:1}
	[ "$c" = x ] && c=y || c=x
	echo "${1:0:19}$c${1:20}"
}

# ---- clients -------------------------------------------------------------

# typed SECRET COMMAND...: type it at the prompt of a program with a terminal.
typed() {
	local secret=$1
	shift
	sshpass -d 9 "$@" 9<<<"$secret" </dev/null
}

ssh_options=(-F none -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o NumberOfPasswordPrompts=1
    -o LogLevel=ERROR -o PubkeyAuthentication=no -o BatchMode=no)

# Methods of sshd, as further options: "${by_password[@]}".
# shellcheck disable=SC2034
by_password=(-o PreferredAuthentications=password)
# shellcheck disable=SC2034
by_dialogue=(-o PreferredAuthentications=keyboard-interactive)

# ssh_as LOGIN SECRET [OPTION...] -- COMMAND
ssh_as() {
	local login=$1 secret=$2 options=()
	shift 2
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	typed "$secret" ssh "${options[@]}" "${ssh_options[@]}" "$login@127.0.0.1" "$@"
}

# sftp_as LOGIN SECRET BATCH [OPTION...]: BATCH is the text of an sftp batch.
sftp_as() {
	local login=$1 secret=$2 batch=$3 rc=0
	shift 3
	echo "$batch" >"$frame/batch.$BASHPID"
	typed "$secret" sftp "$@" "${ssh_options[@]}" -b "$frame/batch.$BASHPID" "$login@127.0.0.1" || rc=$?
	rm "$frame/batch.$BASHPID"
	return $rc
}

# curl_as LOGIN SECRET ARGUMENT...: curl reads the password from its standard input.
curl_as() {
	local login=$1 secret=$2
	shift 2
	curl -sS -K - "$@" <<<"user = \"$login:$secret\""
}

# lftp_as LOGIN SECRET COMMANDS
lftp_as() {
	lftp <<-END
	set net:max-retries 1
	set net:reconnect-interval-base 1
	set cmd:fail-exit true
	set ftp:ssl-allow false
	open -u $1,$2 ftp://127.0.0.1
	$3
	END
}

# ---- the system log ------------------------------------------------------

logged() {
	grep -qF "$1" "$frame/syslog"
}

# All that was sent to the log before now is in the file.
settle_log() {
	local mark="mark-$BASHPID-$RANDOM$RANDOM"
	logger "$mark"
	within 10 logged "$mark"
}

# From here on `audit` shows what is new.
mark_log() {
	settle_log
	stat -c %s "$frame/syslog" >"$frame/marked"
}

log_since_mark() {
	settle_log
	tail -c "+$(($(cat "$frame/marked") + 1))" "$frame/syslog"
}

# The audit lines since the mark, of facility authpriv (80-87), without time and
# program.  A program that changes its title (nginx) gets a name with blanks.
audit() {
	log_since_mark | sed -nE 's/^<8[0-7]>[A-Z][a-z]{2} [ 0-9]{2} [0-9:]{8} [^:]+: (tokgate: verdict=)/\1/p'
}

# audited FIELD...: exactly one audit line since the mark, and it says this, uid=0 at its end.
audited() {
	local want="tokgate: $* uid=0" got
	got=$(audit)
	[ "$got" = "$want" ] && return
	printf 'audit line expected:\n%s\nfound:\n%s\n' "$want" "$got" >&2
	return 1
}

# ---- secrets -------------------------------------------------------------

# No secret of an issued token is in a log, a file, or what other processes show.
# What is searched for is read from a descriptor, and grep's own memory is no file.
found_nowhere() {
	local secrets found
	settle_log
	secrets=$(cut -c 16-58 "$issued")
	[ -n "$secrets" ] || return 1
	found=$(grep -rlsFf <(echo "$secrets") --exclude=issued "$frame/upper" "$frame"/*.* "$frame/syslog" /tmp /dev/shm
	    grep -lsaFf <(echo "$secrets") /proc/[0-9]*/cmdline /proc/[0-9]*/environ) || :
	[ -z "$found" ] && return
	printf 'a secret is in:\n%s\n' "$found" >&2
	return 1
}

# in_memory TOKEN PID...: would a core of one of these processes hold the secret?
in_memory() {
	local token=$1
	shift
	python3 - "$@" 9<<<"$token" <<-'END'
	import sys
	secret = open(9).read()[15:58].encode()
	found = False
	for pid in sys.argv[1:]:
	    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as mem:
	        for area in maps:
	            span, mode = area.split()[:2]
	            begin, end = (int(x, 16) for x in span.split("-"))
	            if not mode.startswith("rw"):
	                continue
	            mem.seek(begin)
	            found |= secret in mem.read(end - begin)
	sys.exit(not found)
	END
}
