#!/usr/bin/env bash
# tests/bench/compare.sh [--pairs N] [--backing tmpfs|ext4] [--peers 'A B'] [--quick] - fsenc against its peers, in pairs.
#
# Each workload runs on fsenc (-o local), fsenc (shared mode), and each peer that is installed, in turn, N
# rounds; printed are ratios of throughput against gocryptfs, the median of the rounds. Only ratios within
# one run mean anything. The backing directory is in $TMPDIR, or a tmpfs made for the run (needs root).
set -euo pipefail
: "${FSENC_BIN:?names the fsenc program}"
pairs=5 backing=tmpfs megabytes=256 files=1500 peers='gocryptfs securefs encfs cryfs'
while [ $# -gt 0 ]; do
	case $1 in
	--pairs) pairs=$2; shift ;;
	--backing) backing=$2; shift ;;
	--peers) peers=$2; shift ;;
	--quick) megabytes=64 files=300 ;;
	*) echo "usage: compare.sh [--pairs N] [--backing tmpfs|ext4] [--peers 'A B'] [--quick]" >&2; exit 2 ;;
	esac
	shift
done
play=$(mktemp -d "${TMPDIR:-/var/tmp}/fsenc-compare-XXXXXX")
export HOME=$play/home XDG_DATA_HOME=$play/data XDG_CONFIG_HOME=$play/config XDG_STATE_HOME=$play/state
export XDG_RUNTIME_DIR=$play/run FSENC_PASSFILE=$play/pass
mkdir -p "$HOME" "$XDG_RUNTIME_DIR" "$play/store" "$play/mnt"
chmod 700 "$XDG_RUNTIME_DIR"
(umask 077; echo compare >"$play/pass")
end() {
	fusermount3 -uz "$play/mnt" 2>/dev/null || true
	umount "$play/store" 2>/dev/null || true
	rm -rf "$play"
}
trap end EXIT
case $backing in
tmpfs) mount -t tmpfs -o size=4g tmpfs "$play/store" ;;
ext4) truncate -s 6G "$play/disk"; mkfs.ext4 -q -F "$play/disk"; mount -o loop "$play/disk" "$play/store" ;;
esac

mount_fsenc_local() { "$FSENC_BIN" mount "$1" "$play/mnt" -o local; }
mount_fsenc_shared() { "$FSENC_BIN" mount "$1" "$play/mnt"; }
make_fsenc_local() { "$FSENC_BIN" init "$1" >/dev/null; }
make_fsenc_shared() { "$FSENC_BIN" init "$1" >/dev/null; }
make_gocryptfs() { mkdir -p "$1"; gocryptfs -q -init -scryptn 10 -passfile "$play/pass" "$1"; }
mount_gocryptfs() { gocryptfs -q -passfile "$play/pass" "$1" "$play/mnt"; }
make_securefs() { mkdir -p "$1"; securefs create --pass compare --rounds 1 "$1" >/dev/null 2>&1; }
mount_securefs() { securefs mount -b --pass compare --log "$play/securefs.log" "$1" "$play/mnt" >/dev/null 2>&1; }
make_encfs() { mkdir -p "$1"; }
mount_encfs() { encfs --standard --extpass="cat $play/pass" "$1" "$play/mnt" >/dev/null 2>&1; }
make_cryfs() { mkdir -p "$1"; }
mount_cryfs() { CRYFS_FRONTEND=noninteractive cryfs "$1" "$play/mnt" <"$play/pass" >/dev/null 2>&1; }

systems="fsenc_local fsenc_shared"
for peer in $peers; do
	if command -v $peer >/dev/null; then systems="$systems $peer"; else echo "not installed, left out: $peer"; fi
done
"$FSENC_BIN" setup --name bench --kdf-mib 64 >/dev/null
cat >"$play/work.py" <<'PY'
import os, random, sys, time, subprocess, shutil
name, mnt, megabytes, files = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
big, tree = mnt + '/big', mnt + '/tree'
MB = 1 << 20
random.seed(7)
def seq_write():
    buffer = os.urandom(MB)
    with open(big, 'wb', buffering=0) as f:
        for _ in range(megabytes): f.write(buffer)
        os.fsync(f.fileno())
    return megabytes
