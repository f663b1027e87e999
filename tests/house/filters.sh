#!/usr/bin/env bash
# A search filter is put together in ldap/filter.c and nowhere else, so that no value gets into one without being escaped;
# and no DN is put together at all: they come whole, from the directory or the administrator.
set -u
cd "$1"
bad=0
texts=$(grep -rnoP '"(?:[^"\\]|\\.)*"' --include='*.[ch]' ldap server cli 2>/dev/null)
[ "$(wc -l <<<"$texts")" -gt 500 ] || { echo "hardly any texts found: this test looks in the wrong place"; exit 1; }
# Comments show filters; code does not.
comments='^[^:]+:[0-9]+:\s*(\*|/\*)'

# A text that looks like a filter or a part of one: "(&", "(|", "(!(", "(name=", or a format "=%s)".
found=$(grep -E ':"[^"]*(\(&|\(\||\(!\(|\([A-Za-z][A-Za-z0-9;.-]*=|=%[.*0-9]*s\))' <<<"$texts" | grep -v '^ldap/filter\.[ch]:')
while IFS=: read -r file line text; do
	[ -n "$file" ] || continue
	sed -n "${line}p" "$file" | grep -qE '^\s*(\*|/\*)' && continue
	echo "$file:$line: a filter outside ldap/filter.c: $text"
	bad=1
done <<<"$found"

# A DN from a format: "uid=%s,...".
found=$(grep -E ':"[^"]*\b(uid|cn|ou|dc|CN|UID)=%' <<<"$texts")
[ -z "$found" ] || { echo "a DN out of parts:"; echo "$found"; bad=1; }

# libldap escapes in one place, and is given filters in one place.
found=$(grep -rnE '\b(ldap_bv2escaped_filter_value|ldap_put_vrFilter)\b' --include='*.[ch]' ldap server cli | grep -v '^ldap/filter\.c:' |
	grep -vE "$comments")
[ -z "$found" ] || { echo "ldap/filter.c is the door:"; echo "$found"; bad=1; }
[ "$(grep -rlE '\bldap_search_ext(_s)?\(|\bldap_search_st?\(' --include='*.c' ldap server cli)" = ldap/search.c ] ||
	{ echo "searches are sent elsewhere than in ldap/search.c"; bad=1; }
grep -q 'ldap_bv2escaped_filter_value(' ldap/filter.c || { echo "ldap/filter.c does not escape"; bad=1; }
exit $bad
