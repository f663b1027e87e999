#!/usr/bin/env bats
# The offline rules of the product, each on a real mount with a real key server.
load offline

setup() {
	offline_begin
}

@test "rule 2: a cold client never gets in while the server is down" {
	down refused
	mount_of bob
	is_refused "$T/mnt-bob/Finance/plan.txt"
	reads "$T/mnt-bob/Private/own.txt" own
	up
	as bob fsenc sync
	wait_for reads "$T/mnt-bob/Finance/plan.txt" plan
}

@test "rule 3: a user's own entry counts alone, on and offline, and no server is asked" {
	mount_of bob
	reads "$T/mnt-bob/Both/both.txt" both
	gives_error EACCES touch "$T/mnt-bob/Both/new"
	down refused
	umount_of_bob
	mount_of bob
	down refused # counts anew
	reads "$T/mnt-bob/Both/both.txt" both
	gives_error EACCES touch "$T/mnt-bob/Both/new"
	reads "$T/mnt-bob/Private/own.txt" own
	[ "$(contacts_made)" = 0 ]
}

umount_of_bob() {
	as bob fsenc umount "$T/mnt-bob"
}

@test "rule 4: a lease is renewed while the server answers, and what was synced outlives its end" {
	mount_of bob
	reads "$T/mnt-bob/Finance/plan.txt" plan
	local end=$((SECONDS + 2 * LEASE + 1))
	while [ $SECONDS -lt $end ]; do
		reads "$T/mnt-bob/Finance/plan.txt" plan
		sleep 0.1
	done
	dd if=/dev/urandom of="$T/bytes" bs=64k count=8 status=none
	dd if="$T/bytes" of="$T/mnt-bob/Finance/bytes" bs=64k conv=fsync status=none
	down refused
	lease_over
	up
	as bob fsenc sync
	wait_for cmp "$T/bytes" "$T/mnt-bob/Finance/bytes"
}

@test "rule 5: a failed contact starts the countdown, with its words; inside it there is no contact and no delay" {
	mount_of bob
	down refused
	is_refused "$T/mnt-bob/Finance/plan.txt"
	logged bob "Error: Unable to establish communication with 127.0.0.1"
	logged bob "Warning: Server 127.0.0.1"
	[[ $(state_of "$T/mnt-bob/Finance") == "locked: key server "*" not responding; next try in 1 min" ]]
	down mute # a contact would now take five seconds
	python3 "$BATS_TEST_DIRNAME/refusals.py" "$T/mnt-bob/Finance/plan.txt" 2000
	[ "$(contacts_made)" = 0 ]
	# its end is the next try
	up
	end=$((SECONDS + RETRY_AFTER + 5))
	until reads "$T/mnt-bob/Finance/plan.txt" plan; do
		[ $SECONDS -lt $end ]
		sleep 0.2
	done
}

# served SECONDS - without a gap
served() {
	local end=$((SECONDS + $1))
	while [ $SECONDS -le $end ]; do
		reads "$T/mnt-bob/Finance/plan.txt" plan
		sleep 0.05
	done
}

@test "rule 5: a restart of the server that takes three seconds is noticed by nobody under a warm lease" {
	"$FSENC_SERVER_BIN" policy set "$S" lease=12 >"$T/policy.out"
	as bob fsenc sync
	mount_of bob
	reads "$T/mnt-bob/Finance/plan.txt" plan
	server_stop
	served 3
	server_start
	served 12
	never grep -q "Unable to establish" "$T/bob.log"
	never grep -q "is closed" "$T/bob.log"
}

@test "rule 5: accesses that come while one waits share its five seconds" {
	mount_of bob
	down mute
	local start=$SECONDS i waiters=()
	for ((i = 0; i < 20; i++)); do
		cat "$T/mnt-bob/Finance/file-$i" >/dev/null 2>&1 3>&- &
		waiters+=($!)
	done
	# nobody else waits
	reads "$T/mnt-bob/Private/own.txt" own
	ls "$T/mnt-bob" >"$T/listing"
	stat -f "$T/mnt-bob/Finance" >"$T/statfs"
	[ $((SECONDS - start)) -lt 3 ]
	for i in "${waiters[@]}"; do
		never wait "$i"
	done
	[ $((SECONDS - start)) -le 7 ]
	[ "$(contacts_made)" -le 2 ]
}

