#!/usr/bin/env bats
# Locks of applications pass through to other clients: fcntl, open file descriptions, flock; many owners in each.
load clients

setup() {
	clients_begin
	clients_on plain 2
}

check() {
	python3 "$root/tests/clients/locks.py" "$1" "$T/m1" "$T/m2"
	story_sound
}

@test "fcntl ranges exclude owners of the same and of the other client, and are dropped by closing" {
	check fcntl_locks
}

@test "locks of open file descriptions exclude each other and end with the last close" {
	check ofd_locks
}

@test "flock excludes, upgrades and ends with the handle" {
	check flocks
}

@test "who waits is interrupted, or gets the lock and reads what was written under it" {
	check waiting
}

@test "the lock of a killed process goes with it" {
	check killed_holder
}

@test "forty owners in two clients count together, and no step is lost" {
	check many_owners
}

@test "the locks of a killed client are free again, and its waiters' place is taken" {
	exec 7>"$T/m1/held"
	flock -x 7
	never flock -n "$T/m2/held" true
	client_kill 1
	exec 7>&- || true
	wait_for flock -n "$T/m2/held" true
}

@test "a client that is stopped in the middle of writes holds up who writes there, and nobody else" {
	[ "$(uname -m)" = x86_64 ] || skip "the number of a system call is known for x86-64 only"
	timeout 60 python3 "$root/tests/clients/locks.py" stopped_client "$T/m2" "$T/back/share"
	story_sound
}

@test "a mount ends while a write waits for a client that is stopped" {
	[ "$(uname -m)" = x86_64 ] || skip "the number of a system call is known for x86-64 only"
	timeout 60 python3 "$root/tests/clients/locks.py" ends_beside_a_stopped_client "$T/m2" "$T/back/share" "${process[2]}"
	wait_for is_gone "${process[2]}"
	[ "$(cat "$T/m1/held")" = before ]
	story_sound
}

@test "twelve waiting locks hold up nobody else" {
	[ "$(uname -m)" = x86_64 ] || skip "the number of a system call is known for x86-64 only"
	check twelve_waiters
	echo "# $output" >&3
}
