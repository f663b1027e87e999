# The unit in examples/systemd: systemd takes it, and the server needs nothing that it forbids.
load server

unit=$BATS_TEST_DIRNAME/../../examples/systemd/fsenc-server.service

setup() {
	command -v systemd-analyze >/dev/null || skip "no systemd-analyze here"
	begin
}

@test "systemd understands every line of the unit" {
	sed "s|^ExecStart=.*|ExecStart=$FSENC_SERVER_BIN run $S|; s|^Documentation=.*||" "$unit" >"$T/fsenc-server.service"
	systemd-analyze verify "$T/fsenc-server.service" >"$T/words" 2>&1
	if grep -v 'not a directory\|Failed to \(connect\|prepare\)' "$T/words" | grep fsenc-server; then return 1; fi
	systemd-analyze security --offline=true --threshold=20 "$T/fsenc-server.service" >"$T/words"
}

# allowed - the system calls of the groups that the unit names
allowed() {
	local groups=("$@") seen=" " group name
	while [ ${#groups[@]} -gt 0 ]; do
		group=${groups[0]}
		groups=("${groups[@]:1}")
		[[ $seen != *" $group "* ]] || continue
		seen+="$group "
		while read -r name; do
			case $name in
			'' | '#'* | "$group") ;;
			@*) groups+=("$name") ;;
			*) echo "$name" ;;
			esac
		done < <(systemd-analyze syscall-filter "$group")
	done | sort -u
}

@test "the server makes no system call that the unit forbids" {
	command -v strace >/dev/null || skip "no strace here"
	[ -z "${ASAN_OPTIONS:-}" ] || skip "a sanitizer makes calls of its own, and is no server's"
	grep -q '^SystemCallFilter=@system-service$' "$unit"
	start strace -f -qq -o "$T/trace"
	enrol alice "$alice_code"
	answers 200 alice POST /v1/unlock unlock:finance:2
	server=$(pgrep -P "$pid")
	kill -HUP "$server"
	wait_for grep -q "were read again" "$T/log"
	kill -TERM "$server"
	wait "$pid"
	pid=
	sed -nE 's/^[0-9]+ +([a-z0-9_]+)\(.*/\1/p' "$T/trace" | sort -u >"$T/made"
	[ "$(wc -l <"$T/made")" -gt 30 ]
	allowed @system-service >"$T/allowed"
	comm -23 "$T/made" "$T/allowed" >"$T/more"
	if [ -s "$T/more" ]; then cat "$T/more"; return 1; fi
	allowed @privileged >"$T/privileged"
	# sqlite gives its files away when it runs as root, which the unit's user is not
	[ "$(id -u)" -ne 0 ] || sed -i '/^fchown$/d' "$T/made"
	comm -12 "$T/made" "$T/privileged" >"$T/more"
	if [ -s "$T/more" ]; then cat "$T/more"; return 1; fi
}
