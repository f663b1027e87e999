#!/usr/bin/env bats
# The end of a lease on a real mount (product rule 4), to the millisecond: each check of lease.py. The key servers are
# a script here; the other tests of this directory have real ones.
load ../lib/bats

setup() {
	begin
	needs_fuse
	[ -x "${SCRIPTED_MOUNT:-}" ] || { echo "SCRIPTED_MOUNT names no program; meson test sets it"; return 1; }
	T=$(mktemp -d "${TMPDIR:-/var/tmp}/fsenc-lease-XXXXXX")
}

teardown() {
	local place
	while read -r place; do
		fusermount3 -u -q -z -- "$place"
	done < <(awk -v below="$T/" 'index($5, below) == 1 { print $5 }' /proc/self/mountinfo)
	rm -rf --one-file-system -- "$T"
}

# check NAME [OPTIONS]
check() {
	mkdir "$T/$1"
	python3 "$BATS_TEST_DIRNAME/lease.py" "$1" "$SCRIPTED_MOUNT" "$T/$1" ${2:+"$2"} 2>"$T/log" || {
		cat "$T/log"
		return 1
	}
}

@test "when a lease ends, folders of users go on, and a user's own entry counts alone" {
	check user_folders_go_on
}

@test "when a lease ends, every operation is refused, and what lies outside is served" {
	check refusals_are_complete
}

@test "when a lease ends, mappings fault, and their dirty pages have arrived" {
	check mappings_fault
}

@test "when a lease ends, mappings fault, also where the kernel keeps writes back" {
	check mappings_fault local,writeback
}

@test "what was synced before a lease ended is there afterwards" {
	check synced_bytes_stay
}

@test "what was synced is there afterwards, also where the kernel keeps writes back" {
	check synced_bytes_stay local,writeback
}

@test "a sync that worked while a lease ended has not lied" {
	check sync_claims_nothing
}

@test "plaintext is gone within a second of the end of a lease" {
	check plaintext_is_gone_in_time
}

@test "a lease ends at its time, although nobody asks" {
	check leases_end_by_themselves
}

@test "who waits for a key server holds up nobody, waits five seconds at most, and can be interrupted" {
	check waiting_is_bounded_and_interruptible
}

@test "folders come back without a remount" {
	check comes_back_without_a_remount
}

@test "who is no member is denied, which is not down" {
	check denied_is_not_down
}

@test "with a lease of zero seconds each use is asked for" {
	check zero_lease_keeps_nothing
}

@test "refusals take microseconds, and opens in a user's folder cost what they cost online" {
	check refusals_are_quick_and_hold_up_nobody
}

@test "under a warm lease a group's folder costs what a user's costs" {
	check a_warm_lease_costs_nothing
}

@test "a mount ends while requests wait" {
	check ends_with_requests_waiting
}
