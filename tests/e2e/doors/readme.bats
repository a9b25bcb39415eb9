#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# shellcheck disable=SC2030,SC2031
# The commands of README.md, as they are printed, on a machine without tokgate
#
# Stand-ins, on which the text does not depend: apt-get (the package is there
# already), systemctl (no systemd here), journalctl (prints the frame's log).

bats_require_minimum_version 1.5.0

# shellcheck source=tests/e2e/lib.bash
. "$BATS_TEST_DIRNAME/../lib.bash"

stand_in() {
	printf '#!/bin/bash\n%s\n' "$2" >"/usr/local/bin/$1"
	chmod 755 "/usr/local/bin/$1"
}

setup_file() {
	rm -rf /etc/tokgate /var/lib/tokgate
	userdel -rf alice >/dev/null 2>&1 || :
	[ -e /etc/ftpusers ] || echo root >/etc/ftpusers
	stand_in apt-get '[ "$*" = "install -y vsftpd" ] && command -v vsftpd >/dev/null'
	stand_in systemctl '. /run/frame/src/tests/e2e/lib.bash
. /run/frame/src/tests/e2e/daemon.bash
case $* in
"restart vsftpd")
	mkdir -p /run/vsftpd/empty
	start vsftpd 21 /usr/sbin/vsftpd /etc/vsftpd.conf
	;;
"enable --now tokgated.socket tokgated.service")
	start_tokgated
	;;
*) exit 1 ;;
esac'
	stand_in journalctl 'sed "s/^<[0-9]*>//" /run/frame/syslog | grep "tokgate: verdict="'
	# Without overlays the checkout cannot be written to.
	if [ -w "$src" ]; then
		ln -s "$src" /root/checkout
	else
		cp -a "$src" /root/checkout
	fi
	(umask 077 && : >"$issued")
}

# commands HEADING: the fenced commands of that section.  A line that ends in
# "# refused" must fail.
commands() {
	awk -v heading="$1" '
	/^##+ / { here = ($0 ~ "^##+ ") && substr($0, index($0, " ") + 1) == heading }
	/^```$/ { fenced = 0 }
	here && fenced && sub(/ *# refused$/, "") { print "if " $0 "; then echo not refused; exit 9; fi"; next }
	here && fenced { print }
	/^```sh$/ { fenced = 1 }' "$src/README.md"
}

@test "the first ten minutes work as printed" {
	cd /root/checkout
	commands 'The first ten minutes' >"$frame/commands"
	[ "$(wc -l <"$frame/commands")" -ge 20 ]
	bash -eu "$frame/commands" >"$frame/said" 2>&1 3>&- || {
		cat "$frame/said"
		false
	}
	cat alice.token >>"$issued"
	[ "$(cat /srv/tokgate/ftp/report.txt)" = hello ]
	[ "$(stat -c %U /srv/tokgate/ftp/report.txt)" = alice ]
	[ "$(stat -c %a alice.token alice.netrc | sort -u)" = 600 ]
	id=$(id_of "$(cat alice.token)")
	for verdict in ok revoked; do
		grep -q "tokgate: verdict=$verdict id=$id owner=alice login=alice service=ftp action=upload resource=demo source=127.0.0.1 uid=0" \
		    "$frame/said"
	done
	grep -q "revoke *$id .*end of the tour" "$frame/said"
	rm alice.token alice.netrc
	found_nowhere
}

@test "the recipe against being locked out lets passwords in again" {
	add_user bob
	tokgate example sshd.pam | sed 's/passthrough/passtrough/' >/etc/pam.d/sshd
	run -1 pamtester sshd bob authenticate <<<"$(unix_password bob)"
	commands 'Locked out?' >"$frame/commands"
	[ "$(wc -l <"$frame/commands")" -eq 1 ]
	bash -eu "$frame/commands"
	pamtester sshd bob authenticate acct_mgmt <<<"$(unix_password bob)"
}

@test "the section on doors that are not root lets them ask, with the tokens that there are" {
	userdel -r tokgate >/dev/null 2>&1 || :
	[ "$(stat -c %U /var/lib/tokgate)" = root ]
	token=$(issue alice --scope http:upload:demo)
	as_www_data() {
		setpriv --reuid www-data --regid www-data --clear-groups \
		    tokgate check --service http --action upload --resource demo <<<"$token"
	}
	run -3 as_www_data
	commands 'Doors that are not root' >"$frame/commands"
	[ "$(wc -l <"$frame/commands")" -eq 4 ]
	cd /root/checkout
	bash -eu "$frame/commands" >"$frame/said" 2>&1 3>&- || {
		cat "$frame/said"
		false
	}
	[ "$(as_www_data)" = ok ]
	[ "$(stat -c %U /var/lib/tokgate)" = tokgate ]
	kill "$(cat "$frame/tokgated.pid")"
}

@test "every door of the table is an example that asks for what is said" {
	doors=0
	while IFS='|' read -r _ _ file asks _; do
		while read -r name; do
			tokgate example "$name" >/dev/null
		done < <(grep -o '[a-z-]*\.pam\|[a-z]*\.conf' <<<"$file")
		service=$(grep -o '`.*`' <<<"$asks" | tr -d '`')
		case $service in
		*:*:*)
			IFS=: read -r service action resource <<<"$service"
			grep -rq "pam_tokgate.so.* service=$service action=$action resource=$resource" "$examples"
			;;
		su:login | imap:login)
			grep -rq "pam_tokgate.so.* service=${service%:login}\>" "$examples"
			;;
		*:login) ;;
		*) false ;;
		esac
		doors=$((doors + 1))
	done < <(sed -n '/^## Doors/,/^## /p' "$src/README.md" | grep '^| .*\.pam')
	[ "$doors" -eq 11 ]
}
