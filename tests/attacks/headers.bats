#!/usr/bin/env bats
# The header of a stored file, field by field, in a folder that has had several generations. docs/THREATS.md, T4, T5, T15.
load ../lib/bats

setup() {
	begin
	needs_fuse
	ready alice
	ready bob
	know alice bob
	mkdir "$T/mnt"
	as alice fsenc init "$T/share"
	as alice fsenc mount "$T/share" "$T/mnt"
	head -c 20000 /dev/urandom >"$T/plain"
	cp "$T/plain" "$T/mnt/of-old"
	cp "$T/plain" "$T/mnt/mixed"
	truncate -s 4000000 "$T/mnt/sparse"
	printf 'the end' >>"$T/mnt/sparse"
	echo "the neighbour" >"$T/mnt/neighbour"
	for name in of-old mixed sparse; do
		inode_of "$name" >"$T/inode-$name"
	done
	as alice fsenc add-user "$T/share" bob
	as alice fsenc remove-user "$T/share" bob
	mixed=$(stored mixed)
	cp "$mixed" "$T/before-mixed"
	wait_for turned_mixed
	cp "$T/plain" "$T/mnt/new"
	inode_of new >"$T/inode-new"
	as alice fsenc umount "$T/mnt"
	cp -a "$T/share" "$T/good"
}

# Stored inodes are shown as they are, so a stored file is found by its number.
inode_of() {
	stat -c %i "$T/mnt/$1"
}

stored() {
	find "$T/share" -maxdepth 1 -inum "$(cat "$T/inode-$1")"
}

turned_mixed() {
	dd if="$T/plain" of="$T/mnt/mixed" bs=4096 count=1 skip=1 seek=1 conv=notrunc status=none
	[ "$(field "$mixed" 7 1)" = 2 ]
}

# field FILE OFFSET SIZE - a number of the stored header
field() {
	od -An -tu"$3" -j"$2" -N"$3" "$1" | xargs
}

# put FILE OFFSET BYTES... - bytes in hex
put() {
	local file=$1 offset=$2
	shift 2
	printf '%b' "$(printf '\\x%s' "$@")" | dd of="$file" bs=1 seek="$offset" conv=notrunc status=none
}

put_back() {
	local file
	file=$(stored "$1")
	cat "$T/good/$(basename "$file")" >"$file"
}

# refused NAME - neither read nor written, and verify lists it and nothing else
refused() {
	as alice fails 26 fsenc verify "$T/share"
	[ "$(grep -c '^damaged' <<<"$output")" = 1 ] || { echo "$output"; return 1; }
	has " $1: "
	cp "$(stored "$1")" "$T/as-planted"
	as alice fsenc mount "$T/share" "$T/mnt"
	gives_error EIO cat "$T/mnt/$1"
	gives_error EIO sh -c "head -c 10 /dev/zero | dd of='$T/mnt/$1' bs=10 seek=3 conv=notrunc"
	[ "$(cat "$T/mnt/neighbour")" = "the neighbour" ]
	as alice fsenc umount "$T/mnt"
	cmp "$(stored "$1")" "$T/as-planted"
	put_back "$1"
}

sound() {
	as alice fsenc verify "$T/share"
	as alice fsenc mount "$T/share" "$T/mnt"
	cmp "$T/plain" "$T/mnt/of-old"
	cmp "$T/plain" "$T/mnt/mixed"
	cmp "$T/plain" "$T/mnt/new"
	[ "$(tail -c 7 "$T/mnt/sparse")" = "the end" ]
	as alice fsenc umount "$T/mnt"
}

@test "T5: the share under attack is sound, and has files of each kind" {
	[ "$(field "$(stored of-old)" 24 4) $(field "$(stored of-old)" 28 4) $(field "$(stored of-old)" 7 1)" = "1 1 0" ]
	[ "$(field "$(stored mixed)" 24 4) $(field "$(stored mixed)" 28 4) $(field "$(stored mixed)" 7 1)" = "2 2 2" ]
	[ "$(field "$(stored new)" 24 4) $(field "$(stored new)" 28 4) $(field "$(stored new)" 7 1)" = "2 2 0" ]
	[ "$(field "$(stored sparse)" 24 4) $(field "$(stored sparse)" 28 4) $(field "$(stored sparse)" 7 1)" = "1 1 1" ]
	sound
}

