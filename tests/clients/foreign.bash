# tests/clients/foreign.bash - a share on somebody else's machine: servers on loopback, and the clients that mount them.
#
# Over tests/clients/clients.bash. What the server serves lies in $T/served; each *_mount DIR shows it once more. All
# is started by the test for itself, as root, and ended with it. process[90..] are theirs.
#
#     setup() { clients_begin; sshd_start; }
#     ssh_mount "$T/far"; as alice fsenc init "$T/far/share"; far_client 1 "$T/far"
load clients

# far_client N DIR [ARGUMENT...] - client N sees the share below DIR
far_client() {
	local n=$1
	share=$2/share
	shift 2
	mkdir -p "$T/m$n"
	client_start "$n" "$@"
}

# client_status N FILTER - what jq makes of its state
client_status() {
	as alice env XDG_RUNTIME_DIR="$T/run$1" "$FSENC_BIN" status --json | jq -c "$2"
}

client_end() {
	kill -TERM "${process[$1]}"
	wait_for is_gone "${process[$1]}"
}

# holds_as_plain DIR NAME... - each check of posix.py that holds in DIR holds on client 1, too
holds_as_plain() {
	local plain=$1/plain name failed=()
	shift
	for name in "$@"; do
		mkdir -p "$plain/$name" "$T/m1/$name"
		timeout 120 python3 "$root/tests/cases/posix.py" "$name" "$T/m1/$name" >"$T/out" 2>&1 && continue
		! timeout 120 python3 "$root/tests/cases/posix.py" "$name" "$plain/$name" >"$T/plain" 2>&1 ||
			failed+=("$name: $(tail -n 1 "$T/out")")
		echo "# not there: $name" >&3
	done
	[ ${#failed[@]} = 0 ] || { printf '%s\n' "${failed[@]}"; return 1; }
}

# a_share_holds DIR - what holds in DIR holds on a share there, and whatever fails leaves it sound
a_share_holds() {
	as alice fsenc init "$1/share" >/dev/null
	far_client 1 "$1"
	holds_as_plain "$1" sizes truncation punching appending mapping hard_links unlinked_and_open renames \
		save_by_rename nameless modes listing_while_removing directories direct_io file_locks flocks statistics
	as alice fsenc umount "$T/m1"
	as alice fails 0 fsenc verify "$1/share"
}

# synced FILE TEXT - when this is done, the text is safe
synced() {
	python3 -c 'import os, sys
f = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT, 0o600)
os.write(f, sys.argv[2].encode())
os.fsync(f)' "$1" "$2"
}

# killed_away DIR NUMBER - the client behind DIR is killed, and client 1 with it
killed_away() {
	kill -KILL "${process[$2]}" "${process[1]}"
	wait_for is_gone "${process[$2]}"
	wait_for is_gone "${process[1]}"
	fusermount3 -u -z -q "$T/m1" || true
	fusermount3 -u -z -q "$1" || umount -l "$1" || true
}

# started NUMBER COMMAND... - in the background, its output in $T/logNUMBER; some end their whole process group
started() {
	local n=$1
	shift
	setsid "$@" </dev/null >>"$T/log$n" 2>&1 3>&- &
	process[n]=$!
}

listens() {
	bash -c "exec 9<>/dev/tcp/127.0.0.1/$1"
}

wait_for_port() {
	wait_for listens "$1" || { tail -n 20 "$T"/log9*; return 1; }
}

wait_for_mount() {
	wait_for is_mounted "$1" || { tail -n 20 "$T"/log9*; return 1; }
}

needs() {
	local program
	for program in "${@:2}"; do
		command -v "$program" >/dev/null || [ -x "/usr/sbin/$program" ] || skip "no $program: apt install $1"
	done
}

# -- ssh --------------------------------------------------------------------------------------------

# for a key of its own
sshd_start() {
	local sshd
	needs "openssh-server sshfs" sshd sshfs
	needs_root
	sshd=$(command -v sshd || echo /usr/sbin/sshd)
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
	started 90 "$sshd" -D -f "$T/ssh/config" -E "$T/ssh/log"
	wait_for_port "$ssh_port"
}

ssh_mount() {
	mkdir -p "$1"
	sshfs -p "$ssh_port" -o "IdentityFile=$T/ssh/user,StrictHostKeyChecking=no,UserKnownHostsFile=/dev/null" \
		"$(id -un)@127.0.0.1:$T/served" "$1" 2>"$T/sshfs.log" || { cat "$T/sshfs.log" "$T/ssh/log"; return 1; }
}

# -- SMB ----------------------------------------------------------------------------------------------

smbd_start() {
	needs samba smbd smbpasswd
	needs smbnetfs smbnetfs
	needs_root
	local smb=$T/smb
	smb_port=$(free_port)
	mkdir -p "$smb/private" "$T/served" "$T/smb-home/.smb"
	cat >"$smb/smb.conf" <<-END
		[global]
			server role = standalone server
			smb ports = $smb_port
			interfaces = 127.0.0.1/8
			bind interfaces only = yes
			disable netbios = yes
			private dir = $smb/private
			lock directory = $smb
			state directory = $smb
			cache directory = $smb
			pid directory = $smb
			ncalrpc dir = $smb/rpc
			log file = $smb/log
			load printers = no
			printcap name = /dev/null
			disable spoolss = yes
		[share]
			path = $T/served
			read only = no
			map archive = no
	END
	printf 'secret\nsecret\n' | smbpasswd -c "$smb/smb.conf" -s -a "$(id -un)" >"$smb/passwd.log" 2>&1
	printf '[global]\n\tclient min protocol = SMB2\n' >"$T/smb-home/.smb/smb.conf"
	printf 'include "smbnetfs.auth"\nuse_libsecret "false"\nsmb_query_browsers "false"\n' >"$T/smb-home/.smb/smbnetfs.conf"
	printf 'auth "%s" "secret"\n' "$(id -un)" >"$T/smb-home/.smb/smbnetfs.auth"
	chmod -R go= "$T/smb-home"
	started 91 smbd -F --no-process-group -s "$smb/smb.conf"
	wait_for_port "$smb_port"
}

# smb_mount NUMBER DIR - where the share then is: $smb_far
smb_mount() {
	mkdir -p "$2"
	started "$1" env HOME="$T/smb-home" smbnetfs "$2" -f -o "config=$T/smb-home/.smb/smbnetfs.conf"
	wait_for_mount "$2"
	smb_far=$2/127.0.0.1:$smb_port/share
	ls "$smb_far" >/dev/null
}

# -- WebDAV ------------------------------------------------------------------------------------------

webdav_start() {
	needs rclone rclone
	needs_root
	mkdir -p "$T/served"
	dav_port=$(free_port)
	started 92 rclone --config /dev/null serve webdav "$T/served" --addr "127.0.0.1:$dav_port"
	wait_for_port "$dav_port"
}

# rclone_mount NUMBER DIR OPTION...
rclone_mount() {
	mkdir -p "$2" "$T/rclone-$1"
	started "$1" rclone --config /dev/null --cache-dir "$T/rclone-$1" --webdav-url "http://127.0.0.1:$dav_port" \
		--webdav-vendor other mount :webdav: "$2" "${@:3}"
	wait_for_mount "$2"
}

# davfs_mount DIR [LINE...] - with these lines of davfs2.conf. Newer kernels want a larger buffer than its own, or
# no directory can be listed.
davfs_mount() {
	needs davfs2 mount.davfs
	getent passwd davfs2 >/dev/null || skip "davfs2 has no user of its own here"
	mkdir -p "$1" "$T/davfs"
	chmod 755 "$T"
	chgrp davfs2 "$T/davfs"
	chmod 775 "$T/davfs"
	printf '%s\n' 'ask_auth 0' 'use_locks 0' "cache_dir $T/davfs" 'buf_size 256' "${@:2}" >"$T/davfs.conf"
	mount.davfs -o "conf=$T/davfs.conf" "http://127.0.0.1:$dav_port" "$1" </dev/null 3>&-
}
