#!/usr/bin/env bats
# What a server may plant where the client looks: links out of the share, pipes, names, whole directories.
# docs/THREATS.md, T10, T12, T13. Nothing outside the share is read or written, and nothing waits for ever.
load ../lib/bats

setup_file() {
	needs_fuse
	made_once two_folders
}

setup() {
	as_made
	find "$T/outside" -printf '%p %s %T@ %C@\n' >"$T/outside.before"
	again
}

two_folders() {
	ready alice
	mkdir "$T/mnt" "$T/outside"
	as alice fsenc init --lobby "$T/share"
	as alice fsenc mount "$T/share" "$T/mnt"
	mkdir "$T/mnt/one" "$T/mnt/two"
	as alice fsenc protect "$T/mnt/one"
	as alice fsenc protect "$T/mnt/two"
	head -c 20000 /dev/urandom >"$T/plain"
	cp "$T/plain" "$T/mnt/one/f"
	echo "the neighbour" >"$T/mnt/one/neighbour"
	echo "a long one" >"$T/mnt/one/$(printf 'n%.0s' {1..200})"
	echo "of folder two" >"$T/mnt/two/other"
	echo "not yours" >"$T/outside/file"
	unmount
}

unmount() {
	as alice fsenc umount "$T/mnt"
}

again() {
	as alice fsenc mount "$T/share" "$T/mnt"
}

big() {
	find "$T/share/one" -maxdepth 1 -type f -size 20392c
}

# soon COMMAND... - it ends, well or badly, within ten seconds
soon() {
	local ended=0
	timeout -k 1 10 "$@" >"$T/soon" 2>&1 || ended=$?
	[ "$ended" -lt 124 ] || { echo "did not end: $*"; return 1; }
}

# nothing_outside - and the other folder is as it was. One condition: also true where the shell ignores failures.
nothing_outside() {
	find "$T/outside" -printf '%p %s %T@ %C@\n' | diff "$T/outside.before" - &&
		[ "$(cat "$T/outside/file")" = "not yours" ] &&
		[ "$(cat "$T/mnt/two/other")" = "of folder two" ]
}

@test "T12: a link in place of a stored file is refused and not followed, with the mount running" {
	file=$(big)
	rm "$file"
	ln -s "$T/outside/file" "$file"
	soon cat "$T/mnt/one/f"
	never grep -q "not yours" "$T/soon"
	never cat "$T/mnt/one/f"
	never sh -c "echo written >>'$T/mnt/one/f'"
	never sh -c "echo written >'$T/mnt/one/f'"
	never truncate -s 3 "$T/mnt/one/f"
	nothing_outside
	[ "$(cat "$T/mnt/one/neighbour")" = "the neighbour" ]
	unmount
	as alice fails 26 fsenc verify "$T/share"
	[ "$(grep -c '^damaged' <<<"$output")" = 1 ]
}

@test "T12: a link in place of a directory leads nowhere" {
	mkdir "$T/mnt/one/d"
	echo inside >"$T/mnt/one/d/inside"
	unmount
	directory=$(find "$T/share/one" -mindepth 1 -maxdepth 1 -type d)
	mv "$directory" "$T/moved"
	ln -s "$T/outside" "$directory"
	again
	never sh -c "echo written >'$T/mnt/one/d/new'"
	never mkdir "$T/mnt/one/d/new"
	never ls "$T/mnt/one/d/"
	nothing_outside
	unmount
	as alice fails 26 fsenc verify "$T/share"
}

