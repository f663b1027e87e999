#!/usr/bin/env bats
# What belongs in one place, put in another by a server that writes. docs/THREATS.md, T2, T3, T10.
# Both folders are open to alice, and what is moved is sound where it was: only the place is wrong.
load ../lib/bats

setup_file() {
	needs_fuse
	made_once two_folders
}

setup() {
	as_made
	again
}

two_folders() {
	ready alice
	mkdir "$T/mnt"
	as alice fsenc init --lobby "$T/share"
	as alice fsenc mount "$T/share" "$T/mnt"
	for folder in one two; do
		mkdir "$T/mnt/$folder"
		as alice fsenc protect "$T/mnt/$folder" 2>"$T/said"
		echo "the file of $folder" >"$T/mnt/$folder/f"
		echo "the neighbour in $folder" >"$T/mnt/$folder/neighbour-$folder"
		mkdir "$T/mnt/$folder/d"
		echo "deep in $folder" >"$T/mnt/$folder/d/deep"
		ln -s "target-in-$folder" "$T/mnt/$folder/link"
		setfattr -n user.tag -v "tag of $folder" "$T/mnt/$folder/f"
		setfattr -n user.second -v "second of $folder" "$T/mnt/$folder/f"
	done
	unmount
}

unmount() {
	as alice fsenc umount "$T/mnt"
}

again() {
	as alice fsenc mount "$T/share" "$T/mnt"
}

# only FOLDER FIND-CONDITION... - the one stored entry of a folder that meets the conditions
only() {
	local found folder=$1
	shift
	found=$(find "$T/share/$folder" -mindepth 1 -maxdepth 1 ! -name '.fsenc*' "$@")
	[ "$(wc -l <<<"$found")" = 1 ] && [ -n "$found" ] || { echo "not exactly one: $found" >&2; return 1; }
	echo "$found"
}

# "the file of one" and a newline: 16 bytes, and "deep in one" is no neighbour of it
file_of() {
	only "$1" -type f -size $((192 + 40 + 16))c
}

tags_of() {
	getfattr -d --absolute-names -e hex -m '^user\.fsenc\.' "$(file_of "$1")" | grep '^user'
}

# one finding, in folder two, and the rest is well
found_in_two() {
	unmount
	as alice fails 26 fsenc verify "$T/share"
	[ "$(grep -c '^damaged' <<<"$output")" = 1 ] || { echo "$output"; return 1; }
	has "two/"
	again
	[ "$(cat "$T/mnt/one/f")" = "the file of one" ]
	[ "$(cat "$T/mnt/two/neighbour-two")" = "the neighbour in two" ]
}

@test "T2: a link target of another folder is refused" {
	unmount
	text=$(readlink "$(only one -type l)")
	ln -sfn "$text" "$(only two -type l)"
	again
	gives_error EIO readlink -v "$T/mnt/two/link"
	[ "$(readlink "$T/mnt/one/link")" = target-in-one ]
	found_in_two
}

@test "T2: a link cut, changed or in clear is refused" {
	unmount
	link=$(only two -type l)
	text=$(readlink "$link")
	again
	for changed in "${text:0:40}" "B${text:1}" "${text%?}" "$T/mnt/one/f" target-in-two; do
		ln -sfn "$changed" "$link"
		gives_error EIO readlink -v "$T/mnt/two/link"
		gives_error EIO cat "$T/mnt/two/link"
	done
	found_in_two
}

@test "T2: an extended attribute's value of another folder is refused" {
	unmount
	# The names look different in each folder; the order is the same.
	value=$(tags_of one | head -n 1 | cut -d= -f2-)
	name=$(tags_of two | head -n 1 | cut -d= -f1)
	setfattr -n "$name" -v "$value" "$(file_of two)"
	again
	damaged=0
	for tag in tag second; do
		if getfattr --only-values -n user.$tag "$T/mnt/two/f" >"$T/value" 2>"$T/error"; then
			[ "$(cat "$T/value")" = "$tag of two" ]
		else
			grep -qi "input/output error" "$T/error"
			damaged=$((damaged + 1))
		fi
	done
	[ $damaged = 1 ]
	[ "$(cat "$T/mnt/two/f")" = "the file of two" ]
	found_in_two
}

@test "T2: extended attributes of one file exchanged among each other are refused" {
	unmount
	file=$(file_of two)
	mapfile -t tags < <(tags_of two)
	setfattr -n "${tags[0]%%=*}" -v "${tags[1]#*=}" "$file"
	setfattr -n "${tags[1]%%=*}" -v "${tags[0]#*=}" "$file"
	again
	gives_error EIO getfattr --only-values -n user.tag "$T/mnt/two/f"
	gives_error EIO getfattr --only-values -n user.second "$T/mnt/two/f"
	[ "$(cat "$T/mnt/two/f")" = "the file of two" ]
	unmount
	as alice fails 26 fsenc verify "$T/share"
	[ "$(grep -c '^damaged' <<<"$output")" = 2 ]
}

