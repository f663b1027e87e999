#!/usr/bin/env bats
# Storage that is full, fails, stalls or goes away: the right error, nothing acknowledged lost, and no mount that hangs.
load trust

setup() {
	trust_begin
}

# outcome FILE SIZE - how filling it ended
outcome() {
	"$ORACLE" fill "$1" "$2" >"$T/outcome" || { cat "$T/outcome"; return 1; }
	read -r ending acked <"$T/outcome"
}

# -- full ------------------------------------------------------------------------------------------

# In place there is always room; not where the storage copies what is overwritten.
overwrite() {
	[ -z "$1" ] || return 0
	for file in "$T/mnt/neighbour" "$T/plain"; do
		printf 'over' >"$T/piece"
		dd if="$T/piece" of="$file" bs=1 seek=100000 conv=notrunc status=none
	done
}

# fills_up ERRNO [copies] - the storage in back fills up with this errno; what was there stays, can be removed, and then there is room.
fills_up() {
	share_begin "$T/back"
	mount_start
	outcome "$T/mnt/old" 500000
	[ "$ending" = OK ]
	head -c 300000 /dev/urandom >"$T/plain"
	cp "$T/plain" "$T/mnt/neighbour"
	while outcome "$T/mnt/big" 1000000000 && [ "$ending" = OK ]; do :; done
	[ "$ending" = "$1" ]
	[ "$acked" -gt 1000000 ]
	outcome "$T/mnt/another" 1000000
	[ "$ending" = "$1" ]
	cmp "$T/plain" "$T/mnt/neighbour"
	overwrite "${2:-}"
	mount_end
	[ -n "${2:-}" ] || sound # it cannot mend there what it began, until there is room
	mount_start
	cmp "$T/plain" "$T/mnt/neighbour"
	"$ORACLE" fill "$T/mnt/old" 500000 >"$T/outcome"
	rm "$T/mnt/big"
	until_true has_room
	outcome "$T/mnt/new" 400000
	[ "$ending" = OK ]
	outcome "$T/mnt/old" 600000
	[ "$ending" = OK ]
	cmp "$T/plain" "$T/mnt/neighbour"
	mount_end
	sound
}

# a deleted file's blocks may come back a little later
has_room() {
	outcome "$T/mnt/probe" 2000000 && [ "$ending" = OK ] && rm "$T/mnt/probe"
}

@test "a full tmpfs" {
	storage_tmpfs "$T/back" size=12m
	fills_up ENOSPC
}

@test "a full ext4" {
	storage_image "$T/image" ext4 24M
	storage_attach "$T/image" "$T/back"
	fills_up ENOSPC
}

@test "a quota that is used up" {
	storage_image "$T/image" btrfs 200M
	storage_attach "$T/image" "$T/back"
	btrfs subvolume create "$T/back/limited" >/dev/null
	btrfs quota enable "$T/back" || skip "no quotas on btrfs here"
	btrfs qgroup limit 20M "$T/back/limited"
	umount "$T/back"
	storage_attach "$T/image" "$T/back" subvol=limited
	fills_up EDQUOT copies
}

@test "no inodes left: no name, long or short, half made, and the others work" {
	storage_tmpfs "$T/back" nr_inodes=150
	share_begin "$T/back"
	mount_start
	local number=0 long
	long=$(printf 'l%.0s' {1..200})
	while echo "$number" >"$T/mnt/$number$([ $((number % 2)) = 0 ] || echo "$long")"; do
		number=$((number + 1))
		[ "$number" -lt 200 ]
	done 2>/dev/null
	[ "$number" -gt 50 ]
	for try in "$T/mnt/new" "$T/mnt/new$long" "$T/mnt/dir"; do
		gives_error ENOSPC mkdir "$try"
	done
	gives_error ENOSPC mkdir "$T/mnt/other$long"
	[ "$(ls "$T/mnt" | wc -l)" = "$number" ]
	[ "$(cat "$T/mnt"/* | wc -l)" = "$number" ]
	rm "$T/mnt/1$long"
	mkdir "$T/mnt/new$long"
	rmdir "$T/mnt/new$long"
	echo 1 >"$T/mnt/1$long"
	[ "$(ls "$T/mnt" | wc -l)" = "$number" ]
	mount_end
	sound
}

# -- errors and short writes in the middle of a block ------------------------------------------------------

# A file of 20 blocks and a bit on the mount, its copy in old, what a change makes of it in new.
prepare_change() {
	head -c 85000 /dev/urandom >"$T/old"
	cp "$T/old" "$T/mnt/file"
	head -c 84000 "$T/old" >"$T/other"
	cp "$T/other" "$T/mnt/next"
	cp "$T/old" "$T/new"
	inode=$(stored_inode "$(stored_size 85000)")
}

