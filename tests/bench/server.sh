#!/usr/bin/env bash
# tests/bench/server.sh [--users N] [--seconds S] [--million] [--quick] - the key server under load, against the figures
# it must hold: unlocks and points a second, p99 at half the load, idle clients, memory over many requests, start.
#
# The server, its store and the load are on one machine; every answer is checked (tests/bench/server_load.c). Wants
# two quiet processors: what else runs makes figures worse, never better. Prints a line a figure, with ok or LESS,
# and ends with 1 if one is less. --million takes some minutes more. Files in $TMPDIR; as root, and as a user with
# enough descriptors (ulimit -n).
set -euo pipefail
build=$(cd "$(dirname "$0")/../../build" && pwd)
: "${FSENC_SERVER_BIN:=$build/server/fsenc-server}" "${LOAD_BIN:=$build/tests/bench/server_load}"
: "${FILL_BIN:=$build/tests/bench/server_fill}"
users=100000 seconds=10 million=no idle=10000
while [ $# -gt 0 ]; do
	case $1 in
	--users) users=$2; shift ;;
	--seconds) seconds=$2; shift ;;
	--million) million=yes ;;
	--quick) users=2000 seconds=3 idle=1000 ;;
	*) echo "usage: server.sh [--users N] [--seconds S] [--million] [--quick]" >&2; exit 2 ;;
	esac
	shift
done
ulimit -n "$(ulimit -Hn)"
if [ "$(ulimit -n)" -lt $((idle + 1000)) ]; then
	idle=$(($(ulimit -n) - 1000))
	echo "only $idle idle clients: the limit of open files is $(ulimit -n)"
fi
play=$(mktemp -d "${TMPDIR:-/var/tmp}/fsenc-server-bench-XXXXXX")
server='' load='' worst=0
end() {
	for process in $load $server; do kill "$process" 2>/dev/null || true; done
	wait 2>/dev/null || true
	rm -rf "$play"
}
trap end EXIT

# figure NAME VALUE at-least|at-most WANTED UNIT
figure() {
	local word=ok
	if ! awk -v v="$2" -v w="$4" -v how="$3" 'BEGIN { exit !(how == "at-least" ? v >= w : v <= w) }'; then
		word=LESS worst=1
	fi
	printf '%-44s %10s %-10s (%s %s)  %s\n' "$1" "$2" "$5" "${3/-/ }" "$4" "$word"
}

value() { awk -v name="$1" '$1 == name { print $2 }' "$play/load"; }
# Not the pages of mapped files.
rss() { awk '/^VmRSS/ { print $2 / 1024 }' "/proc/$server/status"; }
ready() { [ "$(curl -s -o "$play/page" -w '%{http_code}' --cacert "$S/tls-cert.pem" "https://$address/readyz")" = 200 ]; }

# start - and the milliseconds until it is ready
start() {
	local began
	began=$(date +%s%N)
	"$FSENC_SERVER_BIN" run --quiet "$S" 2>>"$play/log" &
	server=$!
	until ready; do kill -0 "$server" || { cat "$play/log"; exit 1; }; done
	started_ms=$((($(date +%s%N) - began) / 1000000))
}

S=$play/server
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
address=127.0.0.1:$port
"$FSENC_SERVER_BIN" init "$S" --name bench.test --listen "$address" >"$play/out" 2>&1
echo "connections_per_address = $((idle + 1000))" >>"$S/fsenc-server.conf"
"$FSENC_SERVER_BIN" policy set "$S" unlock_limit=1000000 >>"$play/out" 2>&1
"$FILL_BIN" "$S" "$users"
echo "load average before: $(cut -d' ' -f1 /proc/loadavg); $(nproc) processors; $users users"

start
figure "start with $users users" "$started_ms" at-most 1000 ms

"$LOAD_BIN" "$S" "$address" unlock --connections 32 --seconds "$seconds" >"$play/load"
full=$(value requests_per_second)
figure "unlocks of one point" "$full" at-least 3000 "a second"
printf '%-44s %10s %-10s\n' "  p50, p99 then" "$(value p50_ms)" "$(value p99_ms) ms"

"$LOAD_BIN" "$S" "$address" unlock --connections 32 --seconds "$seconds" --rate 1500 >"$play/load"
figure "p99 at 1500 unlocks a second" "$(value p99_ms)" at-most 20 ms

"$LOAD_BIN" "$S" "$address" unlock --connections 8 --seconds "$seconds" --points 256 >"$play/load"
figure "points, in batches of 256" "$(value points_per_second)" at-least 20000 "a second"

before=$(rss)
if [ $million = yes ]; then
	"$LOAD_BIN" "$S" "$address" unlock --connections 32 --requests 1000000 >"$play/load"
else
	"$LOAD_BIN" "$S" "$address" unlock --connections 32 --requests 50000 >"$play/load"
fi
figure "growth over $(value requests) requests more" "$(awk -v a="$before" -v b="$(rss)" 'BEGIN { printf "%.1f", b - a }')" \
	at-most 24 MB

kill "$server"
wait "$server"
start
mkfifo "$play/hold"
"$LOAD_BIN" "$S" "$address" idle --connections "$idle" --rounds 2 <"$play/hold" >"$play/load" &
load=$!
exec 9>"$play/hold"
until grep -q renewals_per_second "$play/load"; do kill -0 "$load" || exit 1; sleep 0.2; done
figure "memory with $idle idle clients" "$(rss | cut -d. -f1)" at-most 200 MB
figure "their leases renewed" "$(value renewals_per_second)" at-least $((idle / 40)) "a second"
exec 9>&-
wait "$load"
load=
exit $worst
