#!/usr/bin/env bats
# A day's work of real programs on the mount, compared with the same on the plain disk.
load ../lib/bats

setup() {
	begin
	needs_fuse
	ready alice
	mkdir "$T/mnt" "$T/disk"
	as alice fsenc init "$T/share"
	as alice fsenc mount "$T/share" "$T/mnt"
	export GIT_CONFIG_GLOBAL=$T/gitconfig GIT_CONFIG_NOSYSTEM=1 LC_ALL=C
	git config --global user.name alice
	git config --global user.email alice@example.test
	git config --global init.defaultBranch main
	git config --global gc.auto 0
}

# sound - after a remount everything is as on the disk, and verify finds nothing
sound() {
	as alice fsenc umount "$T/mnt"
	as alice fsenc mount "$T/share" "$T/mnt"
	diff -r --no-dereference "$T/disk" "$T/mnt"
	as alice fsenc umount "$T/mnt"
	as alice fails 0 fsenc verify "$T/share"
	[ -z "$output" ] || { echo "findings: $output"; return 1; }
}

# many_files DIR - three thousand in forty directories, with sizes from nothing to a few blocks
many_files() {
	python3 - "$1" <<-'PY'
		import os, random, sys
		random.seed(7)
		for i in range(3000):
		    directory = os.path.join(sys.argv[1], 'part%02d' % (i % 40))
		    os.makedirs(directory, exist_ok=True)
		    with open(os.path.join(directory, 'file%04d.txt' % i), 'wb') as f:
		        f.write(random.randbytes(random.choice([0, 1, 100, 4095, 4096, 4097, 9000])))
	PY
}

# listing DIR - type, mode, size, link target and time of all below
listing() {
	(cd "$1" && find . -mindepth 1 ! -type d -printf '%p %y %m %s %n %l %T@\n' | sort)
}

@test "git clones, commits, repacks and checks a repository of three thousand files" {
	git init -q "$T/origin"
	many_files "$T/origin"
	git -C "$T/origin" add .
	git -C "$T/origin" commit -q -m "many files"
	for place in disk mnt; do
		git clone -q --no-hardlinks "$T/origin" "$T/$place/work"
		cd "$T/$place/work"
		git mv part07 moved
		rm -r part08
		echo changed >>part09/file0009.txt
		GIT_AUTHOR_DATE="2024-01-01T00:00:00Z" GIT_COMMITTER_DATE="2024-01-01T00:00:00Z" git commit -q -a -m "a change"
		git checkout -q -b other HEAD~1
		git checkout -q main
		git repack -q -a -d
		git fsck --strict --full
		[ -z "$(git status --porcelain)" ]
		git rev-parse HEAD >"$T/$place.head"
		cd "$T"
		# A local clone links objects, and believes the size that the reply to link() carries.
		git clone -q "$T/$place/work" "$T/$place/linked"
		git -C "$T/$place/linked" fsck --strict --full
		[ "$(find "$T/$place/linked/.git/objects" -type f -links +1 | wc -l)" -gt 0 ]
	done
	cmp "$T/disk.head" "$T/mnt.head"
	[ "$(git -C "$T/mnt/work" ls-files | wc -l)" = 2925 ]
	rm -r "$T/disk/work/.git" "$T/mnt/work/.git" "$T/disk/linked/.git" "$T/mnt/linked/.git"
	sound
}

