#!/usr/bin/env bash
# tests/bench/roundtrips.sh - how many times each operation asks the share.
#
# Every system call of a mount on the backing directory counts as one round trip, except
# close(), openat(O_PATH), descriptor flags and statx(AT_STATX_DONT_SYNC), which make none on a network file
# system. Each operation meets a fresh mount (nothing cached), three directories deep. Fails when one exceeds its
# limit: the first of a mount that has the share to itself, the second of one that shares it (locks, and
# everything read anew under them: at most four more for a write).
# FSENC_BIN names the program.
set -euo pipefail
: "${FSENC_BIN:?names the fsenc program}"
command -v strace >/dev/null || { echo "strace is missing"; exit 77; }
play=$(mktemp -d "${TMPDIR:-/var/tmp}/fsenc-roundtrips-XXXXXX")
export HOME=$play/home XDG_DATA_HOME=$play/data XDG_CONFIG_HOME=$play/config XDG_STATE_HOME=$play/state
export XDG_RUNTIME_DIR=$play/run FSENC_PASSFILE=$play/pass
mkdir -p "$HOME" "$XDG_RUNTIME_DIR" "$play/mnt"
chmod 700 "$XDG_RUNTIME_DIR"
(umask 077; echo roundtrips >"$play/pass")
tracer=
end() {
	fusermount3 -uz "$play/mnt" 2>/dev/null || true
	[ -z "$tracer" ] || wait "$tracer" 2>/dev/null || true
	rm -rf "$play"
}
trap end EXIT

# until_true COMMAND... - waits for the condition, ten seconds at most
until_true() {
	local tries=200
	until "$@"; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || { echo "gave up waiting for: $*" >&2; exit 1; }
		sleep 0.05
	done
}

start() {
	strace -f -qq -y -o "$play/trace" -e trace='!futex,clock_nanosleep,clock_gettime' \
		"$FSENC_BIN" mount -f "$play/share" "$play/mnt" -o "$mode" 2>"$play/mount.err" &
	tracer=$!
	until_true mountpoint -q "$play/mnt"
	until_true stat "$play/mnt" >/dev/null
}

stop() {
	"$FSENC_BIN" umount "$play/mnt"
	wait "$tracer" || true
	tracer=
}

# The calls on the backing directory since line $1 of the trace.
calls_since() {
	tail -n "+$(($1 + 1))" "$play/trace" | sed 's/^[0-9]* *//' | grep -v 'resumed>' | grep -F "$play/share" |
		grep -vE '^(close|dup|dup3|readlink|readlinkat)\(' |
		grep -vE '^openat\(.*O_PATH|^statx\(.*AT_STATX_DONT_SYNC' |
		grep -vE '^fcntl\([^,]*, F_(DUPFD|GETF|SETF)' || true
}

failed=0
measure() {
	local name=$1 limit=$2 from count
	[ "$mode" = local ] || limit=$3
	shift 3
	start
	from=$(wc -l <"$play/trace")
	"$@"
	stop_at=$(wc -l <"$play/trace")
	stop
	calls_since "$from" >"$play/calls.all"
	head -n "$stop_at" "$play/trace" >"$play/trace.cut" && mv "$play/trace.cut" "$play/trace"
	calls_since "$from" >"$play/calls"
	count=$(wc -l <"$play/calls")
	printf '%-24s %4d   at most %4d\n' "$name" "$count" "$limit"
	if [ "$count" -gt "$limit" ]; then
		failed=1
		sed 's/^/    /' "$play/calls" | head -n 40
	fi
}

"$FSENC_BIN" setup --name bench --kdf-mib 64 >/dev/null
"$FSENC_BIN" init "$play/share" >/dev/null
mode=local
start
mkdir -p "$play/mnt/a/b/c/hundred"
echo abc >"$play/mnt/a/b/c/f"
cp "$play/mnt/a/b/c/f" "$play/mnt/a/b/c/g-local"
cp "$play/mnt/a/b/c/f" "$play/mnt/a/b/c/g-shared"
head -c 20000 /dev/zero >"$play/mnt/a/b/c/large"
for i in $(seq 100); do echo "$i" >"$play/mnt/a/b/c/hundred/$i"; done
stop

deep=$play/mnt/a/b/c
for mode in local shared; do
	echo "-- $mode"
	measure 'stat' 4 4 stat -c '' "$deep/f"
	measure 'read a small file' 7 7 python3 -c "import os,sys; f=os.open(sys.argv[1], os.O_RDONLY); os.read(f, 100); os.close(f)" "$deep/f"
	measure 'open it once more' 6 8 python3 -c "import os,sys; f=os.open(sys.argv[1], os.O_RDONLY); g=os.open(sys.argv[1], os.O_RDONLY)" "$deep/f"
	measure 'create + write 3 bytes' 9 13 python3 -c "import os,sys; f=os.open(sys.argv[1], os.O_WRONLY|os.O_CREAT|os.O_EXCL); os.write(f, b'abc'); os.close(f)" "$deep/new-$mode"
	measure 'append 3 bytes' 10 14 python3 -c "import os,sys; f=os.open(sys.argv[1], os.O_WRONLY|os.O_APPEND); os.write(f, b'abc'); os.close(f)" "$deep/f"
	measure 'overwrite 4096 bytes' 10 14 python3 -c "import os,sys; f=os.open(sys.argv[1], os.O_WRONLY); os.pwrite(f, b'x' * 4096, 4096); os.close(f)" "$deep/large"
	measure 'ls -l of 100 files' 107 107 sh -c "ls -l '$deep/hundred' >/dev/null"
	measure 'mkdir' 8 8 python3 -c "import os,sys; os.mkdir(sys.argv[1])" "$deep/d-$mode"
	measure 'rename' 8 8 python3 -c "import os,sys; os.rename(sys.argv[1], sys.argv[2])" "$deep/g-$mode" "$deep/h-$mode"
	measure 'unlink' 6 6 python3 -c "import os,sys; os.unlink(sys.argv[1])" "$deep/h-$mode"
done
exit $failed
