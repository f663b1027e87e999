# tests/lib/bats.bash - people with keyrings of their own, in a directory that goes away.
#
# Loaded by every case. $T is the test's directory; FSENC_BIN is the fsenc under test (default:
# build/cli/fsenc). Every command has its own user by the XDG variables. Nothing is asked for: a
# command that would ask fails. teardown unmounts only what is mounted below $T.
#
#     setup() { begin; person alice; }
#     as alice fsenc setup --name alice --kdf-mib 64
#     as alice run fsenc key show          # $status, $output, $stderr
bats_require_minimum_version 1.5.0

root=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
: "${FSENC_BIN:=$root/build/cli/fsenc}"

begin() {
	[ -x "$FSENC_BIN" ] || { echo "no fsenc at $FSENC_BIN: build it, or set FSENC_BIN"; return 1; }
	T=$(mktemp -d "${BATS_TEST_TMPDIR}/fsenc.XXXXXX")
	cd "$T" || return 1
}

# made_once COMMAND - in setup_file: what it makes in $T is there for every test of the file, which copies it into its own
# $T with as_made instead of making it again. It leaves nothing mounted.
made_once() {
	T=$BATS_FILE_TMPDIR/made
	mkdir "$T"
	cd "$T" || return 1
	"$@"
}

as_made() {
	begin
	cp -a "$BATS_FILE_TMPDIR/made/." "$T/"
}

teardown_file() {
	[ ! -d "$BATS_FILE_TMPDIR/made" ] || T=$BATS_FILE_TMPDIR/made teardown
}

teardown() {
	local place
	[ -n "${T:-}" ] || return 0
	cd "$root" || return 1
	! declare -F stop_servers >/dev/null || stop_servers
	while read -r place; do
		fusermount3 -u -q -- "$place" || fusermount3 -u -q -z -- "$place"
	done < <(awk -v below="$T/" 'index($5, below) == 1 { print $5 }' /proc/self/mountinfo)
	forget_sessions
}

# What `fsenc unlock` left with the kernel.
forget_sessions() {
	local home
	for home in "$T"/*/data/fsenc/keyring.db; do
		[ -e "$home" ] || continue
		as "$(basename "${home%/data/fsenc/keyring.db}")" fsenc lock || true
	done
}

needs_fuse() {
	[ -r /dev/fuse ] && [ -w /dev/fuse ] || skip "no use of /dev/fuse here"
	command -v fusermount3 >/dev/null || skip "no fusermount3: apt install fuse3"
}

# person NAME [PASSPHRASE] - a home and a passphrase file, no keyring yet
person() {
	mkdir -p "$T/$1/run"
	chmod 700 "$T/$1" "$T/$1/run"
	secret_file "$T/$1/pass" "${2:-the passphrase of $1}"
}

# secret_file FILE LINE - readable by its owner alone
secret_file() {
	(umask 077 && printf '%s\n' "$2" >"$1")
}

# ready NAME - a person who has a keyring, quickly made
ready() {
	person "$1"
	as "$1" fsenc setup --name "$1" --kdf-mib 64 --quiet >/dev/null
}

fsenc() {
	"$FSENC_BIN" "$@"
}

# as NAME COMMAND... - in this shell, so that `run` leaves its results here
as() {
	local home=$T/$1
	shift
	local -x HOME=$home XDG_DATA_HOME=$home/data XDG_CONFIG_HOME=$home/config XDG_STATE_HOME=$home/state
	local -x XDG_RUNTIME_DIR=$home/run FSENC_PASSFILE=$home/pass
	"$@"
}

# fails STATUS COMMAND... - it ends with that status; $output and $stderr as after run
fails() {
	local wanted=$1
	shift
	run --separate-stderr "$@"
	if [ "$status" -ne "$wanted" ]; then
		echo "status $status instead of $wanted: $*"
		echo "$output"
		echo "$stderr"
		return 1
	fi
}

# never COMMAND... - it fails; a plain "! COMMAND" would go unnoticed
never() {
	if "$@"; then
		echo "should not be so: $*"
		return 1
	fi
}

# says TEXT - the last command that `fails` or `run` ran said so on stderr
says() {
	[[ $stderr == *"$1"* ]] || {
		echo "'$1' is not in: $stderr"
		return 1
	}
}

# has TEXT - ... on stdout
has() {
	[[ $output == *"$1"* ]] || {
		echo "'$1' is not in: $output"
		return 1
	}
}

# json_of FILTER COMMAND... - what jq makes of a command's answer
json_of() {
	local filter=$1
	shift
	"$@" >"$T/answer.json" || return
	jq -er "$filter" "$T/answer.json"
}

fingerprint() {
	as "$1" json_of .fingerprint fsenc key show --json
}

# know NAME OTHER - NAME takes OTHER's certificate and trusts it
know() {
	local print
	print=$(fingerprint "$2")
	as "$2" fsenc key export >"$T/$2.cert"
	as "$1" fsenc key import "$T/$2.cert" --trust "$print" >/dev/null
}

# wait_for COMMAND... - until it succeeds, half a minute at most: machines are slow in their own ways
wait_for() {
	local tries
	for ((tries = 0; tries < 600; tries++)); do
		"$@" >/dev/null 2>&1 && return
		sleep 0.05
	done
	echo "never came true: $*"
	return 1
}

# gives_error NAME COMMAND... - fails with this errno (ENOKEY, EACCES, ...)
gives_error() {
	local wanted=$1
	shift
	local text
	text=$(python3 -c 'import errno, os, sys; print(os.strerror(getattr(errno, sys.argv[1])))' "$wanted")
	LC_ALL=C "$@" >/dev/null 2>"$T/error" && return 1
	grep -qF "$text" "$T/error"
}

is_mounted() {
	awk -v place="$1" '$5 == place { found = 1 } END { exit !found }' /proc/self/mountinfo
}

# is_gone PID - ended, waited for or not
is_gone() {
	[ ! -d "/proc/$1" ] || [ "$(awk '$1 == "State:" { print $2 }' "/proc/$1/status" 2>/dev/null)" = Z ]
}

free_port() {
	python3 "$root/tests/lib/free_port.py"
}
