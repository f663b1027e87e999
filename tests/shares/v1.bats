#!/usr/bin/env bats
# The shares of version 1, made once by tests/shares/make, open for ever and show every byte, name, attribute and target.
load ../lib/bats

v1=$BATS_TEST_DIRNAME/v1

setup() {
	begin
	needs_fuse
	for name in alice bob carol; do person $name "the passphrase of $name"; done
	setfattr -n user.probe -v x "$T" || skip "no extended attributes of users on $T"
	tar -C "$T" --xattrs -xpzf "$v1/shares.tar.gz"
	mkdir "$T/mnt"
}

fill() {
	python3 -B "$BATS_TEST_DIRNAME/fill.py" "$@"
}

# shows FOLDER DIR - what was meant
shows() {
	fill manifest "$2" >"$T/manifest"
	diff "$v1/$1.manifest" "$T/manifest"
}

# headers SHARE - suite, flags, generation and seed generation of every stored file, a line each
headers() {
	find "$T/$1" -type f -size +191c ! -name '*.fsenc' ! -name '.fsenc.log' ! -name '.fsenc-share' ! -name '*.n' \
		-exec od -An -v -tu1 -N32 {} \; |
		paste -d' ' - - | awk '{ print "suite", $6, "flags", $8, "generation", $25, "seed", $29 }' | sort | uniq -c
}

@test "the shares of version 1 hold every form a stored file can have" {
	headers company >"$T/headers"
	cat "$T/headers"
	for form in "1 flags 0 generation 1" "1 flags 1 generation 1" "1 flags 2 generation 2" "1 flags 3 generation 2" \
		"1 flags 0 generation 2" "1 flags 2 generation 3" "1 flags 0 generation 3" \
		"2 flags 0 generation 1" "2 flags 1 generation 1" "2 flags 2 generation 2" "2 flags 3 generation 2" \
		"2 flags 0 generation 2"; do
		grep -q "suite $form seed" "$T/headers" || { echo "no suite $form"; false; }
	done
	[ "$(find "$T/company" -type f -size 0 ! -name '.fsenc.log' | wc -l)" -ge 2 ]
	[ "$(find "$T/company" -name '.fsenc-l-*.n' | wc -l)" -ge 20 ]
	[ "$(jq -r .record.payload "$T"/company/.fsenc-backup/*/.fsenc | tr '_-' '/+' |
		while read -r payload; do base64 -d <<<"$payload====" 2>/dev/null | jq -c .closed; done | grep -c true)" = 1 ]
}

@test "version 1 shows its admin every byte, name, mode, time, attribute and target" {
	as alice fsenc mount "$T/company" "$T/mnt"
	shows plans "$T/mnt/plans"
	shows elsewhere "$T/mnt/elsewhere"
	[ "$(ls -A "$T/mnt" | xargs)" = "elsewhere plans" ]
	as alice fsenc umount "$T/mnt"
	as alice fsenc mount "$T/single" "$T/mnt"
	shows single "$T/mnt"
}

@test "version 1 shows a reader the same, and nothing of what is not hers" {
	as carol fsenc mount "$T/company" "$T/mnt"
	gives_error ENOKEY ls "$T/mnt/elsewhere"
	gives_error ENOKEY ls "$T/mnt/plans/inner"
	fill manifest "$T/mnt/plans" >"$T/manifest"
	sed -e '/^inner\//d' -e '/^inner /s/$/ attributes=ENOKEY/' "$v1/plans.manifest" | diff - "$T/manifest"
	gives_error EACCES touch "$T/mnt/plans/new"
}

@test "version 1 stays closed to who was taken out" {
	as bob fsenc mount "$T/company" "$T/mnt"
	gives_error ENOKEY ls "$T/mnt/plans"
	gives_error ENOKEY ls "$T/mnt/elsewhere"
	as bob fails 13 fsenc add-user "$T/company/plans" bob
	as bob fsenc verify "$T/company"
}

