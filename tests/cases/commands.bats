#!/usr/bin/env bats
# The command line itself: help, mistakes, passphrases, exit statuses, the keyring.
load ../lib/bats

setup() {
	begin
	person alice
}

# -- help and mistakes ---------------------------------------------------------------------

@test "help names every command, each has help of its own, and the table is complete" {
	fsenc help --table >table
	fsenc --help >help
	while IFS=$'\t' read -r kind name arguments words; do
		[ "$kind" = command ] || continue
		grep -qF "$words" help
		# shellcheck disable=SC2086  # two words on purpose
		fsenc help $name >one
		grep -qF "usage: fsenc $name" one
		grep -qF -- --help one
		# shellcheck disable=SC2086
		fsenc $name --help >other
		cmp one other
		[ -z "$arguments" ] || grep -qF -- "$arguments" one
	done <table
	[ "$(grep -c '^command' table)" -ge 26 ]
	[ "$(grep -c '^mount-option' table)" -ge 15 ]
	[ "$(cut -f1 table | sort -u | tr '\n' ' ')" = "command environment exit mount-option option " ]
}

@test "every command, option, exit status and variable of the table stands in the manual with the same words" {
	fsenc help --table >table
	tr '\n' ' ' <"$root/docs/man/fsenc.1.scd" | sed 's/[_*\\]//g; s/[[:space:]]\+/ /g' >manual
	while IFS= read -r line; do
		words=${line##*$'\t'}
		words=$(sed 's/[_*\\]//g' <<<"$words")
		grep -qF -- "$words" manual || { echo "not in the manual: $line"; false; }
	done <table
}

@test "version" {
	run fsenc --version
	[[ $output =~ ^fsenc\ [0-9]+\.[0-9]+ ]]
	run fsenc version
	[[ $output =~ ^fsenc\ [0-9]+\.[0-9]+ ]]
}

@test "a mistyped command or option is 2 and names the nearest one" {
	fails 2 fsenc staus
	says "did you mean 'status'?"
	fails 2 fsenc key lst
	says "did you mean 'key list'?"
	fails 2 fsenc key
	fails 2 fsenc
	fails 2 fsenc add-usr
	says "did you mean 'add-user'?"
	fails 2 fsenc status --jsom
	says "did you mean '--json'?"
	fails 2 fsenc status -Q
	fails 2 fsenc status --json=yes
	says "takes no value"
	fails 2 fsenc setup --name
	says "wants a value"
	fails 2 fsenc setup --kdf-mib many
	fails 2 fsenc mount one
	says "usage: fsenc mount SHARE DIR"
	fails 2 fsenc umount
	fails 2 fsenc xyzzy-plugh
}

@test "every failure has one line that says what, and one that says what next" {
	as alice fails 23 fsenc key list
	[ "$(wc -l <<<"$stderr")" = 2 ]
	[[ $stderr == "fsenc: "*$'\n'"try: "* ]]
	[ -z "$output" ]
}

@test "completion for bash is valid and completes commands and options" {
	fsenc completion bash >completion
	bash -n completion
	source completion
	COMP_WORDS=(fsenc mou) COMP_CWORD=1 && _fsenc && [ "${COMPREPLY[*]}" = mount ]
	COMP_WORDS=(fsenc key exp) COMP_CWORD=2 && _fsenc && [ "${COMPREPLY[*]}" = export ]
	COMP_WORDS=(fsenc key import --tr) COMP_CWORD=3 && _fsenc && [ "${COMPREPLY[*]}" = --trust ]
	fails 2 fsenc completion fish
}

# -- keyring and passphrases ---------------------------------------------------------------

@test "without a keyring every command says how to make one" {
	for command in "key show" "key export" "unlock" "lock" "recovery-token" "init $T/share" "recover"; do
		# shellcheck disable=SC2086
		as alice fails 23 fsenc $command --no-input
		says "there is no keyring"
		says "fsenc setup --name"
	done
	[ ! -e "$T/share" ]
}

@test "setup prints the fingerprint, makes a keyring only its owner can read, and never a second one" {
	as alice run fsenc setup --name alice --kdf-mib 64
	[ "$status" = 0 ]
	has "$(fingerprint alice)"
	[ "$(stat -c %a "$T/alice/data/fsenc/keyring.db")" = 600 ]
	as alice fails 1 fsenc setup --name alice --kdf-mib 64
	as alice fails 2 fsenc setup --keyring "$T/other" --name "a/b"
	as alice fails 2 fsenc setup --keyring "$T/other" --name bob --kdf-mib 63
}

@test "a wrong passphrase is 12, an empty one 22, none at all 12" {
	as alice fsenc setup --name alice --kdf-mib 64
	secret_file wrong "something else"
	secret_file empty ""
	: >"$T/alice/nothing"
	as alice fails 12 fsenc init share --passfile wrong
	as alice fails 22 fsenc init share --passfile empty
	[ ! -e share ]
	without_file() { unset FSENC_PASSFILE && fsenc "$@"; }
	as alice fails 12 without_file init share --no-input
	says "--passfile"
}

@test "a passphrase file that others can read is refused" {
	as alice fsenc setup --name alice --kdf-mib 64
	for mode in 640 604 660 644; do
		chmod $mode "$T/alice/pass"
		as alice fails 23 fsenc init share
		says "others can read"
		as alice fails 23 fsenc init share --passfile "$T/alice/pass"
	done
	[ ! -e share ]
	chmod 400 "$T/alice/pass"
	as alice fsenc init share
	as alice fails 23 fsenc init share2 --passfile "$T/alice/is-not-there"
}

@test "the sources of a passphrase come in order: --passfile, --extpass, FSENC_PASSFILE, the credentials" {
	as alice fsenc setup --name alice --kdf-mib 64
	secret_file wrong "something else"
	# each source is wrong, the one before it is right
	as alice fsenc init one --passfile "$T/alice/pass" --extpass cat --extpass "$T/wrong"
	cp -p "$T/alice/pass" right
	cp -p wrong "$T/alice/pass"
	as alice fsenc init two --extpass cat --extpass "$T/right"
	as alice fails 12 fsenc init three
	mkdir credentials
	cp -p right credentials/fsenc.passphrase
	export CREDENTIALS_DIRECTORY=$T/credentials
	as alice fails 12 fsenc init three
	without_file() { unset FSENC_PASSFILE && fsenc "$@"; }
	as alice without_file init three
}

@test "only the first line counts, and --extpass is never split or seen by a shell" {
	as alice fsenc setup --name alice --kdf-mib 64
	printf '%s\r\nsecond line\n' "the passphrase of alice" >"$T/lines"
	chmod 600 "$T/lines"
	as alice fsenc init one --passfile lines
	as alice fails 1 fsenc init two --extpass "cat $T/lines"
	says "there is no program"
	as alice fails 1 fsenc init two --extpass false
	as alice fails 22 fsenc init two --extpass true
	as alice fsenc init two --extpass printf --extpass '%s\n' --extpass "the passphrase of alice"
}

@test "at the terminal a new passphrase is asked for twice, and never shown" {
	at_terminal() {
		unset FSENC_PASSFILE
		local -a answers=()
		while [ "$1" != -- ]; do answers+=("$1"); shift; done
		python3 "$root/tests/lib/terminal.py" "${answers[@]}" -- "$FSENC_BIN" "${@:2}"
	}
	as alice fails 12 at_terminal "typed words" "other words" -- setup --name alice --kdf-mib 64
	has "the two passphrases differ"
	as alice fails 22 at_terminal "" -- setup --name alice --kdf-mib 64
	as alice fails 0 at_terminal "typed words" "typed words" -- setup --name alice --kdf-mib 64
	[[ $output == *"New passphrase: "*"New passphrase, again: "* ]]
	[[ $output != *"typed words"* ]]
	as alice fails 0 at_terminal "typed words" -- init share
	[[ $output != *"typed words"* ]]
	as alice fails 12 at_terminal "wrong" -- init share2
	cp share/.fsenc before
	ready bob
	as alice at_terminal "typed words" -- unlock --for 1m
	know alice bob
	as alice fsenc add-user share bob
	cp before share/.fsenc
	as alice fails 13 at_terminal n -- key trust --folder share
	as alice fails 0 at_terminal y -- key trust --folder share
	has "[y/N]"
}

@test "passwd changes the passphrase; the old one is dead" {
	as alice fsenc setup --name alice --kdf-mib 64
	secret_file new "another passphrase"
	as alice fsenc key passwd --new-passfile new --kdf-mib 64
	as alice fails 12 fsenc init share
	as alice fsenc init share --passfile new
	as alice fails 12 fsenc key passwd --no-input --passfile new
}

@test "unlock keeps the keyring open without a passphrase until lock" {
	as alice fsenc setup --name alice --kdf-mib 64
	without_file() { unset FSENC_PASSFILE && fsenc "$@"; }
	[ "$(as alice json_of .keyring.state fsenc status --json)" = locked ]
	as alice run fsenc unlock --for 10m
	[ "$status" = 0 ] || skip "the kernel keeps no keys here: $output"
	as alice without_file init one --no-input
	[ "$(as alice json_of .keyring.state fsenc status --json)" = unlocked ]
	as alice fails 12 without_file key passwd --no-input --new-passfile "$T/alice/pass"
	as alice fsenc lock
	as alice fails 12 without_file init two --no-input
	as alice fsenc lock
	as alice fails 2 fsenc unlock --for ever
	as alice fails 2 fsenc unlock --for 8d
}

@test "the recovery token opens the keyring once, and a new one takes its place" {
	as alice fsenc setup --name alice --kdf-mib 64
	[ "$(as alice json_of '.token | tostring' fsenc recovery-token --json)" = false ]
	as alice fails 1 fsenc recover --no-input
	as alice json_of .recovery_token fsenc recovery-token --renew --json >token
	chmod 600 token
	[ "$(as alice json_of '.token | tostring' fsenc recovery-token --json)" = true ]
	secret_file new "another passphrase"
	as alice fails 12 fsenc recover --no-input --new-passfile new
	secret_file wrong "0000-0000-0000-0000-0000-0000-0000-0000-0000"
	as alice run fsenc recover --token wrong --new-passfile new
	[ "$status" != 0 ]
	as alice json_of .recovery_token fsenc recover --token token --new-passfile new --kdf-mib 64 --json >next
	as alice fails 12 fsenc init share
	as alice fsenc init share --passfile new
	as alice run fsenc recover --token token --new-passfile new
	[ "$status" != 0 ]
	chmod 600 next
	as alice fsenc recover --token next --new-passfile "$T/alice/pass" --kdf-mib 64
	as alice fsenc init share2
}

@test "setup shows a recovery token when asked for it" {
	as alice json_of .recovery_token fsenc setup --name alice --kdf-mib 64 --recovery-token --json >token
	[ -s token ]
	[ "$(as alice json_of '.token | tostring' fsenc recovery-token --json)" = true ]
}

@test "a backup restores the keys, with its passphrase alone, and overwrites nothing" {
	as alice fsenc setup --name alice --kdf-mib 64
	before=$(fingerprint alice)
	as alice fsenc key backup backup
	[ "$(stat -c %a backup)" = 600 ]
	as alice fails 1 fsenc key backup backup
	as alice fails 1 fsenc key restore backup
	rm "$T"/alice/data/fsenc/keyring.db*
	secret_file wrong "something else"
	as alice fails 12 fsenc key restore backup --passfile wrong
	as alice fsenc key restore backup --kdf-mib 64
	[ "$(fingerprint alice)" = "$before" ]
	as alice fsenc init share
}

# -- certificates --------------------------------------------------------------------------

@test "import takes a certificate only with its own fingerprint" {
	as alice fsenc setup --name alice --kdf-mib 64
	ready bob
	as bob fsenc key export >bob.cert
	[ "$(wc -l <bob.cert)" = 1 ]
	as alice fails 13 fsenc key import bob.cert --trust "$(fingerprint alice)"
	says "$(fingerprint bob)"
	as alice fails 2 fsenc key import bob.cert --trust short
	[ "$(as alice json_of '.keys | length' fsenc key list --json)" = 1 ]
	as alice fsenc key import - --trust "$(fingerprint bob)" <bob.cert
	as alice json_of '.keys[] | select(.name == "bob") | .trusted' fsenc key list --json
	[ "$(as alice json_of .fingerprint fsenc key show bob --json)" = "$(fingerprint bob)" ]
	as alice fsenc key export bob >again.cert
	cmp bob.cert again.cert
}

@test "what is no certificate, or a changed one, is not imported" {
	as alice fsenc setup --name alice --kdf-mib 64
	ready bob
	as bob fsenc key export >bob.cert
	echo '{"payload":"AA"}' >not.cert
	as alice run fsenc key import not.cert
	[ "$status" != 0 ]
	sed 's/"signature":"../"signature":"zz/' bob.cert >changed.cert
	as alice fails 26 fsenc key import changed.cert
	as alice fails 1 fsenc key import is-not-there
	[ "$(as alice json_of '.keys | length' fsenc key list --json)" = 1 ]
	as alice fails 25 fsenc key show bob
	as alice fails 25 fsenc key trust "$(fingerprint bob)"
}

@test "trust may come later than the certificate" {
	as alice fsenc setup --name alice --kdf-mib 64
	ready bob
	as bob fsenc key export >bob.cert
	as alice fails 0 fsenc key import bob.cert
	says "Not trusted yet"
	[ "$(as alice json_of '.trusted | tostring' fsenc key show bob --json)" = false ]
	as alice fsenc key trust "$(fingerprint bob)"
	[ "$(as alice json_of '.trusted | tostring' fsenc key show bob --json)" = true ]
	as alice fails 2 fsenc key trust
	as alice fails 2 fsenc key trust "$(fingerprint bob)" --folder .
}

# -- shares and mounts ---------------------------------------------------------------------

@test "a fingerprint that begins with a dash is one all the same, as argument and as value" {
	as alice fsenc setup --name alice --kdf-mib 64
	dashed=-$(head -c 31 /dev/zero | tr '\0' A)AAAAAAAAAAA
	[ ${#dashed} = 43 ]
	as alice fails 25 fsenc key trust "$dashed"
	says "$dashed"
	as alice fails 25 fsenc key show "$dashed" --json
	as alice fails 2 fsenc key import /dev/null --trust "$dashed" -q --nonsense
	says "--nonsense"
	as alice fails 2 fsenc key trust -AAAA
	says "no option '-A'"
}

@test "what is no share is said to be none" {
	as alice fsenc setup --name alice --kdf-mib 64
	mkdir plain full
	touch full/file
	for command in "members plain" "add-user plain alice" "verify plain" "protect plain" "members is-not-there"; do
		# shellcheck disable=SC2086
		as alice fails 1 fsenc $command
	done
	as alice fails 2 fsenc init full
	as alice fsenc init share
	as alice fails 1 fsenc init share
}

@test "an access list that was rolled back is 27, until it is accepted by hand" {
	as alice fsenc setup --name alice --kdf-mib 64
	ready bob
	know alice bob
	as alice fsenc init share
	cp share/.fsenc before
	as alice fsenc add-user share bob
	[ "$(as alice json_of '.version' fsenc members share --json)" = 2 ]
	cp before share/.fsenc
	as alice fails 27 fsenc members share
	says "fsenc key trust --folder"
	as alice fails 13 fsenc key trust --folder share --no-input
	as alice fails 27 fsenc members share
	as alice fails 0 fsenc key trust --folder share --yes
	has "seen before"
	[ "$(as alice json_of '.version' fsenc members share --json)" = 1 ]
	as alice fails 0 fsenc key trust --folder share --no-input
}

@test "another share at a known path is 27, until it is accepted by hand" {
	as alice fsenc setup --name alice --kdf-mib 64
	as alice fsenc init share
	as alice fsenc members share
	rm -r share
	ready bob
	as bob fsenc init share
	as alice fails 27 fsenc members share
	as alice fsenc key trust --folder share --yes
	as alice fails 25 fsenc members share
	know alice bob
	as alice fsenc members share
}

@test "a mount point that cannot be used is 10" {
	needs_fuse
	as alice fsenc setup --name alice --kdf-mib 64
	as alice fsenc init share
	mkdir full mnt
	touch full/file
	as alice fails 10 fsenc mount share is-not-there
	as alice fails 10 fsenc mount share full
	as alice fails 10 fsenc mount share full/file
	as alice fails 10 fsenc umount mnt
	as alice fails 2 fsenc mount share mnt -o alow_other
	says "allow_other"
	as alice fails 1 fsenc mount no-share mnt
	as alice fails 12 fsenc mount share mnt --extpass echo --extpass wrong
	as alice fsenc mount share mnt
	as alice fails 10 fsenc mount share mnt
	as alice fsenc umount mnt
}

@test "status of a path is about its mount alone" {
	needs_fuse
	as alice fsenc setup --name alice --kdf-mib 64
	as alice fsenc init one
	as alice fsenc init two
	mkdir mnt1 mnt2
	as alice fsenc mount one mnt1
	as alice fsenc mount two mnt2
	[ "$(as alice json_of '.mounts | length' fsenc status --json)" = 2 ]
	[ "$(as alice json_of '.mounts[0].dir' fsenc status mnt2 --json)" = "$T/mnt2" ]
	[ "$(as alice json_of '.mounts | length' fsenc status one --json)" = 1 ]
	as alice fails 1 fsenc status /
	as alice run fsenc status
	has "$T/mnt1"
	as alice fsenc umount mnt1
	as alice fsenc umount mnt2
}

@test "a mount in use is not ended, except with --lazy" {
	needs_fuse
	as alice fsenc setup --name alice --kdf-mib 64
	as alice fsenc init share
	mkdir mnt
	as alice fsenc mount share mnt
	echo x >mnt/file
	exec 9<mnt/file
	as alice fails 1 fsenc umount mnt
	says "in use"
	is_mounted "$T/mnt"
	as alice fsenc umount --lazy mnt
	never is_mounted "$T/mnt"
	exec 9<&-
}

@test "mount.fsenc takes what mount(8) gives it" {
	needs_fuse
	as alice fsenc setup --name alice --kdf-mib 64
	as alice fsenc init share
	mkdir mnt
	as alice "${FSENC_BIN%/*}/mount.fsenc" "$T/share" "$T/mnt" -v -o "rw,noauto,passfile=$T/alice/pass"
	is_mounted "$T/mnt"
	as alice fsenc umount mnt
	run "${FSENC_BIN%/*}/mount.fsenc" one
	[ "$status" = 2 ]
}

@test "root's mount has the kernel ask half a megabyte ahead, in requests of 128 KiB" {
	needs_fuse
	local device
	as alice fsenc setup --name alice --kdf-mib 64
	as alice fsenc init share
	mkdir mnt
	as alice fsenc mount share mnt
	device=$(mountpoint -d mnt)
	grep -q "$T/mnt .*max_read=131072" /proc/self/mountinfo
	[ -w "/sys/class/bdi/$device/read_ahead_kb" ] || skip "only root widens the window"
	cat mnt/nothing 2>&1 | grep -q "No such file"
	[ "$(cat "/sys/class/bdi/$device/read_ahead_kb")" = 512 ]
}

@test "a mount in the foreground ends with its process" {
	needs_fuse
	as alice fsenc setup --name alice --kdf-mib 64
	as alice fsenc init share
	mkdir mnt
	as alice exec "$FSENC_BIN" mount -f share mnt 3>&- &
	process=$!
	wait_for is_mounted "$T/mnt"
	kill "$process"
	wait "$process"
	never is_mounted "$T/mnt"
}
