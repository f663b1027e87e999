#!/usr/bin/env bats
# A share on somebody else's machine, for real: over smbnetfs, a user-space client of SMB, from a local samba.
#
# As foreign.bats. What this client cannot do (links, attributes, open files that lose their name) fails with an error.
load foreign

setup() {
	clients_begin
	smbd_start
	smb_mount 93 "$T/net"
	far=$smb_far
}

@test "what holds on smbnetfs holds on a share there, and the rest leaves it sound" {
	a_share_holds "$far"
	as alice fails 0 fsenc verify "$T/served/share"
}

@test "a tree of files over SMB comes back whole from another client" {
	as alice fsenc init "$far/share" >/dev/null
	far_client 1 "$far"
	cp -r /usr/include/linux/netfilter "$T/m1/tree"
	sync "$T/m1/tree"
	smb_mount 94 "$T/net2"
	far_client 2 "$smb_far"
	diff -r /usr/include/linux/netfilter "$T/m2/tree"
	echo "from the second" >"$T/m2/second"
	wait_for grep -q second "$T/m1/second"
}

@test "locks that reach nobody are told of, and what is not there is an error" {
	as alice fsenc init "$far/share" >/dev/null
	far_client 1 "$far"
	[ "$(grep -c 'only one client may write at a time' "$T/log1")" = 1 ]
	[ "$(client_status 1 '.mounts[0] | [.backing, .keeps_writes, .locks_trusted]')" = '["fuse.smbnetfs",false,false]' ]
	echo one >"$T/m1/one"
	never ln "$T/m1/one" "$T/m1/two"
	never ln -s one "$T/m1/three"
	[ "$(ls "$T/m1")" = one ]
}

@test "what was synced is at the server when the client of SMB is killed" {
	as alice fsenc init "$far/share" >/dev/null
	far_client 1 "$far"
	synced "$T/m1/kept" kept
	echo new >"$T/m1/new"
	mv "$T/m1/new" "$T/m1/renamed"
	killed_away "$T/net" 93
	far_client 1 "$T/served"
	[ "$(cat "$T/m1/kept")" = kept ]
	[ "$(cat "$T/m1/renamed")" = new ]
	client_end 1
	as alice fails 0 fsenc verify "$T/served/share"
}
