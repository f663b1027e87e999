"""What lies in the shares that must open for ever, and what they show.

fill.py tree DIR STAGE     does one stage's work in DIR: a mounted folder, or a plain directory that shall look the same
fill.py times DIR          gives everything below DIR its time
fill.py manifest DIR       prints all that a program can see of DIR, a line each

Contents, names and times follow from this text alone, so that what a mount shows is compared with what was meant.
"""
import errno, hashlib, os, stat, sys

BLOCK = 4096


def content(seed, size):
    out = bytearray()
    while len(out) < size:
        out += hashlib.sha256(b'%s %d' % (seed.encode(), len(out))).digest()
    return bytes(out[:size])


def put(path, data, mode=0o644):
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(fd, 'wb') as f:
        f.write(data)
    os.chmod(path, mode)


def over(path, offset, data):
    with open(path, 'r+b') as f:
        f.seek(offset)
        f.write(data)


def name(seed, size):
    return (seed + '-' + 'n' * 255)[:size]


# -- what is done in each stage; between two of them a member leaves ---------------------------------------------

def sizes(top):
    for size in 0, 1, 100, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, 5 * BLOCK + 7:
        put('%s/size-%d' % (top, size), content('size-%d' % size, size))
    put(top + '/twice-emptied', b'gone')
    os.truncate(top + '/twice-emptied', 0)
    for mode in 0o400, 0o640, 0o755:
        put('%s/mode-%o' % (top, mode), content('mode', 50), mode)


def names(top):
    os.mkdir(top + '/names')
    for size in 1, 72, 73, 74, 143, 144, 200, 255:
        put('%s/names/%s' % (top, name('%d' % size, size)), content('name-%d' % size, 20))
        if size > 1:
            os.mkdir('%s/names/%s' % (top, name('d%d' % size, size)))
            put('%s/names/%s/in it' % (top, name('d%d' % size, size)), b'below a name of %d bytes\n' % size)
    for odd in b'gr\xc3\xbc\xc3\x9fe', b'not utf-8: \xff\xfe', b'new\nline', b'back\\slash', b'.hidden', b' ', b'-rf', b'a\tb':
        put(os.path.join(os.fsencode(top), b'names', odd), b'odd\n')


def links(top, stage):
    os.symlink('size-100', '%s/link-%s' % (top, stage))
    os.symlink('/nowhere/%s' % stage, '%s/dangling-%s' % (top, stage))
    os.symlink('../' * 20 + 'far/' * 150, '%s/long-link-%s' % (top, stage))
    os.symlink('x', '%s/%s' % (top, name('link-%s' % stage, 220)))


def attributes(top, stage):
    put('%s/tagged-%s' % (top, stage), content('tagged', 10))
    os.mkdir('%s/tagged-directory-%s' % (top, stage))
    for path in '%s/tagged-%s' % (top, stage), '%s/tagged-directory-%s' % (top, stage):
        os.setxattr(path, 'user.tag', b'of stage %s' % stage.encode())
        os.setxattr(path, 'user.empty', b'')
        os.setxattr(path, 'user.' + 'long-' * 20, content('attribute', 500))


def sparse(top):
    with open(top + '/sparse', 'wb') as f:
        f.write(content('begins', 10000))
        f.seek(9000000)
        f.write(content('ends', 5000))
    with open(top + '/all-hole', 'wb') as f:
        f.truncate(5000000)
    with open(top + '/sparse-then-mixed', 'wb') as f:
        f.write(content('begins too', 5 * BLOCK))
        f.truncate(3000000)


def first(top):
    sizes(top)
    names(top)
    links(top, 'one')
    attributes(top, 'one')
    sparse(top)
    for which in 'mixed', 'mixed-in-the-middle', 'mixed-at-the-end', 'appended':
        put('%s/%s' % (top, which), content(which, 6 * BLOCK + 100))
    put(top + '/unclean', content('unclean', 4 * BLOCK + 1000))
    os.mkdir(top + '/deep')
    os.makedirs(top + '/deep/er/and/deeper')
    put(top + '/deep/er/and/deeper/file', content('deep', 3000))
    os.link(top + '/deep/er/and/deeper/file', top + '/hard-link')
    os.mkfifo(top + '/pipe', 0o600)


