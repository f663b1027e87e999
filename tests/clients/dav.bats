#!/usr/bin/env bats
# Clients of a file server that keep writes to themselves for a while: rclone and davfs2, from a local WebDAV server.
#
# They say that bytes are written, synced even, which the server does not have. So a share there is refused, unless it
# is only read. With -o writes=trusted files may be lost, as they may be without fsenc, but what is there is sound.
load foreign

setup() {
	clients_begin
	webdav_start
}

# served_share - one at the server with files in it, made on the server's own disk
served_share() {
	as alice fsenc init "$T/served/share" >/dev/null
	far_client 1 "$T/served"
	mkdir "$T/m1/tree"
	cp /usr/include/linux/*.h "$T/m1/tree"
	echo "a line" >"$T/m1/line"
	sync "$T/m1/line"
	client_end 1
}

served_is_sound() {
	as alice fails 0 fsenc verify "$T/served/share"
}

# refused_but_read DIR KIND - with a share of the server's
refused_but_read() {
	local far=$1
	ready bob
	know alice bob
	as alice fails 1 fsenc init "$far/new"
	says "($2)"
	as alice fails 1 fsenc mount "$far/share" "$T/m1"
	says "share '$far/share': its storage ($2) calls bytes written that its server does not have yet"
	says "try: reach the server by SMB, NFS or sshfs; -o ro reads it here"
	[ "$(wc -l <<<"$stderr")" = 2 ] || { echo "$stderr"; false; }
	as alice fails 1 fsenc add-user "$far/share" bob
	says "($2)"
	never is_mounted "$T/m1"
	far_client 1 "$far" -o ro
	for file in /usr/include/linux/*.h; do cmp "$file" "$T/m1/tree/${file##*/}"; done
	[ "$(ls "$T/m1/tree" | wc -l)" = "$(ls -d /usr/include/linux/*.h | wc -l)" ]
	gives_error EROFS tee "$T/m1/line" </dev/null
	[ "$(client_status 1 '.mounts[0] | [.backing, .keeps_writes, .locks_trusted]')" = "[\"$2\",true,false]" ]
	client_end 1
	served_is_sound
}

# trusted DIR HOLDS WHATEVER - with writes=trusted: checks of posix.py that hold, and others that may fail; all of
# them leave what verifies
trusted() {
	local name
	far_client 1 "$1" -o writes=trusted
	[ "$(grep -c 'what it loses is lost' "$T/log1")" = 1 ]
	# shellcheck disable=SC2086  # a list of words
	holds_as_plain "$1" $2
	for name in $3; do
		mkdir "$T/m1/$name"
		timeout 120 python3 "$root/tests/cases/posix.py" "$name" "$T/m1/$name" >"$T/out" 2>&1 ||
			echo "# $name: $(tail -n 1 "$T/out")" >&3
	done
	client_end 1
	as alice fails 0 fsenc verify "$1/share"
}

@test "rclone that keeps writes: refused in one line, and read" {
	served_share
	rclone_mount 93 "$T/far" --vfs-cache-mode writes
	refused_but_read "$T/far" fuse.rclone
}

@test "rclone without a cache: refused in one line, and read" {
	served_share
	rclone_mount 93 "$T/far" --vfs-cache-mode off
	refused_but_read "$T/far" fuse.rclone
}

@test "davfs2: refused in one line, and read" {
	served_share
	davfs_mount "$T/far"
	refused_but_read "$T/far" davfs2
}

@test "why: what rclone and davfs2 call synced is not at the server" {
	rclone_mount 93 "$T/far" --vfs-cache-mode writes --vfs-write-back 1h
	synced "$T/far/kept" kept
	[ "$(cat "$T/far/kept")" = kept ]
	[ ! -s "$T/served/kept" ]
	davfs_mount "$T/far2" 'delay_upload 3600'
	synced "$T/far2/also-kept" kept
	[ "$(cat "$T/far2/also-kept")" = kept ]
	[ ! -s "$T/served/also-kept" ]
}

@test "with writes=trusted over rclone that keeps writes, the share is sound once all is written" {
	served_share
	rclone_mount 93 "$T/far" --vfs-cache-mode writes --vfs-write-back 100ms
	# It puts off a rename of what was just closed, and may show the old file then, or lose the new one.
	trusted "$T/far" "sizes truncation punching appending directories" \
		"hard_links renames save_by_rename modes"
	wait_for served_is_sound
}

@test "with writes=trusted over rclone without a cache, which cannot write in place, the share stays sound" {
	served_share
	rclone_mount 93 "$T/far" --vfs-cache-mode off
	trusted "$T/far" directories \
		"sizes truncation punching appending hard_links renames save_by_rename modes"
	served_is_sound
}

@test "with writes=trusted over davfs2, the share is sound once all is written" {
	served_share
	davfs_mount "$T/far" 'delay_upload 0'
	trusted "$T/far" "sizes truncation punching appending save_by_rename listing_while_removing directories" \
		"hard_links renames modes"
	umount "$T/far"
	served_is_sound
}