@test "T12: links in place of a folder's log, list, copies and long names are not followed" {
	ready bob
	know alice bob
	for planted in .fsenc.log .fsenc .fsenc-backup long; do
		unmount
		cp -a "$T/share" "$T/good"
		case $planted in
		.fsenc-backup) rm -r "$T/share/$planted" && ln -s "$T/outside" "$T/share/$planted" ;;
		long)
			name=$(find "$T/share/one" -name '.fsenc-l-*.n')
			ln -sf "$T/outside/file" "$name"
			;;
		*) ln -sf "$T/outside/file" "$T/share/one/$planted" ;;
		esac
		as alice run fsenc add-user "$T/share/one" bob
		as alice run fsenc verify --repair "$T/share"
		again
		run ls "$T/mnt/one"
		run sh -c "echo x >'$T/mnt/one/$(printf 'n%.0s' {1..200})'"
		run rm -f "$T/mnt/one/$(printf 'n%.0s' {1..200})"
		nothing_outside || { echo "with $planted"; false; }
		unmount
		rm -r "$T/share"
		mv "$T/good" "$T/share"
		as alice fsenc key trust --folder "$T/share/one" --yes
		again
		[ "$(cat "$T/mnt/one/neighbour")" = "the neighbour" ]
	done
}

# A pipe has nothing to authenticate, and whoever opens one waits in his own kernel; so these open it without
# waiting. What must not wait is the mount, for which it is still the file it saw a moment ago.
@test "T12: a pipe in place of a stored file or list makes nobody wait" {
	file=$(big)
	long=$(printf 'n%.0s' {1..200})
	list=$(find "$T/share/one" -name '.fsenc-l-*.n')
	for planted in "$file" "$list" "$T/share/one/.fsenc" "$T/share/one/.fsenc.log" "$T/share/.fsenc-share"; do
		stat "$T/mnt/one/f" "$T/mnt/one/$long" >"$T/known"
		mv "$planted" "$T/kept"
		mkfifo "$planted"
		soon dd if="$T/mnt/one/f" of="$T/out" iflag=nonblock count=1
		soon dd if="$T/plain" of="$T/mnt/one/f" oflag=nonblock conv=notrunc count=1
		soon truncate -s 20000 "$T/mnt/one/f"
		soon dd if="$T/plain" of="$T/mnt/one/$long" oflag=nonblock conv=notrunc,fsync count=1
		soon ls -l "$T/mnt/one"
		soon getfattr -d "$T/mnt/one/f"
		[ "$(timeout 10 cat "$T/mnt/two/other")" = "of folder two" ] || { echo "with $planted"; false; }
		verify_soon || { echo "with $planted"; false; }
		rm "$planted"
		mv "$T/kept" "$planted"
	done
	wait_for cmp "$T/plain" "$T/mnt/one/f"
}

@test "T12: a pipe or link in place of a long name's file is taken away by the next who makes that name" {
	long=$(printf 'n%.0s' {1..200})
	list=$(find "$T/share/one" -name '.fsenc-l-*.n')
	for plant in "mkfifo" "ln -s $T/outside/file"; do
		rm "$list"
		$plant "$list"
		[ "$(cat "$T/mnt/one/$long")" = "a long one" ]
		rm "$T/mnt/one/$long"
		$plant "$list"
		soon sh -c "echo a long one >'$T/mnt/one/$long'"
		[ -f "$list" ] && [ ! -L "$list" ]
		ls "$T/mnt/one" | grep -qx "$long"
		nothing_outside
	done
	unmount
	as alice fsenc verify "$T/share"
}

verify_soon() {
	as alice soon "$FSENC_BIN" verify "$T/share" && as alice soon "$FSENC_BIN" members "$T/share/one"
}

@test "T13: foreign files, directories and names that only look stored are hidden, and verify lists each" {
	unmount
	echo "in the clear" >"$T/share/one/plain.txt"
	mkdir "$T/share/one/plain-directory"
	echo "looks stored" >"$T/share/one/$(printf '0a1b2c3d%.0s' 1 2 3 4)"
	ln -s "$T/outside" "$T/share/one/plain-link"
	: >"$T/share/one/.nfs0000000000000001"
	again
	[ "$(ls -A "$T/mnt/one" | wc -l)" = 3 ]
	gives_error ENOENT cat "$T/mnt/one/plain.txt"
	gives_error ENOENT ls "$T/mnt/one/plain-directory"
	gives_error ENOENT cat "$T/mnt/one/.nfs0000000000000001"
	echo "mine" >"$T/mnt/one/plain.txt"
	[ "$(cat "$T/mnt/one/plain.txt")" = mine ]
	[ "$(cat "$T/share/one/plain.txt")" = "in the clear" ]
	unmount
	as alice fails 0 fsenc verify "$T/share"
	for name in plain.txt plain-directory plain-link 0a1b2c3d; do
		[ "$(grep -c "^foreign .*$name" <<<"$output")" = 1 ] || { echo "$name: $output"; false; }
	done
	[ "$(wc -l <<<"$output")" = 4 ] || { echo "$output"; false; }
	nothing_gone
}

