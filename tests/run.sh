#!/usr/bin/env bash
# tests/run.sh [--sanitizers] [--slow] [--build DIR] - installs what the tests need, builds, runs every test.
#
# The last line is "N passed, N failed, N skipped". --sanitizers adds the unit tests with clang and under the
# address, undefined behaviour and thread sanitizers; --slow all tests under them, valgrind, the fuzz targets, the
# models and the long crash tests, for hours. A skip always says why.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."

slow=no
sanitizers=no
build=build
while [ $# -gt 0 ]; do
	case $1 in
	--sanitizers) sanitizers=yes ;;
	--slow) slow=yes sanitizers=yes ;;
	--build) build=$2; shift ;;
	*) echo "usage: tests/run.sh [--sanitizers] [--slow] [--build DIR]" >&2; exit 2 ;;
	esac
	shift
done

tests/lib/install build run test
[ "$sanitizers" = no ] || tests/lib/install slow

passed=0 failed=0 skipped=0

# Adds up what a meson test log (JSON lines) says of one build directory.
count() {
	local log=$1
	passed=$((passed + $(jq -s '[.[] | select(.result == "OK")] | length' "$log")))
	skipped=$((skipped + $(jq -s '[.[] | select(.result == "SKIP")] | length' "$log")))
	failed=$((failed + $(jq -s '[.[] | select(.result != "OK" and .result != "SKIP")] | length' "$log")))
	jq -r 'select(.result == "SKIP") | "skipped: \(.name)\n" + (.stdout // "" | split("\n") | map("    " + .) | join("\n"))' "$log"
	jq -r 'select(.result != "OK" and .result != "SKIP") | "FAILED: \(.name) (\(.result))\n\(.stdout // "")\n\(.stderr // "")"' "$log" |
		tail -n 200
}

# run NAME BUILD_DIR SETUP_ARGUMENTS -- TEST_ARGUMENTS
run() {
	local name=$1 directory=$2
	shift 2
	local setup=()
	while [ "$1" != -- ]; do setup+=("$1"); shift; done
	shift
	echo "== $name"
	if [ ! -f "$directory/build.ninja" ]; then meson setup "$directory" "${setup[@]}" >"$directory.log" 2>&1 || {
		cat "$directory.log"; failed=$((failed + 1)); return; }
	fi
	ninja -C "$directory" >"$directory.log" 2>&1 || { tail -n 100 "$directory.log"; failed=$((failed + 1)); return; }
	if grep -q 'warning:' "$directory.log"; then
		grep 'warning:' "$directory.log"
		echo "FAILED: $name builds with warnings"
		failed=$((failed + 1))
	fi
	meson test -C "$directory" --no-rebuild --print-errorlogs "$@" >"$directory.test.log" 2>&1 || true
	grep -E '^ *[0-9]+/[0-9]+' "$directory.test.log" || true
	count "$(ls -t "$directory"/meson-logs/testlog*.json | head -n 1)" # a setup has its name in it
}

run "the default build" "$build" -Dtests=enabled -- --timeout-multiplier 4 # machines are slow in their own ways
suites=(--suite unit)
[ "$slow" = no ] || suites=()
if [ "$sanitizers" = yes ]; then
	run "clang" "$build-clang" --native-file tests/lib/clang.ini -Dtests=enabled -- --suite unit
	run "address and undefined behaviour" "$build-asan" -Dtests=enabled -Db_sanitize=address,undefined \
		-Db_lundef=false -- --setup sanitizer "${suites[@]}"
	run "threads" "$build-tsan" -Dtests=enabled -Db_sanitize=thread -Db_lundef=false -- --setup sanitizer "${suites[@]}"
fi
if [ "$slow" = yes ]; then
	run "models and long stories" "$build" -- --setup slow --suite slow
	run "valgrind" "$build" -- --setup valgrind --suite unit
	run "fuzz targets, a minute each" "$build-fuzz" --native-file tests/lib/clang.ini -Dtests=enabled -Dfuzz=true \
		-Db_sanitize=address,undefined -Db_lundef=false -- --suite fuzz
fi

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
