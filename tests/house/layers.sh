#!/usr/bin/env bash
# A layer includes only what stands before it: base <- keys <- ldap, fs <- server, cli.
set -u
cd "$1"
declare -A below=(
	[base]="base"
	[keys]="base keys"
	[ldap]="base keys ldap"
	[fs]="base keys fs"
	[server]="base keys ldap server"
	[cli]="base keys fs cli"
)
bad=0 seen=0
for layer in "${!below[@]}"; do
	while IFS=: read -r file line text; do
		[ -n "$file" ] || continue
		seen=$((seen + 1))
		included=${text#*\"}
		included=${included%%/*}
		case " ${below[$layer]} " in
		*" $included "*) ;;
		*) echo "$file:$line: layer '$layer' may not include '$included': $text"; bad=1 ;;
		esac
	done < <(grep -rnE '^#include "' --include='*.[ch]' "$layer" 2>/dev/null)
done
[ "$seen" -gt 50 ] || { echo "only $seen includes found: this test looks in the wrong place"; exit 1; }
exit $bad
