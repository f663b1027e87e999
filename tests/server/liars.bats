# A client that lies gets a problem document and an audit line, and the server stays up.
load server

setup() {
	begin
	start
	enrol alice "$alice_code"
	enrol bob "$bob_code"
}

# Whatever was sent before.
still_up() {
	answers 200 alice POST /v1/unlock unlock:finance:1
	kill -0 "$pid"
}

@test "every route answers who may ask" {
	answers 200 alice GET '/v1/users?name=bob'
	[[ $body == *'"name":"bob"'* ]]
	answers 200 alice GET '/v1/groups?name=finance'
	id=$(jq -r '.group.payload' <<<"$body" | tr -- '-_' '+/' | base64 -d 2>"$T/ignored" | jq -r .id)
	answers 200 alice GET "/v1/groups/$id"
	answers 200 alice GET "/v1/groups/$id/members"
	[[ $body == *'"name":"alice"'* ]]
	answers 200 alice GET /v1/groups
	answers 200 alice POST /v1/unlock unlock:finance:256
	answers 200 alice POST /v1/lease lease:finance
	[[ $body == *'"state":"member"'* ]]
	answers 200 alice POST /v1/recovery-token '{"sealed":"c2VhbGVk"}'
	answers 200 --plain nobody GET /v1/organisation
	answers 200 --plain nobody GET /healthz
	answers 200 --plain nobody GET /readyz
	answers 200 --plain nobody GET /metrics
	[[ $body == *'fsenc_points_unlocked_total 256'* ]]
}

@test "who is no member is denied, and that is written down" {
	answers '403 denied' bob POST /v1/unlock unlock:finance:1
	answers 200 bob POST /v1/lease lease:finance
	[[ $body == *'"state":"denied"'* ]]
	audit_has '"reason":"not-member"'
	"$FSENC_SERVER_BIN" group add-member "$S" finance bob
	answers 200 bob POST /v1/unlock unlock:finance:1
	"$FSENC_SERVER_BIN" group remove-member "$S" finance bob
	answers '403 denied' bob POST /v1/unlock unlock:finance:1
	answers 200 alice POST /v1/unlock unlock:finance:1
	[[ $body == *'"member_counter":1'* ]]
	still_up
}

@test "a bad point and the identity" {
	answers '400 malformed' --bad-point alice POST /v1/unlock unlock:finance:3
	answers '400 malformed' --identity alice POST /v1/unlock unlock:finance:3
	audit_has '"reason":"malformed"'
	still_up
}

@test "a replay" {
	answers '401 replay' --twice alice POST /v1/unlock unlock:finance:1
	audit_has '"reason":"replay"'
	still_up
}

@test "another user's id" {
	answers '401 unknown-key' --as alice bob POST /v1/unlock unlock:finance:1
	audit_has '"reason":"unknown-key"'
	still_up
}

@test "a key that nobody knows" {
	answers '401 unknown-key' mallory POST /v1/unlock unlock:finance:1
	still_up
}

@test "another server's id" {
	answers '401 signature' --other alice POST /v1/unlock unlock:finance:1
	audit_has '"reason":"signature"'
	still_up
}

@test "a signature that is changed, and none" {
	answers '401 signature' --tamper alice POST /v1/unlock unlock:finance:1
	answers '401 signature' --plain alice POST /v1/unlock unlock:finance:1
	still_up
}

@test "a clock that is off" {
	answers '401 clock' --skew 400 alice POST /v1/unlock unlock:finance:1
	answers '401 clock' --skew -400 alice POST /v1/unlock unlock:finance:1
	answers 200 --skew 250 alice POST /v1/unlock unlock:finance:1
	audit_has '"reason":"clock"'
	still_up
}

@test "too many points in a day" {
	"$FSENC_SERVER_BIN" policy set "$S" unlock_limit=10
	answers 200 alice POST /v1/unlock unlock:finance:8
	answers '429 limit' alice POST /v1/unlock unlock:finance:8
	audit_has '"reason":"limit"'
	answers 200 alice POST /v1/unlock unlock:finance:2
	kill -0 "$pid"
}

@test "a body of ten megabytes" {
	answers '413 too-large' --unsigned alice POST /v1/unlock large:10485760
	audit_has '"reason":"too-large"'
	answers '400 malformed' alice POST /v1/unlock large:200000
	answers '413 too-large' --unsigned alice GET /v1/groups large:10
	still_up
}

