#!/bin/bash
# The entrypoint of the images before s6-overlay, still shipped: starts the server again while it exits 0,
# and on SIGTERM ends without waiting for it.
export HOME=/photoprism
[[ ${PHOTOPRISM_UMASK:-} =~ ^[0-9]{4}$ ]] || PHOTOPRISM_UMASK=0002
umask "$PHOTOPRISM_UMASK"
[ "$(id -u)" = 0 ] || grep -q '^NoNewPrivs:.*0$' /proc/self/status || echo \
	"sudo: The \"no new privileges\" flag is set, which prevents sudo from running as root." >&2
as=()
if [ "$(id -u)" = 0 ] && [[ ${PHOTOPRISM_UID:-} =~ ^[1-9][0-9]*$ ]]; then
	as=(setpriv --reuid "$PHOTOPRISM_UID" --regid "${PHOTOPRISM_GID:-$PHOTOPRISM_UID}" --clear-groups --inh-caps=-all)
	[ "$PHOTOPRISM_DISABLE_CHOWN" = true ] ||
		chown --silent -R "$PHOTOPRISM_UID:${PHOTOPRISM_GID:-$PHOTOPRISM_UID}" /photoprism/storage
fi
("${as[@]}" /scripts/audit.sh && (while "${as[@]}" "$@"; do echo "$@"; done)) &
child=$!
trap 'kill -USR1 $child' INT TERM
wait
