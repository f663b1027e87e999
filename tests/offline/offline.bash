# tests/offline/offline.bash - a company whose key server can be made unreachable in every way.
#
# Over tests/lib/bats.bash. A real fsenc-server; in front of it faults.py, which is the server that clients know.
# $T lies below ${TMPDIR:-/var/tmp}. What these functions started and mounted goes at the end, and nothing else.
#
#     setup() { offline_begin; }
#     mount_of bob; down reset; lease_over; ...; up
#
# The share $T/share is a lobby of alice's with "Finance" (alice, and the group finance: alice and bob), "Private" (alice
# and bob themselves) and "Both" (the group as writer, bob himself as reader). Mounts are $T/mnt-NAME, their logs
# $T/NAME.log.
load ../lib/bats
: "${FSENC_SERVER_BIN:=$root/build/server/fsenc-server}"

LEASE=3 RETRY_AFTER=15

offline_begin() {
	needs_fuse
	[ -x "$FSENC_SERVER_BIN" ] || { echo "no fsenc-server at $FSENC_SERVER_BIN"; return 1; }
	T=$(mktemp -d "${TMPDIR:-/var/tmp}/fsenc-offline-XXXXXX")
	T=$(readlink -f "$T")
	cd "$T" || return 1
	S=$T/server started=() server='' faults=''
	server_make
	server_start
	faults_start
	ready alice
	ready bob
	join alice
	join bob
	share_make
}

teardown() {
	local place process
	[ -n "${T:-}" ] || return 0
	cd "$root" || return 1
	while read -r place; do
		fusermount3 -u -q -- "$place" || fusermount3 -u -q -z -- "$place"
	done < <(awk -v below="$T/" 'index($5, below) == 1 { print $5 }' /proc/self/mountinfo)
	for process in "${started[@]}"; do
		kill -TERM "$process" || continue
		wait_for is_gone "$process" || kill -KILL "$process"
	done 2>/dev/null
	[ "${KEEP:-0}" = 1 ] || rm -rf --one-file-system -- "$T"
}

# -- the server --------------------------------------------------------------------------------

server_make() {
	port=$(free_port)
	"$FSENC_SERVER_BIN" init "$S" --name keys.test --listen "127.0.0.1:$port" >"$T/init.out"
	organisation=$(json_of .fingerprint "$FSENC_SERVER_BIN" status "$S" --json)
	"$FSENC_SERVER_BIN" user add "$S" alice >"$T/alice.code"
	"$FSENC_SERVER_BIN" user add "$S" bob >"$T/bob.code"
	"$FSENC_SERVER_BIN" group add "$S" finance --member alice --member bob >"$T/group.out"
	"$FSENC_SERVER_BIN" policy set "$S" lease=$LEASE retry_after=$RETRY_AFTER cache_positive=1 cache_negative=1 >"$T/policy.out"
}

server_start() {
	"$FSENC_SERVER_BIN" run "$S" >>"$T/server.log" 2>&1 3>&- &
	server=$!
	started+=("$server")
	wait_for server_is_ready
}

server_is_ready() {
	[ "$(curl -s -o "$T/ready" -w '%{http_code}' --cacert "$S/tls-cert.pem" "https://127.0.0.1:$port/readyz")" = 200 ]
}

server_stop() {
	kill -TERM "$server"
	wait_for is_gone "$server"
}

# What clients know as the key server: $url.
faults_start() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=wrong \
		-addext subjectAltName=IP:127.0.0.1 -keyout "$T/wrong.key" -out "$T/wrong.pem" 2>"$T/openssl.log"
	mkfifo "$T/faults.in"
	python3 "$BATS_TEST_DIRNAME/faults.py" serve --control "$T/control" --cert "$S/tls-cert.pem" \
		--key "$S/tls-key.pem" --wrong-cert "$T/wrong.pem" --wrong-key "$T/wrong.key" \
		--backend "127.0.0.1:$port" <"$T/faults.in" >"$T/faults.out" 2>"$T/faults.log" 3>&- &
	faults=$!
	started+=("$faults")
	exec {faults_in}>"$T/faults.in"
	wait_for test -s "$T/faults.out"
	url=https://127.0.0.1:$(head -n 1 "$T/faults.out")
}

fault() {
	python3 "$BATS_TEST_DIRNAME/faults.py" set "$T/control" "$1"
}

# down FAULT - from now on
down() {
	fault "$1"
}

up() {
	fault none
}

# "connections requests" since the fault was set
contacts_made() {
	python3 "$BATS_TEST_DIRNAME/faults.py" counts "$T/control" | awk '{ print $1 }'
}

# -- people and their mounts ----------------------------------------------------------------------

# join NAME - with the code of the administrator
join() {
	as "$1" fsenc enroll "$url" --user "$1" --code "$(cat "$T/$1.code")" --fingerprint "$organisation" \
		--cacert "$S/tls-cert.pem" >"$T/$1.enroll" 2>&1 || { cat "$T/$1.enroll"; return 1; }
}

share_make() {
	know alice bob
	know bob alice
	as alice fsenc init --lobby "$T/share" >"$T/share.out"
	local name
	for name in Finance Private Both; do
		mkdir "$T/share/$name"
		as alice fsenc protect "$T/share/$name"
	done
	as alice fsenc add-group "$T/share/Finance" finance --role writer
	as alice fsenc add-group "$T/share/Both" finance --role writer
	as alice fsenc add-user "$T/share/Both" bob --role reader
	as alice fsenc add-user "$T/share/Private" bob --role writer
	mount_of alice
	echo plan >"$T/mnt-alice/Finance/plan.txt"
	echo own >"$T/mnt-alice/Private/own.txt"
	echo both >"$T/mnt-alice/Both/both.txt"
	as alice fsenc umount "$T/mnt-alice"
}

# mount_of NAME [OPTION...] - in the foreground of a process of its own
mount_of() {
	local name=$1
	shift
	mkdir -p "$T/mnt-$name"
	as "$name" exec "$FSENC_BIN" mount -f "$T/share" "$T/mnt-$name" "$@" </dev/null >>"$T/$name.log" 2>&1 3>&- &
	daemon=$!
	started+=("$daemon")
	wait_for is_mounted "$T/mnt-$name" || { cat "$T/$name.log"; return 1; }
}

state_of() {
	getfattr --only-values -n user.fsenc.state -- "$1" 2>/dev/null
}

# is_refused FILE - by EHOSTUNREACH
is_refused() {
	gives_error EHOSTUNREACH cat "$1"
}

reads() {
	[ "$(cat "$1" 2>/dev/null)" = "$2" ]
}

# lease_over - until the group's folder is refused, as it must be once the lease has run out
lease_over() {
	local end=$((SECONDS + LEASE + 20))
	until is_refused "$T/mnt-bob/Finance/plan.txt"; do
		[ $SECONDS -lt $end ] || { echo "still readable"; return 1; }
		sleep 0.05
	done
}

# logged NAME TEXT
logged() {
	grep -qF -- "$2" "$T/$1.log" || { echo "not in the log: $2"; tail -n 20 "$T/$1.log"; return 1; }
}
