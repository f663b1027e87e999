#!/usr/bin/env bats
# Somebody who was taken out, and still reaches the share. docs/THREATS.md, T14 and T15.
load ../lib/bats

setup() {
	begin
	needs_fuse
	ready alice
	ready bob
	know alice bob
	know bob alice
	mkdir "$T/mnt" "$T/mnt-bob"
	as alice fsenc init "$T/share"
	as alice fsenc add-user "$T/share" bob --role writer
	as alice fsenc mount "$T/share" "$T/mnt"
	echo "of old" >"$T/mnt/old"
	as bob fsenc mount "$T/share" "$T/mnt-bob"
	wait_for cat "$T/mnt-bob/old"
}

stored_file() {
	find "$T/share" -maxdepth 1 -type f ! -name '.fsenc*'
}

# generations FILE - generation and seed generation of a stored header
generations() {
	od -An -tu4 -j24 -N8 "$1" | xargs
}

# The mount looks at the list once a second at most; what it writes from then on shows it.
writes_in_generation() {
	rm -f "$T/mnt/probe"
	touch "$T/mnt/probe"
	local before
	before=$(find "$T/share" -maxdepth 1 -type f -size 0 ! -name '.fsenc*')
	echo probe >"$T/mnt/probe"
	[ "$(generations "$before")" = "$1 $1" ]
}

removed() {
	as alice fsenc remove-user "$T/share" bob
	wait_for writes_in_generation 2
	rm "$T/mnt/probe"
}

@test "T14: what is written after a removal is closed to the leaver, open handles included" {
	exec 7<"$T/mnt-bob/old"
	as alice fsenc remove-user "$T/share" bob
	wait_for gives_error ENOKEY ls "$T/mnt-bob"
	gives_error ENOKEY dd bs=1 count=1 status=none <&7
	exec 7<&-
	echo "of today" >"$T/mnt/new"
	gives_error ENOKEY cat "$T/mnt-bob/new"
	as bob fsenc umount "$T/mnt-bob"
	as bob fails 13 fsenc add-user "$T/share" bob
	as bob fsenc mount "$T/share" "$T/mnt-bob"
	gives_error ENOKEY ls "$T/mnt-bob"
}

@test "T14: a leaver who puts the old list back fools nobody who saw the new one" {
	cp "$T/share/.fsenc" "$T/with-bob"
	as alice fsenc remove-user "$T/share" bob
	wait_for cat "$T/mnt/old"
	cp "$T/with-bob" "$T/share/.fsenc"
	wait_for gives_error EIO ls "$T/mnt"
	gives_error EIO sh -c "echo secret >'$T/mnt/new'"
}

# What she has seen of the list is younger than a second, or as old as her mount where nothing looks at it.
carol_reads() {
	ready carol
	know alice carol
	know carol alice
	as alice fsenc add-user "$T/share" carol
	mkdir "$T/mnt-carol"
	as carol fsenc mount "$T/share" "$T/mnt-carol"
	as alice fsenc umount "$T/mnt"
	ls -l "$T/mnt-carol"
	cat "$T/mnt-carol/old"
	as alice fsenc remove-user "$T/share" bob
	as alice fsenc mount "$T/share" "$T/mnt"
	echo "for carol" >"$T/mnt/new"
	ln -s "to carol" "$T/mnt/link"
	setfattr -n user.tag -v "about carol" "$T/mnt/old"
	"$@"
}

@test "T14: who stays reads at once a file of the new generation" {
	read_file() { [ "$(cat "$T/mnt-carol/new")" = "for carol" ]; }
	carol_reads read_file
}

@test "T14: who stays reads at once a link of the new generation" {
	read_link() { [ "$(readlink "$T/mnt-carol/link")" = "to carol" ]; }
	carol_reads read_link
}

@test "T14: who stays reads at once an attribute of the new generation" {
	read_tag() { [ "$(getfattr --only-values -n user.tag "$T/mnt-carol/old")" = "about carol" ]; }
	carol_reads read_tag
}

@test "T15: the first in-place write after a removal turns an older file MIXED" {
	file=$(stored_file)
	[ "$(generations "$file")" = "1 1" ]
	removed
	echo "and more" >>"$T/mnt/old"
	[ "$(generations "$file")" = "2 2" ]
	[ $(($(od -An -tu1 -j7 -N1 "$file") & 2)) = 2 ]
	[ "$(cat "$T/mnt/old")" = "of old
and more" ]
	as alice fsenc verify "$T/share"
}

@test "T15: a header of an old generation planted in an empty file gets no new bytes under its seed" {
	file=$(stored_file)
	head -c 192 "$file" >"$T/old-header"
	removed
	: >"$T/mnt/new"
	new=$(find "$T/share" -maxdepth 1 -type f ! -name '.fsenc*' ! -name "$(basename "$file")")
	cp "$T/old-header" "$new"
	echo "written today" >>"$T/mnt/new"
	read -r _ seed <<<"$(generations "$new")"
	[ "$seed" = 2 ]
	[ "$(cat "$T/mnt/new")" = "written today" ]
}
