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

# -- officers -------------------------------------------------------------------------------

# Three officers of whom two are enough, and Bob of the same organisation; Alice has a share and is gone.
officers_begin() {
	local name
	for name in olga oscar otto; do
		ready "$name"
		as "$name" fsenc key export >"$name.cert"
		server officer add "$S" "$name.cert" --trust "$(fingerprint "$name")"
	done
	mkdir parcels
	server recovery-group add "$S" rescue --officer olga --officer oscar --officer otto --threshold 2 --parcels parcels >/dev/null
	joins alice
	ready bob
	joins bob
	as alice fsenc init "$T/share"
	mkdir mnt
}

parcel_of() {
	ls "$T"/parcels/*"$1"*
}

# answers OFFICER REQUEST
answers() {
	as "$1" fsenc answer-recovery "$2" --parcel "$(parcel_of "$1")" --yes >"$1.answer"
}

@test "officers together give a folder back, to be read by who asked, without any server" {
	needs_fuse
	officers_begin
	as alice fsenc mount "$T/share" "$T/mnt"
	mkdir mnt/deep
	echo "the plan" >mnt/deep/plan.txt
	as alice fsenc umount "$T/mnt"
	stop_server "$S"
	as alice json_of '.members[] | select(.kind == "recovery") | .name == "rescue"' fsenc members "$T/share" --json
	as bob run --separate-stderr fsenc recover-folder "$T/share" --reason "Alice has left"
	[ "$status" = 0 ]
	says "send it to 2 officers"
	echo "$output" >request
	as olga run --separate-stderr fsenc answer-recovery request --parcel "$(parcel_of olga)" --yes
	[ "$status" = 0 ]
	says "calls himself 'bob'"
	says "$(fingerprint bob)"
	says "Alice has left"
	says "takes    2 of 3 officers of 'rescue'"
	echo "$output" >olga.answer
	as bob fails 1 fsenc recover-folder "$T/share" "$T/mnt" --request request --answer olga.answer
	says "1 of the 2 officers"
	answers otto request
	as bob fsenc recover-folder "$T/share" "$T/mnt" --request request --answer olga.answer --answer otto.answer
	[ "$(cat mnt/deep/plan.txt)" = "the plan" ]
	gives_error EROFS touch mnt/new
	as bob fsenc umount "$T/mnt"
	# The answers are of no use to anybody else.
	as alice fails 2 fsenc recover-folder "$T/share" "$T/mnt" --request request --answer olga.answer --answer otto.answer
	says "not yours"
	start_server "$S"
}

@test "an officer sees who asks before he answers, and a stranger is marked" {
	officers_begin
	as bob fsenc recover-folder "$T/share" >request
	as olga fails 1 fsenc answer-recovery request --parcel "$(parcel_of olga)" --no-input
	says "nobody is here to say yes"
	says "NOT KNOWN HERE"
	[ "$output" = "" ]
	as olga fails 1 fsenc answer-recovery request --parcel "$(parcel_of olga)" --no-input --quiet
	know olga bob
	as olga fails 1 fsenc answer-recovery request --parcel "$(parcel_of olga)" --no-input
	says "asks     bob"
	as olga fails 2 fsenc answer-recovery request
	# Another officer's parcel is sealed to him.
	as olga fails 26 fsenc answer-recovery request --parcel "$(parcel_of otto)" --yes
	sed 's/a/b/' request >changed
	as olga fails 26 fsenc answer-recovery changed --parcel "$(parcel_of olga)" --yes
	as bob fails 2 fsenc recover-folder "$T/share" --request request
}

@test "an answer to another request is named, and one to an earlier generation of no use" {
	officers_begin
	as bob fsenc recover-folder "$T/share" >request
	as bob fsenc recover-folder "$T/share" >other
	answers olga request
	answers otto other
	as bob fails 2 fsenc recover-folder "$T/share" "$T/mnt" --request request --answer olga.answer --answer otto.answer
	says "'otto.answer': it is the answer to another request"
	as alice fsenc add-user "$T/share" bob
	as alice fsenc remove-user "$T/share" bob
	answers otto request
	as bob fails 2 fsenc recover-folder "$T/share" "$T/mnt" --request request --answer olga.answer --answer otto.answer
	says "an earlier key of it"
}