@test "T2: an attribute planted in clear is not shown, and one with a name of our form is damage" {
	unmount
	file=$(file_of two)
	setfattr -n user.planted -v clear "$file"
	again
	never getfattr -n user.planted "$T/mnt/two/f"
	[ "$(getfattr -d "$T/mnt/two/f" | grep -c planted)" = 0 ]
	unmount
	as alice fsenc verify "$T/share"
	setfattr -n user.fsenc.000000000000000000000000000000000 -v clear "$file"
	again
	[ "$(getfattr --only-values -n user.tag "$T/mnt/two/f")" = "tag of two" ]
	found_in_two
}

@test "T2: a directory moved into another folder shows nothing there" {
	unmount
	mv "$(only one -type d)" "$T/moved"
	mv "$(only two -type d)" "$T/aside"
	cp -a "$T/moved" "$T/share/two/$(basename "$T"/aside)"
	again
	[ "$(ls -A "$T/mnt/two" | sort | xargs)" = "f link neighbour-two" ]
	unmount
	# also under a name that belongs there
	rm -r "$T/share/two/aside"
	name=$(cd "$T/aside" && pwd)
	mv "$name" "$T/share/two/back"
	again
	[ "$(ls -A "$T/mnt/two" | sort | xargs)" = "f link neighbour-two" ]
}

@test "T2: a directory of another folder under a name that belongs there gives up none of its files" {
	unmount
	from=$(only one -type d)
	to=$(only two -type d)
	rm -r "$to"
	mv "$from" "$to"
	again
	[ -d "$T/mnt/two/d" ]
	gives_error ENOENT cat "$T/mnt/two/d/deep"
	[ -z "$(ls -A "$T/mnt/two/d")" ]
	echo "new" >"$T/mnt/two/d/deep"
	[ "$(cat "$T/mnt/two/d/deep")" = new ]
	found_in_two
}

@test "T2: a file of another folder hard-linked over one that belongs there is refused" {
	unmount
	file=$(file_of two)
	ln -f "$(only one -type f -size $((192 + 40 + 21))c)" "$file"
	again
	gives_error EIO cat "$T/mnt/two/f"
	gives_error EIO sh -c "echo more | cat >>'$T/mnt/two/f'"
	[ "$(cat "$T/mnt/one/neighbour-one")" = "the neighbour in one" ]
	found_in_two
}

@test "T3: a block of another file of the same folder is refused" {
	unmount
	file=$(file_of two)
	other=$(only two -type f -size $((192 + 40 + 21))c)
	{ head -c 192 "$file"; tail -c +193 "$other"; } >"$T/mixed"
	cat "$T/mixed" >"$file"
	again
	gives_error EIO cat "$T/mnt/two/f"
	found_in_two
}

@test "T3: a long name's file of another entry makes it unknown, and verify lists it" {
	a=$(printf 'a%.0s' {1..200})
	b=$(printf 'b%.0s' {1..200})
	echo "long a" >"$T/mnt/two/$a"
	first=$(find "$T/share/two" -name '.fsenc-l-*.n')
	echo "long b" >"$T/mnt/two/$b"
	second=$(find "$T/share/two" -name '.fsenc-l-*.n' ! -path "$first")
	cp "$second" "$first"
	unmount
	again
	# a name is found by what it is sealed to, its file is for listings
	[ "$(cat "$T/mnt/two/$a")" = "long a" ]
	ls "$T/mnt/two" >"$T/list"
	[ "$(grep -cx "$b" "$T/list")" = 1 ]
	never grep -qx "$a" "$T/list"
	found_in_two
	rm "$first"
	found_in_two
	# whoever makes the name again puts its file right
	rm "$T/mnt/two/$a"
	echo "long a" >"$T/mnt/two/$a"
	ls "$T/mnt/two" | grep -qx "$a"
	unmount
	as alice fsenc verify "$T/share"
}

@test "T10: a nested folder moved below another folder is refused, in a folder's place and in a directory's" {
	mkdir "$T/mnt/one/sub" "$T/mnt/two/sub"
	as alice fsenc protect "$T/mnt/one/sub"
	as alice fsenc protect "$T/mnt/two/sub"
	echo "nested in one" >"$T/mnt/one/sub/n"
	echo "nested in two" >"$T/mnt/two/sub/n"
	stored_as() { getfattr --only-values -n user.fsenc.stored "$T/mnt/$1"; }
	from=$(stored_as one/sub) sub=$(stored_as two/sub) plain=$(stored_as two/d)
	unmount
	for place in sub d; do
		[ $place = sub ] && to=$sub || to=$plain
		mv "$T/share/$to" "$T/aside"
		mv "$T/share/$from" "$T/share/$to"
		again
		gives_error EIO cat "$T/mnt/two/$place/n"
		gives_error EIO sh -c "echo secret >'$T/mnt/two/$place/new'"
		[ "$(cat "$T/mnt/two/f")" = "the file of two" ]
		unmount
		as alice fails 27 fsenc verify "$T/share"
		mv "$T/share/$to" "$T/share/$from"
		mv "$T/aside" "$T/share/$to"
		as alice fsenc verify "$T/share"
	done
	again
	[ "$(cat "$T/mnt/one/sub/n")" = "nested in one" ]
	[ "$(cat "$T/mnt/two/sub/n")" = "nested in two" ]
	[ "$(cat "$T/mnt/two/d/deep")" = "deep in two" ]
}
