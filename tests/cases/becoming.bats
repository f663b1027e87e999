#!/usr/bin/env bats
# A directory becomes a folder while another client works in it, and whoever makes it one is killed at any moment: no name and no
# byte is lost, and the next one to come by finishes it. FSENC_SLOW=1: many more times.
load ../lib/bats

setup() {
	begin
	needs_fuse
	rounds=10
	[ "${FSENC_SLOW:-0}" != 1 ] || rounds=150
}

@test "a directory of a folder becomes one, with kills, while another client makes things in it" {
	FSENC_BIN=$FSENC_BIN python3 -B "$BATS_TEST_DIRNAME/becoming.py" "$T" $rounds folder "${SEED:-}"
}

@test "a directory of a lobby becomes a folder, with kills, while another client makes things in it" {
	FSENC_BIN=$FSENC_BIN python3 -B "$BATS_TEST_DIRNAME/becoming.py" "$T" $rounds lobby "${SEED:-}"
}
