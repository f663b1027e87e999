#!/usr/bin/env bats
# What programs on the mount see: each check of posix.py, in both modes.
load ../lib/bats

setup() {
	begin
	needs_fuse
	ready alice
	mkdir "$T/mnt"
	as alice fsenc init "$T/share"
}

# check NAME - in the default mode, then as the only client; sound afterwards. $options: more of the mount's
options=
check() {
	local mode
	for mode in shared local; do
		as alice fsenc mount "$T/share" "$T/mnt" -o "$mode$options"
		mkdir "$T/mnt/$mode"
		python3 "$BATS_TEST_DIRNAME/posix.py" "$1" "$T/mnt/$mode"
		as alice fsenc umount "$T/mnt"
		as alice fsenc verify "$T/share"
	done
}

@test "every check would pass on the disk itself" {
	while read -r name; do
		mkdir "$T/$name"
		case $name in
		names|symlinks|xattrs) continue ;; # these know limits and names of ours
		esac
		python3 "$BATS_TEST_DIRNAME/posix.py" "$name" "$T/$name"
	done < <(sed -n 's/^\tcheck \([a-z_]*\)$/\1/p' "$BATS_TEST_FILENAME")
}

@test "names of 1 to 255 bytes work, longer ones and ours are refused" {
	check names
}

@test "files of every size around a block's border come back" {
	check sizes
}

@test "truncation cuts and fills with zeros" {
	check truncation
}

@test "a file of over 4 GiB is sparse, and its holes are found" {
	check large_and_sparse
}

@test "holes are punched, ranges zeroed, and written again" {
	check punching
}

@test "two appending descriptors lose nothing" {
	check appending
}

@test "a shared mapping is written" {
	check mapping
}

@test "what maps a new file sees what its maker writes past the pages" {
	check mapped_while_written
}

@test "hard links have one inode and the right size" {
	check hard_links
}

@test "link targets come back, too long ones are refused" {
	check symlinks
}

@test "user attributes are kept, others not supported" {
	check xattrs
}

@test "an unlinked open file goes on working" {
	check unlinked_and_open
}

@test "renames replace, exchange, refuse and carry what is below" {
	check renames
}

@test "an editor that saves by rename" {
	check save_by_rename
}

@test "a nameless file gets a name" {
	check nameless
}

@test "modes and times stay as asked" {
	check modes
}

@test "removing while listing misses nothing" {
	check listing_while_removing
}

@test "directories answer with the errno of POSIX" {
	check directories
}

@test "O_DIRECT is tolerated" {
	check direct_io
}

@test "fcntl locks exclude, wait, are interrupted and dropped" {
	check file_locks
}

@test "flock excludes and upgrades" {
	check flocks
}

@test "statfs answers" {
	check statistics
}

@test "files and directories open by their handles, as an NFS server opens them" {
	[ "$(id -u)" = 0 ] || skip "open_by_handle_at needs root"
	check handles
}

@test "set-user-ID does not outlive what somebody else writes" {
	[ "$(id -u)" = 0 ] || skip "to become somebody else needs root"
	options=,allow_other
	check privileges
}
