#!/bin/bash
# The two tests of the official image's health check that are used: --connect and --innodb_initialized.
set -o pipefail
datadir=/var/lib/mysql
extra=()
[ ! -f $datadir/.my-healthcheck.cnf ] || extra=(--defaults-extra-file=$datadir/.my-healthcheck.cnf)
ask() { mariadb "${extra[@]}" --skip-ssl --skip-ssl-verify-server-cert --skip-column-names --batch "$@"; }

connected=1
# TCP is what counts: during the first start only the socket answers.
connect() {
	local answer
	answer=$(ask --protocol socket -e 'select @@skip_networking')
	case $answer in 0) connected=0; return 0 ;; 1) return 1 ;; esac
	answer=$(ask -h localhost --protocol tcp -e 'select @@skip_networking' 2>&1)
	case $answer in
		0 | 'ERROR 1820 '* | 'ERROR 4151 '* | 'ERROR 1226 '* | 'ERROR 1'???' (28000)'*) connected=0; return 0 ;;
	esac
	return 1
}

innodb_initialized() {
	[ "$(ask --protocol socket -e "select 1 from information_schema.ENGINES
		where engine='innodb' and support in ('YES', 'DEFAULT', 'ENABLED')")" = 1 ]
}

[ $# -gt 0 ] || { echo "At least one argument required" >&2; exit 1; }
for option; do
	case $option in
		--connect | --innodb_initialized) "${option#--}" || { echo "healthcheck ${option#--} failed" >&2; exit 1; } ;;
		--no-connect) connected=0 ;;
		*) echo "healthcheck unknown option or test '$option'" >&2; exit 1 ;;
	esac
done
[ $connected = 0 ] || connect
