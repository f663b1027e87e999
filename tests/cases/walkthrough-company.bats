#!/usr/bin/env bats
# The walk-through of a company: lobby, key server, groups; with the builtin directory, with LDAP, with three servers.
load company

setup() {
	company_begin
}

enrol() {
	as "$1" fsenc enroll "${url[1]}" --user "$1" --code "$(fsenc-server user add "$T/s1" "$1")" \
		--fingerprint "$(organisation)" --cacert "$T/s1/tls-cert.pem"
}

# The words of the contract from the lobby on; `removed` takes bob out of the group.
story() {
	local group=$1 removed=$2
	share_make "$group"
	as bob fsenc mount "$T/share" "$T/mnt-bob"
	[ "$(cat "$T/mnt-bob/Finance/plan.txt")" = plan ]

	server_stop 1
	after_lease gives_error EHOSTUNREACH cat "$T/mnt-bob/Finance/plan.txt"
	[[ "$(getfattr --only-values -n user.fsenc.state "$T/mnt-bob/Finance" 2>/dev/null)" == "locked: key server "*"not responding; next try in "* ]]
	[ "$(cat "$T/mnt/Finance/plan.txt")" = plan ]
	echo own >"$T/mnt/Private/own.txt"
	cp "$T/share/Private/.fsenc" "$T/before"
	as alice fails 20 fsenc add-group "$T/mnt/Private" "$group"
	cmp "$T/before" "$T/share/Private/.fsenc"
	as alice fails 0 fsenc add-group "$T/mnt/Private" "$group" --defer
	cmp "$T/before" "$T/share/Private/.fsenc"
	as bob fails 20 fsenc sync

	server_start 1
	as bob fails 0 fsenc sync
	says "Successfully synchronized policy with "
	[ "$(cat "$T/mnt-bob/Finance/plan.txt")" = plan ]
	as alice fails 0 fsenc sync
	says "Done: let the group '$group' into"
	[ "$(as alice json_of '[.members[] | select(.kind == "group").name] | join(" ")' fsenc members "$T/mnt/Private" --json)" = "$group" ]
	wait_for test -e "$T/mnt-bob/Private/own.txt"

	$removed
	after_lease gives_error EACCES cat "$T/mnt-bob/Finance/plan.txt"
	as alice fsenc umount "$T/mnt"
	as bob fsenc umount "$T/mnt-bob"
	as alice fails 0 fsenc verify "$T/share"
	fsenc-server audit "$T/s1" --verify
}

remove_builtin() {
	fsenc-server group remove-member "$T/s1" finance bob
}

@test "a company with the builtin directory" {
	server_make 1
	fsenc-server policy set "$T/s1" lease=3 retry_after=20 cache_positive=1 cache_negative=1
	server_start 1
	enrol alice >"$T/out"
	enrol bob >"$T/out"
	fsenc-server group add "$T/s1" finance --member alice --member bob
	story finance remove_builtin
}

# -- LDAP ------------------------------------------------------------------------------------------

ldap_company() {
	directory_start
	server_make 1 --ldap-uri "$ldap_uri" --ldap-search-base dc=example,dc=com \
		--ldap-bind-dn cn=reader,dc=example,dc=com --ldap-bind-password-file "$T/reader.password" --allow-plaintext
	fsenc-server policy set "$T/s1" lease=3 retry_after=20 cache_positive=1 cache_negative=1
	server_start 1
	local name
	for name in alice bob; do
		secret_file "$T/$name.word" "the word of $name"
		as "$name" fsenc enroll "${url[1]}" --user "$name" --ldap-password-file "$T/$name.word" \
			--fingerprint "$(organisation)" --cacert "$T/s1/tls-cert.pem" >"$T/out"
	done
	fsenc-server group add "$T/s1" "$1" --ldap-group "cn=$1,ou=groups,dc=example,dc=com"
}

