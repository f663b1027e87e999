#!/usr/bin/env bats
# The oracle itself, on a plain directory: it is content with what is right, and with nothing else.
load trust

setup() {
	trust_begin
	"$ORACLE" run "$T/back" "$T/journal" "$RANDOM" &
	workload=$!
	until_true enough
	kill -TERM "$workload"
	wait "$workload"
}

# a workload that has made every kind of name
enough() {
	[ "$(ls "$T/back"/lane-*/plain-3 "$T/back"/lane-*/long-4-* "$T/back"/lane-*/dir-5-*/file | wc -l)" -ge 9 ]
}

large() {
	find "$T/back" -type f -size +9k -print -quit
}

@test "a directory that was left alone is as the journal says" {
	"$ORACLE" check "$T/back" "$T/journal"
	"$ORACLE" mark "$T/journal" "$T/marks"
	"$ORACLE" check-power "$T/back" "$T/journal" "$T/marks" "$T/marks" "$T/flux"
}

@test "one other byte, one byte less, one more, a file less, a file more: each is noticed" {
	cp -a "$T/back" "$T/before"
	printf '\2' | dd of="$(large)" bs=1 seek=5000 conv=notrunc status=none
	never "$ORACLE" check "$T/back" "$T/journal"
	for change in "truncate -s -1" "truncate -s +1" "rm"; do
		rm -r "$T/back"
		cp -a "$T/before" "$T/back"
		"$ORACLE" check "$T/back" "$T/journal"
		$change "$(large)"
		never "$ORACLE" check "$T/back" "$T/journal"
	done
	rm -r "$T/back"
	cp -a "$T/before" "$T/back"
	touch "$T/back/lane-1/another"
	never "$ORACLE" check "$T/back" "$T/journal"
}

@test "what was synced and is lost is noticed, also after a power cut" {
	"$ORACLE" mark "$T/journal" "$T/marks"
	find "$T/back" -type f -exec truncate -s 0 {} +
	never "$ORACLE" check-power "$T/back" "$T/journal" "$T/marks" "$T/marks" "$T/flux"
}
