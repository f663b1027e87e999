# Many clients at once, while administrators change things: every answer is checked, nothing is lost, and under the
# thread sanitizer nothing races (`meson test --setup sanitizer` in a build with -Db_sanitize=thread).
load server

: "${LOAD_BIN:=$root/build/tests/bench/server_load}" "${FILL_BIN:=$root/build/tests/bench/server_fill}"

setup() {
	begin
	"$FILL_BIN" "$S" 450
	"$FSENC_SERVER_BIN" policy set "$S" unlock_limit=1000000
	start
	enrol alice "$alice_code"
}

@test "parallel unlocks and leases while everything else changes" {
	"$LOAD_BIN" "$S" "$A" unlock --connections 16 --requests 1500 --points 3 >"$T/load" 3>&- &
	local load=$! lease=5
	while kill -0 "$load" 2>/dev/null; do
		lease=$((lease + 1))
		"$FSENC_SERVER_BIN" policy set "$S" "lease=$lease"
		kill -HUP "$pid"
		"$FSENC_SERVER_BIN" group add-member "$S" finance bob
		answers 200 alice POST /v1/unlock unlock:finance:2
		"$FSENC_SERVER_BIN" group remove-member "$S" finance bob
		curl -s -o "$T/page" --cacert "$S/tls-cert.pem" "https://$A/metrics"
		is_ready
	done
	wait "$load"
	grep -qx 'requests 1500' "$T/load"
	stop TERM
	[ "$ended" -eq 0 ]
	"$FSENC_SERVER_BIN" audit "$S" --verify
	# each answered unlock is a row: those that were counted, and one of each connection before
	"$FSENC_SERVER_BIN" audit "$S" --json >"$T/audit"
	[ "$(grep -o '"group_name": *"load"' "$T/audit" | wc -l)" = 1516 ]
}

@test "what was answered before a kill -9 is in the audit" {
	"$LOAD_BIN" "$S" "$A" unlock --connections 8 --seconds 30 --points 1 >"$T/load" 2>&1 3>&- &
	local load=$!
	enough() { [ "$(curl -s --cacert "$S/tls-cert.pem" "https://$A/metrics" | sed -n 's/^fsenc_points_unlocked_total //p')" -gt 300 ]; }
	wait_for enough
	answered=$(curl -s --cacert "$S/tls-cert.pem" "https://$A/metrics" | sed -n 's/^fsenc_points_unlocked_total //p')
	stop KILL
	wait "$load" || true
	"$FSENC_SERVER_BIN" audit "$S" --verify
	"$FSENC_SERVER_BIN" audit "$S" --json >"$T/audit"
	[ "$(grep -o '"group_name": *"load"' "$T/audit" | wc -l)" -ge "$answered" ]
	start
	answers 200 alice POST /v1/unlock unlock:finance:1
}
