#!/usr/bin/env bats
# What an administrator does at the terminal of a key server.
load ../lib/bats
load ../lib/key_servers
load ../lib/slapd

setup() {
	begin
}

# group_of DIR NAME FILTER
group_of() {
	server group list "$1" --json | jq -er ".groups[] | select(.name == \"$2\") | $3"
}

user_of() {
	server user list "$1" --json | jq -er ".users[] | select(.name == \"$2\") | $3"
}

# -- the command line ---------------------------------------------------------------------------

@test "help names every command, each has help of its own, and the table is complete" {
	server help --table >table
	server --help >help
	while IFS=$'\t' read -r kind name arguments words; do
		[ "$kind" = command ] || continue
		grep -qF "$words" help
		# shellcheck disable=SC2086  # two words on purpose
		server help $name >one
		grep -qF "usage: fsenc-server $name" one
		# shellcheck disable=SC2086
		server $name --help >other
		cmp one other
		[ -z "$arguments" ] || grep -qF -- "$arguments" one
	done <table
	[ "$(grep -c '^command' table)" -ge 25 ]
	[ "$(cut -f1 table | sort -u | tr '\n' ' ')" = "command environment exit option " ]
}

@test "every command, option, exit status and variable of the table stands in the manual with the same words" {
	server help --table >table
	tr '\n' ' ' <"$root/docs/man/fsenc-server.8.scd" | sed 's/[_*\\]//g; s/[[:space:]]\+/ /g' >manual
	while IFS= read -r line; do
		words=${line##*$'\t'}
		words=$(sed 's/[_*\\]//g' <<<"$words")
		grep -qF -- "$words" manual || { echo "not in the manual: $line"; false; }
	done <table
}

@test "every key of the configuration stands in its manual" {
	# the readers' own tables, as their sources have them
	sed -n '/^static const char \*const keys/,/^};/p' "$root/server/config.c" | grep -oE '"[a-z_]+"' | tr -d '"' >keys
	sed -n '/^#define KEY_LIST/,/^$/s/^\tX(\([a-z0-9_]*\),.*/\1/p' "$root/ldap/settings.c" >>keys
	[ "$(wc -l <keys)" -ge 40 ]
	while read -r key; do
		sed 's/\\//g' "$root/docs/man/fsenc.conf.5.scd" | grep -qF "*$key*" || { echo "not in fsenc.conf(5): $key"; false; }
	done <keys
}

@test "a mistyped command or option is 2 and names the nearest one" {
	fails 2 server stauts
	says "did you mean 'status'?"
	fails 2 server group rotat
	says "did you mean 'group rotate'?"
	fails 2 server user
	fails 2 server
	fails 2 server status
	fails 2 server init x --nmae y
	says "did you mean '--name'?"
}

@test "completion gives words" {
	server completion bash >completion
	# shellcheck disable=SC1091
	source ./completion
	COMP_WORDS=(fsenc-server group '') COMP_CWORD=2
	_fsenc_server
	[[ " ${COMPREPLY[*]} " == *" rotate "* ]]
}

# -- init ----------------------------------------------------------------------------------------

@test "init makes a server that others cannot look into, and prints the organisation's fingerprint" {
	server init S --name keys.test --listen 127.0.0.1:1 >fingerprint 2>words
	[ "$(wc -l <fingerprint)" = 1 ]
	[ "$(server status S --json | jq -r '.fingerprint')" = "$(cat fingerprint)" ]
	[ "$(server status S --json | jq -r '[.schema, .name, .listen, .directory, .ready] | join(" ")')" = \
		"1 keys.test 127.0.0.1:1 builtin false" ]
	[ "$(stat -c %a S)" = 700 ]
	for file in S/store.db S/master.key S/tls-key.pem S/fsenc-server.conf; do
		[ "$(stat -c %a $file)" = 600 ]
	done
	openssl x509 -in S/tls-cert.pem -noout -checkip 127.0.0.1 | grep -q 'does match'
	openssl x509 -in S/tls-cert.pem -noout -checkhost keys.test | grep -q 'does match'
	openssl x509 -in S/tls-cert.pem -noout -checkhost other.test | grep -q 'NOT match'
	openssl verify -CAfile S/tls-cert.pem S/tls-cert.pem
}

@test "init never touches what is there, and leaves nothing behind when it fails" {
	mkdir full && touch full/file
	fails 1 server init full --name keys.test
	says "not empty"
	fails 2 server init S
	says "--name"
	fails 2 server init S --name keys.test --tls-cert cert.pem
	fails 2 server init S --name 'a/b'
	fails 23 server init S --name keys.test --ldap-uri 'nonsense://x' --ldap-search-base dc=x
	fails 23 server init S --name keys.test --listen nonsense
	fails 1 server init S --name keys.test --join nowhere
	[ "$(ls)" = full ]
	mkdir empty
	server init empty --name keys.test --quiet >/dev/null
	fails 1 server init empty --name keys.test
	server status empty >/dev/null
}

@test "the root key may be kept in a file of its own, and is then asked for" {
	make_server S --root-key "$T/root.key"
	[ "$(stat -c %a root.key)" = 600 ]
	fails 1 server group add "$S" finance
	says "root key"
	fails 1 server policy set "$S" lease=5
	server group add "$S" finance --root-key root.key
	server policy set "$S" lease=5 --root-key root.key
	make_server other --root-key "$T/other.key"
	fails 21 server policy set "$S" lease=6 --root-key other.key
	says "another organisation"
	chmod 644 root.key
	fails 23 server policy set "$S" lease=6 --root-key root.key
	says "chmod 600"
	chmod 600 root.key
	make_server S2 --join "$S" --root-key "$T/root.key"
	[ "$(server status "$S" --json | jq -c .servers)" = '["S.test","S2.test"]' ]
	never grep -qaF "$(sed -n 3p root.key)" "$S/store.db"
}

@test "the master key may come from systemd" {
	mkdir credentials
	head -c 32 /dev/urandom | basenc --base64url -w0 | tr -d = >credentials/fsenc-server.master
	export CREDENTIALS_DIRECTORY=$T/credentials
	make_server S
	[ ! -e "$S/master.key" ]
	server status "$S" >/dev/null
	unset CREDENTIALS_DIRECTORY
	fails 23 server status "$S"
	says "fsenc-server.master"
}

@test "another master key opens nothing" {
	make_server S
	make_server other
	cp "$other/master.key" "$S/master.key"
	fails 26 server status "$S"
	says "master key"
}

@test "a mistake in the configuration is told with its line and the nearest key" {
	make_server S
	sed -i 's/^listen/lisen/' "$S/fsenc-server.conf"
	fails 23 server status "$S"
	says "fsenc-server.conf:"
	says "listen"
	sed -i 's/^lisen/listen/; s/^organisation = ./&x/' "$S/fsenc-server.conf"
	fails 23 server status "$S"
	echo 'threads = 1000000' >>"$S/fsenc-server.conf"
	fails 23 server status "$S"
}

@test "another organisation's fingerprint in the configuration is noticed" {
	make_server S
	make_server other
	sed -i "s/^organisation = .*/organisation = $(cat other.fingerprint)/" "$S/fsenc-server.conf"
	fails 21 server status "$S"
}

# -- status of a running server ---------------------------------------------------------------------

@test "status says whether the server answers, and commands work while it does" {
	make_server S
	[ "$(server status "$S" --json | jq .ready)" = false ]
	start_server "$S"
	[ "$(server status "$S" --json | jq .ready)" = true ]
	server user add "$S" alice >/dev/null
	server group add "$S" finance --member alice
	server group remove-member "$S" finance alice
	server status "$S" --directory | grep -q '1 users, 1 groups'
	[ "$(server status "$S" --directory --user alice --json | jq -r '.steps[1].step')" = user ]
	fails 1 server status "$S" --directory --user nobody
	curl -sS --cacert "$S/tls-cert.pem" "https://$(server status "$S" --json | jq -r .listen)/v1/organisation" >answer
	jq -e .organisation answer >/dev/null
	stop_server "$S"
	[ "$(server status "$S" --json | jq .ready)" = false ]
	server audit "$S" --verify >/dev/null
}

# -- users ---------------------------------------------------------------------------------------------

@test "user add prints a one-time code, alone" {
	make_server S
	server user add "$S" alice >code
	[ "$(wc -l <code)" = 1 ]
	grep -qE '^([0-9A-HJKMNP-TV-Z]{5}-){7}[0-9A-HJKMNP-TV-Z]{5}$' code
	never grep -qaF "$(cat code)" "$S/store.db"
	server user add "$S" alice >again # the first one is lost
	never cmp -s code again
	[ "$(user_of "$S" alice '[.enabled, .enrolled] | join(" ")')" = "true false" ]
	fails 1 server user code "$S" nobody
	fails 2 server user add "$S" 'bad/name'
}

@test "a user is disabled and enabled, and a key that is not there cannot be revoked" {
	make_server S
	server user add "$S" alice >/dev/null
	server user disable "$S" alice
	[ "$(user_of "$S" alice .enabled)" = false ]
	server user enable "$S" alice
	[ "$(user_of "$S" alice .enabled)" = true ]
	fails 1 server user revoke-key "$S" alice
	fails 1 server user disable "$S" nobody
}

# enroll NAME CODE [USER] - NAME's keyring joins as USER
enroll() {
	as "$1" fsenc enroll "https://$(server status "$S" --json | jq -r .listen)" --user "${3:-$1}" --code "$2" \
		--fingerprint "$(cat S.fingerprint)" --cacert "$S/tls-cert.pem"
}

# believed NAME / refused NAME REASON - what the server says to its key and account
believed() {
	as "$1" run --separate-stderr fsenc sync
	[ "$status" = 0 ] && [[ $stderr != *Warning* ]]
}

refused() {
	as "$1" run --separate-stderr fsenc sync
	says "$2"
}

@test "a code works once, and a key that was enrolled has a place in the list" {
	make_server S
	start_server "$S"
	ready alice
	ready mallory
	code=$(server user add "$S" alice)
	enroll alice "$code" >/dev/null
	[ "$(user_of "$S" alice .fingerprint)" = "$(fingerprint alice)" ]
	never enroll mallory "$code" alice 2>/dev/null
	fails 1 server user add "$S" alice
	says "key already"
	believed alice
}

@test "a further key waits for an administrator, and for the delay" {
	make_server S
	server policy set "$S" approve_delay=0
	start_server "$S"
	ready alice
	ready laptop
	enroll alice "$(server user add "$S" alice)" >/dev/null
	code=$(server user code "$S" alice)
	never enroll laptop "$code" alice 2>/dev/null
	[ "$(user_of "$S" alice .fingerprint)" = "$(fingerprint alice)" ]
	[ "$(server approve "$S" --json | jq -r '.approvals[0] | [.user, .fingerprint, .approved] | join(" ")')" = \
		"alice $(fingerprint laptop) 0" ]
	fails 1 server approve "$S" alice "$(fingerprint alice)" # not the one that waits
	server approve "$S" alice "$(fingerprint laptop)"
	[ "$(server status "$S" --json | jq .waiting)" = 0 ]
	enroll laptop "$code" alice >/dev/null # the code was not used up
	[ "$(user_of "$S" alice .fingerprint)" = "$(fingerprint laptop)" ]
	believed laptop
	refused alice unknown-key # it was replaced
}

@test "a revoked key and a disabled account are refused by the running server at once" {
	make_server S
	start_server "$S"
	ready alice
	ready bob
	enroll alice "$(server user add "$S" alice)" >/dev/null
	enroll bob "$(server user add "$S" bob)" >/dev/null
	believed alice
	server user revoke-key "$S" alice
	refused alice revoked
	[ "$(user_of "$S" alice .enrolled)" = false ]
	believed bob
	server user disable "$S" bob
	refused bob disabled
	server user enable "$S" bob
	believed bob
	grep -q 'audit: enroll granted' "$S.log"
}

# -- groups ----------------------------------------------------------------------------------------------

@test "groups have members, directly and through other groups" {
	make_server S
	for name in alice bob; do server user add "$S" $name >/dev/null; done
	server group add "$S" auditors --member bob
	server group add "$S" finance --member alice --member auditors
	[ "$(server group members "$S" finance --json | jq -r '[.members[].path] | join(";")')" = \
		"alice < finance;bob < auditors < finance" ]
	server group remove-member "$S" auditors bob
	[ "$(server group members "$S" finance --json | jq '.members | length')" = 1 ]
	fails 1 server group remove-member "$S" auditors bob
	fails 1 server group add-member "$S" finance nobody
	fails 1 server group add-member "$S" nothing alice
	server group add-member "$S" auditors finance # a cycle
	[ "$(server group members "$S" finance --json | jq '.members | length')" = 1 ]
	fails 1 server group add "$S" finance
	says "already"
}

@test "a group is removed only with --yes, and one that gets its name is another one" {
	make_server S
	server group add "$S" finance --member alice 2>/dev/null
	server group add "$S" staff --member finance
	old=$(group_of "$S" finance .id)
	fails 2 server group remove "$S" finance
	says "--yes"
	server group remove "$S" finance --yes
	fails 1 server group remove "$S" finance --yes
	[ "$(server group members "$S" staff --json | jq '.members | length')" = 0 ]
	server group add "$S" finance
	[ "$(group_of "$S" finance .id)" != "$old" ]
	[ "$(server group members "$S" finance --json | jq '.members | length')" = 0 ]
}

@test "a member who is not known yet becomes known, with a warning and without a code" {
	make_server S
	run --separate-stderr server group add "$S" finance --member alice
	[ "$status" = 0 ]
	says "Warning"
	[ "$(user_of "$S" alice .enrolled)" = false ]
	server user add "$S" alice >code
	[ -s code ]
}

@test "changes of several members are made together or not at all" {
	make_server S
	server user add "$S" alice >/dev/null
	server group add "$S" finance
	fails 1 server group add-member "$S" finance alice nobody
	[ "$(server group members "$S" finance --json | jq '.members | length')" = 0 ]
}

# -- several servers -----------------------------------------------------------------------------------------

three_servers() {
	make_server S1
	make_server S2 --join "$S1"
	make_server S3 --join "$S1"
	all=(--server "$S1" --server "$S2" --server "$S3")
}

@test "three servers of one organisation share a key, two of them enough" {
	three_servers
	[ "$(cat S1.fingerprint S2.fingerprint S3.fingerprint | sort -u | wc -l)" = 1 ]
	server user add "$S1" alice --server "$S2" --server "$S3" >codes
	[ "$(sort -u codes | wc -l)" = 3 ]
	server group add "$S1" board --threshold 2 "${all[@]}" --member alice
	for dir in "$S1" "$S2" "$S3"; do
		[ "$(group_of "$dir" board '[.threshold, .holders, .epoch, .share_here] | join(" ")')" = "2 3 1 true" ]
		[ "$(server group members "$dir" board --json | jq -r '.members[0].name')" = alice ]
	done
	[ "$(for dir in "$S1" "$S2" "$S3"; do group_of "$dir" board .id; done | sort -u | wc -l)" = 1 ]
	# whoever got the parcel last knows all servers
	[ "$(server status "$S2" --json | jq '.servers | length')" = 3 ]
	fails 2 server group add "$S1" other "${all[@]}"
	says "--threshold"
	fails 2 server group add "$S1" other --threshold 4 "${all[@]}"
}

@test "accounts made on each server by itself are the same accounts" {
	three_servers
	server user add "$S1" alice >/dev/null
	server user add "$S2" alice >/dev/null
	[ "$(user_of "$S1" alice .id)" = "$(user_of "$S2" alice .id)" ]
}

@test "a server that did not get a change is named, and the others keep it" {
	three_servers
	server user add "$S1" alice --server "$S2" --server "$S3" >/dev/null
	server user add "$S2" bob >/dev/null
	fails 3 server user disable "$S1" bob --server "$S2" --server "$S3"
	says "'S1.test'"
	says "'S3.test'"
	says "1 of 3"
	[ "$(user_of "$S2" bob .enabled)" = false ]
	mv "$S3" "$S3.gone"
	fails 1 server user disable "$S1" alice --server "$S2" --server "$S3"
	[ "$(user_of "$S1" alice .enabled)" = true ] # nothing was changed: the name was wrong
	make_server other
	fails 21 server user disable "$S1" alice --server "$other"
	says "another organisation"
}

@test "refreshed shares are of another epoch, and old ones do not come back" {
	three_servers
	server group add "$S1" board --threshold 2 "${all[@]}"
	cp "$S3/store.db" old.db
	server group rotate "$S1" board "${all[@]}"
	for dir in "$S1" "$S2" "$S3"; do
		[ "$(group_of "$dir" board '[.epoch, .version, .share_here] | join(" ")')" = "2 2 true" ]
	done
	# a server that is not on this machine gets a file, and needs its old share to use it
	mkdir out
	fails 2 server group rotate "$S1" board --server "$S2"
	says "--parcels"
	[ "$(group_of "$S2" board .epoch)" = 2 ] # nobody got anything
	server group rotate "$S1" board --server "$S2" --parcels out
	[ "$(ls out)" = board.S3.test.parcel ]
	server import "$S3" out/board.S3.test.parcel
	[ "$(group_of "$S3" board .epoch)" = 3 ]
	server import "$S3" out/board.S3.test.parcel # twice is once
	cp old.db "$S3/store.db" && rm -f "$S3"/store.db-*
	fails 26 server import "$S3" out/board.S3.test.parcel # an epoch was missed
}

@test "a key is dealt anew to other servers, and one that leaves keeps nothing" {
	three_servers
	server group add "$S1" board --threshold 2 --server "$S1" --server "$S2"
	fails 25 server group rotate "$S1" board --reshare --threshold 2 --server "$S1" --server "$S3"
	says "2 to deal"
	server group rotate "$S1" board --reshare --threshold 2 --server "$S1" --server "$S3" --leaving "$S2"
	[ "$(group_of "$S3" board '[.threshold, .holders, .epoch, .share_here] | join(" ")')" = "2 2 2 true" ]
	[ "$(group_of "$S1" board .share_here)" = true ]
	[ "$(group_of "$S2" board .share_here)" = false ]
	server group rotate "$S1" board --reshare --threshold 2 "${all[@]}"
	for dir in "$S1" "$S2" "$S3"; do
		[ "$(group_of "$dir" board '[.threshold, .holders, .epoch, .share_here] | join(" ")')" = "2 3 3 true" ]
	done
}

@test "a parcel is for one server, and nothing in it can be changed" {
	three_servers
	mkdir out
	server group add "$S1" board --threshold 2 --server "$S1" --server S2.test --parcels out
	fails 26 server import "$S3" out/board.S2.test.parcel
	[ "$(stat -c %a out/board.S2.test.parcel)" = 600 ]
	for change in 's/"index":2/"index":1/' 's/\("share":"\)./\1_/' 's/\("payload":"\)./\1_/'; do
		sed "$change" out/board.S2.test.parcel >changed
		never cmp -s changed out/board.S2.test.parcel
		fails 26 server import "$S2" changed
	done
	make_server other
	fails 21 server import "$other" out/board.S2.test.parcel
	fails 1 server import "$S2" nothing.parcel
	server import "$S2" out/board.S2.test.parcel
	[ "$(group_of "$S2" board .share_here)" = true ]
	server user add "$S2" alice >/dev/null
	server group add-member "$S2" board alice
}

@test "a lost server is replaced: its shares are dealt to others, then it is taken out" {
	three_servers
	server group add "$S1" board --threshold 2 "${all[@]}"
	rm -r "$S3"
	make_server S4 --join "$S1"
	fails 1 server server remove "$S1" S3.test
	says "'board'"
	server group rotate "$S1" board --reshare --threshold 2 --server "$S1" --server "$S2" --server "$S4"
	server server remove "$S1" S3.test --server "$S2" --server "$S4"
	for dir in "$S1" "$S2" "$S4"; do
		[ "$(server server list "$dir" --json | jq -r '[.servers[].name] | sort | join(" ")')" = "S1.test S2.test S4.test" ]
		[ "$(group_of "$dir" board .share_here)" = true ]
	done
	fails 1 server server remove "$S1" S3.test
	make_server alone
	fails 2 server server remove "$alone" alone.test
}

# -- an LDAP directory -------------------------------------------------------------------------------------------

@test "with an LDAP directory users and groups come from there" {
	needs_slapd
	start_slapd
	ldap_user alice 'secret of alice'
	ldap_group finance member alice
	ldap_group staff member cn=finance
	make_ldap_server S
	[ "$(server status "$S" --json | jq -r .directory)" = ldap ]
	server status "$S" --directory --user alice >steps
	grep -q 'level 0.*finance' steps
	grep -q 'level 1.*staff' steps
	server group add "$S" finance --ldap-group cn=finance,ou=groups,dc=example,dc=com
	server group add "$S" staff # by its name there
	[ "$(server group members "$S" staff --json | jq -r '.members[0].path')" = "alice < finance < staff" ]
	fails 1 server group add "$S" nothing
	fails 2 server group add "$S" other --member alice
	fails 1 server group add-member "$S" finance alice
	says "LDAP"
	server user add "$S" alice >code
	[ "$(wc -l <code)" = 1 ]
	fails 1 server user add "$S" nobody
	fails 1 server user disable "$S" alice
	says "LDAP"
}

@test "with a keytab the directory is read by Kerberos, and a silent KDC is an unknown directory" {
	needs_slapd
	start_kdc
	start_slapd $'sasl-host 127.0.0.1\nsasl-realm EXAMPLE.TEST\n'\
'authz-regexp "uid=fsenc/keys.test,(cn=[^,]*,)?cn=gssapi,cn=auth" cn=reader,dc=example,dc=com'
	ldap_user alice 'secret of alice'
	ldap_group finance member alice
	make_server S --ldap-uri "$ldap_uri" --ldap-search-base dc=example,dc=com --ldap-keytab "$T/realm/fsenc.keytab"
	grep -q '^ldap_sasl_mech = GSSAPI$' "$S/fsenc-server.conf"
	server status "$S" --directory --user alice >steps
	grep -q 'SASL GSSAPI, which encrypts with 256 bits' steps
	grep -q 'dn:cn=reader,dc=example,dc=com' steps
	grep -q 'level 0.*finance' steps
	server group add "$S" finance --ldap-group cn=finance,ou=groups,dc=example,dc=com
	kill -STOP "$(cat "$T/kdc.pid")"
	fails 20 server group members "$S" finance
	kill -CONT "$(cat "$T/kdc.pid")"
	[ "$(server group members "$S" finance --json | jq -r '.members[0].path')" = "alice < finance" ]
}

@test "a group that was made again under its old name does not get the old one's key" {
	needs_slapd
	start_slapd
	ldap_user alice 'secret of alice'
	ldap_group finance member alice
	make_ldap_server S
	server group add "$S" finance
	ldapdelete -x -H "$ldap_uri" -D cn=root,dc=example,dc=com -w root cn=finance,ou=groups,dc=example,dc=com
	ldap_group finance member alice
	fails 1 server group members "$S" finance
	fails 1 server group add "$S" finance # another one of that name has a key
	says "finance"
	server group remove "$S" finance --yes
	server group add "$S" finance
	server group members "$S" finance --json | jq -e '.members[0].name == "alice"' >/dev/null
}

@test "a directory that does not answer is 20, and a wrong password is told" {
	needs_slapd
	start_slapd
	ldap_user alice 'secret of alice'
	ldap_group finance member alice
	make_ldap_server S
	stop_server "$T/slapd"
	fails 20 server group add "$S" finance
	fails 20 server user add "$S" alice
	fails 20 server status "$S" --directory
	server policy set "$S" lease=5 # needs no directory
	start_slapd
	secret_file reader.password wrong
	fails 20 server status "$S" --directory
	[[ $output == *bind* ]]
	secret_file reader.password ''
	fails 20 server status "$S" --directory
}

# -- officers ----------------------------------------------------------------------------------------------------

@test "officers hold the shares of a recovery group, and every folder has to have it" {
	make_server S
	for name in olga otto; do
		ready $name
		as $name fsenc key export >$name.cert
	done
	fails 2 server officer add "$S" olga.cert
	says "$(fingerprint olga)"
	fails 21 server officer add "$S" olga.cert --trust "$(fingerprint otto)"
	server officer add "$S" olga.cert --trust "$(fingerprint olga)"
	server officer add "$S" otto.cert --trust "$(fingerprint otto)"
	fails 1 server officer add "$S" otto.cert --trust "$(fingerprint otto)"
	[ "$(server officer list "$S" --json | jq -r '[.officers[].name] | join(" ")')" = "olga otto" ]
	mkdir out
	fails 2 server recovery-group add "$S" recovery --officer olga --officer otto --parcels out
	fails 1 server recovery-group add "$S" recovery --officer olga --officer nobody --threshold 2 --parcels out
	server recovery-group add "$S" recovery --officer olga --officer otto --threshold 2 --parcels out 2>/dev/null
	[ "$(ls out | tr '\n' ' ')" = "recovery.olga.parcel recovery.otto.parcel " ]
	[ "$(server recovery-group list "$S" --json | jq -r '.groups[0] | [.name, .threshold, .share_here] | join(" ")')" = \
		"recovery 2 false" ]
	[ "$(server policy show "$S" --json | jq '.recovery | length')" = 1 ]
	[ "$(server group list "$S" --json | jq '.groups | length')" = 0 ]
	server policy set "$S" recovery=
	[ "$(server policy show "$S" --json | jq '.recovery | length')" = 0 ]
	server policy set "$S" recovery=recovery
	[ "$(server policy show "$S" --json | jq '.recovery | length')" = 1 ]
	server group add "$S" finance
	fails 2 server policy set "$S" recovery=finance
	fails 1 server group rotate "$S" recovery
}

# -- policy, approval, audit, backup ----------------------------------------------------------------------------------

@test "the policy is changed by name, and its version grows" {
	make_server S
	[ "$(server policy show "$S" --json | jq -c '[.schema, .version, .lease, .retry_after]')" = "[1,1,120,900]" ]
	server policy set "$S" lease=5 retry_after=20
	[ "$(server policy show "$S" --json | jq -c '[.version, .lease, .retry_after]')" = "[2,5,20]" ]
	fails 2 server policy set "$S" lese=5
	says "lease"
	fails 2 server policy set "$S" lease=100000000
	fails 2 server policy set "$S" lease
	[ "$(server policy show "$S" --json | jq .version)" = 2 ]
	make_server S2 --join "$S"
	[ "$(server policy show "$S2" --json | jq .lease)" = 5 ]
	fails 1 server policy set "$S2" lease=6 --server "$S" # the root key is in S
	server policy set "$S" lease=6 --server "$S2"
	[ "$(server policy show "$S2" --json | jq .lease)" = 6 ]
}

@test "approve lists who waits, and approves nobody who does not" {
	make_server S
	server user add "$S" alice >/dev/null
	[ "$(server approve "$S" --json | jq -c .approvals)" = "[]" ]
	fails 2 server approve "$S" alice
	fails 1 server approve "$S" alice "$(cat S.fingerprint)"
	fails 2 server approve "$S" alice nonsense
}

@test "the audit knows every change, and shows that somebody changed it" {
	make_server S
	server user add "$S" alice >/dev/null
	server group add "$S" finance --member alice
	server policy set "$S" lease=5
	server audit "$S" >rows
	grep -q 'user add alice' rows
	grep -q 'group add finance' rows
	grep -q 'policy set lease=5' rows
	[ "$(server audit "$S" --json | jq -rs '[.[].action] | unique | join(" ")')" = admin ]
	server audit "$S" --verify --json >report
	[ "$(jq -c '[.sound, .rows]' report)" = "[true,3]" ]
	sqlite3 "$S/store.db" "UPDATE audit SET text = replace(text, 'lease=5', 'lease=6')"
	fails 27 server audit "$S" --verify
	says "row 3"
}

@test "a change that cannot be written into the audit is not made" {
	make_server S
	sqlite3 "$S/store.db" "CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'full'); END"
	fails 24 server user add "$S" alice
	[ -z "$output" ]
	[ "$(server user list "$S" --json | jq '.users | length')" = 0 ]
}

@test "audit --follow shows rows as they come" {
	make_server S
	"$FSENC_SERVER_BIN" audit "$S" --follow >rows 3>&- &
	echo $! >follow.pid
	server user add "$S" alice >/dev/null
	wait_for grep -q 'user add alice' rows
	server user add "$S" bob >/dev/null
	wait_for grep -q 'user add bob' rows
}

@test "a backup of a running server brings everything back" {
	make_server S
	start_server "$S"
	server user add "$S" alice >/dev/null
	server group add "$S" finance --member alice
	server backup "$S" copy.db 2>/dev/null
	fails 1 server backup "$S" copy.db
	[ "$(stat -c %a copy.db)" = 600 ]
	server user add "$S" late >/dev/null
	stop_server "$S"
	rm "$S"/store.db*
	cp -p copy.db "$S/store.db"
	[ "$(server user list "$S" --json | jq -r '[.users[].name] | join(" ")')" = alice ]
	[ "$(group_of "$S" finance .share_here)" = true ]
	server audit "$S" --verify >/dev/null
	start_server "$S"
}

@test "a store that others can read is refused" {
	make_server S
	chmod 644 "$S/store.db"
	fails 23 server status "$S"
	says "chmod 600"
}
