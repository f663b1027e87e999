#!/usr/bin/env bash
# Each foreign library enters through its own doors (docs/ARCHITECTURE.md, "Doors").
set -u
cd "$1"
# header pattern <TAB> files that may include it (a shell pattern, space separated)
rows='fuse_lowlevel\.h|fuse\.h|fuse_opt\.h	fs/fuse.h
openssl/	fs/cipher.c fs/cipher_*.c fs/xaes.c fs/siv.c
sqlite3\.h	base/query_sqlite.[ch] keys/keyring*.c keys/keyring_*.h server/store_sqlite*.[ch]
gnutls/	server/tls*.c server/http.c
keyutils\.h	keys/session.c
curl/	keys/service*.c keys/service_*.h
ldap\.h|lber\.h|openldap\.h	ldap/*.c ldap/*.h
sasl/	ldap/bind.c
microhttpd\.h	server/http.c server/http_*'
bad=0
while IFS=$'\t' read -r headers doors; do
	while IFS=: read -r file _; do
		[ -n "$file" ] || continue
		open=no
		for door in $doors; do
			# shellcheck disable=SC2254  # a pattern on purpose
			case $file in $door) open=yes ;; esac
		done
		[ $open = yes ] || { echo "$file includes <$headers>, which enters through: $doors"; bad=1; }
	done < <(grep -rnE "^#include <($headers)" --include='*.[ch]' base keys ldap fs server cli 2>/dev/null)
done <<<"$rows"
exit $bad
