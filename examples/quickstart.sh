#!/usr/bin/env bash
# examples/quickstart.sh [DIRECTORY] - from nothing to a mounted encrypted share with two users.
#
# Installs the packages, builds, and plays the walk-through in DIRECTORY (default: ~/fsenc-quickstart).
# Leaves the share mounted as alice and says how to go on.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."

say() { printf '\n== %s\n' "$*"; }

say "installing what is missing, and building"
tests/lib/install build run
[ -f build/build.ninja ] || meson setup build -Dtests=disabled >/dev/null
ninja -C build >/dev/null
PATH=$PWD/build/cli:$PATH

play=${1:-$HOME/fsenc-quickstart}
if [ -e "$play" ]; then
	echo "'$play' exists already; name another directory, or remove it:" >&2
	echo "    fusermount3 -u '$play/mnt' 2>/dev/null; rm -rf '$play'" >&2
	exit 1
fi
mkdir -p "$play/mnt"

# as NAME COMMAND... - as that user, with a keyring of its own
as() {
	local name=$1 home=$play/$1
	shift
	(
		export HOME=$home XDG_DATA_HOME=$home/data XDG_CONFIG_HOME=$home/config XDG_STATE_HOME=$home/state
		export XDG_RUNTIME_DIR=$home/run FSENC_PASSFILE=$home/pass
		"$@"
	)
}

# wait_for SECONDS COMMAND... - until it succeeds
wait_for() {
	local tries=$(($1 * 10))
	shift
	until "$@" 2>/dev/null; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || { echo "gave up waiting for: $*" >&2; return 1; }
		sleep 0.1
	done
}

for user in alice bob; do
	mkdir -p "$play/$user/run"
	chmod 700 "$play/$user" "$play/$user/run"
	(umask 077; head -c 18 /dev/urandom | base64 >"$play/$user/pass")
	say "$user: fsenc setup"
	as "$user" fsenc setup --name "$user"
	as "$user" fsenc key export >"$play/$user.cert"
done
fingerprint() { as "$1" fsenc key show --json | sed -n 's/.*"fingerprint": *"\([^"]*\)".*/\1/p'; }

say "each trusts the other's key"
as alice fsenc key import "$play/bob.cert" --trust "$(fingerprint bob)"
as bob fsenc key import "$play/alice.cert" --trust "$(fingerprint alice)"

say "alice makes a share, mounts it and puts files into it"
as alice fsenc init "$play/share"
as alice fsenc mount "$play/share" "$play/mnt"
cp -r docs "$play/mnt/docs"
echo "the plan" >"$play/mnt/plan.txt"
echo "what alice sees:      $(ls "$play/mnt" | tr '\n' ' ')"
echo "what the share holds: $(ls "$play/share" | tr '\n' ' ')"

say "bob mounts it before he is let in: locked; then alice lets him in"
mkdir "$play/mnt-bob"
as bob fsenc mount "$play/share" "$play/mnt-bob"
ls "$play/mnt-bob" || true
as alice fsenc add-user "$play/share" bob --role writer
wait_for 10 cat "$play/mnt-bob/plan.txt"
echo "written by bob" >"$play/mnt-bob/from-bob.txt"
wait_for 10 cat "$play/mnt/from-bob.txt"

say "alice takes bob out again: a new key at once"
as alice fsenc remove-user "$play/share" bob
wait_for 10 sh -c "! cat '$play/mnt-bob/plan.txt'"
as bob fsenc umount "$play/mnt-bob"
rmdir "$play/mnt-bob"

say "everything is sound"
as alice fsenc verify "$play/share"

cat <<END

The share is mounted at $play/mnt, as alice. To use it in this shell:

    export HOME=$play/alice XDG_DATA_HOME=$play/alice/data XDG_CONFIG_HOME=$play/alice/config
    export XDG_STATE_HOME=$play/alice/state XDG_RUNTIME_DIR=$play/alice/run FSENC_PASSFILE=$play/alice/pass
    PATH=$PWD/build/cli:\$PATH
    fsenc status
    fsenc umount $play/mnt
END
