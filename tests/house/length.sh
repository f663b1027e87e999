#!/usr/bin/env bash
# No file over 500 lines, no function over 80, no line over 120 columns (tabs count 8).
set -u
cd "$1"
bad=0 functions=0
while read -r file; do
	lines=$(wc -l <"$file")
	[ "$lines" -le 500 ] || { echo "$file: $lines lines"; bad=1; }
	long=$(expand "$file" | awk 'length > 120 { print NR; exit }')
	[ -z "$long" ] || { echo "$file:$long: a line of over 120 columns"; bad=1; }
	found=$(awk -v file="$file" '
		/^\{/ { start = NR }
		/^\}/ && start { print NR - start - 1, file ":" start; start = 0 }' "$file")
	[ -n "$found" ] || continue
	functions=$((functions + $(wc -l <<<"$found")))
	over=$(awk '$1 > 80' <<<"$found")
	[ -z "$over" ] || { echo "a function of over 80 lines: $over"; bad=1; }
done < <(find base keys ldap fs server cli -name '*.[ch]' 2>/dev/null)
[ "$functions" -gt 100 ] || { echo "only $functions functions found: this test looks in the wrong place"; exit 1; }
exit $bad
