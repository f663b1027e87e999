#!/usr/bin/env bash
# tests/bench/compare.sh - fsenc against its peers, in pairs.
#
#     compare.sh [--pairs N] [--backing tmpfs|ext4] [--peers 'A B'] [--works 'A B'] [--keep FILE] [--quick]
#
# Every system has a share of its own on one backing and all are mounted side by side. In each round each
# workload runs on one system after the other, so that what is compared lies seconds apart; the order turns round
# from one round to the next. Printed are ratios of throughput against gocryptfs: the median of the rounds, the
# least and the greatest. Only ratios within one run mean anything, and no ratio makes this fail.
#
# Systems: fsenc with -o local, fsenc as it is mounted without options, and each peer that is installed. gocryptfs
# has two columns, too: the second is mounted -sharedstorage. passthrough is libfuse's own example, which encrypts
# nothing, compiled here from what libfuse3-dev brings.
#
# --keep adds the bare numbers to FILE: python3 tests/bench/compare_table.py FILE makes one table of several short
# runs, for a machine that is never quiet for long. Needs root: the backing is a tmpfs, or an
# ext4 image in $TMPDIR, made for the run.
set -euo pipefail
: "${FSENC_BIN:?names the fsenc program}"
here=$(dirname "$(readlink -f "$0")")
pairs=5 backing=tmpfs megabytes=256 files=6000 keep=
peers='gocryptfs gocryptfs_shared passthrough securefs encfs cryfs'
works='seq_write seq_read rand_read rand_write create stat small_reads unlink copy_tree grep git_status sqlite'
while [ $# -gt 0 ]; do
	case $1 in
	--pairs) pairs=$2; shift ;;
	--backing) backing=$2; shift ;;
	--peers) peers=$2; shift ;;
	--works) works=$2; shift ;;
	--keep) keep=$2; shift ;;
	--quick) megabytes=64 files=1000 ;;
	*) sed -n '3s/^# *//p' "$0" >&2; exit 2 ;;
	esac
	shift
done
play=$(mktemp -d "${TMPDIR:-/var/tmp}/fsenc-compare-XXXXXX")
export HOME=$play/home XDG_DATA_HOME=$play/data XDG_CONFIG_HOME=$play/config XDG_STATE_HOME=$play/state
export XDG_RUNTIME_DIR=$play/run FSENC_PASSFILE=$play/pass CRYFS_FRONTEND=noninteractive
mkdir -p "$HOME" "$XDG_RUNTIME_DIR" "$play/store" "$play/mnt" "$play/source"
chmod 700 "$XDG_RUNTIME_DIR"
(umask 077; echo compare >"$play/pass")
systems=
end() {
	for system in $systems; do fusermount3 -uz "$play/mnt/$system" 2>/dev/null || true; done
	umount "$play/source" 2>/dev/null || true
	umount "$play/store" 2>/dev/null || umount -l "$play/store" 2>/dev/null || true
	rm -rf "$play"
}
trap end EXIT
case $backing in
tmpfs) mount -t tmpfs -o size=14g tmpfs "$play/store" ;;
ext4) truncate -s 14G "$play/disk"; mkfs.ext4 -q -F "$play/disk"; mount -o loop "$play/disk" "$play/store" ;;
*) echo "compare.sh: a backing is tmpfs or ext4" >&2; exit 2 ;;
esac

# -- the systems: is it here, make a share, mount it -------------------------------------------------------------

