#!/usr/bin/env bats
# Each way of being down, on a real mount with both kinds of folders (product rules 1, 2 and 3).
#
# Each has a company of its own. As they wait most of the time, for leases to end and servers to be given up, they go side
# by side, some at once, and each test says how its own ended.
load offline

AT_ONCE=4

setup_file() {
	needs_fuse
	local fault place
	mkfifo "$BATS_FILE_TMPDIR/places"
	exec {places}<>"$BATS_FILE_TMPDIR/places"
	printf '.%.0s' $(seq $AT_ONCE) >&"$places"
	for fault in $(faults_told); do
		read -r -N 1 -u "$places" place
		told "$fault" >"$BATS_FILE_TMPDIR/$fault.log" 2>&1 3>&- &
	done
	wait
}

# The faults of the tests below, in their order.
faults_told() {
	sed -n 's/^@test .*{ is_down \(.*\); }$/\1/p' "$BATS_TEST_FILENAME"
}

# told FAULT - its story, from the beginning to the teardown; leaves its status, and its place to the next
told() {
	local ended
	set +e
	trap - ERR EXIT DEBUG
	(
		set -e
		trap teardown EXIT
		story_of "$1"
	)
	ended=$?
	echo $ended >"$BATS_FILE_TMPDIR/$1.status"
	printf . >&"$places"
}

setup() {
	T=''
}

is_down() {
	cat "$BATS_FILE_TMPDIR/$1.log"
	[ "$(cat "$BATS_FILE_TMPDIR/$1.status")" = 0 ]
}

# story_of FAULT - all that the rules say of it
story_of() {
	offline_begin
	mount_of bob
	reads "$T/mnt-bob/Finance/plan.txt" plan
	python3 "$BATS_TEST_DIRNAME/same.py" "$T/mnt-bob/Private" >"$T/online"
	down "$1"
	lease_over
	# what a user's own key opens: byte for byte and errno for errno as online
	python3 "$BATS_TEST_DIRNAME/same.py" "$T/mnt-bob/Private" >"$T/offline"
	diff "$T/online" "$T/offline"
	# what only the group's key opens: nothing
	gives_error EHOSTUNREACH ls "$T/mnt-bob/Finance"
	gives_error EHOSTUNREACH touch "$T/mnt-bob/Finance/new"
	gives_error EHOSTUNREACH rm "$T/mnt-bob/Finance/plan.txt"
	[[ $(state_of "$T/mnt-bob/Finance") == "locked: "* ]]
	# the folder itself is seen all the same
	[ "$(ls "$T/mnt-bob")" = $'Both\nFinance\nPrivate' ]
	stat "$T/mnt-bob/Finance" >"$T/stat"
	# a folder with both entries: the user's alone counts
	reads "$T/mnt-bob/Both/both.txt" both
	gives_error EACCES touch "$T/mnt-bob/Both/new"
	# and again, without a remount
	up
	as bob fsenc sync
	wait_for reads "$T/mnt-bob/Finance/plan.txt" plan
}

@test "down by refused connections" { is_down refused; }
@test "down as a black hole" { is_down black-hole; }
@test "down by reset connections" { is_down reset; }
@test "down, mute after the connection" { is_down mute; }
@test "down, mute in TLS" { is_down mute-in-tls; }
@test "down behind a wrong certificate" { is_down wrong-cert; }
@test "down, mute after the request" { is_down mute-in-http; }
@test "down behind a proxy's unsigned 403" { is_down 403; }
@test "down behind a proxy's unsigned 503" { is_down 503; }
@test "down behind a web page" { is_down 200; }
@test "down as a slow drip" { is_down drip; }
@test "down behind an endless body" { is_down endless; }
@test "down behind a huge body" { is_down huge; }
@test "down behind endless headers" { is_down headers; }
@test "down by a redirect" { is_down redirect; }
@test "down by cut answers" { is_down truncated; }
@test "down by answers without a signature" { is_down strip; }
@test "down by answers that were changed on the way" { is_down tamper; }
@test "down by answers to other requests" { is_down replay; }
