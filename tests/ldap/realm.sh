#!/bin/sh
# tests/ldap/realm.sh DIR PORT - a Kerberos realm EXAMPLE.TEST whose KDC will listen on 127.0.0.1:PORT.
#
# krb5.conf, kdc.conf     for KRB5_CONFIG and KRB5_KDC_PROFILE; names of hosts are taken as they are
# slapd.keytab            ldap/127.0.0.1, for slapd
# old.keytab              the same with a key that is not the KDC's any more
# fsenc.keytab            fsenc/keys.test
# short.keytab            fsenc/short.test, whose tickets live for three seconds
# stranger.keytab         a key that is not the KDC's for fsenc/keys.test
set -eu
cd "$1"
export KRB5_CONFIG="$1/krb5.conf" KRB5_KDC_PROFILE="$1/kdc.conf"
umask 077
cat >krb5.conf <<-END
	[libdefaults]
	default_realm = EXAMPLE.TEST
	dns_lookup_kdc = false
	dns_lookup_realm = false
	dns_canonicalize_hostname = false
	rdns = false
	[realms]
	EXAMPLE.TEST = {
		kdc = 127.0.0.1:$2
	}
END
cat >kdc.conf <<-END
	[kdcdefaults]
	kdc_listen = 127.0.0.1:$2
	kdc_tcp_listen = 127.0.0.1:$2
	[realms]
	EXAMPLE.TEST = {
		database_module = files
		key_stash_file = $1/stash
		acl_file = $1/acl
		max_life = 1h
	}
	[dbmodules]
	files = {
		db_library = db2
		database_name = $1/principal
	}
	[logging]
	kdc = FILE:$1/kdc.log
	default = FILE:$1/kdc.log
END

# admin COMMAND... - lines for kadmin
admin() {
	for line in "$@"; do
		kadmin.local -r EXAMPLE.TEST -q "$line"
	done
}

{
	kdb5_util create -r EXAMPLE.TEST -s -P "of no importance"
	admin 'addprinc -randkey fsenc/keys.test' "ktadd -k $1/stranger.keytab fsenc/keys.test" \
		"ktadd -k $1/fsenc.keytab fsenc/keys.test" \
		'addprinc -randkey -maxlife 3seconds fsenc/short.test' "ktadd -k $1/short.keytab fsenc/short.test" \
		'addprinc -randkey ldap/127.0.0.1' "ktadd -k $1/old.keytab ldap/127.0.0.1" \
		"ktadd -k $1/slapd.keytab ldap/127.0.0.1"
} >log 2>&1 || { cat log >&2; exit 1; }
for keytab in stranger fsenc short old slapd; do
	[ -s "$keytab.keytab" ] || { cat log >&2; exit 1; }
done