@test "a newcomer follows version 1's access lists from their beginning" {
	ready dave
	as alice fsenc key export >"$T/alice.cert"
	as dave fsenc key import "$T/alice.cert" --trust "$(fingerprint alice)"
	[ "$(as dave json_of .version fsenc members "$T/company/plans" --json)" = 10 ]
	[ "$(as dave json_of '[.members[] | .name + " " + .role] | sort | join(", ")' fsenc members "$T/company/plans" --json)" = \
		"alice admin, carol reader" ]
	[ "$(as dave json_of .version fsenc members "$T/single" --json)" = 1 ]
}

@test "verify says of version 1 what is so: one share sound, in the other two files that the storage cut" {
	as alice fsenc verify "$T/single"
	as alice fails 26 fsenc verify "$T/company" --json
	[ "$(jq -c '[.findings[] | [.kind, .path]] | sort' <<<"$output")" = \
		'[["unclean","elsewhere/unclean"],["unclean","plans/unclean"]]' ]
	[ "$(jq .sound <<<"$output")" = false ]
	as alice fsenc mount "$T/company" "$T/mnt" -o integrity=strict
	gives_error EIO tail -c 100 "$T/mnt/plans/unclean"
	cat "$T/mnt/plans/mixed" "$T/mnt/plans/sparse" >"$T/whole"
}

@test "verify --repair finds nothing in version 1 but the two ends" {
	as alice fails 0 fsenc verify --repair "$T/company"
	[ "$(grep -o '^repaired *[^:]*' <<<"$output" | awk '{ print $2 }' | sort | xargs)" = "elsewhere/unclean plans/unclean" ]
	as alice fails 0 fsenc verify --repair "$T/company"
	[ -z "$output" ]
	as alice fsenc mount "$T/company" "$T/mnt"
	fill manifest "$T/mnt/elsewhere" >"$T/manifest"
	# with an end it is the same file, but changed today
	diff <(sed '/^unclean /s/time=[0-9]*//' "$v1/elsewhere.manifest") <(sed '/^unclean /s/time=[0-9]*//' "$T/manifest")
}

@test "version 1 can be written: every file, link, attribute and list, and it is sound afterwards" {
	as alice fsenc mount "$T/company" "$T/mnt"
	for folder in plans elsewhere; do
		python3 - "$T/mnt/$folder" <<-'PY'
			import os, sys
			count = 0
			for directory, _, files in os.walk(os.fsencode(sys.argv[1])):
			    for name in files:
			        path = os.path.join(directory, name)
			        if not os.path.isfile(path) or os.path.islink(path):
			            continue
			        with open(path, 'rb') as f:
			            before = f.read()
			        os.chmod(path, 0o600)
			        with open(path, 'r+b') as f:
			            f.write(b'over')
			            f.seek(0, 2)
			            f.write(b'and more')
			        with open(path, 'rb') as f:
			            after = f.read()
			        middle = before[4:].rstrip(b'\0') if len(before) > 4 else b''
			        assert after[:4] == b'over' and after.endswith(b'and more'), path
			        assert after == b'over' + before[4:] + b'and more', (path, len(before), len(after))
			        os.setxattr(path, 'user.later', b'a later version')
			        assert os.getxattr(path, 'user.later') == b'a later version'
			        os.rename(path, path + b'-' if len(name) < 250 else path[:-1] + b'_')
			        count += 1
			assert count > 40, count
		PY
	done
	as alice fsenc remove-user "$T/company/plans" carol
	echo "new" >"$T/mnt/plans/new"
	as alice fsenc umount "$T/mnt"
	as alice fsenc verify "$T/company"
	as alice fsenc mount "$T/company" "$T/mnt"
	rm -rf "$T/mnt/plans/"* "$T/mnt/elsewhere"
	as alice fsenc umount "$T/mnt"
	as alice fsenc verify "$T/company"
}