nothing_gone() {
	again
	cmp "$T/plain" "$T/mnt/one/f"
	[ "$(cat "$T/mnt/one/neighbour")" = "the neighbour" ]
	nothing_outside
}

@test "T10: a folder whose list is gone from everywhere never becomes a plain directory" {
	for state in running offline; do
		[ $state = running ] || unmount
		rm -rf "$T/share/one/.fsenc" "$T/share/one/.fsenc.log" "$T/share/.fsenc-backup"
		[ $state = running ] || again
		run mkdir "$T/mnt/one/zanzibar"
		run sh -c "echo quetzal >'$T/mnt/one/zanzibar/quetzal'"
		wait_for list_is_back
		run mkdir "$T/mnt/one/zanzibar2"
		run sh -c "echo quetzal >'$T/mnt/one/quetzal'"
		[ -z "$(find "$T/share" -name '*zanzibar*' -o -name '*quetzal*')" ]
		never grep -rqa quetzal "$T/share"
		cmp "$T/plain" "$T/mnt/one/f"
		nothing_outside
		rm -rf "$T/mnt/one/zanzibar" "$T/mnt/one/zanzibar2" "$T/mnt/one/quetzal"
	done
	unmount
	as alice fsenc verify "$T/share"
}

# A mount looks at the list once a second at most.
list_is_back() {
	ls "$T/mnt/one" && [ -s "$T/share/one/.fsenc" ]
}

@test "T10: a folder whose place was taken by another folder or by a plain directory is refused" {
	unmount
	mv "$T/share/one" "$T/aside"
	cp -a "$T/share/two" "$T/share/one"
	again
	gives_error EIO ls "$T/mnt/one"
	gives_error EIO sh -c "echo secret >'$T/mnt/one/new'"
	nothing_outside
	unmount
	as alice fails 27 fsenc members "$T/share/one"
	as alice fails 27 fsenc verify "$T/share"
	rm -r "$T/share/one"
	mv "$T/aside" "$T/share/one"
	nothing_gone
	unmount
	as alice fsenc verify "$T/share"
}

@test "T11: a share record removed, or turned into a lobby's, does not open the share to plain text" {
	as alice fsenc init "$T/closed"
	mkdir "$T/mnt2"
	as alice fsenc mount "$T/closed" "$T/mnt2"
	echo "of the closed share" >"$T/mnt2/f"
	as alice fsenc umount "$T/mnt2"
	cp "$T/closed/.fsenc-share" "$T/record"
	ready mallory
	as mallory fsenc init --lobby "$T/hers"
	for planted in "$T/hers/.fsenc-share" "$T/share/.fsenc-share" nothing; do
		rm "$T/closed/.fsenc-share"
		[ "$planted" = nothing ] || cp "$planted" "$T/closed/.fsenc-share"
		run as alice fsenc mount "$T/closed" "$T/mnt2"
		[ "$status" != 0 ] || { echo "mounted with $planted"; false; }
		[ "$planted" = nothing ] || [ "$status" = 27 ]
		never is_mounted "$T/mnt2"
		rm -f "$T/closed/.fsenc-share"
		cp "$T/record" "$T/closed/.fsenc-share"
	done
	as alice fsenc mount "$T/closed" "$T/mnt2"
	[ "$(cat "$T/mnt2/f")" = "of the closed share" ]
	as alice fsenc verify "$T/closed"
}
