#!/usr/bin/env bats
# The storage loses power: what was synced is there, under its name, whole.
#
# The storage is a file system in an image; the image lies on another one that can copy it at one instant (reflink).
# Each copy is what a disk holds when the power goes at that moment.
load trust

setup() {
	trust_begin
	cuts=${FSENC_CUTS:-4}
	! is_slow || cuts=${FSENC_CUTS:-25}
}

# host_begin - $T/host can copy a file at one instant
host_begin() {
	storage_image "$T/host.img" xfs 6G
	mkdir "$T/host"
	storage_attach "$T/host.img" "$T/host"
	echo x >"$T/host/probe"
	cp --reflink=always "$T/host/probe" "$T/host/probe2" || skip "no reflinks on xfs here"
}

# cut NUMBER - the image as it is now, between two marks of the journal
cut() {
	"$ORACLE" mark "$T/journal" "$T/low.$1"
	cp --reflink=always "$T/host/image" "$T/host/cut.$1"
	"$ORACLE" mark "$T/journal" "$T/high.$1"
}

synced_more_than() {
	"$ORACLE" progress "$T/journal" >"$T/progress"
	[ "$(cat "$T/progress")" -gt "$1" ]
}

# A long name whose own file had not been synced is lost, and stands here as it is stored.
was_written_to() {
	case ${1##*/} in
	.fsenc-l-*) grep -qF "${1%/*}/long-" "$2" ;;
	*) grep -qxF "$1" "$2" ;;
	esac
}

# What verify finds is nothing but files that were being written to.
sound_but_for() {
	local found=0 kind path
	as alice fsenc verify --json "$share" >"$T/verify" 2>"$T/verify.err" || found=$?
	[ "$found" = 0 ] || [ "$found" = 26 ] || { cat "$T/verify.err"; return 1; }
	jq -r '.findings[] | [.kind, .path // .stored] | @tsv' "$T/verify" >"$T/findings"
	while IFS=$'\t' read -r kind path; do
		[ "$kind" != tampered ] && was_written_to "${path#*work/}" "$1" && continue
		echo "verify: $kind: $path"
		jq -c '.findings[]' "$T/verify"
		return 1
	done <"$T/findings"
	findings=$((findings + $(wc -l <"$T/findings")))
}

# A file whose long name was never synced has lost it, and nobody can remove it through the mount; what is left of a
# synced one would be a failure before this.
remove_all() {
	local entry
	rm -r "$T/mnt/work" 2>"$T/rm" && return
	find "$share" -name '.fsenc-l-*' ! -name '*.n' >"$T/nameless"
	[ -s "$T/nameless" ] || { cat "$T/rm"; return 1; }
	while read -r entry; do
		tr -d '\0' <"$entry.n" >"$T/name" || : >"$T/name"
		[ ! -s "$T/name" ] || { cat "$T/rm"; return 1; }
		rm -f "$entry" "$entry.n"
		nameless=$((nameless + 1))
	done <"$T/nameless"
	rm -r "$T/mnt/work"
}

power_cuts() {
	local kind=$1 options=$2 number done_before=0 torn=0 findings=0 nameless=0
	host_begin
	storage_image "$T/host/image" "$kind" 400M
	storage_attach "$T/host/image" "$T/back"
	share_begin "$T/back"
	mount_start
	mkdir "$T/mnt/work"
	"$ORACLE" run "$T/mnt/work" "$T/journal" "$RANDOM" >"$T/run" 3>&- &
	workload=$!
	started+=("$workload")
	for ((number = 1; number <= cuts; number++)); do
		until_true synced_more_than "$((done_before + RANDOM % 300))"
		cut "$number"
		done_before=$(cat "$T/progress")
	done
	kill -TERM "$workload"
	wait "$workload" || { cat "$T/run"; return 1; }
	"$ORACLE" check "$T/mnt/work" "$T/journal"
	mount_end
	umount "$T/back"
	for ((number = 1; number <= cuts; number++)); do
		storage_attach "$T/host/cut.$number" "$T/back" "$options"
		mount_start
		"$ORACLE" check-power "$T/mnt/work" "$T/journal" "$T/low.$number" "$T/high.$number" "$T/flux" >"$T/check" ||
			{ echo "cut $number:"; cat "$T/check"; return 1; }
		torn=$((torn + $(sed -n 's/.* \([0-9]*\) torn.*/\1/p' "$T/check")))
		sound_but_for "$T/flux" || { echo "cut $number"; return 1; }
		remove_all || { echo "cut $number"; return 1; }
		mount_end
		sound
		umount "$T/back"
	done
	echo "# $cuts cuts, $torn blocks torn that were being written, $findings findings of verify, $nameless unsynced files without a name" >&3
}

@test "the power goes under a share on ext4: what was synced is there" {
	power_cuts ext4 ""
}

@test "the power goes under a share on xfs: what was synced is there" {
	power_cuts xfs nouuid
}