@test "bodies that are no objects, and routes that are none" {
	for text in '' null '[]' '{}' '{"group":1}' '{"groups":[],"groups":[]}'; do
		answers '400 malformed' alice POST /v1/unlock "$text"
	done
	answers '404 missing' alice GET /v1/nothing
	answers '405 method' alice DELETE /v1/unlock
	answers '400 malformed' alice GET '/v1/users?name=a&name=b'
	still_up
}

@test "smuggled framing" {
	python3 - "$A" "$S/tls-cert.pem" <<'PY'
import socket, ssl, sys
host, port = sys.argv[1].split(":")
context = ssl.create_default_context(cafile=sys.argv[2])
hidden = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
heads = [
	b"Content-Length: 0\r\nContent-Length: %d" % len(hidden),
	b"Content-Length: %d\r\nTransfer-Encoding: chunked" % len(hidden),
	b"Transfer-Encoding: chunked\r\nContent-Length: 0",
	b"Transfer-Encoding: identity\r\nContent-Length: 0",
]
for head in heads:
	with context.wrap_socket(socket.create_connection((host, int(port))), server_hostname=host) as s:
		s.sendall(b"POST /v1/lease HTTP/1.1\r\nHost: x\r\n" + head + b"\r\n\r\n" + hidden)
		answer = b""
		while True:
			try:
				more = s.recv(65536)
			except (ConnectionError, ssl.SSLError):
				break
			if not more:
				break
			answer += more
		assert answer.startswith(b"HTTP/1.1 400 "), (head, answer)
		assert answer.count(b"HTTP/1.1 ") == 1, (head, answer)
		assert b"urn:fsenc:problem:framing" in answer, (head, answer)
PY
	audit_has '"reason":"framing"'
	still_up
}

# A handshake that stops in its middle, and headings of which a letter comes now and then: each would be there for ever.
@test "a request that drips in" {
	python3 - "$A" "$S/tls-cert.pem" <<'PY'
import socket, ssl, sys, time
host, port = sys.argv[1].split(":")
context = ssl.create_default_context(cafile=sys.argv[2])
begun = time.monotonic()
plain = [socket.create_connection((host, int(port))) for _ in range(2)]
plain[1].sendall(b"\x16\x03\x01\x02\x00\x01")
secure = [context.wrap_socket(socket.create_connection((host, int(port))), server_hostname=host) for _ in range(2)]
secure[1].sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nDrip: ")
left = plain + secure

def has_ended(s):
	s.settimeout(0.05)
	try:
		if s in secure:
			s.sendall(b"x")
		data = s.recv(100)
		assert not data, data
		return True
	except TimeoutError:
		return False
	except OSError:
		return True

while left:
	left = [s for s in left if not has_ended(s)]
	assert time.monotonic() - begun < 40, left
assert time.monotonic() - begun > 8
PY
	still_up
}

@test "a code that is used, wrong or another's" {
	answers '403 code' carol POST /v1/enroll "enroll:$alice_code"
	answers '403 code' alice POST /v1/enroll "enroll:$alice_code"
	answers '403 code' alice POST /v1/enroll enroll:nonsense
	still_up
}

@test "a revoked key" {
	"$FSENC_SERVER_BIN" user revoke-key "$S" bob
	answers '401 unknown-key' bob GET /v1/groups
	still_up
}

@test "an account that is off" {
	"$FSENC_SERVER_BIN" user disable "$S" alice
	answers '403 disabled' alice POST /v1/unlock unlock:finance:1
	answers '403 disabled' alice GET /v1/groups
	"$FSENC_SERVER_BIN" user enable "$S" alice
	still_up
}

@test "another key for a user who has one" {
	code=$("$FSENC_SERVER_BIN" user code "$S" alice)
	answers 202 --keys mallory alice POST /v1/enroll "enroll:$code"
	# it is not known before an administrator has approved it and the delay is over, whoever asks
	answers '401 unknown-key' --keys mallory alice POST /v1/unlock unlock:finance:1
	answers 202 --keys mallory alice POST /v1/enroll "enroll:$code"
	still_up
	audit_has '"reason":"approval"'
	"$FSENC_SERVER_BIN" policy set "$S" approve_delay=0
	print=$("$FSENC_SERVER_BIN" approve "$S" --json | jq -r '.. | .fingerprint? // empty' | head -n 1)
	"$FSENC_SERVER_BIN" approve "$S" alice "$print"
	answers 200 --keys mallory alice POST /v1/enroll "enroll:$code"
	answers 200 --keys mallory alice POST /v1/unlock unlock:finance:1
	answers '401 unknown-key' alice POST /v1/unlock unlock:finance:1
}
