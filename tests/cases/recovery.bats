#!/usr/bin/env bats
# Ways back: the recovery token of a user in an organisation, officers for folders, and both together.
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

# -- a recovery group that the policy names later ------------------------------------------------

# has_rescue FOLDER [NAME] - its list has the recovery group
has_rescue() {
	as "${2:-alice}" fsenc members "$1" --json | jq -e '.members[] | select(.kind == "recovery" and .name == "rescue")' >/dev/null
}

# lacking NAME - the folders of his mounts that `status` shows as lacking the recovery group
lacking() {
	as "$1" fsenc status --json | jq -r '[.mounts[].folders[] | select(.lacks_recovery == ["rescue"]) | .path] | sort | join(" ")'
}

version_of() {
	as alice fsenc members "$1" --json | jq .version
}

lacks_none() {
	[ -z "$(lacking "$1")" ]
}

# Alice's lobby with Finance, and Deep in it, mounted with its log in $T/alice.log; then rescue is made and required.
later_begin() {
	local name
	needs_fuse
	for name in olga oscar otto; do
		ready "$name"
		as "$name" fsenc key export >"$name.cert"
		server officer add "$S" "$name.cert" --trust "$(fingerprint "$name")"
	done
	mkdir parcels mnt mnt-bob
	joins alice
	ready bob
	joins bob
	as alice fsenc init "$T/share" --lobby
	as alice fsenc mount "$T/share" "$T/mnt"
	mkdir mnt/Finance
	as alice fsenc protect "$T/mnt/Finance"
	mkdir mnt/Finance/Deep
	as alice fsenc protect "$T/mnt/Finance/Deep"
	echo "the plan" >mnt/Finance/plan.txt
	echo "the secret" >mnt/Finance/Deep/secret.txt
}

rescue_begins() {
	server recovery-group add "$S" rescue --officer olga --officer oscar --officer otto --threshold 2 --parcels parcels >/dev/null
}

# bob_mounts_too [OPTION...]
bob_mounts_too() {
	as bob fsenc mount "$T/share" "$T/mnt-bob" "$@"
}

@test "a mount of an admin lets in the recovery group that the policy names later, and officers then open the folder" {
	later_begin
	rescue_begins
	[ "$(lacking alice)" = "" ] # the policy is not known yet
	as alice fsenc sync
	wait_for has_rescue "$T/mnt/Finance"
	wait_for has_rescue "$T/mnt/Finance/Deep"
	wait_for lacks_none alice
	[ "$(version_of "$T/mnt/Finance")" = 2 ]
	# Work goes on; nobody else has to do anything.
	[ "$(cat mnt/Finance/Deep/secret.txt)" = "the secret" ]
	as alice fails 2 fsenc remove-group "$T/mnt/Finance" rescue
	says "'rescue' is no group but a recovery"
	as alice fsenc umount "$T/mnt"
	as alice fsenc verify "$T/share"
	stop_server "$S"
	as bob fsenc recover-folder "$T/share/Finance" --reason "Alice has left" >request
	answers olga request
	answers otto request
	as bob fsenc recover-folder "$T/share/Finance" "$T/mnt" --request request --answer olga.answer --answer otto.answer
	[ "$(cat mnt/Finance/plan.txt)" = "the plan" ]
	as bob fsenc umount "$T/mnt"
	start_server "$S"
}

@test "a mount that begins after the policy has changed completes what it meets, and says so once" {
	later_begin
	as alice fsenc umount "$T/mnt"
	rescue_begins
	as alice fsenc sync
	as alice exec "$FSENC_BIN" mount -f "$T/share" "$T/mnt" </dev/null >alice.log 2>&1 3>&- &
	pid=$!
	wait_for is_mounted "$T/mnt"
	ls mnt/Finance/Deep
	wait_for has_rescue "$T/mnt/Finance"
	wait_for has_rescue "$T/mnt/Finance/Deep"
	wait_for lacks_none alice
	as alice fsenc umount "$T/mnt"
	wait "$pid"
	[ "$(grep -c "has the recovery group 'rescue' now, which the policy requires" alice.log)" = 2 ]
}

