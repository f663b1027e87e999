# examples/company.bash - what quickstart.sh and ldap/quickstart.sh tell alike.

say() { printf '\n== %s\n' "$*"; }

# company_build DIRECTORY - packages, programs, and an empty place to play in
company_build() {
	say "installing what is missing, and building"
	tests/lib/install build run
	[ -f build/build.ninja ] || meson setup build -Dtests=disabled >/dev/null
	ninja -C build >/dev/null
	PATH=$PWD/build/cli:$PWD/build/server:$PATH
	play=$1
	if [ -e "$play" ]; then
		echo "'$play' exists already; name another directory, or end what runs there and remove it:" >&2
		echo "    [ ! -e '$play/end.sh' ] || sh '$play/end.sh'; rm -rf '$play'" >&2
		exit 1
	fi
	mkdir -p "$play/mnt" "$play/mnt-bob"
	play=$(readlink -f "$play")
	server=$play/server
	port=$(free_port)
	url=https://127.0.0.1:$port
}

free_port() {
	python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# as NAME COMMAND... - as that user, with a keyring of his own
as() {
	local home=$play/$1
	shift
	(
		export HOME=$home XDG_DATA_HOME=$home/data XDG_CONFIG_HOME=$home/config XDG_STATE_HOME=$home/state
		export XDG_RUNTIME_DIR=$home/run FSENC_PASSFILE=$home/pass
		"$@"
	)
}

# person NAME - a home, a passphrase, a keyring
person() {
	mkdir -p "$play/$1/run"
	chmod 700 "$play/$1" "$play/$1/run"
	(umask 077; head -c 18 /dev/urandom | base64 >"$play/$1/pass")
	as "$1" fsenc setup --name "$1" --quiet
}

# wait_for SECONDS COMMAND... - until it succeeds
wait_for() {
	local tries=$(($1 * 10)) errors
	shift
	until errors=$("$@" 2>&1); do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || { printf 'gave up waiting for: %s\n%s\n' "$*" "$errors" >&2; return 1; }
		sleep 0.1
	done
}

server_start() {
	fsenc-server run "$server" >>"$play/server.log" 2>&1 </dev/null &
	server_process=$!
	echo "$server_process" >"$play/server.pid"
	wait_for 20 curl -sf --cacert "$server/tls-cert.pem" "$url/readyz"
}

server_stop() {
	kill "$server_process"
	wait "$server_process" || true
}

organisation() {
	fsenc-server status "$server" --json | sed -n 's/.*"fingerprint": *"\([^"]*\)".*/\1/p'
}

is_refused() {
	! cat "$1"
}

# company_story GROUP - the walk-through from the lobby on
company_story() {
	say "alice makes a lobby on an ordinary directory, and two folders in it"
	as alice fsenc init --lobby "$play/share"
	as alice fsenc mount "$play/share" "$play/mnt"
	mkdir "$play/mnt/Finance" "$play/mnt/Private"
	as alice fsenc protect "$play/mnt/Finance"
	as alice fsenc protect "$play/mnt/Private"
	echo "the plan" >"$play/mnt/Finance/plan.txt"
	echo "my own" >"$play/mnt/Private/own.txt"

	say "she lets the group '$1' into Finance: by a key that nobody holds"
	as alice fsenc add-group "$play/mnt/Finance" "$1"
	as alice fsenc members "$play/mnt/Finance" --expand
	echo "what the share holds: $(ls "$play/share/Finance" | tr '\n' ' ')"

	say "bob reads it through the key server"
	as bob fsenc mount "$play/share" "$play/mnt-bob"
	cat "$play/mnt-bob/Finance/plan.txt"

	say "the key server stops: the group's folder is refused, what alice's own key opens is served"
	server_stop
	wait_for 30 is_refused "$play/mnt-bob/Finance/plan.txt"
	cat "$play/mnt-bob/Finance/plan.txt" || true
	getfattr --only-values -n user.fsenc.state "$play/mnt-bob/Finance" 2>/dev/null || true
	printf '\nalice: '
	cat "$play/mnt/Finance/plan.txt"

	say "the key server is back"
	server_start
	as bob fsenc sync
	cat "$play/mnt-bob/Finance/plan.txt"

	say "everything is sound"
	as alice fsenc verify "$play/share"
	as alice fsenc status
}

# company_goodbye - how to go on, and how to end it
company_goodbye() {
	cat >"$play/end.sh" <<-END
		# ends what this quickstart left running
		fusermount3 -u '$play/mnt'
		fusermount3 -u '$play/mnt-bob'
		kill $(cat "$play/server.pid")${slapd_process:+ $slapd_process}
	END
	cat <<-END

		The share is mounted at $play/mnt (alice) and $play/mnt-bob (bob); the key server runs. To use it in this shell:

		    export HOME=$play/alice XDG_DATA_HOME=$play/alice/data XDG_CONFIG_HOME=$play/alice/config
		    export XDG_STATE_HOME=$play/alice/state XDG_RUNTIME_DIR=$play/alice/run FSENC_PASSFILE=$play/alice/pass
		    PATH=$PWD/build/cli:$PWD/build/server:\$PATH
		    fsenc status
		    fsenc members $play/mnt/Finance --expand
		    fsenc-server status $server
		    fsenc-server audit $server

		To end it: sh $play/end.sh; rm -rf $play
	END
}
