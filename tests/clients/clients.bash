# tests/clients/clients.bash - several mounts of one share, each a client with a process of its own.
#
# Over tests/lib/bats.bash. Client N is alice with a run directory of her own ($T/runN: control socket, redo ring) and
# the mount $T/mN. `process[N]` is its process, which a test may kill. $T/truth is on the plain disk, for the oracle.
#
#     setup() { clients_begin; }
#     clients_on ext4 2 [-o OPTIONS]; story appends 500
load ../lib/bats

clients_begin() {
	needs_fuse
	T=$(mktemp -d "${TMPDIR:-/var/tmp}/fsenc-clients-XXXXXX")
	T=$(readlink -f "$T")
	cd "$T" || return 1
	declare -ga process=()
	clients=0 storyteller=''
	ready alice
}

is_slow() {
	[ "${FSENC_SLOW:-0}" = 1 ]
}

teardown() {
	local place pid
	[ -n "${T:-}" ] || return 0
	cd "$root" || return 1
	[ -z "$storyteller" ] || kill -TERM -- "-$storyteller" 2>/dev/null || true
	for pid in "${process[@]}"; do
		kill -TERM "$pid" 2>/dev/null || continue
		wait_for is_gone "$pid" || kill -KILL "$pid"
	done
	while read -r place; do
		umount -- "$place" 2>/dev/null || fusermount3 -u -q -z -- "$place" || umount -l -- "$place"
	done < <(awk -v below="$T/" 'index($5, below) == 1 { print $5 }' /proc/self/mountinfo | tac)
	[ "${KEEP:-0}" = 1 ] || rm -rf --one-file-system -- "$T"
}

# -- storage --------------------------------------------------------------------------------------

# storage KIND - at $T/back: plain (a directory), tmpfs, or a file system in a file
storage() {
	mkdir -p "$T/back"
	case $1 in
	plain) ;;
	tmpfs) needs_root; mount -t tmpfs fsenc-clients "$T/back" ;;
	*)
		needs_root
		grep -qw "$1" /proc/filesystems || modprobe "$1" 2>/dev/null || skip "no $1 in this kernel"
		[ -e /dev/loop-control ] || skip "no loop devices here"
		truncate -s 1G "$T/image"
		"mkfs.$1" -q "$T/image"
		mount -o loop "$T/image" "$T/back"
		;;
	esac
}

needs_root() {
	[ "$(id -u)" = 0 ] || skip "only root may mount storage"
}

# clients_on KIND COUNT [MOUNT-ARGUMENT...] - a fresh share and as many mounts of it
clients_on() {
	storage "$1"
	clients=$2
	shift 2
	share=$T/back/share
	mkdir -p "$T/truth"
	as alice fsenc init "$share" >/dev/null
	local n
	for n in $(seq "$clients"); do
		mkdir -p "$T/m$n"
		client_start "$n" "$@"
	done
}

# client_start N [ARGUMENT...]
client_start() {
	local n=$1
	shift
	mkdir -p "$T/run$n"
	chmod 700 "$T/run$n"
	(as alice exec env XDG_RUNTIME_DIR="$T/run$n" "$FSENC_BIN" mount -f "$share" "$T/m$n" "$@" \
		</dev/null >>"$T/log$n" 2>&1 3>&- & echo $! >"$T/pid$n")
	process[n]=$(cat "$T/pid$n")
	wait_for is_ready "$n" || { cat "$T/log$n"; return 1; }
	is_mounted "$T/m$n" || { cat "$T/log$n"; return 1; }
	[ "$(readlink "/proc/${process[n]}/exe")" = "$(readlink -f "$FSENC_BIN")" ] || { echo "not the mount's process"; return 1; }
}

is_ready() {
	is_gone "${process[$1]}" || { is_mounted "$T/m$1" && stat -t "$T/m$1" >/dev/null 2>&1; }
}

# client_kill N [ARGUMENT...] - and mount again; the oracle knows from when to when
client_kill() {
	local n=$1
	shift
	: >"$T/truth/down"
	kill -KILL "${process[n]}"
	wait_for is_gone "${process[n]}"
	fusermount3 -u -z -q -- "$T/m$n"
	client_start "$n" "$@"
	printf . >>"$T/truth/kills"
	rm "$T/truth/down"
}

# -- stories ----------------------------------------------------------------------------------------

mounts() {
	local n
	for n in $(seq "$clients"); do echo "$T/m$n"; done
}

# story NAME ROUNDS - every client takes part; then all is sound
story() {
	# shellcheck disable=SC2046  # one word a mount
	python3 "$root/tests/clients/stress.py" "$1" "$2" "$T/truth" $(mounts)
	story_sound
}

story_sound() {
	as alice fails 0 fsenc verify "$share"
	[ -z "$(grep -h 'refused\|damage\|tamper' "$T"/log* 2>/dev/null)" ] || { cat "$T"/log*; return 1; }
}

# killed_story NAME ROUNDS - meanwhile clients are killed, one after another, in no order
killed_story() {
	local kills=0 ended=0
	# shellcheck disable=SC2046
	setsid python3 "$root/tests/clients/stress.py" "$1" "$2" "$T/truth" $(mounts) >"$T/story" 2>&1 3>&- &
	storyteller=$!
	wait_for test -e "$T/truth/begun"
	while ! is_gone $storyteller && [ ! -e "$T/truth/ended" ]; do
		sleep "0.0$((RANDOM % 9 + 1))" # how long until the next blow, not a wait for anything
		client_kill $((RANDOM % clients + 1))
		kills=$((kills + 1))
	done
	wait $storyteller || ended=$?
	storyteller=''
	[ $ended = 0 ] || { cat "$T/story"; return 1; }
	echo "# $kills kills in $1" >&3
	[ $kills -gt 0 ] || { echo "it ended before anybody was killed: not enough rounds"; return 1; }
	as alice fails 0 fsenc verify "$share"
}
