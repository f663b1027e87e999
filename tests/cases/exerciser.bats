#!/usr/bin/env bats
# A file on a mount is what a file on a disk is, whatever is done to it in whatever order (exerciser.c). FSENC_SEEDS:
# how many courses in each mode; 3, or 60 with FSENC_SLOW=1.
load ../lib/bats

setup() {
	begin
	needs_fuse
	ready alice
	mkdir "$T/mnt" "$T/other"
	as alice fsenc init "$T/share"
	if [ "${FSENC_SLOW:-0}" = 1 ]; then seeds=${FSENC_SEEDS:-60} steps=10000; else seeds=${FSENC_SEEDS:-3} steps=2000; fi
}

# courses FILE [FILE]
courses() {
	local seed
	for seed in $(seq "$seeds"); do
		"$EXERCISER_BIN" "$seed" $steps "${@/%/$seed}"
	done
}

# one_mount OPTIONS - sound afterwards
one_mount() {
	as alice fsenc mount "$T/share" "$T/mnt" -o "$1"
	courses "$T/mnt/file"
	as alice fsenc umount "$T/mnt"
	as alice fsenc verify "$T/share"
}

@test "every course would pass on the disk itself, and none with a file that is another" {
	courses "$T/file"
	run -1 "$EXERCISER_BIN" 1 2000 "$T/this" "$T/that"
	: >"$T/that"
	rm "$T/this"
	run -1 --separate-stderr "$EXERCISER_BIN" 1 2000 "$T/this" "$T/that"
	[[ $stderr == *"another size at "* || $stderr == *"another byte at "* ]]
}

@test "where others may write at the same time" {
	one_mount shared
}

@test "as the only client" {
	one_mount local
}

@test "as the only client that writes later" {
	one_mount local,writeback
}

@test "now on one mount, now on another" {
	as alice fsenc mount "$T/share" "$T/mnt"
	as alice fsenc mount "$T/share" "$T/other"
	courses "$T/mnt/file" "$T/other/file"
	as alice fsenc umount "$T/mnt"
	as alice fsenc umount "$T/other"
	as alice fsenc verify "$T/share"
}