remove_from_finance() {
	ldap_change <<-END
		dn: cn=finance,ou=groups,dc=example,dc=com
		changetype: modify
		delete: member
		member: uid=bob,ou=people,dc=example,dc=com
	END
}

remove_from_posix() {
	ldap_change <<-END
		dn: cn=posix,ou=groups,dc=example,dc=com
		changetype: modify
		delete: memberUid
		memberUid: bob
	END
}

@test "a company with LDAP: groupOfNames" {
	ldap_company finance
	story finance remove_from_finance
}

@test "a company with LDAP: posixGroup" {
	ldap_company posix
	story posix remove_from_posix
}

@test "a company with LDAP: a group within a group" {
	ldap_company outer
	story outer remove_from_finance
}

@test "a wrong password of the directory, or none, enrols nobody" {
	ldap_company finance
	ready carol
	secret_file "$T/carol.word" "the word of bob"
	as carol fails 13 fsenc enroll "${url[1]}" --user alice --ldap-password-file "$T/carol.word" \
		--fingerprint "$(organisation)" --cacert "$T/s1/tls-cert.pem"
	secret_file "$T/carol.word" ""
	as carol fails 22 fsenc enroll "${url[1]}" --user alice --ldap-password-file "$T/carol.word" \
		--fingerprint "$(organisation)" --cacert "$T/s1/tls-cert.pem"
	as carol fails 25 fsenc add-user "$T" nobody || as carol fails 1 fsenc sync
}

@test "while the directory is down and the server up, users are served, and groups as down, never as not a member" {
	ldap_company finance
	share_make finance
	echo own >"$T/mnt/Private/own.txt"
	as bob fsenc mount "$T/share" "$T/mnt-bob"
	bob_reads
	kill -STOP "$slapd"
	after_lease gives_error EHOSTUNREACH cat "$T/mnt-bob/Finance/plan.txt"
	[ "$(cat "$T/mnt/Finance/plan.txt")" = plan ]
	[ "$(cat "$T/mnt/Private/own.txt")" = own ]
	kill -CONT "$slapd"
	after_lease bob_reads
}

expands_to() {
	as alice fsenc members "$T/mnt/Finance" --expand | grep -qw "$1"
}

rename_bob() {
	ldap_change <<-END
		dn: uid=bob,ou=people,dc=example,dc=com
		changetype: modrdn
		newrdn: uid=robert
		deleteoldrdn: 1

		dn: cn=finance,ou=groups,dc=example,dc=com
		changetype: modify
		replace: member
		member: uid=alice,ou=people,dc=example,dc=com
		member: uid=robert,ou=people,dc=example,dc=com
	END
}

@test "whoever is renamed in the directory stays who he is" {
	ldap_company finance
	share_make finance
	bob_mounts
	after_lease bob_reads
	rename_bob
	after_lease expands_to robert
	as alice fails 13 fsenc add-user "$T/mnt/Private" robert --role reader
	as alice fsenc add-user "$T/mnt/Private" bob --role reader
	after_lease bob_reads
}

# -- three servers, two of which are enough -------------------------------------------------------------

threshold_company() {
	local n name
	server_make 1
	server_make 2 --join "$T/s1"
	server_make 3 --join "$T/s1"
	fsenc-server policy set "$T/s1" lease=3 retry_after=20 cache_positive=1 cache_negative=1 --server "$T/s2" --server "$T/s3"
	for name in alice bob; do
		for n in 1 2 3; do
			fsenc-server user add "$T/s$n" "$name" >"$T/code-$name-$n"
		done
	done
	fsenc-server group add "$T/s1" board --threshold 2 --server "$T/s1" --server "$T/s2" --server "$T/s3" \
		--member alice --member bob
	cat "$T"/s?/tls-cert.pem >"$T/cas.pem"
	for n in 1 2 3; do server_start $n; done
	for name in alice bob; do
		as "$name" fsenc enroll "${url[1]}" --code "$(cat "$T/code-$name-1")" \
			--server "${url[2]}" --code "$(cat "$T/code-$name-2")" \
			--server "${url[3]}" --code "$(cat "$T/code-$name-3")" \
			--user "$name" --fingerprint "$(organisation)" --cacert "$T/cas.pem" >"$T/out"
	done
}

