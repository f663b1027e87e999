#!/usr/bin/env bash
# docs/models/check.sh - the model holds with every rule, and breaks when any one is taken out.
#
# Needs spin and a C compiler. A rule that could go without the model noticing would be a rule that nobody needs, or a
# model that sees nothing: both are failures.
set -euo pipefail
model=$(dirname "$(readlink -f "$0")")/contents.pml
work=$(mktemp -d "${TMPDIR:-/var/tmp}/fsenc-model-XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"

# errors DEFINES... - how many errors a full search finds
errors() {
	rm -f pan pan.* ./*.trail
	spin -a "$@" "$model" >spin.log 2>&1 || { cat spin.log >&2; exit 1; }
	cc -O2 -w -DSAFETY -DCOLLAPSE -DMEMLIM=8192 -o pan pan.c
	./pan -m1000000 >pan.log 2>&1
	grep -qE 'max search depth too small|out of memory|interrupted' pan.log && { cat pan.log >&2; exit 1; }
	sed -n 's/.*errors: \([0-9]*\).*/\1/p' pan.log
}

bad=0
# holds WORDS DEFINES... - no error in any order of steps
holds() {
	local words=$1 found
	shift
	found=$(errors "$@")
	[ "$found" = 0 ] && echo "holds: $words, $(sed -n 's/ *\([0-9.e+]*\) states, stored.*/\1/p' pan.log) states" && return
	echo "BROKEN: $words"
	tail -n 40 pan.log
	bad=1
}

# breaks RULE DEFINES... - an error is found without it
breaks() {
	local rule=$1 found
	shift
	found=$(errors "-D$rule" "$@")
	[ "$found" != 0 ] && echo "needed: $rule" && return
	echo "NOT NOTICED: $rule"
	bad=1
}

holds "two clients, three operations" -DCLIENTS=2 -DOPERATIONS=3
holds "three clients, two operations" -DCLIENTS=3 -DOPERATIONS=2
holds "three clients append, nothing lost" -DCLIENTS=3 -DOPERATIONS=2 -DAPPENDS_ONLY
breaks NO_OWN_LOCKS
breaks END_WITHOUT_LAST -DOPERATIONS=3
breaks STALE_SIZE -DAPPENDS_ONLY
breaks STALE_HEADER -DOPERATIONS=3
breaks KERNEL_OFFSET -DAPPENDS_ONLY
breaks NO_SECOND_READ
breaks TWO_RANGES -DOPERATIONS=4
breaks HEADER_UNLOCKED
breaks TURN_UNLOCKED -DOPERATIONS=3
breaks NEVER_TURNED
breaks OLD_SEED_LOST -DOPERATIONS=3
exit $bad
