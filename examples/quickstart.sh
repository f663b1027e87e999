#!/usr/bin/env bash
# examples/quickstart.sh [DIRECTORY] - from nothing to a company's encrypted share, with its key server.
#
# Installs the packages, builds, and plays the company's walk-through in DIRECTORY (default: ~/fsenc-quickstart) on
# the embedded directory: a lobby, a folder of a group, a folder of users, the key server stopped and started again.
# Leaves server and share running and says how to go on.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
. examples/company.bash

company_build "${1:-$HOME/fsenc-quickstart}"

say "the key server: makes the organisation, its fingerprint, and a TLS certificate"
fsenc-server init "$server" --name keys.test --listen "127.0.0.1:$port"
fsenc-server policy set "$server" lease=10 retry_after=60
server_start

say "users and a group, in the server's own directory; each user gets a one-time code"
for user in alice bob; do
	person "$user"
	code=$(fsenc-server user add "$server" "$user")
	as "$user" fsenc enroll "$url" --user "$user" --code "$code" --fingerprint "$(organisation)" \
		--cacert "$server/tls-cert.pem"
done
fsenc-server group add "$server" finance --member alice --member bob

company_story finance
company_goodbye
