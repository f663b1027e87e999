#!/usr/bin/env bash
# docs/THREATS.md names tests that exist; each claim that names attacks has one of that number in each of them, and
# no attack has a number that is not claimed.
set -u
cd "$1"
bad=0
for test in $(grep -oE '`tests/[^`]*`' docs/THREATS.md | tr -d '`' | sort -u); do
	[ -e "$test" ] || { echo "docs/THREATS.md names $test, which is not there"; bad=1; }
done
claims=$(sed -n 's/^| \(T[0-9]*\) .*/\1/p' docs/THREATS.md)
[ -n "$claims" ] || { echo "no claims found in docs/THREATS.md"; exit 1; }
for claim in $claims; do
	row=$(grep "^| $claim " docs/THREATS.md)
	grep -q '`tests/' <<<"$row" || { echo "$claim names no test"; bad=1; }
	for test in $(grep -oE '`tests/attacks/[^`]*`' <<<"$row" | tr -d '`'); do
		grep -q "^@test \"$claim: " "$test" || { echo "$test has no attack on $claim"; bad=1; }
	done
done
for claim in $(grep -hoE '^@test "T[0-9]+:' tests/attacks/*.bats | grep -oE 'T[0-9]+' | sort -u); do
	grep -qx "$claim" <<<"$claims" || { echo "an attack on $claim, which docs/THREATS.md does not claim"; bad=1; }
done
for file in tests/attacks/*.bats; do
	for claim in $(grep -oE '^@test "T[0-9]+:' "$file" | grep -oE 'T[0-9]+' | sort -u); do
		grep "^| $claim " docs/THREATS.md | grep -qF "\`$file\`" || { echo "$claim does not name $file"; bad=1; }
	done
done
exit $bad
