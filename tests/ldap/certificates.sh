#!/bin/sh
# tests/ldap/certificates.sh DIR - certificates for the tests of the directory.
#
# ca.pem              the authority that counts; other-ca.pem, one that does not
# good.pem, .key      for IP 127.0.0.1
# wrong-ca            for 127.0.0.1, by the other authority
# wrong-name          by the right authority, for another name
# no-san              the right name as common name only
# expired             ended in 2001
# self-signed         for 127.0.0.1
# client              of a client, CN=reader
set -eu
cd "$1"
curve='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'

authority() {
	# shellcheck disable=SC2086  # a list of words
	openssl req -x509 $curve -keyout "$1.key" -out "$1.pem" -subj "/CN=$2" -days 30 \
		-addext 'basicConstraints=critical,CA:TRUE' -addext 'keyUsage=critical,keyCertSign,cRLSign'
}

# certificate NAME AUTHORITY SUBJECT EXTENSIONS
certificate() {
	# shellcheck disable=SC2086  # a list of words
	openssl req $curve -keyout "$1.key" -out "$1.csr" -subj "$3"
	printf 'basicConstraints=CA:FALSE\n%b' "$4" >"$1.ext"
	openssl x509 -req -in "$1.csr" -CA "$2.pem" -CAkey "$2.key" -CAcreateserial -out "$1.pem" -days 30 -extfile "$1.ext"
}

# Dates in the past need the long way round.
expired() {
	mkdir db.d
	: >db.d/index
	echo 01 >db.d/serial
	printf '[ca]\ndefault_ca=d\n[d]\ndatabase=db.d/index\nserial=db.d/serial\nnew_certs_dir=db.d\ndefault_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n' >ca.conf
	printf 'basicConstraints=CA:FALSE\nsubjectAltName=IP:127.0.0.1\n' >expired.ext
	# shellcheck disable=SC2086  # a list of words
	openssl req $curve -keyout expired.key -out expired.csr -subj /CN=expired
	openssl ca -batch -config ca.conf -cert ca.pem -keyfile ca.key -in expired.csr -out expired.pem -notext \
		-startdate 20000101000000Z -enddate 20010101000000Z -extfile expired.ext
}

{
	authority ca 'Test authority'
	authority other-ca 'Another authority'
	certificate good ca /CN=directory 'subjectAltName=IP:127.0.0.1,DNS:directory.test\n'
	certificate wrong-ca other-ca /CN=directory 'subjectAltName=IP:127.0.0.1\n'
	certificate wrong-name ca /CN=127.0.0.1 'subjectAltName=IP:127.0.0.2,DNS:other.test\n'
	certificate no-san ca /CN=127.0.0.1 ''
	certificate client ca /CN=reader 'extendedKeyUsage=clientAuth\n'
	expired
	# shellcheck disable=SC2086  # a list of words
	openssl req -x509 $curve -keyout self-signed.key -out self-signed.pem -subj /CN=self -days 30 -addext 'subjectAltName=IP:127.0.0.1'
} 2>log || { cat log >&2; exit 1; }
