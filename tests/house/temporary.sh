#!/usr/bin/env bash
# Nothing is made in a plain /tmp: tests and programs take $TMPDIR or a directory of their own.
set -u
cd "$1"
! grep -rnE '"/tmp|[ =]/tmp/' --include='*.[ch]' --include='*.sh' --include='*.bats' --include='*.bash' \
	base keys ldap fs server cli tests examples 2>/dev/null | grep -v '^tests/house/temporary.sh:'
