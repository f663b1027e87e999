#!/usr/bin/env bats
# Whoever keeps copies of the share from different times: its server, its backups. docs/THREATS.md, T17.
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
	head -c 40960 /dev/urandom >"$T/plain"
	cp "$T/plain" "$T/mnt/file"
	cp "$T/plain" "$T/mnt/twin"
	echo "small" >"$T/mnt/small"
	truncate -s 3000000 "$T/mnt/sparse"
	echo "the end" >>"$T/mnt/sparse"
}

compare() {
	python3 "$BATS_TEST_DIRNAME/snapshots.py" "$@"
}

# Everything that writes a block or a header, with what was there before.
write_the_same_again() {
	dd if="$T/plain" of="$T/mnt/file" bs=4096 conv=notrunc status=none
	dd if="$T/plain" of="$T/mnt/twin" bs=1000 conv=notrunc status=none
	printf 'small\n' | dd of="$T/mnt/small" conv=notrunc status=none
	printf 'end' | dd of="$T/mnt/sparse" bs=1 seek=3000004 conv=notrunc status=none
}

@test "T17: the same bytes written again give other stored bytes and other nonces" {
	cp -a "$T/share" "$T/monday"
	write_the_same_again
	cp -a "$T/share" "$T/tuesday"
	run compare "$T/monday" "$T/tuesday"
	echo "$output"
	[ "$status" = 0 ]
	read -r _ rewritten _ <<<"$output"
	[ "$rewritten" -ge 22 ]
}

@test "T17: equal files are stored differently, and nothing of one block shows in another" {
	run compare "$T/share" "$T/share"
	[ "$status" = 0 ]
}

@test "T17: headers written anew, by flags, generations and emptying, never meet an old key and nonce" {
	cp -a "$T/share" "$T/monday"
	as alice fsenc add-user "$T/share" bob
	as alice fsenc remove-user "$T/share" bob
	changed() {
		write_the_same_again
		compare "$T/share" "$T/share" >"$T/said"
		[ "$(find "$T/share" -maxdepth 1 -type f -size +40000c ! -name '.fsenc*' -exec od -An -tu1 -j7 -N1 {} \; |
			grep -cx ' *2')" = 2 ]
	}
	wait_for changed
	cp -a "$T/share" "$T/tuesday"
	: >"$T/mnt/small"
	echo "small" >"$T/mnt/small"
	fallocate -p -o 4096 -l 8192 "$T/mnt/file"
	cp -a "$T/share" "$T/wednesday"
	for pair in "monday tuesday" "tuesday wednesday" "monday wednesday"; do
		read -r one other <<<"$pair"
		compare "$T/$one" "$T/$other"
	done
	as alice fsenc verify "$T/share"
}

# The comparison itself must find what it looks for.
@test "T17: a nonce used twice would be found" {
	cp -a "$T/share" "$T/monday"
	file=$(find "$T/share" -maxdepth 1 -type f -size +40000c ! -name '.fsenc*' | head -n 1)
	printf 'x' | dd of="$file" bs=1 seek=300 conv=notrunc status=none
	never compare "$T/monday" "$T/share"
	cp "$T/monday/$(basename "$file")" "$file"
	compare "$T/monday" "$T/share"
	printf 'x' | dd of="$file" bs=1 seek=100 conv=notrunc status=none
	never compare "$T/monday" "$T/share"
}
