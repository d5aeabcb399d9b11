#!/bin/sh
# Drops from root to PUID:PGID. Like upstream's it gives away $HOME only: mounts must be writable already.
set -eu
echo "test image: Debian's $(/bin/syncthing --version | cut -d' ' -f1-2), not the upstream image" >&2
# Syncthing 2 makes no default folder and its image is built without upgrades; 1.29 has to be told.
export STNODEFAULTFOLDER=1 STNOUPGRADE=1
[ -z "${UMASK:-}" ] || umask "$UMASK"
[ "$(id -u)" = 0 ] || exec "$@"
if [ -n "${PCAP:-}" ]; then setcap "$PCAP" "$1"; else setcap -r "$1" 2>/dev/null || true; fi
chown "$PUID:$PGID" "$HOME" || true
exec su-exec "$PUID:$PGID" env HOME="$HOME" "$@"
