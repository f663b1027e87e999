#!/usr/bin/env bats
# Commands of people in an organisation: joining, directory names, groups, what waits for a server.
load ../lib/bats
load ../lib/key_servers

setup() {
	begin
	[ -x "$FSENC_SERVER_BIN" ] || skip "no fsenc-server at $FSENC_SERVER_BIN"
	make_server S
	start_server "$S"
	server group add "$S" finance >/dev/null
	ready alice
	ready bob
	ready carol
}

teardown() {
	stop_servers
	cd "$root" || return 1
	forget_sessions
}

url() {
	echo "https://$(server status "$S" --json | jq -r .listen)"
}

# joins NAME [MEMBER-OF] - a code, and the enrolment with it
joins() {
	local code
	code=$(server user add "$S" "$1")
	[ -z "${2:-}" ] || server group add-member "$S" "$2" "$1" >/dev/null
	as "$1" fsenc enroll "$(url)" --user "$1" --code "$code" --fingerprint "$(cat "$S.fingerprint")" \
		--cacert "$S/tls-cert.pem" >"$T/$1.enrolled"
}

names_of() {
	as alice json_of '[.members[].name] | sort | join(" ")' fsenc members "$T/share" --json
}

record() {
	sha256sum <"$T/share/.fsenc"
}

@test "enroll prints the membership, and once more is the same membership" {
	joins alice finance
	grep -q "S.test" alice.enrolled
	code=$(server user code "$S" alice)
	as alice fsenc enroll "$(url)" --user alice --code "$code" --fingerprint "$(cat "$S.fingerprint")" \
		--cacert "$S/tls-cert.pem" --json >again.json
	jq -e '.schema == 1 and .user == "alice" and .servers == 1 and (.account | length == 32)' again.json
	[ "$(jq -r .fingerprint again.json)" = "$(cat "$S.fingerprint")" ]
}

@test "enroll refuses another organisation, a used code, and words that do not fit together" {
	code=$(server user add "$S" alice)
	fingerprint=$(cat "$S.fingerprint")
	as alice fails 21 fsenc enroll "$(url)" --user alice --code "$code" --cacert "$S/tls-cert.pem" \
		--fingerprint "$(fingerprint alice)"
	as alice fails 2 fsenc enroll "$(url)" --user alice --code "$code" --cacert "$S/tls-cert.pem"
	says "--fingerprint ORG"
	as alice fails 2 fsenc enroll "$(url)" --user alice --fingerprint "$fingerprint" --cacert "$S/tls-cert.pem"
	says "0 code(s)"
	as alice fails 2 fsenc enroll "$(url)" --user alice --code "$code" --server "$(url)" --fingerprint "$fingerprint"
	as alice fails 2 fsenc enroll "$(url)" --user alice --code "$code" --fingerprint "$fingerprint" --cacert alice/pass
	says "holds no certificate"
	as alice fails 21 fsenc enroll "$(url)" --user alice --code "$code" --fingerprint "$fingerprint"
	says "certificate"
	as alice fails 13 fsenc enroll "$(url)" --user alice --code mistyped --fingerprint "$fingerprint" --cacert "$S/tls-cert.pem"
	as alice fails 1 fsenc sync
	says "fsenc enroll URL"
}

@test "a password file that others can read is taken, with a warning" {
	echo wrong >password
	chmod 644 password
	as alice fails 13 fsenc enroll "$(url)" --user alice --ldap-password-file password \
		--fingerprint "$(cat "$S.fingerprint")" --cacert "$S/tls-cert.pem"
	says "Warning: others can read 'password'"
	: >password
	as alice fails 22 fsenc enroll "$(url)" --user alice --ldap-password-file password \
		--fingerprint "$(cat "$S.fingerprint")" --cacert "$S/tls-cert.pem"
}

@test "a user is let in by his name in the directory, certified and never met" {
	joins alice
	joins bob
	server user add "$S" carol >/dev/null
	as alice fsenc init "$T/share"
	before=$(record)
	as alice fails 25 fsenc add-user "$T/share" carol
	says "'carol' has no key yet"
	as alice fails 25 fsenc add-user "$T/share" nobody
	says "neither in the keyring nor in the organisation's directory"
	[ "$(record)" = "$before" ]
	as alice fsenc add-user "$T/share" bob --role writer
	[ "$(names_of)" = "alice bob" ]
	as alice fsenc key list --json | jq -e '.[] | arrays | map(select(.name == "bob")) | length == 1'
	# Bob reads alice's list without having met her: the organisation vouches for her.
	as bob fsenc verify "$T/share"
}

