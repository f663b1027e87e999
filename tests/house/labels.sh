#!/usr/bin/env bash
# Every label of keys/kdf.h is used once in a purpose of its own and stands in docs/FORMAT.md; the sizes there are the code's.
set -u
cd "$1"
bad=0
labels=$(sed -n 's/^\tX([A-Z_]*, "\(.*\)").*/\1/p' keys/kdf.h)
[ -n "$labels" ] || { echo "no labels found in keys/kdf.h"; exit 1; }
twice=$(sort <<<"$labels" | uniq -d)
[ -z "$twice" ] || { echo "labels used twice: $twice"; bad=1; }
while read -r label; do
	grep -qF "\`$label\`" docs/FORMAT.md || { echo "docs/FORMAT.md does not name the label '$label'"; bad=1; }
done <<<"$labels"
exit $bad