@test "who is no admin serves a folder without the recovery group, shows it in status, and changes nothing" {
	later_begin
	as alice fsenc add-user "$T/mnt/Finance" bob --role writer
	as alice fsenc umount "$T/mnt"
	rescue_begins
	as bob fsenc sync
	before=$(sha256sum <"$T/share/Finance/.fsenc")
	bob_mounts_too
	echo more >>mnt-bob/Finance/plan.txt
	as bob fsenc sync
	[ "$(lacking bob)" = "Finance" ]
	as bob fsenc status >status.text
	grep -q "Finance .*open .*lacks what the policy requires: recovery group 'rescue'" status.text
	[ "$(sha256sum <"$T/share/Finance/.fsenc")" = "$before" ]
	as bob fails 13 fsenc set-role "$T/mnt-bob/Finance" alice reader
	[ "$(sha256sum <"$T/share/Finance/.fsenc")" = "$before" ]
	# Alice's mount completes it; bob's hears of it from the list.
	as alice fsenc sync
	as alice fsenc mount "$T/share" "$T/mnt"
	ls mnt/Finance
	wait_for has_rescue "$T/mnt/Finance"
	finance_is_whole() { ls mnt-bob/Finance >/dev/null; lacks_none bob; }
	wait_for finance_is_whole
	as bob fsenc umount "$T/mnt-bob"
	as alice fsenc umount "$T/mnt"
}

@test "the mounts of two admins complete a folder once" {
	later_begin
	as alice fsenc add-user "$T/mnt/Finance" bob --role admin
	bob_mounts_too
	cat mnt-bob/Finance/plan.txt
	rescue_begins
	as alice exec "$FSENC_BIN" sync </dev/null >alice.log 2>&1 3>&- &
	pid=$!
	as bob fsenc sync
	wait "$pid"
	wait_for has_rescue "$T/mnt/Finance"
	seen_by_both() { ls mnt/Finance mnt-bob/Finance >/dev/null; lacks_none bob && ! as alice fsenc status --json | jq -e '.mounts[].folders[] | select(.path == "Finance" and .lacks_recovery != [])'; }
	wait_for seen_by_both
	[ "$(version_of "$T/mnt/Finance")" = 3 ]
	as bob fsenc umount "$T/mnt-bob"
	as alice fsenc umount "$T/mnt"
}

@test "a command of an admin that changes the list lets the recovery group in on the way, with the new generation's key" {
	later_begin
	as alice fsenc add-user "$T/mnt/Finance" bob --role writer
	as alice fsenc umount "$T/mnt"
	rescue_begins
	as alice fsenc sync
	as alice fsenc remove-user "$T/share/Finance" bob
	has_rescue "$T/share/Finance"
	[ "$(version_of "$T/share/Finance")" = 3 ]
	as bob fsenc recover-folder "$T/share/Finance" >request
	answers olga request
	answers oscar request
	as bob fsenc recover-folder "$T/share/Finance" "$T/mnt" --request request --answer olga.answer --answer oscar.answer
	[ "$(cat mnt/Finance/plan.txt)" = "the plan" ]
	as bob fsenc umount "$T/mnt"
}

@test "under offline=block a mount lets the recovery group in only when the key servers have answered" {
	later_begin
	as alice fsenc umount "$T/mnt"
	rescue_begins
	server policy set "$S" offline=block
	as alice fsenc sync
	stop_server "$S"
	# What was heard a minute ago and more is no answer of now.
	sqlite3 "$T/alice/data/fsenc/keyring.db" "UPDATE policy SET received = received - 3600"
	as alice fsenc mount "$T/share" "$T/mnt"
	[ "$(cat mnt/Finance/plan.txt)" = "the plan" ]
	[ "$(cat mnt/Finance/Deep/secret.txt)" = "the secret" ]
	[ "$(lacking alice)" = "Finance Finance/Deep" ]
	start_server "$S"
	as alice fsenc sync
	wait_for has_rescue "$T/mnt/Finance"
	wait_for has_rescue "$T/mnt/Finance/Deep"
	as alice fsenc umount "$T/mnt"
}

# -- a token in escrow ------------------------------------------------------------------------

# Alice's token is with the officers; her passphrase and the paper are lost.
token_begin() {
	officers_begin
	new_token alice lost
	server user export-token "$S" alice >alice.block
	mkdir out
}

