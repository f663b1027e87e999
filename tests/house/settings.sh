#!/usr/bin/env bash
# Every key of section [ldap] stands in fsenc.conf(5), and the manual promises no other.
set -u
cd "$1"
bad=0
keys=$(sed -n 's/^\tX(\([a-z0-9_]*\), [A-Z]*, .*/\1/p' ldap/settings.c)
[ "$(wc -w <<<"$keys")" -gt 20 ] || { echo "no keys found in ldap/settings.c"; exit 1; }
manual=$(sed -n '/^# THE DIRECTORY: SECTION LDAP/,/^# EXAMPLES/p' docs/man/fsenc.conf.5.scd)
while read -r key; do
	grep -qE "(^|, )\*$key\*" <<<"$manual" || { echo "fsenc.conf(5) does not have $key"; bad=1; }
done <<<"$keys"
while read -r key; do
	grep -qx "$key" <<<"$keys" || { echo "fsenc.conf(5) has $key, ldap/settings.c does not"; bad=1; }
done < <(grep -E '^\*[a-z]' <<<"$manual" | grep -oE '\*[a-z0-9_]+\*( =|,)' | grep -oE '[a-z0-9_]+' )
exit $bad