def seq_read():
    with open(big, 'rb', buffering=0) as f:
        while f.read(MB): pass
    return megabytes
def rand_read(n=8000):
    with open(big, 'rb', buffering=0) as f:
        os.posix_fadvise(f.fileno(), 0, 0, os.POSIX_FADV_RANDOM)
        for _ in range(n): os.pread(f.fileno(), 4096, random.randrange(megabytes * 256) * 4096)
    return n
def rand_write(n=8000):
    buffer = os.urandom(4096)
    fd = os.open(big, os.O_RDWR)
    for _ in range(n): os.pwrite(fd, buffer, random.randrange(megabytes * 256) * 4096)
    os.fsync(fd); os.close(fd)
    return n
def create():
    os.mkdir(tree); data = os.urandom(3000)
    for i in range(files):
        if i % 100 == 0: os.mkdir('%s/%d' % (tree, i // 100))
        with open('%s/%d/%d' % (tree, i // 100, i), 'wb', buffering=0) as f: f.write(data)
    return files
def paths(): return ['%s/%d/%d' % (tree, i // 100, i) for i in range(files)]
def stat():
    for p in paths(): os.stat(p)
    return files
def small_reads():
    for p in paths():
        with open(p, 'rb', buffering=0) as f: f.read()
    return files
def unlink():
    for p in paths(): os.unlink(p)
    return files
def copy_tree():
    shutil.copytree('/usr/include/linux', mnt + '/src')
    return 1
def grep():
    subprocess.run(['grep', '-r', 'no such words anywhere', mnt + '/src'], stdout=subprocess.DEVNULL)
    return 1
def git_status():
    for c in (['init', '-q', '.'], ['add', '.'], ['status', '--short']):
        subprocess.run(['git'] + c, cwd=mnt + '/src', stdout=subprocess.DEVNULL, check=True)
    return 1
def sqlite():
    import sqlite3
    db = sqlite3.connect(mnt + '/db')
    db.execute('create table if not exists t (a integer primary key, b blob)')
    for _ in range(100):
        with db: db.executemany('insert into t (b) values (?)', [(os.urandom(100),)] * 20)
    db.close()
    return 100
start = time.perf_counter()
done = globals()[name]()
print(done / (time.perf_counter() - start))
PY
unmount() { fusermount3 -u "$play/mnt" 2>/dev/null || fusermount -u "$play/mnt"; while mountpoint -q "$play/mnt"; do sleep 0.05; done; }
# What must find nothing in the kernel's caches gets a fresh mount.
cold=" seq_read rand_read stat small_reads grep unlink "
for round in $(seq "$pairs"); do
	for system in $systems; do
		store=$play/store/$system
		rm -rf "$store"
		"make_$system" "$store"
		"mount_$system" "$store"
		for work in seq_write seq_read rand_read rand_write create stat small_reads unlink copy_tree grep git_status sqlite; do
			case $cold in *" $work "*) unmount; "mount_$system" "$store" ;; esac
			echo "$round $system $work $(python3 "$play/work.py" "$work" "$play/mnt" "$megabytes" "$files")" >>"$play/results"
		done
		unmount
		rm -rf "$store"
	done
done
python3 - "$play/results" "$systems" <<'PY'
import sys, statistics
rows = [line.split() for line in open(sys.argv[1])]
systems = sys.argv[2].split()
value = {(r, s, w): float(v) for r, s, w, v in rows}
rounds = sorted({r for r, *_ in rows}); works = list(dict.fromkeys(w for _, _, w, _ in rows))
base = 'gocryptfs' if 'gocryptfs' in systems else systems[0]
print('throughput against %s, median (min..max) of %d rounds' % (base, len(rounds)))
print('%-12s' % 'workload' + ''.join('%24s' % s for s in systems if s != base))
for w in works:
    line = '%-12s' % w
    for s in systems:
        if s == base: continue
        ratios = [value[r, s, w] / value[r, base, w] for r in rounds]
        line += '%24s' % ('%.2f (%.2f..%.2f)' % (statistics.median(ratios), min(ratios), max(ratios)))
    print(line)
PY
