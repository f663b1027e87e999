#!/usr/bin/env bats
# A healthy share verifies clean, whatever its users do to it. FSENC_SLOW=1: several times as long.
load ../lib/bats

setup() {
	begin
	needs_fuse
}

@test "a wild life of four users at two mounts, with kills, and not one false alarm" {
	steps=40
	[ "${FSENC_SLOW:-0}" = 1 ] && steps=400
	FSENC_BIN=$FSENC_BIN python3 -B "$BATS_TEST_DIRNAME/healthy.py" "$T" $steps "${SEED:-}"
}
