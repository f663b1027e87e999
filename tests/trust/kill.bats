#!/usr/bin/env bats
# kill -9 in the middle of a workload, again and again: nothing that was acknowledged is lost or torn.
#
# FSENC_ROUNDS: how many kills on each kind of storage; 25, or 300 with FSENC_SLOW=1.
load trust

setup() {
	trust_begin
	rounds=${FSENC_ROUNDS:-25}
	! is_slow || rounds=${FSENC_ROUNDS:-300}
}

# kill_round NUMBER [MOUNT ARGUMENT...]
kill_round() {
	local number=$1 operations=$((RANDOM % 1500 + 1))
	shift
	mkdir "$T/mnt/round-$number"
	"$ORACLE" run "$T/mnt/round-$number" "$T/journal" "$RANDOM" "$daemon" "$operations" >"$T/run" ||
		{ echo "round $number:"; cat "$T/run"; return 1; }
	daemon_ended 137 2>/dev/null
	mount_let_go
	mount_start "$@"
	"$ORACLE" check "$T/mnt/round-$number" "$T/journal" >"$T/check" ||
		{ echo "round $number, after $operations operations:"; cat "$T/check"; return 1; }
	sound || { echo "round $number"; return 1; }
	rm -r "$T/mnt/round-$number"
}

kill_rounds() {
	local number mended
	mount_start "$@"
	for ((number = 1; number <= rounds; number++)); do
		kill_round "$number" "$@"
	done
	mount_end
	sound
	[ -z "$(find "$T/alice/run" -name '*.ring')" ]
	mended=$(grep -c 'cut off is finished' "$T/log" || true)
	echo "# $rounds kills, $mended writes finished by the next mount" >&3
}

@test "kills on tmpfs: every acknowledged byte is there, nothing is torn" {
	storage_tmpfs "$T/back" size=1g
	share_begin "$T/back"
	kill_rounds
}

@test "kills on ext4: every acknowledged byte is there, nothing is torn" {
	storage_image "$T/image" ext4 400M
	storage_attach "$T/image" "$T/back"
	share_begin "$T/back"
	kill_rounds
}

@test "kills of a mount that has the share for itself" {
	storage_tmpfs "$T/back" size=1g
	share_begin "$T/back"
	rounds=$(((rounds + 2) / 3))
	kill_rounds -o local
}

@test "without its ring a killed mount does leave torn blocks: these tests would see them" {
	is_slow || skip "takes many kills: FSENC_SLOW=1"
	storage_tmpfs "$T/back" size=1g
	share_begin "$T/back"
	local number torn=0
	for ((number = 1; number <= 100 && torn == 0; number++)); do
		mount_start
		mkdir "$T/mnt/round-$number"
		"$ORACLE" run "$T/mnt/round-$number" "$T/journal" "$RANDOM" "$daemon" "$((RANDOM % 1500 + 1))" >"$T/run"
		daemon_ended 137 2>/dev/null
		mount_let_go
		find "$T/alice/run" -name '*.ring' -delete
		mount_start
		"$ORACLE" check "$T/mnt/round-$number" "$T/journal" >"$T/check" || torn=$number
		mount_end
	done
	[ "$torn" -gt 0 ]
	echo "# the first torn block came with kill $torn" >&3
}