# Each of these changes what an older generation's seed has sealed.
def second(top):
    over(top + '/mixed', 0, content('rewritten', BLOCK))
    over(top + '/mixed-in-the-middle', 2 * BLOCK + 10, content('rewritten', 100))
    over(top + '/mixed-at-the-end', 6 * BLOCK + 50, content('rewritten', 20))
    over(top + '/appended', 6 * BLOCK + 100, content('added', 2 * BLOCK))
    over(top + '/sparse-then-mixed', BLOCK, content('rewritten', BLOCK))
    put(top + '/of-stage-two', content('stage two', 2 * BLOCK + 1))
    links(top, 'two')
    attributes(top, 'two')
    os.setxattr(top + '/tagged-one', 'user.tag', b'changed in stage two')
    os.rename(top + '/size-1', top + '/' + name('renamed', 180))


def third(top):
    over(top + '/mixed', 4 * BLOCK, content('rewritten again', BLOCK))
    over(top + '/of-stage-two', 0, content('rewritten once', 10))
    put(top + '/of-stage-three', content('stage three', 700))
    links(top, 'three')
    os.unlink(top + '/mode-755')
    os.truncate(top + '/size-8192', 5000)


def small(top):
    for size in 0, 1, BLOCK, 3 * BLOCK + 5:
        put('%s/size-%d' % (top, size), content('small-%d' % size, size))
    put('%s/%s' % (top, name('long', 230)), b'a long name\n')
    os.symlink('size-1', top + '/link')
    os.setxattr(top + '/size-1', 'user.tag', b'small')
    with open(top + '/sparse', 'wb') as f:
        f.seek(4000000)
        f.write(b'the end')


STAGES = {'first': first, 'second': second, 'third': third, 'small': small}


# -- what can be seen --------------------------------------------------------------------------------------------

def everything(top):
    top = os.fsencode(top)
    for directory, directories, files in os.walk(top):
        directories.sort()
        for entry in sorted(directories + files):
            path = os.path.join(directory, entry)
            yield os.path.relpath(path, top), path


def time_of(path):
    return 1000000000 + int.from_bytes(hashlib.sha256(path).digest()[:3], 'big')


def times(top):
    for path, full in reversed(list(everything(top))):
        # hard links have one time
        when = time_of(b'hard-link' if path == b'deep/er/and/deeper/file' else path)
        os.utime(full, (when, when), follow_symlinks=False)


def shown(path):
    return ''.join(chr(c) if 32 < c < 127 and c not in b'\\\\%' else '%%%02x' % c for c in path)


def digest(data):
    return hashlib.sha256(data).hexdigest()[:32]


def attributes_of(path):
    found = {}
    try:
        attributes = os.listxattr(path, follow_symlinks=False)
    except OSError as error:
        return 'attributes=' + errno.errorcode[error.errno]
    for attribute in attributes:
        if attribute.startswith('user.') and not attribute.startswith('user.fsenc.'):
            found[attribute] = digest(os.getxattr(path, attribute, follow_symlinks=False))
    return ' '.join('%s=%s' % (shown(os.fsencode(a)), found[a]) for a in sorted(found))


def describe(path):
    status = os.lstat(path)
    what = {stat.S_IFREG: 'file', stat.S_IFDIR: 'directory', stat.S_IFLNK: 'link', stat.S_IFIFO: 'pipe'}[
        stat.S_IFMT(status.st_mode)]
    words = [what, 'mode=%o' % stat.S_IMODE(status.st_mode), 'time=%d' % status.st_mtime]
    if what == 'file':
        with open(path, 'rb') as f:
            data = f.read()
        assert len(data) == status.st_size
        words += ['links=%d' % status.st_nlink, 'size=%d' % len(data), digest(data)]
    if what == 'link':
        target = os.readlink(path)
        words += ['size=%d' % status.st_size, 'target=' + digest(target)]
        assert len(target) == status.st_size
    if what in ('file', 'directory'):
        words.append(attributes_of(path))
    return ' '.join(words).rstrip()


def main(verb, top, *rest):
    if verb == 'tree':
        os.umask(0o022)
        STAGES[rest[0]](top)
    elif verb == 'times':
        times(top)
    elif verb == 'manifest':
        for path, full in everything(top):
            print(shown(path), describe(full))
    else:
        raise SystemExit(__doc__)


if __name__ == '__main__':
    main(*sys.argv[1:])
