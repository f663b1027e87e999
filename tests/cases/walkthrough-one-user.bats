#!/usr/bin/env bats
# The user's guide, first part, word for word: one user, no server.
load ../lib/bats

setup() {
	begin
	needs_fuse
	person alice
	mkdir "$T/mnt"
}

@test "one user: set up, make a share, mount, copy a tree, status, verify, unmount" {
	as alice fsenc setup --name alice
	as alice fsenc key show --json >show.json
	jq -e '.schema == 1 and .name == "alice" and (.id | type == "string") and (.fingerprint | length == 43)' show.json
	as alice fsenc init "$T/share"
	as alice fsenc mount "$T/share" "$T/mnt"
	cp -r /usr/include/linux "$T/mnt/"
	diff -r /usr/include/linux "$T/mnt/linux"
	as alice fsenc status --json >status.json
	jq -e --arg share "$T/share" --arg dir "$T/mnt" '.schema == 1 and (.mounts | length == 1)
		and .mounts[0].share == $share and .mounts[0].dir == $dir
		and (.mounts[0].folders | length >= 1)
		and (.mounts[0].folders[0] | has("path") and .state == "open" and has("reason"))' status.json
	as alice fsenc verify "$T/share"
	as alice fsenc umount "$T/mnt"
	never is_mounted "$T/mnt"
	[ -z "$(ls "$T/mnt")" ]
	as alice fsenc status --json >status.json
	jq -e '.mounts == []' status.json
}

@test "what was written is there again after the next mount, and nothing of it lies in clear on the share" {
	as alice fsenc setup --name alice --kdf-mib 64
	as alice fsenc init "$T/share"
	as alice fsenc mount "$T/share" "$T/mnt"
	mkdir "$T/mnt/projects"
	echo "a very plain sentence" >"$T/mnt/projects/plan.txt"
	as alice fsenc umount "$T/mnt"
	never grep -rq "plain sentence" "$T/share"
	[ -z "$(find "$T/share" -name '*plan*' -o -name '*projects*')" ]
	as alice fsenc mount "$T/share" "$T/mnt"
	[ "$(cat "$T/mnt/projects/plan.txt")" = "a very plain sentence" ]
	as alice fsenc umount "$T/mnt"
}

@test "a changed block is found: verify says 26 and names the file, reading it is EIO" {
	as alice fsenc setup --name alice --kdf-mib 64
	as alice fsenc init "$T/share"
	as alice fsenc mount "$T/share" "$T/mnt"
	head -c 20000 /dev/urandom >"$T/mnt/data"
	as alice fsenc umount "$T/mnt"
	stored=$(find "$T/share" -size +18k -type f ! -name '.fsenc*')
	printf 'XXXX' | dd of="$stored" bs=1 seek=5000 conv=notrunc status=none
	as alice fails 26 fsenc verify "$T/share"
	has data
	as alice fails 26 fsenc verify --json "$T/share"
	jq -e '.schema == 1 and .sound == false and (.findings | length == 1) and .findings[0].kind == "damaged"' <<<"$output"
	as alice fsenc mount "$T/share" "$T/mnt"
	gives_error EIO cat "$T/mnt/data"
	as alice fsenc umount "$T/mnt"
}
