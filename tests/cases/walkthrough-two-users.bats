#!/usr/bin/env bats
# The user's guide, second part, word for word: two users, no server.
load ../lib/bats

setup() {
	begin
	needs_fuse
	ready alice
	person bob
	mkdir "$T/mnt" "$T/mnt-bob"
}

both_know_each_other() {
	as bob fsenc setup --name bob --kdf-mib 64
	as bob fsenc key export >bob.cert
	as alice fsenc key export >alice.cert
	as alice fsenc key import bob.cert --trust "$(fingerprint bob)"
	as bob fsenc key import alice.cert --trust "$(fingerprint alice)"
}

@test "two users: bob is locked out, let in, works, and is taken out again" {
	both_know_each_other
	as alice fsenc init "$T/share"
	as alice fsenc mount "$T/share" "$T/mnt"
	echo "the plan" >"$T/mnt/plan.txt"
	as bob fsenc mount "$T/share" "$T/mnt-bob"
	gives_error ENOKEY ls "$T/mnt-bob"
	as alice fsenc add-user "$T/share" bob --role writer
	wait_for cat "$T/mnt-bob/plan.txt"
	[ "$(cat "$T/mnt-bob/plan.txt")" = "the plan" ]
	echo "by bob" >"$T/mnt-bob/bob.txt"
	wait_for grep -q "by bob" "$T/mnt/bob.txt"
	as alice fsenc remove-user "$T/share" bob
	wait_for gives_error ENOKEY cat "$T/mnt-bob/plan.txt"
	gives_error ENOKEY ls "$T/mnt-bob"
	as alice fsenc members "$T/share" --json >members.json
	jq -e '.schema == 1 and (.members | length == 1) and .members[0].name == "alice" and .members[0].role == "admin"
		and .members[0].kind == "user" and (.members[0] | has("id") and has("fingerprint"))' members.json
	[ "$(cat "$T/mnt/bob.txt")" = "by bob" ]
	as alice fsenc verify "$T/share"
	as bob fsenc umount "$T/mnt-bob"
	as alice fsenc umount "$T/mnt"
}

@test "the place may be named through the mount as well as on the share" {
	both_know_each_other
	as alice fsenc init "$T/share"
	as alice fsenc mount "$T/share" "$T/mnt"
	as alice fsenc add-user "$T/mnt" bob --role reader
	[ "$(as alice json_of '.members | length' fsenc members "$T/share" --json)" = 2 ]
	[ "$(as alice json_of '.members | length' fsenc members "$T/mnt" --json)" = 2 ]
	mkdir "$T/mnt/inside"
	as alice fails 2 fsenc members "$T/mnt/inside"
	says "belongs to the folder '$T/mnt'"
	as alice fsenc set-role "$T/mnt" bob writer
	[ "$(as alice json_of '.members[] | select(.name == "bob") | .role' fsenc members "$T/mnt" --json)" = writer ]
	as alice fsenc umount "$T/mnt"
}

@test "a reader reads and does not write" {
	both_know_each_other
	as alice fsenc init "$T/share"
	as alice fsenc mount "$T/share" "$T/mnt"
	echo "the plan" >"$T/mnt/plan.txt"
	as alice fsenc add-user "$T/share" bob
	as bob fsenc mount "$T/share" "$T/mnt-bob"
	[ "$(cat "$T/mnt-bob/plan.txt")" = "the plan" ]
	gives_error EACCES touch "$T/mnt-bob/new"
	as bob fails 13 fsenc remove-user "$T/share" alice
	as bob fsenc umount "$T/mnt-bob"
	as alice fsenc umount "$T/mnt"
}

@test "who is not in the keyring is 25, who is not trusted 13, and nothing changes" {
	as alice fsenc init "$T/share"
	before=$(sha256sum <"$T/share/.fsenc")
	as alice fails 25 fsenc add-user "$T/share" bob --role writer
	says "bob"
	says "fsenc key import FILE --trust FINGERPRINT"
	as bob fsenc setup --name bob --kdf-mib 64
	as bob fsenc key export >bob.cert
	as alice fsenc key import bob.cert
	as alice fails 13 fsenc add-user "$T/share" bob --role writer
	says "fsenc key trust $(fingerprint bob)"
	[ "$(sha256sum <"$T/share/.fsenc")" = "$before" ]
	as alice fsenc key trust "$(fingerprint bob)"
	as alice fsenc add-user "$T/share" bob --role writer
}

@test "several users go in with one command; a dry run changes nothing" {
	both_know_each_other
	ready carol
	know alice carol
	as alice fsenc init "$T/share"
	as alice fsenc add-user "$T/share" bob carol --role reader
	[ "$(as alice json_of '.members | length' fsenc members "$T/share" --json)" = 3 ]
	before=$(sha256sum <"$T/share/.fsenc")
	as alice fails 0 fsenc remove-user --dry-run "$T/share" bob carol
	says "generation 2"
	[ "$(sha256sum <"$T/share/.fsenc")" = "$before" ]
	as alice fails 0 fsenc remove-user "$T/share" bob carol
	says "Generation 2"
	[ "$(as alice json_of '.members | length' fsenc members "$T/share" --json)" = 1 ]
	as alice fails 1 fsenc remove-user "$T/share" bob
	says "no member"
}

@test "a lobby: directories in it become folders one by one" {
	both_know_each_other
	as alice fsenc init --lobby "$T/share"
	as alice fsenc mount "$T/share" "$T/mnt"
	mkdir "$T/mnt/Finance" "$T/mnt/Private"
	gives_error EPERM touch "$T/mnt/file"
	as alice fsenc protect "$T/mnt/Finance"
	as alice fsenc protect "$T/share/Private"
	echo plan >"$T/mnt/Finance/plan.txt"
	as alice fsenc add-user "$T/mnt/Finance" bob --role reader
	as bob fsenc mount "$T/share" "$T/mnt-bob"
	[ "$(cat "$T/mnt-bob/Finance/plan.txt")" = plan ]
	gives_error ENOKEY ls "$T/mnt-bob/Private"
	as alice fails 1 fsenc protect "$T/mnt/Finance"
	as alice fails 1 fsenc members "$T/mnt"
	says "lobby"
	as bob json_of '.mounts[0].folders[] | select(.path == "Private" or .path == "/Private") | .state' fsenc status --json >state
	grep -q locked state
	as bob fsenc umount "$T/mnt-bob"
	as alice fsenc umount "$T/mnt"
}

@test "a directory that holds files is not protected, and the words say why" {
	as alice fsenc init "$T/share"
	as alice fsenc mount "$T/share" "$T/mnt"
	mkdir "$T/mnt/full"
	echo x >"$T/mnt/full/file"
	as alice fails 2 fsenc protect "$T/mnt/full"
	says "cannot be encrypted yet"
	mkdir "$T/mnt/empty"
	as alice fsenc protect "$T/mnt/empty"
	echo y >"$T/mnt/empty/file"
	as alice fsenc members "$T/mnt/empty"
	as alice fsenc umount "$T/mnt"
}
