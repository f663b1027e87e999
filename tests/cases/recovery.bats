#!/usr/bin/env bats
# Ways back: the recovery token of a user in an organisation.
load ../lib/bats
load ../lib/key_servers

setup() {
	begin
	[ -x "$FSENC_SERVER_BIN" ] || skip "no fsenc-server at $FSENC_SERVER_BIN"
	make_server S
	start_server "$S"
	ready alice
}

teardown() {
	stop_servers
	cd "$root" || return 1
	forget_sessions
}

# joins NAME
joins() {
	local code
	code=$(server user add "$S" "$1")
	as "$1" fsenc enroll "https://$(server status "$S" --json | jq -r .listen)" --user "$1" --code "$code" \
		--fingerprint "$(cat "$S.fingerprint")" --cacert "$S/tls-cert.pem" >"$T/$1.enrolled"
}

# new_token NAME FILE
new_token() {
	as "$1" json_of .recovery_token fsenc recovery-token --renew --json >"$T/line"
	secret_file "$2" "$(cat "$T/line")"
}

# recover NAME TOKEN-FILE PASSPHRASE
recovers() {
	secret_file "$T/$1/pass" "$3"
	as "$1" fsenc recover --token "$2" --new-passfile "$T/$1/pass" --kdf-mib 64
}


@test "rule 10: a token is made where a key server keeps it, and not while they are down" {
	joins alice
	new_token alice first
	server audit "$S" --json | grep -q recovery-token
	stop_server "$S"
	as alice fails 20 fsenc recovery-token --renew
	says "A new recovery token could not be generated because the key server is not available"
	# The one before is as good as ever.
	recovers alice first "a passphrase of today"
	start_server "$S"
}

@test "rule 10: a token used offline stays valid until a server is reached; then a new one is shown and the old one dead" {
	joins alice
	new_token alice first
	stop_server "$S"
	secret_file "$T/alice/pass" "forgotten, so another"
	as alice run --separate-stderr fsenc recover --token first --new-passfile "$T/alice/pass" --kdf-mib 64
	[ "$status" = 0 ]
	says "A new recovery token could not be generated because the key server is not available"
	[ "$(as alice json_of '"\(.token) \(.used)"' fsenc recovery-token --json)" = "true true" ]
	# Still good, twice.
	recovers alice first "forgotten again"
	start_server "$S"
	as alice fsenc sync >second.line
	[ "$(as alice json_of '"\(.token) \(.used)"' fsenc recovery-token --json)" = "true false" ]
	secret_file second "$(awk '{ print $2 }' second.line)"
	as alice fails 12 fsenc recover --token first --new-passfile "$T/alice/pass" --kdf-mib 64
	recovers alice second "and once more"
	# Sync makes no other one.
	as alice fsenc sync >third.line
	[ ! -s third.line ]
}

@test "rule 10: a token used online is followed by a new one at once" {
	joins alice
	new_token alice first
	secret_file "$T/alice/pass" "another"
	as alice fsenc recover --token first --new-passfile "$T/alice/pass" --kdf-mib 64 >second.line
	secret_file second "$(awk '{ print $2 }' second.line)"
	as alice fails 12 fsenc recover --token first --new-passfile "$T/alice/pass" --kdf-mib 64
	recovers alice second "and another"
}
