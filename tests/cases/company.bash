# tests/cases/company.bash - key servers and a directory for the company's walk-through.
#
# Over tests/lib/bats.bash: servers on free ports of 127.0.0.1, ended by their process ids. $T lies below
# ${TMPDIR:-/var/tmp}. Server N lies in $T/sN; its URL is ${url[N]}.
load ../lib/bats
load ../lib/slapd
: "${FSENC_SERVER_BIN:=$root/build/server/fsenc-server}" "${SPOIL_SHARE_BIN:=$root/build/tests/cases/spoil_share}"

company_begin() {
	needs_fuse
	[ -x "$FSENC_SERVER_BIN" ] || { echo "no fsenc-server at $FSENC_SERVER_BIN"; return 1; }
	T=$(mktemp -d "${TMPDIR:-/var/tmp}/fsenc-company-XXXXXX")
	T=$(readlink -f "$T")
	cd "$T" || return 1
	declare -ga server=() port=() url=() started=()
	ready alice
	ready bob
	mkdir mnt mnt-bob
}

teardown() {
	local place pid
	[ -n "${T:-}" ] || return 0
	cd "$root" || return 1
	while read -r place; do
		fusermount3 -u -q -- "$place" || fusermount3 -u -q -z -- "$place"
	done < <(awk -v below="$T/" 'index($5, below) == 1 { print $5 }' /proc/self/mountinfo)
	for pid in "${started[@]}"; do
		kill -CONT "$pid" 2>/dev/null || continue
		kill -TERM "$pid" 2>/dev/null || continue
		wait_for is_gone "$pid" || kill -KILL "$pid"
	done
	[ "${KEEP:-0}" = 1 ] || rm -rf --one-file-system -- "$T"
}

fsenc-server() {
	"$FSENC_SERVER_BIN" "$@"
}

# server_make N [INIT-ARGUMENT...]
server_make() {
	local n=$1
	shift
	port[n]=$(free_port)
	url[n]=https://127.0.0.1:${port[n]}
	fsenc-server init "$T/s$n" --name "keys$n.test" --listen "127.0.0.1:${port[n]}" "$@" >"$T/init$n"
}

server_start() {
	"$FSENC_SERVER_BIN" run "$T/s$1" >>"$T/server$1.log" 2>&1 3>&- &
	server[$1]=$!
	started+=("$!")
	wait_for server_is_ready "$1" || { cat "$T/server$1.log"; return 1; }
}

server_is_ready() {
	[ "$(curl -s -o "$T/ready" -w '%{http_code}' --cacert "$T/s$1/tls-cert.pem" "${url[$1]}/readyz")" = 200 ]
}

server_stop() {
	kill -TERM "${server[$1]}"
	wait_for is_gone "${server[$1]}"
}

# server_lies N GROUP [back] - its share of the group's key becomes another one (tests/cases/spoil_share.c)
server_lies() {
	server_stop "$1"
	"$SPOIL_SHARE_BIN" "$T/s$1" "${@:2}"
	server_start "$1"
}

organisation() {
	json_of .fingerprint fsenc-server status "$T/s1" --json
}

# share_make - alice's lobby with Finance and Private, mounted at $T/mnt; the group is in Finance
share_make() {
	as alice fsenc init --lobby "$T/share"
	as alice fsenc mount "$T/share" "$T/mnt"
	mkdir "$T/mnt/Finance" "$T/mnt/Private"
	as alice fsenc protect "$T/mnt/Finance"
	as alice fsenc protect "$T/mnt/Private"
	echo plan >"$T/mnt/Finance/plan.txt"
	as alice fsenc add-group "$T/mnt/Finance" "$1"
}

# bob_mounts - the share at $T/mnt-bob, by a process that logs to $T/bob.log, which begins anew
bob_mounts() {
	as bob exec "$FSENC_BIN" mount -f "$T/share" "$T/mnt-bob" </dev/null >"$T/bob.log" 2>&1 3>&- &
	started+=("$!")
	wait_for is_mounted "$T/mnt-bob" || { cat "$T/bob.log"; return 1; }
}

bob_reads() {
	[ "$(cat "$T/mnt-bob/Finance/plan.txt" 2>/dev/null)" = plan ]
}

# after_lease COMMAND... - within a lease of a few seconds and some patience
after_lease() {
	local end=$((SECONDS + 90))
	until "$@"; do
		[ $SECONDS -lt $end ] || { echo "never came true: $*"; return 1; }
		sleep 0.1
	done
}

# -- a directory ---------------------------------------------------------------------------------

# directory_start - slapd with alice and bob, the groups finance (groupOfNames), posix (posixGroup) and outer, which
# holds finance
directory_start() {
	local name
	needs_slapd
	start_slapd
	slapd=$(cat "$T/slapd.pid")
	started+=("$slapd")
	for name in alice bob; do ldap_user "$name" "the word of $name"; done
	ldap_group finance member alice bob
	ldap_group posix memberUid alice bob
	ldap_group outer member cn=finance
}
