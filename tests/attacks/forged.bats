#!/usr/bin/env bats
# Access lists that are well made and rightly signed, by somebody who may not. docs/THREATS.md, T6 to T9.
# Eve is a member whose private keys the test has, so what she makes has nothing wrong but her role.
load ../lib/bats

setup_file() {
	needs_fuse
	command -v openssl >/dev/null || skip "no openssl: apt install openssl"
	made_once members
}

setup() {
	as_made
	as alice fsenc mount "$T/share" "$T/mnt"
}

members() {
	local print
	ready alice
	ready bob
	know alice bob
	know bob alice
	mkdir "$T/mnt"
	print=$(forge person "$T/eve" eve)
	as alice fsenc key import "$T/eve/cert" --trust "$print"
	forge person "$T/mallory" mallory
	as alice fsenc init "$T/share"
	as alice fsenc add-user "$T/share" eve --role "${EVE_IS:-writer}"
	as alice fsenc add-user "$T/share" bob --role reader
	as alice fsenc mount "$T/share" "$T/mnt"
	echo "the plan" >"$T/mnt/plan"
	as alice fsenc umount "$T/mnt"
	cp -a "$T/share" "$T/good"
}

forge() {
	python3 "$BATS_TEST_DIRNAME/forge.py" "$@"
}

version_is() {
	[ "$(as alice json_of .version fsenc members "$T/share" --json)" = "$1" ]
}

put_back() {
	local file
	for file in .fsenc .fsenc.log; do
		cp "$T/good/$file" "$T/share/$file.new"
		mv "$T/share/$file.new" "$T/share/$file"
	done
}

# refused - by the running mount, by commands, by a new mount, by the other member; and nothing is spoilt
refused() {
	cp "$T/share/.fsenc" "$T/forged"
	wait_for gives_error EIO ls "$T/mnt"
	gives_error EIO cat "$T/mnt/plan"
	gives_error EIO sh -c "echo more >>'$T/mnt/plan'"
	as alice fails 27 fsenc members "$T/share"
	[ "$(grep -c '^fsenc: ' <<<"$stderr")" = 1 ]
	[ "$(grep -c '^try: ' <<<"$stderr")" = 1 ]
	as alice fails 27 fsenc verify "$T/share"
	as alice fails 27 fsenc add-user "$T/share" bob --role writer
	as bob fails 27 fsenc members "$T/share"
	cmp "$T/forged" "$T/share/.fsenc"
	as alice fsenc umount "$T/mnt"
	as alice fsenc mount "$T/share" "$T/mnt"
	gives_error EIO ls "$T/mnt"
	put_back
	wait_for cat "$T/mnt/plan"
	[ "$(cat "$T/mnt/plan")" = "the plan" ]
	version_is 3
	as alice fsenc verify "$T/share"
}

@test "T7: an admin's record is accepted, so the forgeries below have nothing wrong but who made them" {
	as alice fsenc set-role "$T/share" eve admin
	version_is 4
	forge record "$T/share" "$T/eve" role:bob:writer
	version_is 5
	[ "$(as alice json_of '.members[] | select(.name == "bob") | .role' fsenc members "$T/share" --json)" = writer ]
	wait_for cat "$T/mnt/plan"
	as bob fsenc verify "$T/share"
}

@test "T7: a writer who signs herself admin is refused" {
	forge record "$T/share" "$T/eve" role:eve:admin
	refused
}

@test "T7: a writer who lets mallory in is refused" {
	forge record "$T/share" "$T/eve" "add:$T/mallory/cert:reader"
	refused
}

@test "T7: a stranger who lets herself in as admin is refused" {
	forge record "$T/share" "$T/mallory" "add:$T/mallory/cert:admin"
	refused
}

@test "T7: a writer who lets a group in, or a recovery group, is refused" {
	for kind in group recovery; do
		forge record "$T/share" "$T/eve" "$kind:finance:reader"
		refused
		as alice fsenc umount "$T/mnt"
		as alice fsenc mount "$T/share" "$T/mnt"
	done
}

@test "T7: an admin's group is accepted, so those above have nothing wrong but who made them" {
	as alice fsenc set-role "$T/share" eve admin
	forge record "$T/share" "$T/eve" group:finance:reader
	version_is 5
	wait_for cat "$T/mnt/plan"
	as bob fsenc verify "$T/share"
}

@test "T7: a forged record under an honest one's version is refused" {
	forge record "$T/share" "$T/eve" role:eve:admin version:3
	refused
}

@test "T8: another key under the admin's id and name signs nothing" {
	forge person "$T/false-alice" alice "$(as alice json_of .id fsenc key show --json)"
	forge record "$T/share" "$T/false-alice" role:bob:admin
	refused
}

@test "T8: another key under the admin's id, entered by itself, signs nothing" {
	forge person "$T/false-alice" alice "$(as alice json_of .id fsenc key show --json)"
	forge record "$T/share" "$T/false-alice" drop:alice "add:$T/false-alice/cert:admin"
	refused
}

