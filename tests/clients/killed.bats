#!/usr/bin/env bats
# Clients are killed with -9 at any moment, while others go on: what was done is there, and nothing stays unreadable.
load clients

setup() {
	clients_begin
}

# three clients, hundreds of rounds; with FSENC_SLOW=1 four and thousands, on three file systems
through_kills() {
	local kind
	if ! is_slow; then
		clients_on plain 3
		killed_story "$1" "$2"
		return
	fi
	for kind in ext4 xfs tmpfs; do
		clients_on "$kind" 4
		killed_story "$1" $(($2 * 5))
		teardown
		clients_begin
	done
}

@test "appends through kills" {
	through_kills appends 3000
}

@test "records under locks through kills" {
	through_kills locked 2000
}

@test "neighbouring bytes through kills" {
	through_kills stripes 3000
}

@test "names through kills" {
	through_kills names 2000
}

@test "saving by rename through kills" {
	through_kills saves 2000
}

@test "truncation against appending through kills" {
	through_kills truncations 3000
}
