#!/usr/bin/env bats
# A mount's process: how it ends, what it holds meanwhile, and what it tells to whom.
#
# FSENC_SLOW=1 walks over 100,000 files instead of 10,000.
load trust

setup() {
	trust_begin
	share_begin "$T/back"
}

nothing_left() {
	local left
	never is_mounted "$T/mnt"
	left=$(find "$T/alice/run" ! -type d)
	[ -z "$left" ] || { echo "left behind: $left"; return 1; }
}

memory() { # MiB
	awk '$1 == "VmRSS:" { print int($2 / 1024) }' "/proc/$daemon/status"
}

@test "SIGTERM ends a mount: status 0, unmounted, neither socket nor ring stay" {
	mount_start
	echo text >"$T/mnt/file"
	[ -n "$(find "$T/alice/run" ! -type d)" ]
	kill -TERM "$daemon"
	daemon_ended 0
	nothing_left
	sound
}

@test "fusermount3 -u ends a mount: status 0, neither socket nor ring stay" {
	mount_start
	echo text >"$T/mnt/file"
	fusermount3 -u "$T/mnt"
	daemon_ended 0
	nothing_left
	sound
}

@test "SIGTERM in the middle of a workload ends a mount, and nothing acknowledged is lost" {
	mount_start
	mkdir "$T/mnt/work"
	"$ORACLE" run "$T/mnt/work" "$T/journal" "$RANDOM" >"$T/run" 3>&- &
	workload=$!
	started+=("$workload")
	until_true test -e "$T/mnt/work/lane-3/plain-3"
	kill -TERM "$daemon"
	# it may have to wait for the last program that has files open on it
	wait "$workload" || { cat "$T/run"; return 1; }
	daemon_ended 0
	mount_start
	"$ORACLE" check "$T/mnt/work" "$T/journal"
	mount_end
	nothing_left
	sound
}

@test "a mount has as many descriptors after 5,000 files as before" {
	mount_start
	mkdir "$T/mnt/first" "$T/mnt/tree"
	echo x >"$T/mnt/first/file"
	cat "$T/mnt/first/file"
	rm -r "$T/mnt/first"
	echo 2 >/proc/sys/vm/drop_caches 2>/dev/null || skip "only root may empty the kernel's caches"
	before=$(descriptors)
	make_files 50 100
	find "$T/mnt/tree" -type f -exec cat {} + >/dev/null
	rm -r "$T/mnt/tree"
	echo 2 >/proc/sys/vm/drop_caches
	until_true has_descriptors "$before" || { ls -l "/proc/$daemon/fd"; return 1; }
}

# Each of its threads has one of /dev/fuse, and they come and go.
descriptors() {
	find "/proc/$daemon/fd" -type l -printf '%l\n' | grep -cvx /dev/fuse
}

has_descriptors() {
	[ "$(descriptors)" -le "$1" ]
}

# make_files DIRECTORIES FILES
make_files() {
	python3 - "$T/mnt/tree" "$1" "$2" <<-'END'
		import os, sys
		root, directories, files = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
		for d in range(directories):
		    place = "%s/%d" % (root, d)
		    os.mkdir(place)
		    for f in range(files):
		        fd = os.open("%s/%d" % (place, f), os.O_WRONLY | os.O_CREAT | os.O_EXCL)
		        os.write(fd, b"%d %d" % (d, f))
		        os.close(fd)
	END
}

@test "a walk over very many files and back leaves less than 64 MiB in memory" {
	[ "$(id -u)" = 0 ] || skip "only root may empty the kernel's caches"
	local directories=100 start
	! is_slow || directories=1000
	mount_start
	start=$(memory)
	mkdir "$T/mnt/tree"
	make_files $directories 100
	[ "$(find "$T/mnt/tree" -type f -size +0 -printf x | wc -c)" = $((directories * 100)) ]
	full=$(memory)
	echo 2 >/proc/sys/vm/drop_caches
	until_true is_small
	echo "# memory: $start MiB at the start, $full MiB with $((directories * 100)) files known, $(memory) MiB after" >&3
	mount_end
}

is_small() {
	[ "$(memory)" -lt 64 ]
}

@test "a mount leaves no core file and cannot be looked into by its own user" {
	ulimit -c unlimited
	mount_start
	awk '/^Max core file size/ { exit !($5 == 0 && $6 == 0) }' "/proc/$daemon/limits"
	python3 - "$daemon" <<-'END'
		import os, sys
		pid = int(sys.argv[1])
		os.setgid(65534)
		os.setuid(65534)
		try:
		    os.open("/proc/%d/environ" % pid, os.O_RDONLY)
		except PermissionError:
		    sys.exit(0)
		sys.exit(1)
	END
	kill -ABRT "$daemon"
	local ended=0
	until_true is_gone "$daemon"
	wait "$daemon" || ended=$?
	[ "$ended" = 134 ]
	mount_let_go
	[ -z "$(find "$T" -maxdepth 2 -name 'core*')" ]
}

@test "neither the passphrase nor a name nor contents stand in arguments, environment, log or on the share" {
	mount_start --verbose
	echo "very plain contents" >"$T/mnt/a very plain name"
	cat "$T/mnt/a very plain name"
	never cat "$T/mnt/another plain name" 2>/dev/null
	printf XXXX >"$T/back/share/$(ls "$T/back/share")"
	cat "$T/mnt/a very plain name" >/dev/null 2>&1 || true
	cp "/proc/$daemon/cmdline" "$T/cmdline"
	cp "/proc/$daemon/environ" "$T/environ"
	grep -q "FSENC_PASSFILE=$T/alice/pass" "$T/environ"
	mount_end
	for secret in "$(cat "$T/alice/pass")" "very plain" "plain name"; do
		never grep -raqF "$secret" "$T/cmdline" "$T/environ" "$T/log" "$T/back"
	done
}
