# tests/lib/key_servers.bash - key servers for the cases; loaded after bats.bash.
#
# FSENC_SERVER_BIN is the fsenc-server under test (default: build/server/fsenc-server). Servers listen on loopback, on
# ports that are free when they are made; those that a test started are ended when it ends.
#
#     setup() { begin; make_server S --json; }
#     start_server "$S"; stop_server "$S"
#     code=$(server user add "$S" alice)
: "${FSENC_SERVER_BIN:=$root/build/server/fsenc-server}"

server() {
	"$FSENC_SERVER_BIN" "$@"
}

# make_server NAME [OPTION...] - in $T/NAME, which becomes $NAME too
make_server() {
	local name=$1
	shift
	server init "$T/$name" --name "$name.test" --listen "127.0.0.1:$(free_port)" --quiet "$@" >"$T/$name.fingerprint"
	printf -v "$name" %s "$T/$name"
}

is_ready() {
	[ "$(server status "$1" --json | jq .ready)" = true ]
}

# start_server DIR - returns when it is ready; its log is DIR.log
start_server() {
	"$FSENC_SERVER_BIN" run "$1" >"$1.log" 2>&1 3>&- & # the program itself, so that $! is its id
	echo $! >"$1.pid"
	wait_for is_ready "$1" || {
		cat "$1.log"
		return 1
	}
}

# stop_server DIR [SIGNAL]
stop_server() {
	local pid
	pid=$(cat "$1.pid")
	rm "$1.pid"
	kill "-${2:-TERM}" "$pid"
	wait "$pid" || true
}

# For teardown: whatever still runs.
stop_servers() {
	local file
	for file in "$T"/*.pid; do
		[ -e "$file" ] || continue
		stop_server "${file%.pid}" KILL 2>/dev/null
	done
}