@test "meson builds a C project there, and what it builds runs and is not built again" {
	mkdir "$T/mnt/project" "$T/disk/project"
	for place in disk mnt; do
		cd "$T/$place/project"
		cat >meson.build <<-'MESON'
			project('day', 'c')
			lib = static_library('words', 'words.c')
			day = executable('day', 'day.c', link_with: lib)
			test('day', day)
		MESON
		echo 'const char *word(void); const char *word(void) { return "a good day"; }' >words.c
		cat >day.c <<-'C'
			#include <stdio.h>
			const char *word(void);
			int main(void) { return puts(word()) < 0; }
		C
		meson setup b >"$T/log" 2>&1 || { cat "$T/log"; false; }
		ninja -C b >"$T/log" 2>&1 || { cat "$T/log"; false; }
		[ "$(b/day)" = "a good day" ]
		ninja -C b >"$T/log"
		grep -q "no work to do" "$T/log"
		echo 'const char *word(void); const char *word(void) { return "a better day"; }' >words.c
		ninja -C b >"$T/log" 2>&1 || { cat "$T/log"; false; }
		[ "$(b/day)" = "a better day" ]
		rm -r b
		cd "$T"
	done
	sound
}

# database PLACE MODE - two writers in turn, a change rolled back, rows removed, compacted
database() {
	sqlite3 "$1" "PRAGMA journal_mode = $2" >"$T/mode"
	[ "$(tr -d '\n' <"$T/mode")" = "${2,,}" ]
	sqlite3 "$1" 'CREATE TABLE t (id INTEGER PRIMARY KEY, words TEXT); CREATE INDEX i ON t (words)'
	local round
	for round in 1 2 3; do
		sqlite3 "$1" "BEGIN; WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
			INSERT INTO t (words) SELECT 'row ' || i || ' of round $round ' || hex(zeroblob(i % 97)) FROM n; COMMIT"
		sqlite3 "$1" "BEGIN; DELETE FROM t; ROLLBACK"
		sqlite3 "$1" "DELETE FROM t WHERE id % 3 = 0"
	done
	sqlite3 "$1" VACUUM
	[ "$(sqlite3 "$1" 'PRAGMA integrity_check')" = ok ]
	sqlite3 "$1" .dump
}

@test "sqlite3 works with every journal, and its databases stay whole" {
	for mode in WAL DELETE TRUNCATE PERSIST; do
		database "$T/disk/$mode.db" $mode >"$T/disk.dump"
		database "$T/mnt/$mode.db" $mode >"$T/mnt.dump"
		cmp "$T/disk.dump" "$T/mnt.dump"
		as alice fsenc umount "$T/mnt"
		as alice fsenc mount "$T/share" "$T/mnt"
		[ "$(sqlite3 "$T/mnt/$mode.db" 'PRAGMA integrity_check')" = ok ]
		sqlite3 "$T/mnt/$mode.db" .dump >"$T/mnt.dump"
		cmp "$T/disk.dump" "$T/mnt.dump"
	done
	as alice fsenc umount "$T/mnt"
	as alice fsenc verify "$T/share"
}

@test "two processes write one sqlite3 database at the same time, and no row is lost" {
	sqlite3 "$T/mnt/db" 'CREATE TABLE t (who TEXT, n INTEGER)'
	insert() {
		local n
		for n in $(seq 60); do
			sqlite3 -cmd '.timeout 60000' "$T/mnt/db" "INSERT INTO t VALUES ('$1', $n)" || return 1
		done
	}
	insert one &
	one=$!
	insert other &
	other=$!
	wait $one
	wait $other
	[ "$(sqlite3 "$T/mnt/db" 'SELECT count(*), count(DISTINCT who || n) FROM t')" = "120|120" ]
	[ "$(sqlite3 "$T/mnt/db" 'PRAGMA integrity_check')" = ok ]
}