@test "T5: a flag set, taken away or made up is refused" {
	for flags in 01 02 03 04 80; do
		put "$(stored of-old)" 7 $flags
		refused of-old
	done
	for flags in 00 01 03; do
		put "$(stored mixed)" 7 $flags
		refused mixed
	done
	for flags in 00 02; do
		put "$(stored sparse)" 7 $flags
		refused sparse
	done
	sound
}

@test "T5: a zeroed block does not become a hole by the flag" {
	file=$(stored of-old)
	put "$file" 7 01
	dd if=/dev/zero of="$file" bs=1 seek=$((192 + 4136)) count=4136 conv=notrunc status=none
	refused of-old
	sound
}

@test "T5: another generation in the header is refused, up, down and one that never was" {
	for generation in 02 00 03 ff; do
		put "$(stored of-old)" 24 $generation 00 00 00
		refused of-old
		put "$(stored of-old)" 28 $generation 00 00 00
		refused of-old
	done
	put "$(stored of-old)" 24 02 00 00 00 02 00 00 00
	refused of-old
	for name in new mixed; do
		put "$(stored $name)" 24 01 00 00 00
		refused $name
		put "$(stored $name)" 28 01 00 00 00
		refused $name
		put "$(stored $name)" 24 01 00 00 00 01 00 00 00
		refused $name
	done
	sound
}

@test "T5: another version, suite or block size in the header is refused" {
	for change in "4 02" "5 01" "5 02" "5 03" "6 0d" "6 0b"; do
		# shellcheck disable=SC2086  # offset and value
		put "$(stored of-old)" $change
		cmp -s "$(stored of-old)" "$T/good/$(basename "$(stored of-old)")" || refused of-old
	done
	sound
}

@test "T4: the old pair of a MIXED file taken away, or put into another file, is refused" {
	put "$(stored mixed)" 128 $(printf '00 %.0s' {1..64})
	refused mixed
	dd if="$(stored mixed)" of="$(stored of-old)" bs=64 skip=2 seek=2 count=1 conv=notrunc status=none
	refused of-old
	sound
}

@test "T4: a MIXED file's header put back to the one before opens no block written since" {
	dd if="$T/before-mixed" of="$(stored mixed)" bs=192 count=1 conv=notrunc status=none
	as alice fails 26 fsenc verify "$T/share"
	[ "$(grep -c '^damaged' <<<"$output")" = 1 ]
	as alice fsenc mount "$T/share" "$T/mnt"
	gives_error EIO dd if="$T/mnt/mixed" bs=4096 skip=1 count=1
	as alice fsenc umount "$T/mnt"
	put_back mixed
	sound
}

@test "T15: a header of an old generation planted in an empty file of a later one gives no seed to new bytes" {
	as alice fsenc mount "$T/share" "$T/mnt"
	: >"$T/mnt/empty"
	empty=$(find "$T/share" -maxdepth 1 -inum "$(inode_of empty)")
	[ "$(stat -c %s "$empty")" = 0 ]
	as alice fsenc umount "$T/mnt"
	head -c 192 "$(stored of-old)" >"$empty"
	as alice fsenc mount "$T/share" "$T/mnt"
	[ -z "$(cat "$T/mnt/empty")" ]
	echo "written today" >"$T/mnt/empty"
	[ "$(field "$empty" 28 4)" = 2 ]
	[ "$(cat "$T/mnt/empty")" = "written today" ]
	as alice fsenc umount "$T/mnt"
	# in the place of a file that the leaver had read, the same
	head -c 192 "$(stored of-old)" >"$(stored new)"
	as alice fsenc mount "$T/share" "$T/mnt"
	echo "written today" >>"$T/mnt/new"
	[ "$(field "$(stored new)" 28 4)" = 2 ]
	[ "$(cat "$T/mnt/new")" = "written today" ]
	as alice fsenc umount "$T/mnt"
	as alice fsenc verify "$T/share"
}
