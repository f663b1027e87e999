#!/usr/bin/env bash
# The quickstarts work, and leave a mounted share and a running server that the words they print open and end.
# quickstart.sh SOURCE SCRIPT
set -euo pipefail
source_root=$1
script=$2
play=$(mktemp -d "${TMPDIR:-/var/tmp}/fsenc-quickstart-XXXXXX")
end() {
	[ ! -e "$play/q/end.sh" ] || sh "$play/q/end.sh" >/dev/null 2>&1 || true
	fusermount3 -uz "$play/q/mnt-bob" 2>/dev/null || true
	fusermount3 -uz "$play/q/mnt" 2>/dev/null || true
	rm -rf "$play"
}
trap end EXIT
HOME=$play "$source_root/$script" "$play/q" >"$play/said" 2>&1 || { cat "$play/said"; exit 1; }
cat "$play/said"
mountpoint -q "$play/q/mnt"
mountpoint -q "$play/q/mnt-bob"
[ "$(cat "$play/q/mnt-bob/Finance/plan.txt")" = "the plan" ]
grep -q "No route to host" "$play/said"
grep -q "locked: key server .* not responding; next try in" "$play/said"
sed -n '/^    export HOME=/,/^    PATH=/p' "$play/said" >"$play/words"
(
	. "$play/words"
	fsenc status
	fsenc members "$play/q/mnt/Finance" --expand
	fsenc-server status "$play/q/server"
)
pid=$(cat "$play/q/server.pid")
sh "$play/q/end.sh"
! mountpoint -q "$play/q/mnt"
! mountpoint -q "$play/q/mnt-bob"
for _ in $(seq 100); do
	[ -d "/proc/$pid" ] || exit 0
	sleep 0.1
done
echo "the server goes on after end.sh"
exit 1
