"""What somebody with keys of his own and write access to the share can make: certificates and access lists.

forge.py person DIR NAME [ID]            makes keys in DIR and a certificate, DIR/cert; prints its fingerprint
forge.py record FOLDER DIR CHANGE...     puts the next version of FOLDER/.fsenc, signed with the keys in DIR
forge.py certificate FOLDER NAME CERT    puts CERT in the place of NAME's certificate in FOLDER/.fsenc
forge.py envelope FOLDER NAME OTHER      puts NAME's envelope of the folder OTHER in the place of FOLDER's
forge.py payload FILE                    prints what a signed object, or the record of a .fsenc, says

CHANGE: role:NAME:ROLE | add:CERT:ROLE | group:NAME:ROLE | recovery:NAME:ROLE | drop:NAME | version:N

Written from docs/FORMAT.md alone, with openssl for Ed25519 and X25519.
"""
import base64, hashlib, json, os, subprocess, sys


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b'=').decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + '=' * (-len(text) % 4))


def digest(label, data):
    return hashlib.blake2b(b'fsenc/v1/' + label + b'\0' + data, digest_size=32).digest()


def load(path):
    with open(path) as f:
        return json.load(f)


def store(path, data):
    with open(path + '.new', 'w') as f:
        f.write(data)
    os.replace(path + '.new', path)


def compact(value):
    return json.dumps(value, sort_keys=True, separators=(',', ':'), ensure_ascii=False)


def openssl(*arguments):
    return subprocess.run(['openssl', *arguments], check=True, stdout=subprocess.PIPE).stdout


def public(key):
    return openssl('pkey', '-in', key, '-pubout', '-outform', 'DER')[-32:]


def fingerprint(keys):
    return b64(digest(b'fingerprint/user', public(keys + '/sign.pem') + public(keys + '/enc.pem')))


def sign(keys, kind, payload):
    header = {'alg': 'EdDSA', 'kid': fingerprint(keys), 'typ': kind}
    protected, text = b64(compact(header).encode()), b64(compact(payload).encode())
    with open(keys + '/message', 'w') as f:
        f.write(protected + '.' + text)
    signature = openssl('pkeyutl', '-sign', '-inkey', keys + '/sign.pem', '-rawin', '-in', keys + '/message')
    return {'payload': text, 'protected': protected, 'signature': b64(signature)}


def says(signed):
    return json.loads(unb64(signed['payload']))


def person(keys, name, member_id=None):
    os.makedirs(keys)
    for kind, file in ('ed25519', 'sign.pem'), ('x25519', 'enc.pem'):
        openssl('genpkey', '-algorithm', kind, '-out', keys + '/' + file)
    certificate = sign(keys, 'fsenc-user+v1', {
        'id': member_id or os.urandom(16).hex(), 'name': name, 'sign': b64(public(keys + '/sign.pem')),
        'enc': b64(public(keys + '/enc.pem')), 'serial': 1, 'created': 1700000000, 'expires': 0})
    store(keys + '/cert', compact(certificate) + '\n')
    print(fingerprint(keys))


def entry(certificate, role):
    person = says(certificate)
    keys = unb64(person['sign']) + unb64(person['enc'])
    return {'kind': 'user', 'role': role, 'id': person['id'], 'name': person['name'],
            'fpr': b64(digest(b'fingerprint/user', keys))}


def change(access, payload, what, *details):
    if what == 'role':
        [found] = [e for e in payload['entries'] if e['name'] == details[0]]
        found['role'] = details[1]
    elif what in ('group', 'recovery'):
        group_id = os.urandom(16)
        payload['entries'].append({
            'kind': what, 'role': details[1], 'id': group_id.hex(), 'name': details[0],
            'fpr': b64(digest(b'fingerprint/group', bytes(16) + group_id))})
    elif what == 'drop':
        payload['entries'] = [e for e in payload['entries'] if e['name'] != details[0]]
    elif what == 'version':
        payload['version'] = int(details[0])
    elif what == 'add':
        added = load(details[0])
        payload['entries'].append(entry(added, details[1]))
        access['certificates'].append(added)
    else:
        raise SystemExit('what is ' + what)


def record(folder, keys, *changes):
    access = load(folder + '/.fsenc')
    before = access['record']
    payload = says(before)
    signed_text = '.'.join((before['protected'], before['payload'], before['signature']))
    payload.update(version=payload['version'] + 1, prev=b64(digest(b'record', signed_text.encode())),
                   signer=says(load(keys + '/cert'))['id'])
    for each in changes:
        change(access, payload, *each.split(':'))
    payload['entries'].sort(key=lambda e: e['id'])
    access['certificates'].append(load(keys + '/cert'))
    access['record'] = sign(keys, 'fsenc-folder+v1', payload)
    with open(folder + '/.fsenc.log', 'a') as log:
        log.write(compact(before) + '\n')
    store(folder + '/.fsenc', compact(access))


def certificate(folder, name, forged):
    access = load(folder + '/.fsenc')
    kept = [c for c in access['certificates'] if says(c)['name'] != name]
    assert len(kept) < len(access['certificates'])
    access['certificates'] = [load(forged)] + kept
    store(folder + '/.fsenc', compact(access))


def envelope(folder, name, other):
    access, from_there = load(folder + '/.fsenc'), load(other + '/.fsenc')
    [member] = [e['id'] for e in says(access['record'])['entries'] if e['name'] == name]
    [wrap] = [e['wrap'] for e in from_there['keybox'] if e['id'] == member]
    for each in access['keybox']:
        if each['id'] == member:
            each['wrap'] = wrap
    store(folder + '/.fsenc', compact(access))


def payload(file):
    signed = load(file)
    print(compact(says(signed.get('record', signed))))


if __name__ == '__main__':
    globals()[sys.argv[1]](*sys.argv[2:])
