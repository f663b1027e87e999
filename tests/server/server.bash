# tests/server/server.bash - a real key server in a directory that goes away, for bats.
#
#     setup() { begin; }                          $S is its directory, $A its address
#     start; ...; stop
#     ask PERSON METHOD TARGET [BODY]             $status line in $answer, the rest in $body (tests/server/ask.c)
# The server is ended by its id in teardown.
bats_require_minimum_version 1.5.0

root=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
: "${FSENC_SERVER_BIN:=$root/build/server/fsenc-server}" "${ASK_BIN:=$root/build/tests/server/ask}"

# begin - $T, $S: a server on a free loopback port, one group with alice in it, bob outside
begin() {
	T=$(mktemp -d "${BATS_TEST_TMPDIR}/server.XXXXXX")
	S=$T/server
	A=127.0.0.1:$(free_port)
	pid=
	"$FSENC_SERVER_BIN" init "$S" --name keys.test --listen "$A" >"$T/organisation"
	alice_code=$("$FSENC_SERVER_BIN" user add "$S" alice)
	bob_code=$("$FSENC_SERVER_BIN" user add "$S" bob)
	"$FSENC_SERVER_BIN" group add "$S" finance --member alice >"$T/group.out"
}

teardown() {
	[ -n "${pid:-}" ] || return 0
	disown "$pid" 2>/dev/null || true
	kill -9 "$pid" 2>/dev/null || true
}

free_port() {
	python3 "$root/tests/lib/free_port.py"
}

# start [COMMAND...] - and wait until it is ready
start() {
	"$@" "$FSENC_SERVER_BIN" run "$S" >>"$T/log" 2>&1 3>&- &
	pid=$!
	wait_for is_ready
}

is_ready() {
	[ "$(curl -s -o "$T/ready" -w '%{http_code}' --cacert "$S/tls-cert.pem" "https://$A/readyz")" = 200 ]
}

# stop [SIGNAL] - and wait until it has ended; its exit status in $ended
stop() {
	kill -"${1:-TERM}" "$pid"
	ended=0
	{ wait "$pid" || ended=$?; } 2>"$T/waited"
	pid=
}

# ask [OPTION...] PERSON METHOD TARGET [BODY]
ask() {
	local options=()
	while [[ ${1:-} == --* ]]; do
		options+=("$1")
		case $1 in --skew | --as | --keys) options+=("$2"); shift ;; esac
		shift
	done
	"$ASK_BIN" "${options[@]}" "$S" "$A" "$@" >"$T/answer" || return
	answer=$(sed -n 1p "$T/answer")
	body=$(sed -n '2,$p' "$T/answer")
}

# answers STATUS-LINE [OPTION...] PERSON METHOD TARGET [BODY]
answers() {
	local wanted=$1
	shift
	ask "$@" || { echo "ask failed: $*"; return 1; }
	[ "$answer" = "$wanted" ] || { echo "'$answer' instead of '$wanted': $*"; echo "$body"; return 1; }
}

# enrol NAME CODE
enrol() {
	answers 200 "$1" POST /v1/enroll "enroll:$2"
}

# audit_has TEXT - a row of the audit holds it
audit_has() {
	"$FSENC_SERVER_BIN" audit "$S" --json >"$T/audit" || return
	grep -qF -- "$1" "$T/audit" || { echo "'$1' is in no row"; tail -n 5 "$T/audit"; return 1; }
}

wait_for() {
	local tries
	for ((tries = 0; tries < 200; tries++)); do
		"$@" >/dev/null 2>&1 && return
		sleep 0.05
	done
	echo "never came true: $*"
	[ ! -e "$T/log" ] || tail -n 5 "$T/log"
	return 1
}