@test "who has left is not let in by name" {
	joins alice
	joins bob
	server user disable "$S" bob
	as alice fsenc init "$T/share"
	as alice fails 13 fsenc add-user "$T/share" bob
	says "disabled"
}

@test "the members of a group come in with keys of their own, and who has none is named" {
	joins alice
	joins bob finance
	joins carol finance
	server user add "$S" dave >/dev/null
	server group add-member "$S" finance dave >/dev/null
	as alice fsenc init "$T/share"
	as alice run --separate-stderr fsenc add-user "$T/share" --from-group finance --role writer
	[ "$status" = 0 ]
	says "'dave' has no key"
	says "2 of 2 members of 'finance' let in"
	[ "$(names_of)" = "alice bob carol" ]
	as alice json_of '[.members[].kind] | unique == ["user"]' fsenc members "$T/share" --json
	# Again: nobody new, and no failure.
	as alice fsenc add-user "$T/share" --from-group finance
	as alice fails 2 fsenc add-user "$T/share"
}

@test "a key server that certifies another key for a known user is refused with his name, and nothing changes" {
	joins alice finance
	joins bob finance
	ready mallory
	as alice fsenc init "$T/share"
	as alice fsenc add-user "$T/share" bob
	as alice fsenc init "$T/other"
	before=$(sha256sum <"$T/other/.fsenc")
	# the server binds a key of mallory's to bob's account
	server policy set "$S" approve_delay=0
	code=$(server user code "$S" bob)
	as mallory run fsenc enroll "$(url)" --user bob --code "$code" --fingerprint "$(cat "$S.fingerprint")" --cacert "$S/tls-cert.pem"
	server approve "$S" bob "$(fingerprint mallory)"
	as mallory fsenc enroll "$(url)" --user bob --code "$code" --fingerprint "$(cat "$S.fingerprint")" --cacert "$S/tls-cert.pem"
	as alice fails 21 fsenc add-user "$T/other" --from-group finance
	says "bob"
	[ "$(sha256sum <"$T/other/.fsenc")" = "$before" ]
	# whom alice knows is bob still
	as alice fsenc add-user "$T/other" bob
	as alice json_of '.members[] | select(.name == "bob").fingerprint' fsenc members "$T/other" --json >"$T/in"
	[ "$(cat "$T/in")" = "$(fingerprint bob)" ]
}

@test "a group goes in, changes its role, and goes out with a new generation" {
	joins alice
	as alice fsenc init "$T/share"
	as alice fails 2 fsenc add-group "$T/share" finance --role admin
	as alice fails 1 fsenc add-group "$T/share" nobodies
	says "fsenc-server group add"
	as alice fsenc add-group "$T/share" finance
	as alice fails 1 fsenc add-group "$T/share" finance
	says "set-role"
	as alice fsenc set-role "$T/share" finance writer
	as alice json_of '.members[] | select(.name == "finance") | .kind == "group" and .role == "writer"' \
		fsenc members "$T/share" --json
	as alice fails 2 fsenc remove-user "$T/share" finance
	as alice fails 2 fsenc remove-group "$T/share" alice
	as alice run --separate-stderr fsenc remove-group "$T/share" finance
	[ "$status" = 0 ]
	says "Generation 2"
	[ "$(names_of)" = alice ]
}

@test "a new generation is wrapped to a group while the key servers are down" {
	joins alice finance
	joins bob finance
	as alice fsenc init "$T/share"
	as alice fsenc add-group "$T/share" finance
	as alice fsenc add-user "$T/share" bob
	stop_server "$S"
	as alice fsenc remove-user "$T/share" bob
	start_server "$S"
	as alice json_of '.generation == 2' fsenc members "$T/share" --json
	# Bob is still a member of the group, and reads by its key alone.
	as bob fsenc verify "$T/share"
}

