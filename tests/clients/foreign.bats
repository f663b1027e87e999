#!/usr/bin/env bats
# A share on somebody else's machine, for real: over sshfs from a local sshd.
#
# What programs see there is what they see on the sshfs itself, for better or worse, and never silently wrong: each check of
# posix.py that holds on the plain sshfs holds on the mount, and whatever fails leaves a sound share.
load foreign

setup() {
	clients_begin
	sshd_start
	ssh_mount "$T/far"
}

@test "what holds on sshfs holds on a share there, and the rest leaves it sound" {
	a_share_holds "$T/far"
}

@test "a tree of files over sshfs comes back whole from another client" {
	as alice fsenc init "$T/far/share" >/dev/null
	far_client 1 "$T/far"
	cp -r /usr/include/linux "$T/m1/tree"
	sync "$T/m1/tree"
	ssh_mount "$T/far2"
	far_client 2 "$T/far2"
	diff -r /usr/include/linux "$T/m2/tree"
	echo "from the second" >"$T/m2/second"
	wait_for grep -q second "$T/m1/second"
}

@test "locks that reach nobody are told of once, and shown by status" {
	as alice fsenc init "$T/far/share" >/dev/null
	far_client 1 "$T/far"
	[ "$(grep -c 'only one client may write at a time' "$T/log1")" = 1 ]
	[ "$(client_status 1 '.mounts[0] | [.backing, .keeps_writes, .locks_trusted]')" = '["fuse.sshfs",false,false]' ]
	client_end 1
	client_start 1 -o locks=trusted
	[ "$(grep -c 'only one client may write at a time' "$T/log1")" = 1 ]
}

@test "when the connection is gone, reading fails, and what was synced is there afterwards" {
	as alice fsenc init "$T/far/share" >/dev/null
	far_client 1 "$T/far"
	synced "$T/m1/kept" kept
	session=$(pgrep -P "${process[90]}" | head -n 1)
	[ -n "$session" ]
	kill -KILL "$session"
	wait_for never_reads "$T/m1/kept"
	client_end 1
	fusermount3 -u -z -q "$T/m1" || true
	fusermount3 -u -z -q "$T/far" || true
	ssh_mount "$T/far3"
	far_client 1 "$T/far3"
	[ "$(cat "$T/m1/kept")" = kept ]
}

never_reads() {
	! cat "$1"
}