has_fsenc_local() { true; }
make_fsenc_local() { "$FSENC_BIN" init "$1" >/dev/null; }
mount_fsenc_local() { "$FSENC_BIN" mount "$1" "$2" -o local; }
has_fsenc_shared() { true; }
make_fsenc_shared() { "$FSENC_BIN" init "$1" >/dev/null; }
mount_fsenc_shared() { "$FSENC_BIN" mount "$1" "$2"; }
has_gocryptfs() { command -v gocryptfs >/dev/null; }
make_gocryptfs() { mkdir "$1" && gocryptfs -q -init -scryptn 10 -passfile "$play/pass" "$1"; }
mount_gocryptfs() { gocryptfs -q -passfile "$play/pass" "$1" "$2"; }
has_gocryptfs_shared() { has_gocryptfs; }
make_gocryptfs_shared() { make_gocryptfs "$1"; }
mount_gocryptfs_shared() { gocryptfs -q -sharedstorage -passfile "$play/pass" "$1" "$2"; }
has_passthrough() {
	local example=/usr/share/doc/libfuse3-dev/examples/passthrough_ll.c
	[ -f $example ] || [ -f $example.gz ] || return 1
	mkdir "$play/passthrough" && cp /usr/share/doc/libfuse3-dev/examples/passthrough* "$play/passthrough/"
	gunzip -qf "$play"/passthrough/*.gz 2>/dev/null || true
	(cd "$play/passthrough" && cc -O2 -w passthrough_ll.c -o passthrough_ll $(pkg-config fuse3 --cflags --libs))
}
make_passthrough() { mkdir "$1"; }
mount_passthrough() { "$play/passthrough/passthrough_ll" -o source="$1" -o cache=always "$2"; }
has_securefs() { command -v securefs >/dev/null; }
make_securefs() { mkdir "$1" && securefs create --pass compare --rounds 1 "$1"; }
mount_securefs() { securefs mount -b --pass compare --log "$play/securefs.log" "$1" "$2"; }
has_encfs() { command -v encfs >/dev/null; }
make_encfs() { mkdir "$1"; }
mount_encfs() { encfs --standard --extpass="cat $play/pass" "$1" "$2"; }
has_cryfs() { command -v cryfs >/dev/null; }
make_cryfs() { mkdir "$1"; }
mount_cryfs() { cryfs "$1" "$2" <"$play/pass"; }

# until_true COMMAND... - waits for the condition, ten seconds at most
until_true() {
	local tries=1000
	until "$@"; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || { echo "compare.sh: gave up waiting for: $*" >&2; exit 1; }
		sleep 0.01
	done
}
is_not_mounted() { ! mountpoint -q "$1"; }

begin() { "mount_$1" "$play/store/$1" "$play/mnt/$1" && until_true mountpoint -q "$play/mnt/$1"; }
# What must find nothing in the kernel's caches gets a fresh mount; the backing's own caches stay warm for all.
again() {
	until_true fusermount3 -u "$play/mnt/$1"
	until_true is_not_mounted "$play/mnt/$1"
	until_true begin "$1" >>"$play/log" 2>&1
}
is_cold() { case $1 in seq_read | rand_read | stat | small_reads | unlink | grep | git_status) true ;; *) false ;; esac; }

"$FSENC_BIN" setup --name bench --kdf-mib 64 >/dev/null 2>&1
for system in fsenc_local fsenc_shared $peers; do
	"has_$system" || { echo "not installed, left out: $system"; continue; }
	mkdir "$play/mnt/$system"
	"make_$system" "$play/store/$system" >>"$play/log" 2>&1 || { cat "$play/log"; exit 1; }
	begin "$system" >>"$play/log" 2>&1 || { cat "$play/log"; exit 1; }
	systems="$systems $system"
done
# A source tree, out of the way of any disk.
mount -t tmpfs tmpfs "$play/source"
cp -r /usr/include/linux /usr/include/x86_64-linux-gnu "$play/source/" 2>/dev/null || cp -r /usr/include "$play/source/"

# sample ROUND WORK SYSTEM
sample() {
	local one=(python3 -I "$here/compare_work.py")
	local arguments=("$play/mnt/$3" "$megabytes" "$files" "$play/source")
	"${one[@]}" "before_$2" "${arguments[@]}" >/dev/null
	! is_cold "$2" || again "$3"
	echo "$backing $$.$1 $2 $3 $("${one[@]}" "$2" "${arguments[@]}")" >>"$play/results"
}

for round in $(seq "$pairs"); do
	order=$systems
	[ $((round % 2)) -eq 1 ] || order=$(printf '%s\n' $systems | tac | tr '\n' ' ')
	for work in $works; do
		for system in $order; do sample "$round" "$work" "$system"; done
	done
done
[ -z "$keep" ] || cat "$play/results" >>"$keep"
python3 -I "$here/compare_table.py" "$play/results"