@test "three key servers: one killed is noticed by nobody, two gone refuse, one back serves again" {
	threshold_company
	share_make board
	as bob fsenc mount "$T/share" "$T/mnt-bob"
	bob_reads
	kill -KILL "${server[3]}"
	wait_for is_gone "${server[3]}"
	local end=$((SECONDS + 8))
	while [ $SECONDS -lt $end ]; do bob_reads || { echo "noticed after all"; false; }; done
	as bob fsenc umount "$T/mnt-bob"
	as bob fsenc mount "$T/share" "$T/mnt-bob"
	bob_reads
	server_stop 2
	after_lease gives_error EHOSTUNREACH cat "$T/mnt-bob/Finance/plan.txt"
	[ "$(cat "$T/mnt/Finance/plan.txt")" = plan ]
	server_start 2
	as bob fails 0 fsenc sync
	bob_reads
}

# bob_log COUNT N - so often the log of bob's mount names server N as one that lies
bob_log() {
	local found
	found=$(grep -c "Error: key server 'keys$2.test' gives a wrong answer for the group 'board'.*; it is left out" "$T/bob.log") ||
		true
	[ "$found" = "$1" ] || { echo "server $2 is named $found times"; cat "$T/bob.log"; return 1; }
}

bob_reads_cold() {
	as bob fsenc umount "$T/mnt-bob"
	bob_mounts
	bob_reads || { getfattr --only-values -n user.fsenc.state "$T/mnt-bob/Finance"; cat "$T/bob.log"; return 1; }
}

@test "three key servers: one that lies is named and the others serve; of two that lie both are named, and nothing opens" {
	threshold_company
	share_make board
	echo own >"$T/mnt/Private/own.txt"
	bob_mounts
	bob_reads
	bob_log 0 1

	server_lies 1 board
	bob_reads_cold
	bob_log 1 1
	bob_log 0 2
	bob_log 0 3
	# not a second time, and for as long as a lease and more
	local end=$((SECONDS + 8))
	while [ $SECONDS -lt $end ]; do bob_reads || { echo "not served by the others"; false; }; done
	bob_log 1 1
	# its word counts for nothing: without one of the others there are too few
	server_stop 3
	after_lease gives_error EHOSTUNREACH cat "$T/mnt-bob/Finance/plan.txt"
	server_start 3
	as bob fails 0 fsenc sync
	wait_for bob_reads

	server_lies 2 board
	as bob fsenc umount "$T/mnt-bob"
	bob_mounts
	gives_error EHOSTUNREACH cat "$T/mnt-bob/Finance/plan.txt"
	bob_log 1 1
	bob_log 1 2
	bob_log 0 3
	# the one of them that was found out last
	[[ "$(getfattr --only-values -n user.fsenc.state "$T/mnt-bob/Finance")" == "locked: "*"key server 'keys"[12]".test' gives a wrong answer for the group 'board'"* ]]
	as bob fails 0 fsenc status
	[[ $output == *"key server 'keys"[12]".test' gives a wrong answer"* ]]
	# a lie is no outage: nobody waits, and whoever has a key of his own notices nothing
	never grep -q "will wait" "$T/bob.log"
	[ "$(cat "$T/mnt/Finance/plan.txt")" = plan ]
	[ "$(cat "$T/mnt/Private/own.txt")" = own ]

	server_lies 1 board back
	as bob fails 0 fsenc sync
	wait_for bob_reads
	local n
	for n in 1 2 3; do fsenc-server audit "$T/s$n" --verify; done
}