@test "rule 5: a denial is no outage" {
	mount_of bob
	reads "$T/mnt-bob/Finance/plan.txt" plan
	"$FSENC_SERVER_BIN" group remove-member "$S" finance bob
	wait_for_long gives_error EACCES cat "$T/mnt-bob/Finance/plan.txt"
	reads "$T/mnt-bob/Private/own.txt" own
}

# as wait_for, for what takes a lease and more
wait_for_long() {
	wait_for "$@" || wait_for "$@"
}

@test "rule 6: sync is a new operation, whatever the countdown says" {
	mount_of bob
	down refused
	is_refused "$T/mnt-bob/Finance/plan.txt"
	fails 20 as bob fsenc sync
	up
	run --separate-stderr as bob fsenc sync
	[ "$status" = 0 ]
	[[ $output$stderr == *"Successfully synchronized policy with "* ]]
	wait_for reads "$T/mnt-bob/Finance/plan.txt" plan
}

@test "rule 8: while down a group is not added, and the record stays byte for byte; put off, it is added at the next sync" {
	cp "$T/share/Private/.fsenc" "$T/before"
	down refused
	fails 20 as alice fsenc add-group "$T/share/Private" finance
	cmp "$T/before" "$T/share/Private/.fsenc"
	as alice fsenc add-group "$T/share/Private" finance --defer
	cmp "$T/before" "$T/share/Private/.fsenc"
	up
	as alice fsenc sync
	json_of '.. | objects | select(.name? == "finance")' as alice fsenc members "$T/share/Private" --json
}

@test "rule 9: the policy stays in force while down, and status tells its age" {
	mount_of bob
	reads "$T/mnt-bob/Finance/plan.txt" plan
	down refused
	lease_over
	json_of '.mounts[0].organisation.policy_received > 0' as bob fsenc status --json
	json_of '.mounts[0].folders[] | select(.path == "Finance") | .state == "locked"' as bob fsenc status --json
}

@test "no network at all: refused at once, and no countdown starts" {
	[ "$(id -u)" = 0 ] || skip "only root makes a network name space"
	unshare -n true 2>/dev/null || skip "no network name spaces here"
	mkdir -p "$T/mnt-bob"
	as bob exec unshare -n "$FSENC_BIN" mount -f "$T/share" "$T/mnt-bob" </dev/null >>"$T/bob.log" 2>&1 3>&- &
	started+=($!)
	wait_for is_mounted "$T/mnt-bob"
	local start=$SECONDS
	is_refused "$T/mnt-bob/Finance/plan.txt"
	[ $((SECONDS - start)) -lt 4 ] # a contact would take five
	reads "$T/mnt-bob/Private/own.txt" own
	never grep -q "will wait" "$T/bob.log"
}

@test "a leaver makes the admin's mount start a new generation" {
	mount_of bob
	mount_of alice
	reads "$T/mnt-bob/Finance/plan.txt" plan
	reads "$T/mnt-alice/Finance/plan.txt" plan
	cp "$T/share/Finance/.fsenc" "$T/before"
	"$FSENC_SERVER_BIN" group remove-member "$S" finance bob
	wait_for_long gives_error EACCES cat "$T/mnt-bob/Finance/plan.txt" # the server has noticed
	as alice fsenc sync
	wait_for_long never cmp -s "$T/before" "$T/share/Finance/.fsenc"
	wait_for grep -qF "has a new generation: somebody has left a group of it" "$T/alice.log"
	reads "$T/mnt-alice/Finance/plan.txt" plan
}

@test "verify of a member reads through the group, and says what it cannot reach" {
	run --separate-stderr as bob fsenc verify "$T/share"
	[ "$status" = 0 ]
	[[ $output != *locked* ]]
	down refused
	run --separate-stderr as bob fsenc verify "$T/share"
	[ "$status" = 0 ] || [ "$status" = 20 ]
	[[ $output == *locked*Finance* ]]
}
