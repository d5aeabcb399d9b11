#!/bin/bash
# The service that /init runs: drop to PHOTOPRISM_UID if root, test the storage folder, start again after exit code 1.
trap 'kill -TERM "$child" 2>/dev/null; wait "$child"; exit 0' TERM INT
export HOME=/photoprism
[[ ${PHOTOPRISM_UMASK:-} =~ ^[0-9]{4}$ ]] || PHOTOPRISM_UMASK=0002
umask "$PHOTOPRISM_UMASK"
as=()
PHOTOPRISM_UID=${PHOTOPRISM_UID:-${PUID:-}} PHOTOPRISM_GID=${PHOTOPRISM_GID:-${PGID:-}}
if [ "$(id -u)" = 0 ] && [[ $PHOTOPRISM_UID =~ ^[1-9][0-9]*$ ]]; then
	gid=${PHOTOPRISM_GID:-$PHOTOPRISM_UID}
	as=(setpriv --reuid "$PHOTOPRISM_UID" --regid "$gid" --clear-groups --inh-caps=-all)
	[ "$PHOTOPRISM_DISABLE_CHOWN" = true ] || {
		chown --silent -R "$PHOTOPRISM_UID:$gid" /photoprism/storage
		chmod --silent -R u+rwX /photoprism/storage
	}
fi
[ -z "$PHOTOPRISM_INIT" ] || echo "test image: PHOTOPRISM_INIT=$PHOTOPRISM_INIT would download packages upstream; skipped" >&2
echo "running as uid $(id -u)"
"${as[@]}" /scripts/audit.sh || exit 1
while :; do
	"${as[@]}" "$@" & child=$!
	wait "$child"
	code=$?
	[ $code = 1 ] || exit $code
	echo "$@"
done