change() {
	python3 - "$1" "$2" "$T/piece" <<-'END'
		import os, sys
		path, kind, piece = sys.argv[1:]
		data = open(piece, "rb").read()
		fd = os.open(path, os.O_WRONLY | (os.O_APPEND if kind == "append" else 0))
		try:
		    if kind == "append":
		        done = os.write(fd, data)
		    elif kind == "truncate":
		        os.ftruncate(fd, 50001)
		        done = len(data)
		    elif kind == "aligned":
		        done = os.pwrite(fd, data[:8192], 8192) + len(data) - 8192
		    else:
		        done = os.pwrite(fd, data, 9000)
		    os.fsync(fd)
		    os.close(fd)
		except OSError as error:
		    sys.exit(3)
		sys.exit(0 if done == len(data) else 3)
	END
}

# change_fails KIND KEEP ERROR TIMES
change_fails() {
	local done=0
	control inode=0
	prepare_change
	change "$T/new" "$1"
	control inode="$inode" skip=0 keep="$2" error="$3" times="$4" failed=0
	change "$T/mnt/file" "$1" || done=$?
	[ "$(control failed)" -gt 0 ] || { echo "the shim saw no write"; return 1; }
	if [ "$done" = 0 ]; then
		cmp "$T/new" "$T/mnt/file"
	else
		[ "$done" = 3 ]
		"$ORACLE" between "$T/old" "$T/new" "$T/mnt/file"
	fi
	cmp "$T/other" "$T/mnt/next"
	control inode=0 times=0
	# the storage works again: so does the file
	change "$T/mnt/file" truncate
	change "$T/new" truncate
	"$ORACLE" between "$T/old" "$T/new" "$T/mnt/file"
	cp "$T/old" "$T/mnt/file"
	cmp "$T/old" "$T/mnt/file"
	rm "$T/mnt/file" "$T/mnt/next"
}

each_failure() {
	local kind keep error times keeps=$1 all_times=2
	shift
	! is_slow || keeps="0 1 2000 4136 5000" all_times="1 3"
	share_begin "$T/back"
	mount_start_shimmed "$@"
	head -c 9000 /dev/urandom >"$T/piece"
	for kind in aligned unaligned append truncate; do
		for keep in $keeps; do
			for error in 5 28; do
				for times in $all_times; do
					change_fails $kind $keep $error $times ||
						{ echo "kind $kind, $keep bytes, error $error, $times times"; return 1; }
				done
			done
		done
	done
	mount_end
	sound
}

@test "a write that fails in the middle of a block costs neither its neighbours nor the block" {
	each_failure "0 2000"
}

@test "the same, of a mount that has the share for itself" {
	each_failure 4136 -o local
}

@test "short writes that are no errors are finished" {
	share_begin "$T/back"
	mount_start_shimmed
	head -c 9000 /dev/urandom >"$T/piece"
	for kind in aligned unaligned append; do
		prepare_change
		change "$T/new" $kind
		control inode="$inode" skip=0 keep=1000 error=0 times=5 failed=0
		change "$T/mnt/file" $kind
		[ "$(control failed)" = 5 ]
		cmp "$T/new" "$T/mnt/file"
		rm "$T/mnt/file" "$T/mnt/next"
	done
	control inode=0
	mount_end
	sound
}

@test "a file whose storage fails for good is whole after the next mount" {
	share_begin "$T/back"
	head -c 9000 /dev/urandom >"$T/piece"
	for kind in aligned unaligned append truncate; do
		mount_start_shimmed
		control inode=0
		prepare_change
		change "$T/new" $kind
		control inode="$inode" skip=0 keep=2000 error=5 times=-1 failed=0
		change "$T/mnt/file" $kind || [ $? = 3 ]
		"$ORACLE" between "$T/old" "$T/new" "$T/mnt/file"
		cmp "$T/other" "$T/mnt/next"
		mount_end
		mount_start
		"$ORACLE" between "$T/old" "$T/new" "$T/mnt/file"
		sound
		rm "$T/mnt/file" "$T/mnt/next"
		mount_end
	done
}

# -- one slow file ----------------------------------------------------------------------------------------

waiting() {
	[ "$(control waiting)" -ge "$1" ]
}

