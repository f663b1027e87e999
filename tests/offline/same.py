"""same.py DIRECTORY - what programs see in a folder, as text: every operation's result, or its errno.

Run online and while the key servers are down, in a folder that the user's own key opens, the two must be the same.
"""
import errno, hashlib, mmap, os, shutil, sys

lines = []


def note(name, call, *arguments, **named):
    try:
        result = call(*arguments, **named)
        lines.append('%s: %r' % (name, result))
        return result
    except OSError as error:
        lines.append('%s: %s' % (name, errno.errorcode[error.errno]))


def write(path, data):
    with open(path, 'wb') as f:
        return f.write(data)


def read(path):
    with open(path, 'rb') as f:
        return hashlib.sha256(f.read()).hexdigest()


def mapped(path):
    with open(path, 'r+b') as f:
        with mmap.mmap(f.fileno(), 0) as m:
            m[0:4] = b'mmap'
            m.flush()
    return read(path)


os.chdir(sys.argv[1])
note('listing', lambda: sorted(os.listdir('.')))
note('own', read, 'own.txt')
note('mkdir', os.mkdir, 'd')
note('again', os.mkdir, 'd')
for size in 0, 1, 4096, 4097, 300000:
    note('write', write, 'd/f%d' % size, b'z' * size)
    note('size', lambda: os.stat('d/f%d' % size).st_size)
    note('read', read, 'd/f%d' % size)
note('mmap', mapped, 'd/f4097')
note('append', lambda: os.write(os.open('d/f1', os.O_WRONLY | os.O_APPEND), b'more'))
note('truncate', os.truncate, 'd/f300000', 5000)
note('read', read, 'd/f300000')
note('rename', os.rename, 'd/f1', 'd/g')
note('link', os.link, 'd/g', 'd/h')
note('symlink', os.symlink, 'g', 'd/s')
note('readlink', os.readlink, 'd/s')
note('xattr', os.setxattr, 'd/g', 'user.a', b'value')
note('xattr', os.getxattr, 'd/g', 'user.a')
note('xattrs', os.listxattr, 'd/g')
note('xattr', os.getxattr, 'd/g', 'user.b')
note('chmod', os.chmod, 'd/g', 0o640)
note('mode', lambda: oct(os.stat('d/g').st_mode))
note('missing', read, 'd/nothing')
note('rmdir', os.rmdir, 'd')
note('unlink', os.unlink, 'd/h')
note('long', write, 'd/' + 'n' * 255, b'long')
note('longer', write, 'd/' + 'n' * 256, b'long')
note('across', os.rename, 'd/g', '../Both/g')
note('state', os.getxattr, '.', 'user.fsenc.state')
note('listing', lambda: sorted(os.listdir('d')))
note('clean', shutil.rmtree, 'd')
print('\n'.join(lines))
