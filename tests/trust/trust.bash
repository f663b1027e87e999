# tests/trust/trust.bash - mounts whose process a test may kill, on storage that it may take away.
#
# Over tests/lib/bats.bash. $T lies below ${TMPDIR:-/var/tmp}. `daemon` is the process of the mount. What these
# functions started and mounted goes at the end, and nothing else.
#
#     setup() { trust_begin; storage_tmpfs "$T/back" size=64m; share_begin "$T/back"; }
#     mount_start; ...; mount_end
load ../lib/bats

trust_begin() {
	needs_fuse
	for program in FSENC_BIN ORACLE SHIM SHIM_CONTROL; do
		[ -e "${!program:-}" ] || { echo "$program names no file; meson test sets it"; return 1; }
	done
	T=$(mktemp -d "${TMPDIR:-/var/tmp}/fsenc-trust-XXXXXX")
	T=$(readlink -f "$T")
	cd "$T" || return 1
	mkdir mnt back
	started=() daemon='' shim=''
}

is_slow() {
	[ "${FSENC_SLOW:-0}" = 1 ]
}

# until_true COMMAND... - ten seconds at most, looked at often
until_true() {
	local tries
	for ((tries = 0; tries < 1000; tries++)); do
		"$@" >/dev/null 2>&1 && return
		sleep 0.01
	done
	echo "never came true: $*"
	return 1
}

teardown() {
	local place process
	[ -n "${T:-}" ] || return 0
	cd "$root" || return 1
	[ -z "${shim:-}" ] || "$SHIM_CONTROL" "$shim" shut=0 inode=0
	# the last mounted first: what is mounted on a mount
	while read -r place; do
		umount -- "$place" 2>/dev/null || fusermount3 -u -q -- "$place" || umount -l -- "$place"
	done < <(awk -v below="$T/" 'index($5, below) == 1 { print $5 }' /proc/self/mountinfo | tac)
	for process in "${started[@]}"; do
		kill -TERM "$process" 2>/dev/null || continue
		until_true is_gone "$process" || kill -KILL "$process"
	done
	[ "${KEEP:-0}" = 1 ] || rm -rf --one-file-system -- "$T"
}

# -- storage ------------------------------------------------------------------------------------

needs_root() {
	[ "$(id -u)" = 0 ] || skip "only root may mount storage to pull away"
}

# storage_tmpfs DIR [OPTIONS]
storage_tmpfs() {
	needs_root
	mount -t tmpfs ${2:+-o "$2"} fsenc-trust "$1"
}

# storage_image FILE KIND SIZE - a file system in a file, with room to be told from others
storage_image() {
	needs_root
	command -v "mkfs.$2" >/dev/null || skip "no mkfs.$2"
	grep -qw "$2" /proc/filesystems || skip "no $2 in this kernel"
	truncate -s "$3" "$1"
	"mkfs.$2" -q "$1"
}

# storage_attach FILE DIR [OPTIONS]
storage_attach() {
	local reason
	needs_root
	reason=$(mount -o "loop${3:+,$3}" "$1" "$2" 2>&1) && return
	[ -e /dev/loop-control ] || skip "no loop devices here"
	echo "$reason"
	return 1
}

# -- a share and its mount -----------------------------------------------------------------------

# share_begin DIR - alice has a keyring, and a share there
share_begin() {
	share=$1/share
	ready alice
	as alice fsenc init "$share" >/dev/null
}

# mount_start [ARGUMENT...] - in the foreground of a process of its own
mount_start() {
	: >>"$T/log"
	as alice exec "$FSENC_BIN" mount -f "$share" "$T/mnt" "$@" </dev/null >>"$T/log" 2>&1 3>&- &
	daemon=$!
	started+=("$daemon")
	until_true mount_or_end
	is_mounted "$T/mnt" || { cat "$T/log"; return 1; }
}

mount_or_end() {
	is_mounted "$T/mnt" || is_gone "$daemon"
}

# The mount's process ends well, and leaves nothing behind.
mount_end() {
	local tries
	for ((tries = 0; tries < 100; tries++)); do # a reader elsewhere may have the mount in use for a moment
		fusermount3 -u -q -- "$T/mnt" && break
		sleep 0.02
	done
	daemon_ended 0
}

# daemon_ended STATUS - it does so by itself, within the bound
daemon_ended() {
	local ended=0
	until_true is_gone "$daemon"
	wait "$daemon" || ended=$?
	[ "$ended" = "$1" ] || { echo "the mount ended with $ended instead of $1"; tail -n 20 "$T/log"; return 1; }
}

# The mount died: the place is free again.
mount_let_go() {
	fusermount3 -u -z -q -- "$T/mnt"
	never is_mounted "$T/mnt"
}

sound() {
	as alice fsenc verify "$share" >"$T/verify" 2>&1 || { cat "$T/verify"; return 1; }
}

# -- storage that fails -----------------------------------------------------------------------------

# mount_start_shimmed [ARGUMENT...]
mount_start_shimmed() {
	shim=$T/shim
	"$SHIM_CONTROL" "$shim"
	FSENC_SHIM=$shim LD_PRELOAD=$SHIM mount_start "$@"
	grep -q "$SHIM" "/proc/$daemon/maps" || { echo "the shim is not in the process"; return 1; }
}

control() {
	"$SHIM_CONTROL" "$shim" "$@"
}

# stored_inode SIZE - of the one stored file that is as large
stored_inode() {
	local found
	found=$(find "$share" -type f -size "$1c" ! -name '.fsenc*' -printf '%i\n')
	[[ $found =~ ^[0-9]+$ ]] || { echo "not one stored file of $1 bytes: $found" >&2; return 1; }
	echo "$found"
}

# stored_size PLAIN - what that many bytes need on the share, in blocks of 4,096
stored_size() {
	local rest=$(($1 % 4096))
	echo $((192 + $1 / 4096 * 4136 + (rest ? rest + 40 : 0)))
}
