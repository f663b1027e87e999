#!/usr/bin/env bats
# Whoever can write the share, against stored files. docs/THREATS.md, T1 to T5, T12, T13.
load ../lib/bats

setup_file() {
	needs_fuse
	made_once two_folders
}

setup() {
	as_made
	as alice fsenc mount "$T/share" "$T/mnt"
}

two_folders() {
	ready alice
	mkdir "$T/mnt"
	as alice fsenc init --lobby "$T/share"
	as alice fsenc mount "$T/share" "$T/mnt"
	mkdir "$T/mnt/one" "$T/mnt/two"
	as alice fsenc protect "$T/mnt/one"
	as alice fsenc protect "$T/mnt/two"
	head -c 20000 /dev/urandom >"$T/plain"
	cp "$T/plain" "$T/mnt/one/f"
	echo "the neighbour" >"$T/mnt/one/neighbour"
	echo "a secret plan called zanzibar" >"$T/mnt/two/s"
	as alice fsenc umount "$T/mnt"
}

# stored NAME - the stored path of a file of folder one, by its size
stored() {
	as alice fsenc umount "$T/mnt"
	local file
	file=$(find "$T/share/one" -maxdepth 1 -type f -size "$1" ! -name '.fsenc*')
	[ -f "$file" ] || { echo "not exactly one file of size $1: $file" >&2; return 1; }
	echo "$file"
}

again() {
	as alice fsenc mount "$T/share" "$T/mnt"
}

# 20,000 bytes are five blocks: 192 + 20000 + 5 * 40
big() {
	stored 20392c
}

# damaged - file f is refused, its neighbour is not, and verify says which
damaged() {
	again
	gives_error EIO cat "$T/mnt/one/f"
	[ "$(cat "$T/mnt/one/neighbour")" = "the neighbour" ]
	as alice fails 26 fsenc verify "$T/share"
	[[ $output$stderr == *damaged* ]]
	[ "$(grep -c '^damaged' <<<"$output")" = 1 ]
}

# blocks FILE FROM TO - the stored block FROM over block TO
block_over() {
	dd if="$1" of="$T/block" bs=1 skip=$((192 + $2 * 4136)) count=4136 status=none
	dd if="$T/block" of="$1" bs=1 seek=$((192 + $3 * 4136)) conv=notrunc status=none
}

@test "T1: neither contents nor names can be read on the share" {
	echo hello >"$T/mnt/two/a-name-called-quetzal"
	as alice fsenc umount "$T/mnt"
	never grep -rqa "zanzibar" "$T/share"
	never grep -rqa "quetzal" "$T/share"
	[ -z "$(find "$T/share" -name '*quetzal*')" ]
}

@test "T2: a stored file copied into another folder is refused" {
	file=$(big)
	cp "$file" "$T/share/two/"
	again
	gives_error ENOENT cat "$T/mnt/two/f"
	as alice fails 26 fsenc verify "$T/share"
	# also under a name that belongs there
	name=$(find "$T/share/two" -maxdepth 1 -type f ! -name '.fsenc*' ! -name "$(basename "$file")")
	cp "$file" "$name"
	as alice fsenc umount "$T/mnt"
	again
	gives_error EIO cat "$T/mnt/two/s"
	cmp "$T/plain" "$T/mnt/one/f"
}

@test "T3: a swapped block is refused" {
	file=$(big)
	cp "$file" "$T/copy"
	block_over "$file" 1 2
	dd if="$T/copy" of="$T/block" bs=1 skip=$((192 + 2 * 4136)) count=4136 status=none
	dd if="$T/block" of="$file" bs=1 seek=$((192 + 4136)) conv=notrunc status=none
	damaged
}

@test "T3: a doubled block is refused" {
	file=$(big)
	block_over "$file" 0 3
	damaged
}

@test "T3: a zeroed block is refused, and is no hole" {
	file=$(big)
	dd if=/dev/zero of="$file" bs=1 seek=$((192 + 4136)) count=4136 conv=notrunc status=none
	damaged
}

@test "T3: a flipped bit in any block is refused" {
	file=$(big)
	python3 - "$file" <<-'PY'
		import sys
		with open(sys.argv[1], 'r+b') as f:
		    f.seek(192 + 4136 * 2 + 100); b = f.read(1)[0]; f.seek(-1, 1); f.write(bytes([b ^ 1]))
	PY
	damaged
}

@test "T3: a file cut at a block shows: verify lists it, integrity=strict refuses it" {
	file=$(big)
	truncate -s $((192 + 4136 * 2)) "$file"
	as alice fails 26 fsenc verify "$T/share"
	[[ $output == *unclean* ]]
	as alice fsenc mount "$T/share" "$T/mnt" -o integrity=strict
	gives_error EIO cat "$T/mnt/one/f"
	[ "$(cat "$T/mnt/one/neighbour")" = "the neighbour" ]
}

@test "T3: a file cut in the middle of a block is refused there" {
	file=$(big)
	truncate -s $((192 + 4136 + 2000)) "$file"
	again
	gives_error EIO cat "$T/mnt/one/f"
	as alice fails 26 fsenc verify "$T/share"
}

@test "T4: the header of another file is refused" {
	file=$(big)
	other=$(find "$T/share/one" -maxdepth 1 -type f -size -300c ! -name '.fsenc*')
	dd if="$other" of="$file" bs=192 count=1 conv=notrunc status=none
	damaged
}

@test "T5: a flipped bit anywhere in a stored header is refused" {
	file=$(big)
	cp "$file" "$T/good"
	for offset in 0 4 5 6 7 8 23 24 28 32 47 48 79 80 127 128 191; do
		cp "$T/good" "$file"
		python3 - "$file" $offset <<-'PY'
			import sys
			with open(sys.argv[1], 'r+b') as f:
			    f.seek(int(sys.argv[2])); b = f.read(1)[0]; f.seek(-1, 1); f.write(bytes([b ^ 1]))
		PY
		again
		gives_error EIO cat "$T/mnt/one/f"
		as alice fsenc umount "$T/mnt"
	done
	cp "$T/good" "$file"
	again
	cmp "$T/plain" "$T/mnt/one/f"
	as alice fsenc verify "$T/share"
}

@test "T12: a symlink planted in place of a stored file or directory is not followed" {
	mkdir "$T/outside" "$T/mnt/one/d"
	echo "not yours" >"$T/outside/file"
	file=$(big)
	directory=$(find "$T/share/one" -mindepth 1 -maxdepth 1 -type d)
	rm "$file"
	ln -s "$T/outside/file" "$file"
	rmdir "$directory"
	ln -s "$T/outside" "$directory"
	again
	never cat "$T/mnt/one/f"
	never sh -c "echo written >'$T/mnt/one/f'"
	never sh -c "echo written >'$T/mnt/one/d/new'"
	never ls "$T/mnt/one/d/"
	[ "$(cat "$T/outside/file")" = "not yours" ]
	[ "$(ls "$T/outside")" = file ]
	[ "$(cat "$T/mnt/one/neighbour")" = "the neighbour" ]
}

@test "T13: a plain file dropped in is not shown, and verify lists it" {
	as alice fsenc umount "$T/mnt"
	echo "in the clear" >"$T/share/one/plain.txt"
	again
	[ "$(ls "$T/mnt/one" | sort | tr '\n' ' ')" = "f neighbour " ]
	gives_error ENOENT cat "$T/mnt/one/plain.txt"
	as alice fails 0 fsenc verify "$T/share"
	[[ $output == *foreign*plain.txt* ]]
}