# The file is behind a gate. Everything else is done while operations on it wait.
others_go_on() {
	local waiter
	for waiter in "$@"; do never is_gone "$waiter"; done
	timeout 60 cat "$T/mnt/next" >"$T/read"
	cmp "$T/other" "$T/read"
	timeout 60 cp "$T/old" "$T/mnt/third"
	timeout 60 mv "$T/mnt/third" "$T/mnt/fourth"
	timeout 60 mkdir "$T/mnt/dir"
	timeout 60 ls -l "$T/mnt" >"$T/listing"
	timeout 60 rm -r "$T/mnt/fourth" "$T/mnt/dir"
	timeout 60 stat "$T/mnt/file" >"$T/listing"
	waiting "$#"
	for waiter in "$@"; do never is_gone "$waiter"; done
}

@test "reads of one slow file keep nobody else waiting" {
	share_begin "$T/back"
	mount_start
	prepare_change
	mount_end
	mount_start_shimmed
	control inode="$inode" shut=1
	local readers=() number
	for number in 1 2 3 4; do
		dd if="$T/mnt/file" of="$T/slow.$number" bs=4096 skip=$((number * 4)) count=1 status=none 3>&- &
		readers+=($!)
		started+=($!)
	done
	until_true waiting 1
	others_go_on "${readers[0]}"
	control shut=0
	for number in 0 1 2 3; do wait "${readers[number]}"; done
	cmp "$T/slow.1" <(dd if="$T/old" bs=4096 skip=4 count=1 status=none)
	mount_end
	sound
}

@test "a write to one slow file keeps nobody else waiting" {
	share_begin "$T/back"
	mount_start_shimmed
	prepare_change
	control inode="$inode" shut=1
	dd if="$T/old" of="$T/mnt/file" bs=4096 count=1 conv=notrunc status=none 3>&- &
	writer=$!
	started+=("$writer")
	until_true waiting 1
	others_go_on "$writer"
	control shut=0
	wait "$writer"
	mount_end
	sound
}

# -- storage that goes away ----------------------------------------------------------------------------------

# Whatever they answer, they answer.
answers() {
	local ended=0
	timeout -s KILL 30 "$@" >"$T/said" 2>&1 || ended=$?
	[ "$ended" != 137 ] || { echo "hangs: $*"; return 1; }
	return 0
}

all_answer() {
	answers cat "$T/mnt/file"
	answers ls -l "$T/mnt" "$T/mnt/dir"
	answers cp "$T/plain" "$T/mnt/new"
	answers mkdir "$T/mnt/dir/new"
	answers mv "$T/mnt/file" "$T/mnt/dir/moved"
	answers rm -rf "$T/mnt/dir"
	answers stat -f "$T/mnt"
}

begin_vanishing() {
	share_begin "$T/back"
	mount_start
	head -c 300000 /dev/urandom >"$T/plain"
	mkdir "$T/mnt/dir"
	cp "$T/plain" "$T/mnt/file"
	cp "$T/plain" "$T/mnt/dir/file"
}

@test "a share that is moved elsewhere goes on under its mount, and ends well" {
	begin_vanishing
	mv "$T/back/share" "$T/back/moved"
	cmp "$T/plain" "$T/mnt/dir/file"
	cp "$T/plain" "$T/mnt/new"
	cmp "$T/plain" "$T/mnt/new"
	all_answer
	mount_end
	mv "$T/back/moved" "$T/back/share"
	sound
}

@test "a share that is removed: no hang, ENOENT or ESTALE for what is gone, and a clean end" {
	begin_vanishing
	rm -r "$T/back/share"
	all_answer
	gives_error ENOENT cp "$T/plain" "$T/mnt/new2" || gives_error ESTALE cp "$T/plain" "$T/mnt/new2" ||
		gives_error EIO cp "$T/plain" "$T/mnt/new2"
	mount_end
}

@test "storage that is unmounted lazily under a mount is served to the end" {
	storage_tmpfs "$T/back" size=64m
	begin_vanishing
	umount -l "$T/back"
	cmp "$T/plain" "$T/mnt/file"
	all_answer
	mount_end
}

@test "storage that stops for good: EIO, no hang, a clean end, and what was synced is there afterwards" {
	command -v xfs_io >/dev/null || skip "no xfs_io: apt install xfsprogs"
	storage_image "$T/image" ext4 64M
	storage_attach "$T/image" "$T/back"
	begin_vanishing
	sync -f "$T/mnt/file"
	python3 -c 'import os, sys; os.fsync(os.open(sys.argv[1], os.O_RDWR))' "$T/mnt/dir/file"
	xfs_io -x -c "shutdown" "$T/back" || skip "this kernel cannot shut ext4 down"
	gives_error EIO cp "$T/plain" "$T/mnt/new"
	all_answer
	mount_end
	umount "$T/back"
	storage_attach "$T/image" "$T/back"
	mount_start
	cmp "$T/plain" "$T/mnt/dir/file"
	mount_end
}
