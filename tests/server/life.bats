# A key server's life: it starts, is told to reload, is killed, ends; and what it tells of itself.
load server

setup() {
	begin
}

# code_of URL [CURL-OPTION...] - the status of an answer
code_of() {
	curl -s -o "$T/page" -w '%{http_code}' "$@" || true
}

@test "it ends when it is told to, and says so in the audit" {
	start
	stop TERM
	[ "$ended" -eq 0 ]
	audit_has '"action":"start"'
	audit_has '"action":"stop"'
	"$FSENC_SERVER_BIN" audit "$S" --verify
}

@test "a request under way is answered before it ends" {
	start
	enrol alice "$alice_code"
	python3 - "$A" "$S/tls-cert.pem" "$pid" <<'PY'
import os, signal, socket, ssl, sys
host, port = sys.argv[1].split(":")
context = ssl.create_default_context(cafile=sys.argv[2])
s = context.wrap_socket(socket.create_connection((host, int(port))), server_hostname=host)
body = b'{"x":1}'
s.sendall(b"POST /v1/lease HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(body))
s.settimeout(10)
answer = s.recv(65536)
assert answer.startswith(b"HTTP/1.1 100 "), answer
os.kill(int(sys.argv[3]), signal.SIGTERM)
# it must have noticed the signal: nobody can connect any more (a connection that waited to be accepted when
# the listening socket was closed is reset; the next one is refused)
while True:
	try:
		socket.create_connection((host, int(port))).close()
	except ConnectionRefusedError:
		break
	except ConnectionResetError:
		pass
s.sendall(body)
answer = s.recv(65536)
assert answer.startswith(b"HTTP/1.1 401 "), answer
assert b"\r\nConnection: close\r\n" in answer or b"\r\nConnection: Close\r\n" in answer, answer
PY
	ended=0
	wait "$pid" || ended=$?
	pid=
	[ "$ended" -eq 0 ]
}

@test "it starts again after kill -9, with all that it had answered" {
	start
	enrol alice "$alice_code"
	answers 200 alice POST /v1/unlock unlock:finance:3
	stop KILL
	start
	answers 200 alice POST /v1/unlock unlock:finance:3
	"$FSENC_SERVER_BIN" audit "$S" --verify
	audit_has '"action":"enroll"'
}

@test "a request from before a kill -9 counts no second time" {
	start
	enrol alice "$alice_code"
	"$ASK_BIN" --print "$S" "$A" alice GET /v1/groups >"$T/request"
	header=$(cat "$T/request")
	[ "$(code_of --cacert "$S/tls-cert.pem" -H "$header" "https://$A/v1/groups")" = 200 ]
	stop KILL
	start
	[ "$(code_of --cacert "$S/tls-cert.pem" -H "$header" "https://$A/v1/groups")" = 401 ]
	grep -q urn:fsenc:problem:replay "$T/page"
}

@test "there is one server a directory" {
	start
	run --separate-stderr "$FSENC_SERVER_BIN" run "$S"
	[ "$status" -ne 0 ]
	[[ $stderr == *"another server runs on this directory"* ]]
	is_ready
}

@test "SIGHUP shows a new certificate; a bad one leaves the old" {
	start
	[ "$(code_of --cacert "$S/tls-cert.pem" "https://$A/healthz")" = 200 ]
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=new \
		-addext subjectAltName=IP:127.0.0.1 -keyout "$T/new-key.pem" -out "$T/new-cert.pem" 2>"$T/openssl"
	cp "$S/tls-cert.pem" "$T/old-cert.pem"
	cp "$T/new-cert.pem" "$S/tls-cert.pem" # its key is still the old one
	kill -HUP "$pid"
	wait_for grep -q "the old TLS certificate stays" "$T/log"
	[ "$(code_of --cacert "$T/old-cert.pem" "https://$A/healthz")" = 200 ]
	cat "$T/new-key.pem" >"$S/tls-key.pem"
	kill -HUP "$pid"
	shows_new() { [ "$(code_of --cacert "$T/new-cert.pem" "https://$A/healthz")" = 200 ]; }
	wait_for shows_new
	[ "$(code_of --cacert "$T/old-cert.pem" "https://$A/healthz")" = 000 ]
}

@test "SIGHUP reads the configuration; a bad one leaves the old" {
	start
	cp "$S/fsenc-server.conf" "$T/good.conf"
	echo "lissten = 1" >>"$S/fsenc-server.conf"
	kill -HUP "$pid"
	wait_for grep -q "the old configuration stays: .*fsenc-server.conf:" "$T/log"
	cp "$T/good.conf" "$S/fsenc-server.conf"
	echo "threads = 7" >>"$S/fsenc-server.conf"
	kill -HUP "$pid"
	wait_for grep -q "take effect at the next start" "$T/log"
	is_ready
}

@test "it answers behind a proxy on a UNIX socket, without metrics there" {
	sed -i "s|^listen = .*|listen = unix:$T/socket|" "$S/fsenc-server.conf"
	"$FSENC_SERVER_BIN" run "$S" >>"$T/log" 2>&1 3>&- &
	pid=$!
	answers_there() { [ "$(code_of --unix-socket "$T/socket" http://keys/healthz)" = 200 ]; }
	wait_for answers_there
	[ "$(stat -c %a "$T/socket")" = 660 ]
	[ "$(code_of --unix-socket "$T/socket" http://keys/v1/organisation)" = 200 ]
	[ "$(code_of --unix-socket "$T/socket" http://keys/metrics)" = 404 ]
	[ "$(code_of --unix-socket "$T/socket" -H 'X-Forwarded-For: 192.0.2.44' http://keys/v1/groups)" = 401 ]
	audit_has '"peer":"192.0.2.44"'
	stop TERM
	[ ! -e "$T/socket" ]
}

@test "metrics have a listener of their own when that is asked for" {
	local metrics
	metrics=127.0.0.1:$(free_port)
	echo "metrics_listen = $metrics" >>"$S/fsenc-server.conf"
	start
	[ "$(code_of "http://$metrics/metrics")" = 200 ]
	grep -q '^fsenc_requests_total' "$T/page"
	[ "$(code_of "http://$metrics/readyz")" = 200 ]
	[ "$(code_of "http://$metrics/v1/organisation")" = 404 ]
	[ "$(code_of --cacert "$S/tls-cert.pem" "https://$A/metrics")" = 404 ]
}

@test "the service manager is told" {
	python3 - "$T/notify" "$T/told" <<'PY' 3>&- &
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
with open(sys.argv[2], "w", buffering=1) as told:
	while True:
		state = s.recv(4096).decode()
		told.write(state.replace("\n", " ") + "\n")
		if state.startswith("STOPPING"):
			break
PY
	listener=$!
	wait_for test -S "$T/notify"
	start env NOTIFY_SOCKET="$T/notify"
	wait_for grep -q '^READY=1$' "$T/told"
	kill -HUP "$pid"
	wait_for grep -q '^RELOADING=1 MONOTONIC_USEC=[0-9]' "$T/told"
	twice() { [ "$(grep -c '^READY=1$' "$T/told")" = 2 ]; }
	wait_for twice
	stop TERM
	wait "$listener"
	grep -q '^STOPPING=1$' "$T/told"
}

@test "an address that is taken is said to be" {
	start
	mkdir "$T/other"
	"$FSENC_SERVER_BIN" init "$T/other/server" --name other.test --listen "$A" >"$T/other/out"
	run --separate-stderr "$FSENC_SERVER_BIN" run "$T/other/server"
	[ "$status" -ne 0 ]
	[[ $stderr == *"another program listens on '$A'"* ]]
}

@test "only TLS 1.2 and 1.3 are spoken" {
	start
	for version in tls1 tls1_1; do
		run -1 timeout 10 openssl s_client -connect "$A" "-$version" -cipher ALL:@SECLEVEL=0 </dev/null
	done
	timeout 10 openssl s_client -connect "$A" -tls1_3 -CAfile "$S/tls-cert.pem" -verify_return_error </dev/null
}

@test "connections that say nothing, or half of something, cost no processor time" {
	start
	python3 - "$A" "$S/tls-cert.pem" "$pid" <<'PY'
import os, select, socket, ssl, sys
host, port = sys.argv[1].split(":")
context = ssl.create_default_context(cafile=sys.argv[2])
context.maximum_version = ssl.TLSVersion.TLSv1_3
hertz = os.sysconf("SC_CLK_TCK")

def plain(bytes):
	s = socket.create_connection((host, int(port)))
	s.sendall(bytes)
	return s

def tls(bytes):
	s = context.wrap_socket(socket.create_connection((host, int(port))), server_hostname=host)
	s.sendall(bytes)
	return s

def used():
	fields = open("/proc/%s/stat" % sys.argv[3]).read().rsplit(")", 1)[1].split()
	return (int(fields[11]) + int(fields[12])) / hertz

held = []
for n in range(10):
	held.append(plain(b""))
	held.append(plain(b"\x16\x03\x01"))  # where a handshake begins
	held.append(tls(b""))
	held.append(tls(b"GET /healthz HTTP/1.1\r\nHo"))
	held.append(tls(b"POST /v1/lease HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc"))
asking = tls(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
answer = b""
while not answer.endswith(b"{}"):
	answer += asking.recv(4096)
before = used()
assert select.select(held, [], [], 2) == ([], [], [])  # two seconds in which nothing is said on either side
took = used() - before
assert took < 0.3, took
PY
}
