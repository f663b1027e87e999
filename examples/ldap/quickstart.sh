#!/usr/bin/env bash
# examples/ldap/quickstart.sh [DIRECTORY] - the company's walk-through with people and groups from an LDAP directory.
#
# As examples/quickstart.sh, but alice, bob and the group finance lie in an OpenLDAP server that this script starts on
# a free port of 127.0.0.1 (examples/ldap/people.ldif). Users enrol with their passwords of the directory.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
. examples/company.bash
PATH=$PATH:/usr/sbin

company_build "${1:-$HOME/fsenc-quickstart-ldap}"
tests/lib/install ldap

say "an LDAP directory with alice, bob and finance"
lp=$(free_port)
mkdir -p "$play/ldap/db"
sed "s|@PLAY@|$play|g" examples/ldap/slapd.conf >"$play/ldap/slapd.conf"
slapadd -q -f "$play/ldap/slapd.conf" -l examples/ldap/people.ldif
slapd -d 0 -f "$play/ldap/slapd.conf" -h "ldap://127.0.0.1:$lp" >"$play/ldap/log" 2>&1 </dev/null &
slapd_process=$!
wait_for 20 ldapsearch -x -H "ldap://127.0.0.1:$lp" -b dc=example,dc=com -s base

say "the key server asks it; plain LDAP is allowed here, as it is on this machine only"
(umask 077; printf 'reads' >"$play/bind")
fsenc-server init "$server" --name keys.test --listen "127.0.0.1:$port" --ldap-uri "ldap://127.0.0.1:$lp" \
	--ldap-search-base dc=example,dc=com --ldap-bind-dn cn=reader,dc=example,dc=com \
	--ldap-bind-password-file "$play/bind" --allow-plaintext
fsenc-server policy set "$server" lease=10 retry_after=60
server_start

say "alice and bob enrol with their passwords of the directory; the group finance gets a key"
for user in alice bob; do
	person "$user"
	(umask 077; echo "the word of $user" >"$play/$user/word")
	as "$user" fsenc enroll "$url" --user "$user" --ldap-password-file "$play/$user/word" \
		--fingerprint "$(organisation)" --cacert "$server/tls-cert.pem"
done
fsenc-server group add "$server" finance --ldap-group cn=finance,ou=groups,dc=example,dc=com

company_story finance
company_goodbye