# The passphrase that Alice cannot know.
alice_forgets() {
	secret_file "$T/alice/pass" "nobody remembers"
	as alice fails 12 fsenc key passwd --new-passfile "$T/bob/pass"
}

# lied ANSWER INDEX - the answer, as if another officer had made it
lied() {
	python3 - "$1" "$2" <<'END'
import base64, json, sys
begin, *body, end = open(sys.argv[1]).read().strip().split("\n")
text = "".join(body)
answer = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
answer["index"] = int(sys.argv[2])
text = base64.urlsafe_b64encode(json.dumps(answer).encode()).decode().rstrip("=")
print(begin, *(text[i:i + 64] for i in range(0, len(text), 64)), end, sep="\n")
END
}

@test "officers together give back a recovery token that is lost, and its user gets in and has a new one" {
	token_begin
	alice_forgets
	grep -q 'BEGIN FSENC ESCROWED TOKEN' alice.block
	never grep -qF "$(tr -d '\n' <lost)" alice.block
	server audit "$S" --json | jq -e 'select(.action == "admin" and .detail == "user export-token alice")' >/dev/null
	as bob run --separate-stderr fsenc recover-token alice.block --reason "the paper is burnt"
	[ "$status" = 0 ]
	says "send it to 2 officers of 'rescue'"
	says "$(fingerprint bob)"
	echo "$output" >request
	as olga run --separate-stderr fsenc answer-recovery request --parcel "$(parcel_of olga)" --yes
	[ "$status" = 0 ]
	says "for      the RECOVERY TOKEN of the user alice"
	says "calls himself 'bob'"
	says "the paper is burnt"
	says "takes    2 of 3 officers of 'rescue'"
	echo "$output" >olga.answer
	as bob fails 1 fsenc recover-token alice.block --request request --answer olga.answer --token-out out/token
	says "1 of the 2 officers"
	[ ! -e out/token ]
	answers otto request
	as bob fsenc recover-token alice.block --request request --answer olga.answer --answer otto.answer --token-out out/token
	[ "$(stat -c %a out/token)" = 600 ]
	cmp out/token lost
	as bob fails 1 fsenc recover-token alice.block --request request --answer olga.answer --answer otto.answer --token-out out/token
	says "there is a file"
	# On the terminal it looks like any token.
	[ "$(as bob fsenc recover-token alice.block --request request --answer olga.answer --answer otto.answer)" = "recovery-token  $(cat lost)" ]
	# Alice is in again. The token is used up, and the new one is with the officers.
	secret_file "$T/alice/pass" "a passphrase of today"
	as alice fsenc recover --token out/token --new-passfile "$T/alice/pass" --kdf-mib 64 >second.line
	secret_file second "$(awk '{ print $2 }' second.line)"
	as alice fails 12 fsenc recover --token lost --new-passfile "$T/alice/pass" --kdf-mib 64
	as alice fsenc members "$T/share" >/dev/null
	server user export-token "$S" alice >later.block
	never cmp -s alice.block later.block
	as bob fsenc recover-token later.block >request
	answers oscar request
	answers otto request
	[ "$(as bob fsenc recover-token later.block --request request --answer oscar.answer --answer otto.answer)" = "recovery-token  $(cat second)" ]
}

@test "who has lost the token asks with a fresh key, so that nobody else learns it" {
	token_begin
	alice_forgets
	secret_file fresh.pass "for today"
	ask() { as alice fsenc recover-token alice.block --keyring "$T/fresh.db" --passfile "$T/fresh.pass" "$@"; }
	as alice fsenc setup --name alice --keyring "$T/fresh.db" --passfile "$T/fresh.pass" --kdf-mib 64 --quiet >/dev/null
	fresh=$(as alice json_of .fingerprint fsenc key show --keyring "$T/fresh.db" --json)
	ask >request
	as olga run --separate-stderr fsenc answer-recovery request --parcel "$(parcel_of olga)" --yes
	[ "$status" = 0 ]
	says "NOT KNOWN HERE who calls himself 'alice'"
	says "$fresh"
	echo "$output" >olga.answer
	answers otto request
	# Whoever carries the letters has nothing.
	as bob fails 2 fsenc recover-token alice.block --request request --answer olga.answer --answer otto.answer
	says "not yours"
	ask --request request --answer olga.answer --answer otto.answer --token-out out/token
	recovers alice out/token "a passphrase of today"
}

