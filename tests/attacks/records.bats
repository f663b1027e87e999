#!/usr/bin/env bats
# Whoever can write the share, against access lists. docs/THREATS.md, T6, T7, T9, T10, T11.
load ../lib/bats

setup() {
	begin
	needs_fuse
	ready alice
	ready bob
	ready mallory
	know alice bob
	know bob alice
	know mallory alice
	mkdir "$T/mnt"
	as alice fsenc init "$T/share"
	as alice fsenc mount "$T/share" "$T/mnt"
	echo "the plan" >"$T/mnt/plan"
	cp "$T/share/.fsenc" "$T/version1"
	as alice fsenc add-user "$T/share" bob --role writer
}

# An older list put back: refused by a running mount within a second, by commands with 27, mended by hand.
@test "T6: an older access list is refused by who saw a newer one" {
	as alice fsenc remove-user "$T/share" bob
	wait_for cat "$T/mnt/plan"
	cp "$T/share/.fsenc" "$T/newest"
	cp "$T/version1" "$T/share/.fsenc"
	wait_for gives_error EIO ls "$T/mnt"
	as alice fails 27 fsenc members "$T/share"
	says "older"
	as alice fails 27 fsenc verify "$T/share"
	cp "$T/newest" "$T/share/.fsenc"
	wait_for cat "$T/mnt/plan"
	as alice fsenc verify "$T/share"
}

@test "T7: nobody but an admin adds an entry: the client refuses, and so does everybody who reads the list" {
	as bob fails 13 fsenc add-user "$T/share" alice
	# Mallory makes a list of her own for a share of hers and puts it in place of alice's.
	as mallory fsenc init "$T/hers"
	cp "$T/share/.fsenc" "$T/good"
	cp "$T/hers/.fsenc" "$T/share/.fsenc"
	wait_for gives_error EIO ls "$T/mnt"
	as alice fails 27 fsenc members "$T/share"
	cp "$T/good" "$T/share/.fsenc"
	wait_for cat "$T/mnt/plan"
}

@test "T7: a payload changed behind the signature is refused, and the list is mended from the copy or refused" {
	python3 - "$T/share/.fsenc" <<-'PY'
		import base64, json, sys
		f = json.load(open(sys.argv[1]))
		raw = f['record']['payload']
		p = json.loads(base64.urlsafe_b64decode(raw + '=' * (-len(raw) % 4)))
		for e in p['entries']: e['role'] = 'admin'
		f['record']['payload'] = base64.urlsafe_b64encode(
		    json.dumps(p, sort_keys=True, separators=(',', ':')).encode()).rstrip(b'=').decode()
		open(sys.argv[1], 'w').write(json.dumps(f))
	PY
	as alice fails 27 fsenc members "$T/share"
}

@test "T9: a replaced envelope is noticed, and opens for nobody" {
	as alice fsenc umount "$T/mnt"
	python3 - "$T/share/.fsenc" <<-'PY'
		import json, sys
		f = json.load(open(sys.argv[1]))
		a, b = f['keybox'][0], f['keybox'][1]
		a['wrap'], b['wrap'] = b['wrap'], a['wrap']
		open(sys.argv[1], 'w').write(json.dumps(f))
	PY
	as alice fails 27 fsenc verify "$T/share"
}

@test "T9: a swapped certificate is noticed, and comes back from the copy" {
	as alice fsenc umount "$T/mnt"
	as mallory fsenc key export >"$T/mallory.cert"
	python3 - "$T/share/.fsenc" "$T/mallory.cert" <<-'PY'
		import json, sys
		f = json.load(open(sys.argv[1]))
		f['certificates'] = [json.load(open(sys.argv[2]))]
		open(sys.argv[1], 'w').write(json.dumps(f))
	PY
	cp "$T/share/.fsenc" "$T/swapped"
	as alice fails 26 fsenc verify "$T/share"
	cmp "$T/swapped" "$T/share/.fsenc"
	# A first contact has nothing but these certificates: it must not take mallory's for alice's.
	ready carol
	know carol mallory
	as carol fails 25 fsenc members "$T/share"
	as alice fsenc mount "$T/share" "$T/mnt"
	[ "$(cat "$T/mnt/plan")" = "the plan" ]
	never cmp -s "$T/swapped" "$T/share/.fsenc"
	as alice fsenc verify "$T/share"
}

@test "T10: a removed access list comes back from its copy" {
	as alice fsenc umount "$T/mnt"
	rm "$T/share/.fsenc"
	as alice fsenc mount "$T/share" "$T/mnt"
	[ "$(cat "$T/mnt/plan")" = "the plan" ]
	[ -s "$T/share/.fsenc" ]
	as alice fsenc verify "$T/share"
}

@test "T10: with the copy gone too it comes back from the keyring" {
	as alice fsenc umount "$T/mnt"
	rm -r "$T/share/.fsenc" "$T/share/.fsenc-backup"
	as alice fsenc mount "$T/share" "$T/mnt"
	[ "$(cat "$T/mnt/plan")" = "the plan" ]
	as alice fsenc verify "$T/share"
}

