#!/bin/bash
# First start of a MariaDB container, in the order of the official image (whose code is not used here).
# The order matters to tests: a start killed half-way leaves <datadir>/mysql, and the next one serves it.
set -eo pipefail
shopt -s nullglob

say() { printf '%s [%s] [Entrypoint]: %s\n' "$(date --rfc-3339=seconds)" "$1" "${*:2}"; }
die() { say ERROR "$@" >&2; exit 1; }

# VAR or VAR_FILE, never both; MYSQL_x counts as MARIADB_x.
from_env() {
	local name=$1 default=${2:-} alias=MYSQL_${1#MARIADB_} var
	for var in "$alias" "$name"; do
		local file=${var}_FILE
		[ -z "${!var:-}" ] || [ -z "${!file:-}" ] || die "Both $var and $file are set (but are exclusive)"
		if [ -n "${!file:-}" ]; then export "$var=$(<"${!file}")"; unset "$file"; fi
	done
	export "$name=${!name:-${!alias:-$default}}"
}

literal() { local text=${1//\\/\\\\}; printf "'%s'" "${text//\'/\\\'}"; }

client() { MYSQL_PWD=$root_password mariadb --protocol=socket -uroot -hlocalhost --socket="$socket" --skip-ssl "$@"; }

config() { "${@:2}" --verbose --help 2>/dev/null | awk -v key="$1" '$1 == key && /^[^ \t]/ {print $2; exit}'; }

start_temporary() {
	say Note "Starting temporary server"
	# Until 10.11 the server takes an empty name for one that it shall find.
	local no_certificate=()
	(( ${server_version%%.*} < 11 )) || no_certificate=(--ssl-cert= --ssl-key= --ssl-ca=)
	"$@" --skip-networking --default-time-zone=SYSTEM --socket="$socket" --wsrep_on=OFF --expire-logs-days=0 \
		--skip-slave-start --loose-innodb_buffer_pool_load_at_startup=0 --skip-ssl "${no_certificate[@]}" &
	server=$!
	local left
	for left in {30..0}; do
		client --database=mysql -e 'SELECT 1' &>/dev/null && break
		sleep 1
	done
	[ "$left" != 0 ] || die "Unable to start server."
	say Note "Temporary server started."
}

stop_temporary() { say Note "Stopping temporary server"; kill "$server"; wait "$server"; say Note "Temporary server stopped"; }

healthcheck_users() {
	local password host mask
	password=$(pwgen --numerals --capitalize --symbols --remove-chars="=#'\\" -1 32)
	for host in 127.0.0.1 ::1 localhost; do
		echo "CREATE USER IF NOT EXISTS healthcheck@'$host' IDENTIFIED BY $(literal "$password");"
		echo "SET PASSWORD FOR healthcheck@'$host' = PASSWORD($(literal "$password"));"
		echo "GRANT ${MARIADB_HEALTHCHECK_GRANTS:-USAGE} ON *.* TO healthcheck@'$host';"
	done
	mask=$(umask); umask 0077
	printf '[mariadb-client]\nport=%s\nsocket=%s\nuser=healthcheck\npassword=%s\n' \
		"$port" "$socket" "$password" > "$datadir/.my-healthcheck.cnf"
	umask "$mask"
}

run_init_files() {
	local file
	for file in /docker-entrypoint-initdb.d/*; do
		say Note "running $file"
		case $file in
			*.sh) if [ -x "$file" ]; then "$file"; else . "$file"; fi ;;
			*.sql) client --database="$MARIADB_DATABASE" < "$file" ;;
			*.sql.gz) gunzip -c "$file" | client --database="$MARIADB_DATABASE" ;;
			*.sql.xz) xzcat "$file" | client --database="$MARIADB_DATABASE" ;;
			*.sql.zst) zstd -dc "$file" | client --database="$MARIADB_DATABASE" ;;
			*) say Warn "ignoring $file" >&2 ;;
		esac
	done
}

first_start() {
	[ -n "$MARIADB_ROOT_PASSWORD$MARIADB_ALLOW_EMPTY_ROOT_PASSWORD$MARIADB_RANDOM_ROOT_PASSWORD" ] || die \
		$'Database is uninitialized and password option is not specified\n\tYou need to specify one of MARIADB_ROOT_PASSWORD, MARIADB_ROOT_PASSWORD_HASH, MARIADB_ALLOW_EMPTY_ROOT_PASSWORD and MARIADB_RANDOM_ROOT_PASSWORD'
	ls /docker-entrypoint-initdb.d/ >/dev/null
	say Note "Initializing database files"
	local options=() option
	for option in "${@:2}"; do [[ $option =~ [[:space:]] ]] || options+=("$option"); done
	mariadb-install-db --datadir="$datadir" --rpm --auth-root-authentication-method=normal "${options[@]}" \
		--cross-bootstrap --skip-test-db --old-mode=UTF8_IS_UTF8MB3 --default-time-zone=SYSTEM \
		--enforce-storage-engine= --skip-log-bin --expire-logs-days=0 \
		--loose-innodb_buffer_pool_load_at_startup=0 --loose-innodb_buffer_pool_dump_at_shutdown=0
	say Note "Database files initialized"
	start_temporary "$@"
	[ -n "$MARIADB_INITDB_SKIP_TZINFO" ] ||
		mariadb-tzinfo-to-sql --skip-write-binlog /usr/share/zoneinfo 2>/dev/null | client --database=mysql
	if [ -n "$MARIADB_RANDOM_ROOT_PASSWORD" ]; then
		MARIADB_ROOT_PASSWORD=$(pwgen --numerals --capitalize --symbols --remove-chars="'\\" -1 32)
		say Note "GENERATED ROOT PASSWORD: $MARIADB_ROOT_PASSWORD"
	fi
	local sql="SET @@SESSION.SQL_LOG_BIN=0; DROP USER IF EXISTS root@'127.0.0.1', root@'::1';
SET PASSWORD FOR root@localhost = PASSWORD($(literal "$MARIADB_ROOT_PASSWORD"));"
	if [ -n "$MARIADB_ROOT_HOST" ] && [ "$MARIADB_ROOT_HOST" != localhost ]; then
		sql+="CREATE USER root@'$MARIADB_ROOT_HOST' IDENTIFIED BY $(literal "$MARIADB_ROOT_PASSWORD");
GRANT ALL ON *.* TO root@'$MARIADB_ROOT_HOST' WITH GRANT OPTION;
GRANT PROXY ON ''@'%' TO root@'$MARIADB_ROOT_HOST' WITH GRANT OPTION;"
	fi
	sql+="$(healthcheck_users)"
	[ -z "$MARIADB_DATABASE" ] || sql+="CREATE DATABASE IF NOT EXISTS \`$MARIADB_DATABASE\`;"
	if [ -n "$MARIADB_USER" ] && [ -n "$MARIADB_PASSWORD" ]; then
		say Note "Creating user $MARIADB_USER"
		sql+="CREATE USER '$MARIADB_USER'@'$MARIADB_USER_HOST' IDENTIFIED BY $(literal "$MARIADB_PASSWORD");"
		[ -z "$MARIADB_DATABASE" ] ||
			sql+="GRANT ALL ON \`${MARIADB_DATABASE//_/\\_}\`.* TO '$MARIADB_USER'@'$MARIADB_USER_HOST';"
	fi
	say Note "Securing system users (equivalent to running mysql_secure_installation)"
	client --database=mysql --binary-mode <<<"$sql"
	root_password=$MARIADB_ROOT_PASSWORD
	run_init_files
	stop_temporary
	say Note "MariaDB init process done. Ready for start up."
}

upgrade_needed() {
	[ -f "$datadir/mariadb_upgrade_info" ] || { say Note "MariaDB upgrade information missing, assuming required"; return 0; }
	local old new
	IFS=.- read -ra old < "$datadir/mariadb_upgrade_info" || true
	IFS=.- read -ra new <<<"$server_version"
	(( old[0] < new[0] || (old[0] == new[0] && old[1] < new[1]) )) && return 0
	[ -f "$datadir/.my-healthcheck.cnf" ] || { say Note "MariaDB healthcheck configuration file missing, assuming desirable"; return 0; }
	say Note "MariaDB upgrade not required"
	return 1
}

upgrade() {
	if [ -z "$MARIADB_AUTO_UPGRADE" ] || [ "$MARIADB_AUTO_UPGRADE" = 0 ]; then
		say Note "MariaDB upgrade (mariadb-upgrade or creating healthcheck users) required, but skipped due to \$MARIADB_AUTO_UPGRADE setting"
		return
	fi
	start_temporary "$@" --skip-grant-tables --loose-innodb_buffer_pool_dump_at_shutdown=0
	if [ "$MARIADB_DISABLE_UPGRADE_BACKUP" != 1 ]; then
		local old=unknown_version
		read -r old < "$datadir/mariadb_upgrade_info" || true
		mariadb-dump --skip-lock-tables --replace --databases mysql --socket="$socket" --skip-ssl |
			zstd > "$datadir/system_mysql_backup_$old.sql.zst" || die "Unable backup system database for upgrade from $old."
	fi
	if [ ! -f "$datadir/.my-healthcheck.cnf" ]; then
		{ echo "SET @@SESSION.SQL_LOG_BIN=0; FLUSH PRIVILEGES;"; healthcheck_users; } | client --binary-mode
		stop_temporary
		upgrade_needed || return 0
		start_temporary "$@" --skip-grant-tables --loose-innodb_buffer_pool_dump_at_shutdown=0
	fi
	mariadb-upgrade --upgrade-system-tables --socket="$socket" --skip-ssl
	stop_temporary
}

main() {
	[ "${1:0:1}" != - ] || set -- mariadbd "$@"
	if [ "$1" = mariadbd ] || [ "$1" = mysqld ]; then
		case " $* " in *" --help "*|*" -? "*|*" --version "*|*" -V "*|*" --print-defaults "*) exec "$@" ;; esac
		server_version=$(mariadbd --version | sed -E 's/.*Ver ([0-9.]+).*/\1/')
		echo "test image: MariaDB $server_version from Debian packages, not the official mariadb image" >&2
		say Note "Entrypoint script for MariaDB Server $server_version started."
		local errors
		errors=$("$@" --verbose --help 2>&1 >/dev/null) || die "mariadbd failed while attempting to check config: $errors"
		datadir=$(config datadir "$@"); socket=$(config socket "$@"); port=$(config port "$@"); root_password=
		local name
		for name in DATABASE USER PASSWORD ROOT_PASSWORD; do from_env "MARIADB_$name"; done
		from_env MARIADB_ROOT_HOST %; from_env MARIADB_USER_HOST %
		for name in ${!MARIADB_REPLICATION_@} ${!MARIADB_MASTER_@} MARIADB_PASSWORD_HASH MARIADB_ROOT_PASSWORD_HASH; do
			[ -z "${!name:-}" ] || die "$name is not supported by this test image"
		done
		mkdir -p "$datadir"
		if [ "$(id -u)" = 0 ]; then
			find "$datadir" \! -user mysql \( -exec chown mysql: '{}' + -o -true \)
			find "${socket%/*}" -maxdepth 0 \! -user mysql \( -exec chown mysql: '{}' \; -o -true \)
			say Note "Switching to dedicated user 'mysql'"
			exec gosu mysql "$0" "$@"
		fi
		if [ ! -d "$datadir/mysql" ]; then first_start "$@"; elif upgrade_needed; then upgrade "$@"; fi
		unset "${!MARIADB_ROOT_@}" "${!MYSQL_ROOT_@}" MARIADB_PASSWORD MYSQL_PASSWORD
	fi
	exec "$@"
}

main "$@"