@test "members --expand says who can read, and why" {
	joins alice
	joins bob finance
	server group add "$S" auditors --member finance >/dev/null
	server user add "$S" dave >/dev/null
	server group add-member "$S" finance dave >/dev/null
	as alice fsenc init "$T/share"
	as alice fsenc add-group "$T/share" auditors
	as alice fsenc members "$T/share" --expand --json >readers.json
	jq -e '.readers[] | select(.name == "bob") | .through == "auditors > finance" and .role == "reader"' readers.json
	jq -e '.readers[] | select(.name == "dave") | .note == "no key yet"' readers.json
	jq -e '.readers[] | select(.name == "alice") | .role == "admin"' readers.json
	as alice run fsenc members "$T/share" --expand
	has "auditors > finance"
	stop_server "$S"
	as alice fails 20 fsenc members "$T/share" --expand
	as alice fsenc members "$T/share"
	start_server "$S"
}

@test "members --expand names who has left and still holds a key" {
	joins alice
	joins bob
	know alice carol
	as alice fsenc init "$T/share"
	as alice fsenc add-user "$T/share" bob carol
	server user disable "$S" bob
	as alice fsenc members "$T/share" --expand --json >readers.json
	jq -e '.readers[] | select(.name == "bob") | .note == "the account is off"' readers.json
	jq -e '.readers[] | select(.name == "carol") | .note == "no account in the directory"' readers.json
	jq -e '.readers[] | select(.name == "alice") | .note == ""' readers.json
	stop_server "$S"
	as alice run --separate-stderr fsenc members "$T/share" --expand
	[ "$status" = 0 ]
	says "who has left meanwhile is not known"
	has bob
	start_server "$S"
}

@test "only an admin is told of a server that is down: who may not is 13 first" {
	joins alice
	joins bob
	as alice fsenc init "$T/share"
	as alice fsenc add-user "$T/share" bob
	stop_server "$S"
	as bob fails 13 fsenc add-group "$T/share" finance
	as alice fails 20 fsenc add-group "$T/share" finance
	as alice fails 25 fsenc add-user "$T/share" carol
	says "'carol' is not in the keyring, and the key servers cannot be asked"
	start_server "$S"
}

@test "changes that wait are kept in order, listed, dropped, carried out once, and stay with the reason when they fail" {
	joins alice
	joins bob
	as alice fsenc init "$T/share"
	server user add "$S" carol >/dev/null
	before=$(record)
	stop_server "$S"
	as alice fsenc add-group "$T/share" finance --role writer --defer
	as alice fsenc add-user "$T/share" bob --defer
	as alice fsenc add-user "$T/share" carol --defer
	as alice fsenc add-group "$T/share" nobodies --defer
	[ "$(record)" = "$before" ]
	[ "$(as alice json_of '[.deferred[].who] | join(" ")' fsenc deferred --json)" = "finance bob carol nobodies" ]
	as alice fsenc deferred --drop "$(as alice json_of '.deferred[3].number' fsenc deferred --json)"
	as alice fails 1 fsenc deferred --drop 99
	as alice fails 2 fsenc deferred --drop one
	start_server "$S"
	as alice fails 3 fsenc sync
	says "Done: let the group 'finance' into $T/share as writer."
	says "Done: let the user 'bob' into $T/share as reader."
	says "'carol' has no key yet"
	[ "$(names_of)" = "alice bob finance" ]
	as alice run fsenc deferred
	has "carol"
	has "no key yet"
	joins carol
	as alice fsenc sync
	[ "$(names_of)" = "alice bob carol finance" ]
	[ "$(as alice json_of '.deferred | length' fsenc deferred --json)" = 0 ]
	version=$(as alice json_of .version fsenc members "$T/share" --json)
	as alice fsenc sync
	[ "$(as alice json_of .version fsenc members "$T/share" --json)" = "$version" ]
}

@test "with --defer and a server that answers, the change is made at once" {
	joins alice
	as alice fsenc init "$T/share"
	as alice fsenc add-group "$T/share" finance --defer
	[ "$(names_of)" = "alice finance" ]
	[ "$(as alice json_of '.deferred | length' fsenc deferred --json)" = 0 ]
}

@test "a policy that blocks changes while down blocks those that need local keys only, too" {
	joins alice
	know alice bob
	as alice fsenc init "$T/share"
	server policy set "$S" offline=block
	as alice fsenc sync
	as alice fsenc add-user "$T/share" bob
	stop_server "$S"
	before=$(record)
	as alice fails 20 fsenc remove-user "$T/share" bob
	says "the policy allows no change while the key servers are down"
	as alice fails 20 fsenc set-role "$T/share" bob writer
	know alice carol
	as alice fails 20 fsenc add-user "$T/share" carol
	[ "$(record)" = "$before" ]
	start_server "$S"
	as alice fsenc set-role "$T/share" bob writer
}

