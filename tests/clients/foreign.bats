#!/usr/bin/env bats
# A share on somebody else's machine, for real: over sshfs from a local sshd.
#
# What programs see there is what they see on the sshfs itself, for better or worse, and never silently wrong: each check of
# posix.py that holds on the plain sshfs holds on the mount, and whatever fails leaves a sound share.
load clients

setup() {
	clients_begin
	sshd_start
	ssh_mount "$T/far"
}

# sshd_start - on a free port, for a key of its own; ended with the test
sshd_start() {
	local sshd
	sshd=$(command -v sshd || echo /usr/sbin/sshd)
	[ -x "$sshd" ] && command -v sshfs >/dev/null || skip "no sshd or sshfs: apt install openssh-server sshfs"
	[ "$(id -u)" = 0 ] || skip "sshd needs root to let anybody in"
	mkdir -p "$T/ssh" "$T/served" /run/sshd
	ssh-keygen -q -t ed25519 -N '' -f "$T/ssh/host"
	ssh-keygen -q -t ed25519 -N '' -f "$T/ssh/user"
	cp "$T/ssh/user.pub" "$T/ssh/authorized"
	ssh_port=$(free_port)
	cat >"$T/ssh/config" <<-END
		Port $ssh_port
		ListenAddress 127.0.0.1
		HostKey $T/ssh/host
		AuthorizedKeysFile $T/ssh/authorized
		StrictModes no
		UsePAM no
		PermitRootLogin yes
		PidFile none
		Subsystem sftp internal-sftp
	END
	"$sshd" -D -f "$T/ssh/config" -E "$T/ssh/log" </dev/null >/dev/null 2>&1 3>&- &
	process[90]=$!
	wait_for bash -c "exec 9<>/dev/tcp/127.0.0.1/$ssh_port"
}

# ssh_mount DIR
ssh_mount() {
	mkdir -p "$1"
	sshfs -p "$ssh_port" -o "IdentityFile=$T/ssh/user,StrictHostKeyChecking=no,UserKnownHostsFile=/dev/null" \
		"$(id -un)@127.0.0.1:$T/served" "$1" 2>"$T/sshfs.log" || { cat "$T/sshfs.log" "$T/ssh/log"; return 1; }
}

# far_mount N DIR - client N sees the share below DIR
far_mount() {
	share=$2/share
	mkdir -p "$T/m$1"
	client_start "$1"
}

@test "what holds on sshfs holds on a share there, and the rest leaves it sound" {
	local name failed=()
	as alice fsenc init "$T/far/share" >/dev/null
	far_mount 1 "$T/far"
	for name in sizes truncation punching appending mapping hard_links unlinked_and_open renames save_by_rename nameless \
		modes listing_while_removing directories direct_io file_locks flocks statistics; do
		mkdir -p "$T/far/plain/$name" "$T/m1/$name"
		python3 "$root/tests/cases/posix.py" "$name" "$T/m1/$name" >"$T/out" 2>&1 && continue
		! python3 "$root/tests/cases/posix.py" "$name" "$T/far/plain/$name" >"$T/plain" 2>&1 || failed+=("$name: $(tail -n 1 "$T/out")")
	done
	[ ${#failed[@]} = 0 ] || { printf '%s\n' "${failed[@]}"; false; }
	as alice fsenc umount "$T/m1"
	as alice fails 0 fsenc verify "$T/far/share"
}

@test "a tree of files over sshfs comes back whole from another client" {
	as alice fsenc init "$T/far/share" >/dev/null
	far_mount 1 "$T/far"
	cp -r /usr/include/linux "$T/m1/tree"
	sync "$T/m1/tree"
	ssh_mount "$T/far2"
	far_mount 2 "$T/far2"
	diff -r /usr/include/linux "$T/m2/tree"
	echo "from the second" >"$T/m2/second"
	wait_for grep -q second "$T/m1/second"
}

@test "locks that reach nobody are told of once, and shown by status" {
	as alice fsenc init "$T/far/share" >/dev/null
	far_mount 1 "$T/far"
	[ "$(grep -c 'only one client may write at a time' "$T/log1")" = 1 ]
	[ "$(as alice env XDG_RUNTIME_DIR="$T/run1" "$FSENC_BIN" status --json | jq '.mounts[0].locks_trusted')" = false ]
	kill -TERM "${process[1]}"
	wait_for is_gone "${process[1]}"
	client_start 1 -o locks=trusted
	[ "$(grep -c 'only one client may write at a time' "$T/log1")" = 1 ]
}

@test "when the connection is gone, reading fails, and what was synced is there afterwards" {
	as alice fsenc init "$T/far/share" >/dev/null
	far_mount 1 "$T/far"
	echo kept >"$T/m1/kept"
	python3 -c 'import os, sys; f = os.open(sys.argv[1], os.O_RDWR); os.fsync(f)' "$T/m1/kept"
	session=$(pgrep -P "${process[90]}" | head -n 1)
	[ -n "$session" ]
	kill -KILL "$session"
	wait_for never_reads "$T/m1/kept"
	kill -TERM "${process[1]}"
	wait_for is_gone "${process[1]}"
	fusermount3 -u -z -q "$T/m1" || true
	fusermount3 -u -z -q "$T/far" || true
	ssh_mount "$T/far3"
	far_mount 1 "$T/far3"
	[ "$(cat "$T/m1/kept")" = kept ]
}

never_reads() {
	! cat "$1"
}
