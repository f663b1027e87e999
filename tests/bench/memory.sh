#!/usr/bin/env bash
# tests/bench/memory.sh - how much memory a mount holds after a walk over 100,000 files and back.
#
# Twelve programs write and read first, so that every thread has its buffers. Then all names are walked twice, the
# kernel is made to forget them (a remount drops its names), and again. Fails when more than 64 MiB stay resident
# after that, or when what came with the walk stays. FSENC_BIN names the program; needs root for the forgetting.
set -euo pipefail
: "${FSENC_BIN:?names the fsenc program}"
[ "$(id -u)" = 0 ] || { echo "only root can make the kernel forget names"; exit 77; }
limit_kib=65536 directories=1000 files=100
play=$(mktemp -d "${TMPDIR:-/var/tmp}/fsenc-memory-XXXXXX")
export HOME=$play/home XDG_DATA_HOME=$play/data XDG_CONFIG_HOME=$play/config XDG_STATE_HOME=$play/state
export XDG_RUNTIME_DIR=$play/run FSENC_PASSFILE=$play/pass
mkdir -p "$HOME" "$XDG_RUNTIME_DIR" "$play/store" "$play/mnt"
chmod 700 "$XDG_RUNTIME_DIR"
(umask 077; echo memory >"$play/pass")
daemon=
end() {
	fusermount3 -uz "$play/mnt" 2>/dev/null || true
	[ -z "$daemon" ] || wait "$daemon" 2>/dev/null || true
	umount "$play/store" 2>/dev/null || umount -l "$play/store" || true
	rm -rf "$play"
}
trap end EXIT
mount -t tmpfs tmpfs "$play/store"

# until_true COMMAND... - waits for the condition, ten seconds at most
until_true() {
	local tries=200
	until "$@"; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || return 1
		sleep 0.05
	done
}
resident() { awk '$1 == "VmRSS:" { print $2 }' "/proc/$daemon/status"; }
is_at_most() { [ "$(resident)" -le "$1" ]; }
tell() { printf '%-34s %6d KiB\n' "$1" "$(resident)"; }
start() {
	"$FSENC_BIN" mount -f "$play/store/share" "$play/mnt" -o local 2>>"$play/mount.err" &
	daemon=$!
	until_true mountpoint -q "$play/mnt"
}
walk() { [ "$(find "$play/mnt/many" -type f -size -1 | wc -l)" = $((directories * files)) ]; }
forget() { mount -i -o remount,rw "$play/mnt"; }

"$FSENC_BIN" setup --name bench --kdf-mib 64 >/dev/null 2>&1
"$FSENC_BIN" init "$play/store/share" >/dev/null 2>&1
start
python3 - "$play/mnt/many" $directories $files <<'PY'
import os, sys
top, directories, files = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
os.mkdir(top)
for d in range(directories):
    os.mkdir('%s/directory %d' % (top, d))
    for f in range(files):
        os.mknod('%s/directory %d/file number %d' % (top, d, f))
PY
"$FSENC_BIN" umount "$play/mnt"
wait "$daemon"

start
tell 'mounted'
writers=()
for i in $(seq 12); do
	{ head -c 20M /dev/zero >"$play/mnt/big$i"; cat "$play/mnt/big$i" >/dev/null; } &
	writers+=($!)
done
wait "${writers[@]}"
tell 'twelve files written and read'
forget
before=$(resident)
failed=0
for round in 1 2 3; do
	walk; walk
	tell "$round: 100,000 files walked twice"
	most=$(resident)
	forget
	until_true is_at_most "$((before + (most - before) / 2))" || { echo "what came with the walk stays"; failed=1; }
	tell "$round: forgotten"
	is_at_most $limit_kib || { echo "more than $limit_kib KiB stay resident"; failed=1; }
done
exit $failed
