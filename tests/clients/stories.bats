#!/usr/bin/env bats
# Two clients, and four, do the same things to the same files at the same time. Nothing is lost, torn, doubled or false.
#
# In the default suite on the file system of TMPDIR; with FSENC_SLOW=1 thousands of rounds on ext4, xfs, btrfs and tmpfs.
load clients

setup() {
	clients_begin
}

# everywhere STORY ROUNDS [CLIENTS]
everywhere() {
	local kind
	if ! is_slow; then
		clients_on plain "${3:-2}"
		story "$1" "$2"
		return
	fi
	for kind in ext4 xfs btrfs tmpfs; do
		echo "# $1 on $kind" >&3
		clients_on "$kind" 4
		story "$1" $(($2 * 4))
		teardown
		clients_begin
	done
}

@test "appended lines are neither lost nor torn nor doubled" {
	everywhere appends 1000
}

@test "what is read under a lock is what was written last" {
	everywhere locked 1000
}

@test "writers of neighbouring bytes leave each other's alone" {
	everywhere stripes 1000
}

@test "a storm of names leads to whole files, and all see the same in the end" {
	everywhere names 1000 4
}

@test "a file saved by renaming is there and whole at every moment" {
	everywhere saves 1000 4
}

@test "truncation against appending cuts no record" {
	everywhere truncations 1000
}

@test "a database with a rollback journal stays whole, and no row is lost" {
	everywhere database 60
}