@test "under such a policy nobody makes a share or a folder while down, but a lobby, which has no access list" {
	joins alice
	server policy set "$S" offline=block
	as alice fsenc sync
	as alice fsenc init "$T/share" --lobby
	mkdir "$T/share/Finance" "$T/share/Sales"
	stop_server "$S"
	as alice fails 20 fsenc init "$T/own"
	says "the policy allows no change while the key servers are down"
	[ ! -e "$T/own" ]
	as alice fails 20 fsenc protect "$T/share/Finance"
	says "the policy allows no change while the key servers are down"
	[ -z "$(ls -A "$T/share/Finance")" ]
	as alice fsenc init "$T/lobby" --lobby
	start_server "$S"
	as alice fsenc protect "$T/share/Finance"
	as alice fsenc init "$T/own"
	[ -e "$T/own/.fsenc" ]
	# and standalone, the default, allows what needs local keys only
	server policy set "$S" offline=standalone
	as alice fsenc sync
	stop_server "$S"
	as alice fsenc protect "$T/share/Sales"
	start_server "$S"
}

@test "under such a policy add-user asks the key servers once, and sync says once that they answered" {
	joins alice finance
	joins bob finance
	as alice fsenc init "$T/share"
	server policy set "$S" offline=block
	as alice run --separate-stderr fsenc sync --verbose
	[ "$status" = 0 ]
	[ "$(grep -c "Successfully synchronized policy" <<<"$stderr")" = 1 ]
	as alice run --separate-stderr fsenc sync
	[ "$(grep -c "Successfully synchronized policy" <<<"$stderr")" = 1 ]
	# bob's certificate is asked for, too
	as alice run --separate-stderr fsenc add-user "$T/share" bob --verbose
	[ "$status" = 0 ]
	[ "$(grep -c "Successfully synchronized policy" <<<"$stderr")" = 1 ]
	[ "$(names_of)" = "alice bob" ]
}

@test "a policy that asks for a later client closes groups and changes to this one, and nothing of its own" {
	needs_fuse
	joins alice finance
	joins bob finance
	as alice fsenc init "$T/share" --lobby
	mkdir "$T/share/Finance" "$T/share/Private" mnt
	as alice fsenc protect "$T/share/Finance"
	as bob fsenc protect "$T/share/Private"
	as alice fsenc add-group "$T/share/Finance" finance --role writer
	as bob fsenc mount "$T/share" "$T/mnt"
	echo plan >mnt/Finance/plan
	echo own >mnt/Private/own
	server policy set "$S" minimum_client=0.0.9
	as bob fsenc sync
	[ "$(cat mnt/Finance/plan)" = plan ]
	server policy set "$S" minimum_client=9000.0
	as bob run --separate-stderr fsenc sync
	[ "$status" = 0 ]
	says "Warning: Folders of groups stay closed: the policy of the organisation asks for fsenc 9000.0 or later; this is fsenc "
	# the mount hears of it from the same sync, and its lease ends with it
	wait_for gives_error EACCES cat mnt/Finance/plan
	[ "$(cat mnt/Private/own)" = own ]
	echo more >>mnt/Private/own
	[[ $(getfattr --only-values -n user.fsenc.state mnt/Finance) == *"asks for fsenc 9000.0 or later"* ]]
	before=$(sha256sum <"$T/share/Private/.fsenc")
	as bob fails 13 fsenc add-user "$T/share/Private" alice
	says "asks for fsenc 9000.0 or later"
	as bob fails 13 fsenc add-group "$T/share/Private" finance
	as bob fails 13 fsenc set-role "$T/share/Private" bob writer
	mkdir "$T/share/Another"
	as bob fails 13 fsenc protect "$T/share/Another"
	[ "$(sha256sum <"$T/share/Private/.fsenc")" = "$before" ]
	# and opens again, without a new mount
	server policy set "$S" minimum_client=
	as bob fsenc sync
	wait_for grep -q plan mnt/Finance/plan
	as bob fsenc umount "$T/mnt"
}

@test "doctor names what is wrong, and where" {
	joins alice finance
	as alice fsenc doctor --json >doctor.json || true
	jq -e '[.checks[] | select(.check | startswith("key servers") or startswith("signed")) | .result] == ["ok", "ok"]' doctor.json
	stop_server "$S"
	as alice run --separate-stderr fsenc doctor
	[ "$status" = 20 ]
	has "BAD"
	start_server "$S"
}
