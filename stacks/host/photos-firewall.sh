#!/bin/sh
# Written by `./photos firewall --set`; `./photos firewall --remove` takes it away.
#
# Docker before 28 lets whoever is on the LAN reach ports that are published on 127.0.0.1, and the containers themselves,
# once he sends his packets here (moby#45610). What is dropped: packets for 127.0.0.1 that come from outside, and new
# connections to a container that do not come through a published port. Containers, published ports and this machine
# itself go on as before.
#
#   photos-firewall set|remove|check
set -eu
PATH=/usr/sbin:/usr/bin:/sbin:/bin
export PATH
# Other bridges here whose name begins like Docker's.
OTHERS=""
NOTE=${PHOTOS_FIREWALL_NOTE:-/run/photos-firewall}
RULE=1

direct() { echo "-o br-+ -m conntrack --ctstate NEW -m conntrack ! --ctstate DNAT -j DROP"; }

fill() {
  # A chain that is named here is emptied first; the rest of the table stays.
  {
    echo "*raw"
    echo ":PHOTOS-LAN - [0:0]"
    # loopback0: Windows itself, where WSL mirrors its network.
    echo "-A PHOTOS-LAN -i lo -j RETURN"
    echo "-A PHOTOS-LAN -i loopback0 -j RETURN"
    echo "-A PHOTOS-LAN -d 127.0.0.0/8 -j DROP"
    echo "COMMIT"
    echo "*filter"
    echo ":PHOTOS-LAN - [0:0]"
    for other in $OTHERS; do echo "-A PHOTOS-LAN -o $other -j RETURN"; done
    for other in $OTHERS; do echo "-A PHOTOS-LAN -i $other $(direct)"; done
    # From one container to another: Docker's own rules.
    echo "-A PHOTOS-LAN -i br-+ -j RETURN"
    echo "-A PHOTOS-LAN $(direct)"
    echo "COMMIT"
  } | iptables-restore -w --noflush
}

check() {
  iptables -w -t raw -C PREROUTING -j PHOTOS-LAN 2> /dev/null &&
    iptables -w -t filter -C DOCKER-USER -j PHOTOS-LAN 2> /dev/null || return 1
}

case "${1:-}" in
  set)
    fill
    # Docker leaves what is in DOCKER-USER alone, also when it starts again; before its first start it is made here.
    iptables -w -N DOCKER-USER 2> /dev/null || true
    iptables -w -t raw -C PREROUTING -j PHOTOS-LAN 2> /dev/null || iptables -w -t raw -I PREROUTING -j PHOTOS-LAN
    iptables -w -C DOCKER-USER -j PHOTOS-LAN 2> /dev/null || iptables -w -I DOCKER-USER -j PHOTOS-LAN
    # For those who may not look at the rules; gone after a reboot, as they are.
    echo "$RULE" > "$NOTE"
    chmod 0644 "$NOTE"
    ;;
  remove)
    rm -f "$NOTE"
    for place in "raw PREROUTING" "filter DOCKER-USER"; do
      # shellcheck disable=SC2086 # two words
      set -- $place
      iptables -w -t "$1" -D "$2" -j PHOTOS-LAN 2> /dev/null || true
      iptables -w -t "$1" -F PHOTOS-LAN 2> /dev/null || true
      iptables -w -t "$1" -X PHOTOS-LAN 2> /dev/null || true
    done
    ;;
  check) check ;;
  *)
    echo "photos-firewall set|remove|check" >&2
    exit 2
    ;;
esac