@test "T6: an ex-admin's fork of the list is refused by who saw her leave" {
	as alice fsenc set-role "$T/share" eve admin
	cp -a "$T/share" "$T/while-admin"
	as alice fsenc remove-user "$T/share" eve
	cp "$T/share/.fsenc" "$T/good/.fsenc"
	cp "$T/share/.fsenc.log" "$T/good/.fsenc.log"
	wait_for cat "$T/mnt/plan"
	as bob fsenc members "$T/share"
	forge record "$T/while-admin" "$T/eve" role:bob:writer
	forge record "$T/while-admin" "$T/eve" role:bob:reader
	cp "$T/while-admin/.fsenc.log" "$T/while-admin/.fsenc" "$T/share/"
	[ "$(forge payload "$T/share/.fsenc" | jq .version)" = 6 ]
	wait_for gives_error EIO ls "$T/mnt"
	as alice fails 27 fsenc members "$T/share"
	as bob fails 27 fsenc members "$T/share"
	put_back
	wait_for cat "$T/mnt/plan"
	version_is 5
}

@test "T6: a whole older state of list, log and copy, put back while nothing runs, is refused" {
	as alice fsenc remove-user "$T/share" eve
	as alice fsenc umount "$T/mnt"
	cp -a "$T/share" "$T/newer"
	rm -r "$T/share/.fsenc-backup"
	cp -a "$T/good/.fsenc" "$T/good/.fsenc.log" "$T/good/.fsenc-backup" "$T/share/"
	as alice fails 27 fsenc members "$T/share"
	as alice fails 27 fsenc verify "$T/share"
	as alice fsenc mount "$T/share" "$T/mnt"
	gives_error EIO ls "$T/mnt"
	gives_error EIO sh -c "echo for eve >'$T/mnt/new'"
	[ "$(find "$T/share" -maxdepth 1 -type f ! -name '.fsenc*' | wc -l)" = 1 ]
	as alice fsenc umount "$T/mnt"
	rm -r "$T/share/.fsenc-backup"
	cp -a "$T/newer/.fsenc" "$T/newer/.fsenc.log" "$T/newer/.fsenc-backup" "$T/share/"
	as alice fsenc mount "$T/share" "$T/mnt"
	[ "$(cat "$T/mnt/plan")" = "the plan" ]
}

# dave, an admin, has never had bob's certificate: he knows it from the list alone
dave_is_admin() {
	ready dave
	know alice dave
	know dave alice
	as alice fsenc add-user "$T/share" dave --role admin
	as bob fsenc members "$T/share"
	as dave fsenc members "$T/share"
	forge person "$T/false-bob" bob "$(as bob json_of .id fsenc key show --json)"
	rm -r "$T/good"
	cp -a "$T/share" "$T/good"
}

@test "T9: a certificate with a member's id and mallory's keys gets no envelope of a new generation" {
	dave_is_admin
	forge certificate "$T/share" bob "$T/false-bob/cert"
	as dave fails 26 fsenc verify "$T/share"
	has "the certificate of 'bob'"
	# the new generation is made from what is left that is sound, and its envelope is for the true bob
	as dave fsenc remove-user "$T/share" eve
	never grep -qF "$(jq -r .payload "$T/false-bob/cert")" "$T/share/.fsenc"
	mkdir "$T/mnt-bob"
	as bob fsenc mount "$T/share" "$T/mnt-bob"
	[ "$(cat "$T/mnt-bob/plan")" = "the plan" ]
	as alice fsenc verify "$T/share"
}

@test "T9: ... and so it is when it stands in the second copy too" {
	dave_is_admin
	forge certificate "$T/share" bob "$T/false-bob/cert"
	cp "$T/share/.fsenc" "$T"/share/.fsenc-backup/*/.fsenc
	as dave fsenc remove-user "$T/share" eve
	never grep -rqF "$(jq -r .payload "$T/false-bob/cert")" "$T/share"
	as bob fsenc verify "$T/share"
}

@test "T9: a certificate with an admin's id and mallory's keys makes no first contact" {
	ready carol
	know alice carol
	as alice fsenc add-user "$T/share" carol
	forge person "$T/false-alice" alice "$(as alice json_of .id fsenc key show --json)"
	cp "$T/share/.fsenc" "$T/before"
	forge certificate "$T/share" alice "$T/false-alice/cert"
	cp "$T/share/.fsenc" "$T"/share/.fsenc-backup/*/.fsenc
	# she trusts alice, and does not know her keys from anywhere else
	as carol fails 25 fsenc members "$T/share"
	know carol alice
	as carol fails 26 fsenc members "$T/share"
	cp "$T/before" "$T/share/.fsenc"
	[ "$(as carol json_of .version fsenc members "$T/share" --json)" = 4 ]
}

@test "T9: alice's envelope of another folder does not open this one" {
	as alice fsenc init "$T/other"
	as alice fsenc umount "$T/mnt"
	forge envelope "$T/share" alice "$T/other"
	as alice fails 27 fsenc verify "$T/share"
	as alice fsenc mount "$T/share" "$T/mnt"
	gives_error EIO cat "$T/mnt/plan"
	# it spoils nobody else's
	mkdir "$T/mnt-bob"
	as bob fsenc mount "$T/share" "$T/mnt-bob"
	[ "$(cat "$T/mnt-bob/plan")" = "the plan" ]
	put_back
	wait_for cat "$T/mnt/plan"
}
