# tests/lib/slapd.bash - an OpenLDAP server of a test's own, on a loopback port; loaded after key_servers.bash.
#
# Without root: it belongs to whoever runs the test, and its files lie in $T/slapd. dc=example,dc=com, with ou=people and
# ou=groups; cn=reader,dc=example,dc=com reads (password in $T/reader.password), nobody else does. It is ended with the
# test, like the key servers: its id is in $T/slapd.pid.
#
#     start_slapd; ldap_user alice 'secret'; ldap_group finance member alice    # groupOfNames
#     ldap_change <<<'dn: ...'
needs_slapd() {
	[ -x /usr/sbin/slapd ] || skip "no slapd: apt install slapd"
	command -v ldapmodify >/dev/null || skip "no ldapmodify: apt install ldap-utils"
}

# start_slapd [LINES] - $ldap_uri is then its address; LINES are of its configuration
start_slapd() {
	mkdir -p "$T/slapd/data"
	secret_file "$T/reader.password" 'the password of the reader'
	[ -n "${ldap_uri:-}" ] || ldap_uri=ldap://127.0.0.1:$(free_port)
	cat >"$T/slapd/slapd.conf" <<-END
		include /etc/ldap/schema/core.schema
		include /etc/ldap/schema/cosine.schema
		include /etc/ldap/schema/nis.schema
		include /etc/ldap/schema/inetorgperson.schema
		modulepath /usr/lib/ldap
		moduleload back_mdb
		${1:-}
		database mdb
		suffix dc=example,dc=com
		directory $T/slapd/data
		rootdn cn=root,dc=example,dc=com
		rootpw root
		index objectClass,uid,cn,member,memberUid,entryUUID eq
		access to attrs=userPassword by anonymous auth by * none
		access to * by dn.exact=cn=reader,dc=example,dc=com read by * none
	END
	[ -e "$T/slapd/data/data.mdb" ] || /usr/sbin/slapadd -q -f "$T/slapd/slapd.conf" <<-END
		dn: dc=example,dc=com
		objectClass: dcObject
		objectClass: organization
		o: Example
		dc: example

		dn: ou=people,dc=example,dc=com
		objectClass: organizationalUnit

		dn: ou=groups,dc=example,dc=com
		objectClass: organizationalUnit

		dn: cn=reader,dc=example,dc=com
		objectClass: organizationalRole
		objectClass: simpleSecurityObject
		userPassword: the password of the reader
	END
	/usr/sbin/slapd -d 0 -f "$T/slapd/slapd.conf" -h "$ldap_uri" >"$T/slapd.log" 2>&1 3>&- &
	echo $! >"$T/slapd.pid"
	wait_for ldap_is_up
}

# start_kdc - Kerberos of a realm of the test's own (tests/ldap/realm.sh), which the test and its processes are in; $T/realm
start_kdc() {
	local port
	[ -x /usr/sbin/krb5kdc ] && [ -x /usr/sbin/kadmin.local ] && compgen -G '/usr/lib/*/sasl2/libgssapiv2.so' >"$T/found" ||
		skip "no Kerberos: apt install krb5-kdc krb5-admin-server libsasl2-modules-gssapi-mit"
	port=$(free_port)
	mkdir "$T/realm"
	sh "$root/tests/ldap/realm.sh" "$T/realm" "$port"
	export KRB5_CONFIG=$T/realm/krb5.conf KRB5_KDC_PROFILE=$T/realm/kdc.conf KRB5_KTNAME=$T/realm/slapd.keytab
	export KRB5RCACHEDIR=$T/realm
	/usr/sbin/krb5kdc -n -r EXAMPLE.TEST >"$T/realm/out" 2>&1 3>&- &
	echo $! >"$T/kdc.pid"
	wait_for kdc_is_up "$port"
}

kdc_is_up() {
	(: <"/dev/tcp/127.0.0.1/$1")
}

ldap_is_up() {
	ldapwhoami -x -H "$ldap_uri" -D cn=root,dc=example,dc=com -w root
}

# ldap_change - LDIF on standard input: entries to add, or changes
ldap_change() {
	ldapmodify -a -x -H "$ldap_uri" -D cn=root,dc=example,dc=com -w root >/dev/null
}

# ldap_user NAME PASSWORD
ldap_user() {
	ldap_change <<-END
		dn: uid=$1,ou=people,dc=example,dc=com
		objectClass: inetOrgPerson
		cn: $1
		sn: $1
		uid: $1
		userPassword: $2
	END
}

# ldap_group NAME KIND MEMBER... - KIND is member (groupOfNames; a member is a user, or a group as cn=NAME) or memberUid
# (posixGroup)
ldap_group() {
	local name=$1 kind=$2 one
	shift 2
	{
		echo "dn: cn=$name,ou=groups,dc=example,dc=com"
		if [ "$kind" = member ]; then
			echo 'objectClass: groupOfNames'
		else
			printf 'objectClass: posixGroup\ngidNumber: 1000\n'
		fi
		echo "cn: $name"
		for one; do
			case $kind,$one in
			memberUid,*) echo "memberUid: $one" ;;
			*,cn=*) echo "member: $one,ou=groups,dc=example,dc=com" ;;
			*) echo "member: uid=$one,ou=people,dc=example,dc=com" ;;
			esac
		done
	} | ldap_change
}

# make_ldap_server NAME [OPTION...] - a key server for that directory
make_ldap_server() {
	local name=$1
	shift
	make_server "$name" --ldap-uri "$ldap_uri" --ldap-search-base dc=example,dc=com \
		--ldap-bind-dn cn=reader,dc=example,dc=com --ldap-bind-password-file "$T/reader.password" --allow-plaintext "$@"
}
