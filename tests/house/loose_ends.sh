#!/usr/bin/env bash
# Nothing is left to be done later in the code, and no module is called by a name that says nothing.
set -u
cd "$1"
bad=0
if grep -rnE '\b(TODO|FIXME|XXX|HACK)\b' --include='*.[ch]' --include='*.sh' --include='*.md' --include='meson.build' . |
	grep -v '^./tests/house/loose_ends.sh:' | grep -v '^./build'; then bad=1; fi
if find base keys ldap fs server cli -name '*util*' -o -name '*common*' -o -name '*helper*' -o -name '*misc*' \
	-o -name '*manager*' 2>/dev/null | grep .; then bad=1; fi
while read -r source; do
	case $source in
	cli/*|server/main.c) continue ;;
	esac
	[ -f "${source%.c}.h" ] || grep -qE '^#include "[a-z]+/[a-z_]+\.h"' "$source" || { echo "$source: a .c without a header"; bad=1; }
done < <(find base keys ldap fs server -name '*.c')
exit $bad