@test "answers for a folder open no token, those for a token no folder, and a lying officer is named" {
	token_begin
	as bob fsenc recover-folder "$T/share" >folder.request
	as bob fsenc recover-token alice.block >request
	as bob fsenc recover-token alice.block >again.request
	for name in olga otto; do
		answers "$name" folder.request
		mv "$name.answer" "$name.folder"
		answers "$name" again.request
		mv "$name.answer" "$name.again"
		answers "$name" request
	done
	open=(as bob fails 2 fsenc recover-token alice.block)
	"${open[@]}" --request folder.request --answer olga.folder --answer otto.folder
	says "the request is for a folder, not for a recovery token"
	"${open[@]}" --request request --answer olga.folder --answer otto.folder
	says "'olga.folder': it is the answer to another request"
	"${open[@]}" --request request --answer olga.answer --answer otto.again
	says "'otto.again': it is the answer to another request"
	as bob fails 2 fsenc recover-folder "$T/share" "$T/mnt" --request request --answer olga.answer --answer otto.answer
	says "the request is for a recovery token, not for a folder"
	as bob fails 2 fsenc recover-folder "$T/share" "$T/mnt" --request folder.request --answer olga.answer --answer otto.answer
	says "another request"
	# Another user's token is another one.
	new_token bob bobs
	server user export-token "$S" bob >bob.block
	as bob fails 2 fsenc recover-token bob.block --request request --answer olga.answer --answer otto.answer
	says "something else"
	# olga is number 1, oscar 2, otto 3
	lied otto.answer 2 >lie
	as bob fails 21 fsenc recover-token alice.block --request request --answer olga.answer --answer lie
	says "'lie': the answer of officer number 2 is wrong"
	# An officer answers nothing that was changed.
	sed 's/a/b/' request >changed
	as olga fails 26 fsenc answer-recovery changed --parcel "$(parcel_of olga)" --yes
	as bob fails 2 fsenc recover-token alice.block --request request
	as bob fails 2 fsenc recover-token alice.block --token-out out/token
	[ ! -e out/token ]
}

@test "without officers the holder of the root key opens a lost token, on a machine of his own or beside the server" {
	joins alice
	new_token alice lost
	server user export-token "$S" alice >alice.block
	alice_forgets
	fails 2 server open-token alice.block
	says "--root-key FILE"
	[ "$(server open-token alice.block "$S")" = "recovery-token  $(cat lost)" ]
	server audit "$S" --json | jq -e 'select(.action == "admin" and .detail == "open-token alice")' >/dev/null
	server open-token alice.block "$S" --token-out out
	[ "$(stat -c %a out)" = 600 ]
	fails 1 server open-token alice.block "$S" --token-out out
	recovers alice out "a passphrase of today"
	# The token that was opened is dead, and officers are not asked for this one.
	as alice fails 12 fsenc recover --token lost --new-passfile "$T/alice/pass" --kdf-mib 64
	as alice fails 2 fsenc recover-token alice.block
	says "sealed to the organisation's root key"
}

@test "a root key that lies elsewhere opens a lost token without any server, another's does not" {
	server init "$T/N" --name N.test --listen "127.0.0.1:$(free_port)" --root-key "$T/root.key" --quiet >"$T/N.fingerprint"
	server init "$T/O" --name O.test --listen "127.0.0.1:$(free_port)" --root-key "$T/other.key" --quiet >/dev/null
	stop_server "$S"
	S=$T/N
	start_server "$S"
	joins alice
	new_token alice lost
	server user export-token "$S" alice >alice.block
	stop_server "$S"
	fails 1 server open-token alice.block "$S"
	fails 26 server open-token alice.block --root-key "$T/other.key"
	[ "$(server open-token alice.block --root-key "$T/root.key")" = "recovery-token  $(cat lost)" ]
	sed 's/B/C/' alice.block >changed
	fails 26 server open-token changed --root-key "$T/root.key"
}

@test "a token is exported for who has one, and a token with officers is not the root's to open" {
	token_begin
	server user add "$S" carol >carol.code
	fails 1 server user export-token "$S" carol
	says "no recovery token"
	fails 1 server user export-token "$S" nobody
	fails 2 server open-token alice.block "$S"
	says "sealed to officers"
}