@test "T10: a folder replaced by the attacker's own is refused, and nothing is written into it" {
	as alice fsenc umount "$T/mnt"
	as mallory fsenc init "$T/hers"
	cp "$T/hers/.fsenc" "$T/share/.fsenc"
	cp "$T/hers/.fsenc.log" "$T/share/.fsenc.log"
	rm -r "$T/share/.fsenc-backup"
	as alice fsenc mount "$T/share" "$T/mnt"
	gives_error EIO ls "$T/mnt"
	gives_error EIO sh -c "echo secret >'$T/mnt/new'"
	as alice fails 27 fsenc verify "$T/share"
}

@test "T10: an older list planted in the second copy does not come back" {
	as alice fsenc remove-user "$T/share" bob
	as alice fsenc umount "$T/mnt"
	cp "$T/version1" "$T"/share/.fsenc-backup/*/.fsenc
	rm "$T/share/.fsenc"
	as alice fsenc mount "$T/share" "$T/mnt"
	[ "$(cat "$T/mnt/plan")" = "the plan" ]
	[ "$(as alice json_of .version fsenc members "$T/share" --json)" = 3 ]
	as alice fsenc verify "$T/share"
}

# newcomer NAME - trusts alice, has never seen the share, and is let in
newcomer() {
	ready "$1"
	know alice "$1"
	know "$1" alice
}

@test "T6: a log cut short, emptied, doubled or full of rubbish stops nobody who saw the list, and loses nothing" {
	as alice fsenc remove-user "$T/share" bob
	cp "$T/share/.fsenc.log" "$T/log"
	: >"$T/empty"
	head -c 700 "$T/log" >"$T/cut"
	cat "$T/log" "$T/log" "$T/log" >"$T/doubled"
	{ printf '{}\n\n[1]\nno json\n\0\0\n'; sort -r "$T/log"; head -c 300 "$T/log"; } >"$T/rubbish"
	version=3
	for log in empty cut doubled rubbish; do
		cp "$T/$log" "$T/share/.fsenc.log"
		wait_for cat "$T/mnt/plan"
		as alice fsenc verify "$T/share"
		newcomer "friend-$log"
		as alice fsenc add-user "$T/share" "friend-$log"
		version=$((version + 1))
		# the way back to the first version is whole again, without the second copy
		mv "$T/share/.fsenc-backup" "$T/aside"
		[ "$(as "friend-$log" json_of .version fsenc members "$T/share" --json)" = $version ]
		mv "$T/aside" "$T/share/.fsenc-backup"
		cp "$T/share/.fsenc.log" "$T/log"
	done
}

@test "T6: a log whose every copy is gone is an alarm for a newcomer alone" {
	newcomer carol
	as alice fsenc add-user "$T/share" carol
	: >"$T/share/.fsenc.log"
	rm -r "$T/share/.fsenc-backup"
	as carol fails 27 fsenc members "$T/share"
	says "nothing connects"
	as alice fsenc verify "$T/share"
	[ "$(cat "$T/mnt/plan")" = "the plan" ]
}

@test "T6: a whole snapshot from before a removal, put back, is refused; one from after it is no alarm" {
	as alice fsenc umount "$T/mnt"
	cp -a "$T/share" "$T/before"
	as alice fsenc remove-user "$T/share" bob
	cp -a "$T/share" "$T/after"
	as alice fsenc mount "$T/share" "$T/mnt"
	echo "written later" >"$T/mnt/later"
	as alice fsenc umount "$T/mnt"
	rm -r "$T/share"
	cp -a "$T/before" "$T/share"
	as alice fails 27 fsenc members "$T/share"
	as alice fails 27 fsenc verify "$T/share"
	as alice fsenc mount "$T/share" "$T/mnt"
	gives_error EIO ls "$T/mnt"
	gives_error EIO sh -c "echo for bob >'$T/mnt/new'"
	as alice fsenc umount "$T/mnt"
	diff -r "$T/before" "$T/share"
	rm -r "$T/share"
	cp -a "$T/after" "$T/share"
	as alice fsenc verify "$T/share"
	as alice fsenc mount "$T/share" "$T/mnt"
	[ "$(ls "$T/mnt")" = plan ]
}

@test "T11: a share record replaced is refused" {
	as alice fsenc umount "$T/mnt"
	as mallory fsenc init "$T/hers"
	cp "$T/hers/.fsenc-share" "$T/share/.fsenc-share"
	as alice fails 27 fsenc mount "$T/share" "$T/mnt"
	as alice fails 27 fsenc verify "$T/share"
	never is_mounted "$T/mnt"
}

@test "a stranger's share is not opened at first contact" {
	ready dave
	as dave fails 25 fsenc members "$T/share"
	says "fsenc key import"
}
