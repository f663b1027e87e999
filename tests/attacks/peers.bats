#!/usr/bin/env bats
# What broke other encrypted file systems and no other test here tries. docs/THREATS.md, T18 and "What broke others".
load ../lib/bats

setup() {
	begin
	needs_fuse
	ready alice
	mkdir "$T/mnt"
	as alice fsenc init "$T/share"
	mount=
}

# A mount whose process can be killed.
mount_here() {
	as alice exec "$FSENC_BIN" mount -f "$T/share" "$T/mnt" </dev/null 3>&- 2>"$T/mount.log" &
	mount=$!
	wait_for is_mounted "$T/mnt"
}

# kill_mount STORM - the mount first, then what works in it, which must not go on below the mount point
kill_mount() {
	kill -KILL "$mount"
	wait "$mount" || true
	kill -TERM "$1" || true
	wait "$1" || true
	fusermount3 -u -z "$T/mnt"
}

@test "a member is a reader unless somebody says more, and being added by a writer is refused" {
	ready bob
	ready carol
	know alice bob
	know bob alice
	know bob carol
	as alice fsenc add-user "$T/share" bob
	[ "$(as alice json_of '.members[] | select(.name == "bob") | .role' fsenc members "$T/share" --json)" = reader ]
	as bob fails 13 fsenc add-user "$T/share" carol
	as alice fsenc set-role "$T/share" bob writer
	as bob fails 13 fsenc add-user "$T/share" carol
	as bob fails 13 fsenc set-role "$T/share" bob admin
	[ "$(as alice json_of '.members | length' fsenc members "$T/share" --json)" = 2 ]
}

@test "T18: attributes planted on the share lead no command to another place" {
	ready bob
	know alice bob
	as alice fsenc init "$T/secret"
	setfattr -n user.fsenc.share -v "$T/secret" "$T/share"
	setfattr -n user.fsenc.stored -v "" "$T/share"
	setfattr -n user.fsenc.state -v "open" "$T/share"
	as alice fsenc add-user "$T/share" bob
	[ "$(as alice json_of .version fsenc members "$T/secret" --json)" = 1 ]
	setfattr -x user.fsenc.share "$T/share"
	[ "$(as alice json_of .version fsenc members "$T/share" --json)" = 2 ]
}

@test "who loses a race to create a file opens it: no EEXIST without O_EXCL, at two mounts" {
	mkdir "$T/mnt2"
	as alice fsenc mount "$T/share" "$T/mnt"
	as alice fsenc mount "$T/share" "$T/mnt2"
	python3 - "$T/mnt" "$T/mnt2" <<-'PY'
		import os, sys
		files = 200
		children = []
		for place in sys.argv[1:] * 2:
		    child = os.fork()
		    if child == 0:
		        for i in range(files):
		            fd = os.open('%s/file-%d' % (place, i), os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
		            os.write(fd, b'x')
		            os.close(fd)
		        os._exit(0)
		    children.append(child)
		failed = [child for child in children if os.waitpid(child, 0)[1] != 0]
		assert not failed, failed
		sizes = {os.stat('%s/file-%d' % (sys.argv[1], i)).st_size for i in range(files)}
		assert sizes == {len(children)}, sizes
	PY
	[ "$(tr -d x <"$T/mnt/file-7" | wc -c)" = 0 ]
	as alice fsenc verify "$T/share"
}

@test "a directory whose making or removing was cut off can be removed, long names too" {
	long=$(printf 'd%.0s' {1..200})
	for round in 1 2 3 4 5 6; do
		mount_here
		rm -rf "$T/mnt/"*
		[ -z "$(ls -A "$T/mnt")" ]
		[ -z "$(find "$T/share" -mindepth 1 -maxdepth 1 ! -name '.fsenc' ! -name '.fsenc.log' ! -name '.fsenc-share' \
			! -name '.fsenc-backup')" ]
		: >"$T/turns"
		(while mkdir -p "$T/mnt/a/$long/$long" && rmdir "$T/mnt/a/$long/$long" "$T/mnt/a/$long" "$T/mnt/a"; do
			echo >>"$T/turns"
		done) 2>/dev/null 3>&- &
		storm=$!
		enough() { [ "$(wc -l <"$T/turns")" -ge $((round * 3)) ]; }
		wait_for enough
		kill_mount "$storm"
		as alice fsenc verify "$T/share"
	done
}
