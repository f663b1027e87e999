#!/usr/bin/env bats
# Several key servers (product rule 7): three of one organisation, any two of which are needed.
load offline

setup() {
	needs_fuse
	T=$(readlink -f "$(mktemp -d "${TMPDIR:-/var/tmp}/fsenc-offline-XXXXXX")")
	cd "$T"
	started=() ports=() servers=()
	local n
	for n in 1 2 3; do
		ports[n]=$(free_port)
		"$FSENC_SERVER_BIN" init "$T/s$n" --name "keys$n.test" --listen "127.0.0.1:${ports[n]}" \
			$([ $n = 1 ] || echo --join "$T/s1") >"$T/init$n"
	done
	organisation=$(json_of .fingerprint "$FSENC_SERVER_BIN" status "$T/s1" --json)
	cat "$T"/s?/tls-cert.pem >"$T/authorities.pem"
	local person all=(--server "$T/s1" --server "$T/s2" --server "$T/s3")
	for person in alice bob; do
		for n in 1 2 3; do
			"$FSENC_SERVER_BIN" user add "$T/s$n" $person >"$T/$person.code$n"
		done
	done
	"$FSENC_SERVER_BIN" group add "$T/s1" finance --threshold 2 "${all[@]}" --member alice --member bob >"$T/group.out"
	"$FSENC_SERVER_BIN" policy set --server "$T/s2" --server "$T/s3" "$T/s1" lease=$LEASE retry_after=$RETRY_AFTER \
		>"$T/policy.out"
	for n in 1 2 3; do
		start_one $n
	done
	for person in alice bob; do
		ready $person
		as $person fsenc enroll "https://127.0.0.1:${ports[1]}" --code "$(cat "$T/$person.code1")" \
			--server "https://127.0.0.1:${ports[2]}" --code "$(cat "$T/$person.code2")" \
			--server "https://127.0.0.1:${ports[3]}" --code "$(cat "$T/$person.code3")" \
			--user $person --fingerprint "$organisation" --cacert "$T/authorities.pem" >"$T/$person.enroll" 2>&1 ||
			{ cat "$T/$person.enroll"; return 1; }
	done
	share_make
	mount_of bob
}

# start_one N
start_one() {
	"$FSENC_SERVER_BIN" run "$T/s$1" >>"$T/server$1.log" 2>&1 3>&- &
	servers[$1]=$!
	started+=("$!")
	S=$T/s$1 port=${ports[$1]}
	wait_for server_is_ready
}

# stop_one N
stop_one() {
	kill -TERM "${servers[$1]}"
	wait_for is_gone "${servers[$1]}"
}

# served SECONDS - without a gap
served() {
	local end=$((SECONDS + $1))
	while [ $SECONDS -le $end ]; do
		reads "$T/mnt-bob/Finance/plan.txt" plan
		sleep 0.05
	done
}

@test "rule 7: of three servers one may be gone, whichever it is, and nobody notices" {
	local n
	reads "$T/mnt-bob/Finance/plan.txt" plan
	for n in 1 2 3; do
		stop_one $n
		served $((LEASE + 2))
		# a cold client gets in as well
		as bob fsenc umount "$T/mnt-bob"
		mount_of bob
		reads "$T/mnt-bob/Finance/plan.txt" plan
		start_one $n
		served 1
	done
	never grep -q "Unable to establish" "$T/bob.log"
}

@test "rule 7: with two of three gone a group's folder is refused, and comes back with one of them" {
	reads "$T/mnt-bob/Finance/plan.txt" plan
	stop_one 1
	stop_one 3
	lease_over
	reads "$T/mnt-bob/Private/own.txt" own
	logged bob "not responding"
	start_one 3
	as bob fsenc sync
	wait_for reads "$T/mnt-bob/Finance/plan.txt" plan
}
