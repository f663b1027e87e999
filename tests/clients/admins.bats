#!/usr/bin/env bats
# Access lists under several admins, and clients that are at work while the lists change.
load clients

setup() {
	clients_begin
	ready carol
	know alice carol
	know carol alice
	share=$T/back/share
	mkdir -p "$T/back" "$T/mnt-alice" "$T/mnt-carol"
	as alice fsenc init "$share" >/dev/null
	as alice fsenc add-user "$share" carol --role admin
}

mount_both() {
	as alice fsenc mount "$share" "$T/mnt-alice"
	as carol fsenc mount "$share" "$T/mnt-carol"
}

unmount_both() {
	as alice fsenc umount "$T/mnt-alice"
	as carol fsenc umount "$T/mnt-carol"
}

sound_for_both() {
	as alice fails 0 fsenc verify "$share"
	as carol fails 0 fsenc verify "$share"
}

members() {
	as alice json_of '[.members[].name] | sort | join(" ")' fsenc members "$share" --json
}

# each_adds NAME PERSON... - one after another
each_adds() {
	local name=$1 person
	shift
	for person in "$@"; do
		as "$name" "$FSENC_BIN" add-user "$share" "$person" --role writer --quiet || return 1
	done
}

@test "two admins add people at the same time: nobody is lost, and the chain is whole" {
	local people=() person
	for person in $(seq 8); do
		people+=("p$person")
		ready "p$person"
		know alice "p$person"
		know carol "p$person"
	done
	each_adds alice "${people[@]:0:4}" &
	one=$!
	each_adds carol "${people[@]:4:4}" &
	other=$!
	wait $one
	wait $other
	[ "$(members)" = "alice carol ${people[*]}" ] || { members; false; }
	[ "$(as carol json_of .version fsenc members "$share" --json)" = 10 ]
	sound_for_both
}

@test "one admin takes out whom the other just changes: one order or the other, never a half" {
	local round
	ready bob
	know alice bob
	know carol bob
	for round in $(seq 5); do
		as alice fsenc add-user "$share" bob --role reader --quiet
		as alice "$FSENC_BIN" remove-user "$share" bob --quiet &
		one=$!
		as carol "$FSENC_BIN" set-role "$share" bob writer --quiet 2>"$T/carol" || [ $? = 1 ] || { cat "$T/carol"; false; }
		wait $one
		[ "$(members)" = "alice carol" ]
	done
	sound_for_both
}

@test "generations start while another client writes: every file stays readable for both" {
	ready bob
	know alice bob
	mount_both
	python3 - "$T/mnt-carol" >"$T/writer" 2>&1 <<-'PY' &
		import os, sys, time
		end, n = time.monotonic() + 12, 0
		fd = os.open(sys.argv[1] + '/long-open', os.O_RDWR | os.O_CREAT)
		while time.monotonic() < end or n < 200:
		    with open('%s/file-%d' % (sys.argv[1], n % 40), 'wb') as f: f.write(b'%d ' % n * 3000)
		    os.pwrite(fd, b'%08d' % n, (n * 5000) % 400000)
		    assert os.pread(fd, 8, (n * 5000) % 400000) == b'%08d' % n
		    n += 1
		    if os.path.exists(sys.argv[1] + '/../enough'): break
	PY
	writer=$!
	local round
	for round in 1 2 3 4; do
		as alice fsenc add-user "$share" bob --quiet
		as alice fsenc remove-user "$share" bob --quiet
	done
	: >"$T/enough"
	wait $writer || { cat "$T/writer"; false; }
	[ "$(as alice json_of .generation fsenc members "$share" --json)" = 5 ]
	diff -r "$T/mnt-alice" "$T/mnt-carol"
	unmount_both
	sound_for_both
}

@test "who is removed while files are open reads and writes no more, and what was written before is there" {
	mount_both
	exec 7<>"$T/mnt-carol/open"
	printf before >&7
	as alice fsenc remove-user "$share" carol --quiet
	wait_for gives_error ENOKEY python3 -c "import os; os.pread(7, 6, 0)"
	wait_for gives_error ENOKEY python3 -c "import os; os.write(7, b'after')"
	gives_error ENOKEY cat "$T/mnt-carol/open"
	exec 7>&-
	[ "$(cat "$T/mnt-alice/open")" = before ]
	as alice fsenc umount "$T/mnt-alice"
	as carol fsenc umount "$T/mnt-carol"
	as alice fails 0 fsenc verify "$share"
}

@test "a role that changes while a file is open counts at once" {
	mount_both
	as alice fsenc set-role "$share" carol writer --quiet
	exec 7<>"$T/mnt-carol/open"
	printf one >&7
	as alice fsenc set-role "$share" carol reader --quiet
	wait_for gives_error EACCES python3 -c "import os; os.pwrite(7, b'one', 0)"
	[ "$(cat "$T/mnt-carol/open")" = one ]
	as alice fsenc set-role "$share" carol writer --quiet
	wait_for python3 -c "import os; os.write(7, b'three')"
	exec 7>&-
	[ "$(cat "$T/mnt-alice/open")" = onethree ]
	unmount_both
	sound_for_both
}

@test "a folder that one client renames goes on under the other's open files, and is found at its new place" {
	mount_both
	mkdir "$T/mnt-alice/inner"
	as alice fsenc protect "$T/mnt-alice/inner"
	as alice fsenc add-user "$T/mnt-alice/inner" carol --role writer --quiet
	wait_for sh -c "echo one >'$T/mnt-carol/inner/file'"
	exec 7>>"$T/mnt-carol/inner/file"
	mv "$T/mnt-alice/inner" "$T/mnt-alice/renamed"
	echo two >&7
	exec 7>&-
	wait_for test "$(cat "$T/mnt-alice/renamed/file")" = "$(printf 'one\ntwo')"
	wait_for sh -c "cat '$T/mnt-carol/renamed/file'"
	echo three >>"$T/mnt-carol/renamed/file"
	[ "$(tail -n 1 "$T/mnt-alice/renamed/file")" = three ]
	wait_for gives_error ENOENT cat "$T/mnt-carol/inner/file"
	unmount_both
	sound_for_both
}