@test "rsync copies trees with hard links, a second run has nothing to do, and both are the same" {
	mkdir "$T/from"
	cp -a /usr/include/linux "$T/from/headers"
	cp -aL /usr/share/doc/base-files* "$T/from/doc"
	ln "$T/from/headers/fs.h" "$T/from/headers/fs-again.h"
	ln -s ../headers/fs.h "$T/from/doc/link"
	touch -h -d 2020-02-02T02:02:02.123456789 "$T/from/doc/link" # rsync does not compare within a second
	rsync -aH "$T/from/" "$T/disk/"
	rsync -aH "$T/from/" "$T/mnt/"
	diff -r --no-dereference "$T/from" "$T/mnt"
	listing "$T/disk" >"$T/disk.list"
	listing "$T/mnt" >"$T/mnt.list"
	diff "$T/disk.list" "$T/mnt.list"
	[ "$(stat -c %i "$T/mnt/headers/fs.h")" = "$(stat -c %i "$T/mnt/headers/fs-again.h")" ]
	rsync -aHi --checksum "$T/from/" "$T/mnt/" >"$T/changes"
	[ ! -s "$T/changes" ] || { head "$T/changes"; false; }
	rm -r "$T/from/headers/netfilter" "$T/disk/headers/netfilter"
	echo "grown" >>"$T/from/headers/fs.h"
	rsync -aH --delete "$T/from/" "$T/disk/"
	rsync -aH --delete --inplace "$T/from/" "$T/mnt/"
	sound
}

@test "the machine's headers and documents come over whole" {
	mkdir "$T/mnt/include" "$T/mnt/doc"
	rsync -aH /usr/include/ "$T/mnt/include/"
	rsync -aH /usr/share/doc/ "$T/mnt/doc/"
	as alice fsenc umount "$T/mnt"
	as alice fsenc mount "$T/share" "$T/mnt"
	diff -r --no-dereference /usr/include "$T/mnt/include"
	diff -r --no-dereference /usr/share/doc "$T/mnt/doc"
	[ -z "$(rsync -aHi /usr/include/ "$T/mnt/include/")" ]
	as alice fsenc umount "$T/mnt"
	as alice fails 0 fsenc verify "$T/share"
	[ -z "$output" ] || { echo "findings: $output"; return 1; }
}

@test "tar brings a tree in and out with links, sparse files and user attributes" {
	mkdir -p "$T/from/deep/er"
	cp -a /usr/include/linux/can "$T/from/can"
	echo "with attributes" >"$T/from/attributed"
	setfattr -n user.colour -v blue "$T/from/attributed" || skip "no user attributes below TMPDIR"
	setfattr -n user.empty "$T/from/attributed"
	setfattr -n user.of-a-directory -v "yes" "$T/from/deep"
	truncate -s 8M "$T/from/deep/sparse"
	echo end >>"$T/from/deep/sparse"
	ln "$T/from/attributed" "$T/from/deep/er/hard"
	ln -s ../../attributed "$T/from/deep/er/soft"
	tar -C "$T/from" --xattrs -S -cf "$T/in.tar" .
	for place in disk mnt; do
		tar -C "$T/$place" --xattrs --xattrs-include='user.*' -xpf "$T/in.tar"
		[ "$(getfattr --only-values -n user.colour "$T/$place/attributed")" = blue ]
		[ "$(getfattr --only-values -n user.of-a-directory "$T/$place/deep")" = yes ]
		[ "$(stat -c %h "$T/$place/deep/er/hard")" = 2 ]
		[ $(($(stat -c '%b * %B' "$T/$place/deep/sparse"))) -lt 2000000 ]
	done
	tar -C "$T/mnt" --xattrs --xattrs-exclude='user.fsenc.*' -S -cf "$T/mnt/out.tar" --exclude=./out.tar .
	mv "$T/mnt/out.tar" "$T/out.tar"
	mkdir "$T/back"
	tar -C "$T/back" --xattrs --xattrs-include='user.*' -xpf "$T/out.tar"
	diff -r --no-dereference "$T/from" "$T/back"
	listing "$T/from" >"$T/from.list"
	listing "$T/back" >"$T/back.list"
	diff "$T/from.list" "$T/back.list"
	(cd "$T/from" && getfattr -R -d -m '^user\.' . >"$T/from.attributes")
	(cd "$T/back" && getfattr -R -d -m '^user\.' . >"$T/back.attributes")
	diff "$T/from.attributes" "$T/back.attributes"
	sound
}
