#!/usr/bin/env bash
# examples/quickstart.sh works, and leaves a mounted share that the words it prints open.
set -euo pipefail
source_root=$1
play=$(mktemp -d "${TMPDIR:-/var/tmp}/fsenc-quickstart-XXXXXX")
end() {
	fusermount3 -uz "$play/q/mnt-bob" 2>/dev/null || true
	fusermount3 -uz "$play/q/mnt" 2>/dev/null || true
	rm -rf "$play"
}
trap end EXIT
HOME=$play "$source_root/examples/quickstart.sh" "$play/q" >"$play/said"
cat "$play/said"
mountpoint -q "$play/q/mnt"
[ "$(cat "$play/q/mnt/plan.txt")" = "the plan" ]
[ "$(cat "$play/q/mnt/from-bob.txt")" = "written by bob" ]
sed -n '/^    export HOME=/,/^    PATH=/p' "$play/said" >"$play/words"
. "$play/words"
fsenc status
fsenc umount "$play/q/mnt"
! mountpoint -q "$play/q/mnt"
