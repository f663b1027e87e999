"""What programs on the mount see: posix.py CHECK DIRECTORY runs one check in an empty directory.

Every check would pass on ext4. It fails by an exception, with the difference in its words.
"""
import ctypes, errno, fcntl, mmap, os, shutil, signal, stat, subprocess, sys, time

libc = ctypes.CDLL(None, use_errno=True)
BORDERS = [0, 1, 4095, 4096, 4097, 8191, 8192, 8193, 65535, 65536, 65537, 1048576, 1048577]


def fails_with(wanted, call, *arguments, **named):
    try:
        call(*arguments, **named)
    except OSError as error:
        assert error.errno == wanted, (errno.errorcode[error.errno], errno.errorcode[wanted])
        return
    raise AssertionError('did not fail with ' + errno.errorcode[wanted])


def write(path, data):
    with open(path, 'wb') as f:
        f.write(data)


def read(path):
    with open(path, 'rb') as f:
        return f.read()


def renameat2(old, new, flags):
    if libc.renameat2(-100, old.encode(), -100, new.encode(), flags) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def names():
    for length in list(range(1, 256, 7)) + [71, 72, 73, 74, 75, 254, 255]:
        for letter in 'a', 'é':
            name = (letter * length).encode()[:length].decode(errors='ignore') or letter
            write(name, name.encode())
            assert read(name) == name.encode()
    raw = b'\xff\xfe not utf-8'
    write(raw, b'x')
    assert raw in os.listdir(b'.')
    fails_with(errno.ENAMETOOLONG, write, 'n' * 256, b'')
    fails_with(errno.ENAMETOOLONG, os.stat, 'n' * 256)
    for name in '.fsenc', '.fsenc.log', '.fsenc-share', '.fsencrypted':
        fails_with(errno.EPERM, write, name, b'')
        fails_with(errno.EPERM, os.mkdir, name)
    for name in os.listdir(b'.'):
        os.unlink(name)
    assert os.listdir('.') == []


def sizes():
    for size in BORDERS:
        data = os.urandom(size)
        write('f', data)
        assert os.stat('f').st_size == size
        assert read('f') == data
        os.unlink('f')


def truncation():
    data = os.urandom(200000)
    for size in BORDERS[:-2] + [100000]:
        write('f', data)
        os.truncate('f', size)
        assert read('f') == data[:size], size
        os.truncate('f', 300000)
        assert read('f') == data[:size] + bytes(300000 - size), size


def large_and_sparse():
    with open('f', 'wb') as f:
        f.write(b'begin')
        f.seek(5 << 30)
        f.write(b'end')
    s = os.stat('f')
    assert s.st_size == (5 << 30) + 3
    assert s.st_blocks * 512 < 1 << 20
    with open('f', 'rb') as f:
        assert f.read(10) == b'begin' + bytes(5)
        f.seek(3 << 30)
        assert f.read(4096) == bytes(4096)
        f.seek(5 << 30)
        assert f.read() == b'end'
        assert os.lseek(f.fileno(), 0, os.SEEK_DATA) == 0
        hole = os.lseek(f.fileno(), 0, os.SEEK_HOLE)
        assert 0 < hole <= 1 << 20
        assert hole < os.lseek(f.fileno(), hole, os.SEEK_DATA) <= 5 << 30
        fails_with(errno.ENXIO, os.lseek, f.fileno(), (5 << 30) + 3, os.SEEK_DATA)


def punching():
    data = os.urandom(1 << 20)
    write('f', data)
    subprocess.run(['fallocate', '-p', '-o', '100000', '-l', '500000', 'f'], check=True)
    assert read('f') == data[:100000] + bytes(500000) + data[600000:]
    subprocess.run(['fallocate', '-z', '-o', '5', '-l', '10', 'f'], check=True)
    assert read('f')[:20] == data[:5] + bytes(10) + data[15:20]
    with open('f', 'r+b') as f:
        f.seek(300000)
        f.write(b'again')
    assert read('f')[299999:300006] == b'\0again\0'


def appending():
    write('f', b'')
    one, other = os.open('f', os.O_WRONLY | os.O_APPEND), os.open('f', os.O_WRONLY | os.O_APPEND)
    for i in range(300):
        os.write(one if i % 2 else other, b'%05d' % i)
    assert read('f') == b''.join(b'%05d' % i for i in range(300))


def mapping():
    write('f', bytes(20000))
    with open('f', 'r+b') as f, mmap.mmap(f.fileno(), 20000) as m:
        m[5000:5005] = b'hello'
        m.flush()
    assert read('f')[4999:5006] == b'\0hello\0'


def mapped_while_written():
    """Whoever makes a file and only writes it goes past the kernel's pages; who maps it meanwhile sees it all."""
    writer = os.open('f', os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    os.write(writer, b'a' * 20000)
    reader, other = os.open('f', os.O_RDONLY), os.open('f', os.O_RDWR)
    seen = mmap.mmap(reader, 20000, mmap.MAP_SHARED, mmap.PROT_READ)
    shared = mmap.mmap(other, 20000)
    assert seen[:] == b'a' * 20000
    os.pwrite(writer, b'b' * 9000, 5000)
    assert seen[4999:14001] == b'a' + b'b' * 9000 + b'a'
    assert os.pread(reader, 9002, 4999) == b'a' + b'b' * 9000 + b'a'
    for i in range(50):
        shared[7000 + i] = i
        os.pwrite(writer, b'w', 6000 + i)
        assert seen[7000 + i] == i and seen[6000 + i:6001 + i] == b'w' == shared[6000 + i:6001 + i], i
    os.write(writer, b'z')
    assert os.pread(reader, 10, 19999) == b'az'
    os.truncate('f', 100)
    assert os.fstat(writer).st_size == 100 and os.pread(reader, 200, 0) == b'a' * 100
    seen.close(), shared.close()
    for fd in writer, reader, other:
        os.close(fd)


def hard_links():
    write('f', os.urandom(5000))
    os.link('f', 'g')
    one, other = os.stat('f'), os.stat('g')
    assert (one.st_nlink, other.st_nlink) == (2, 2) and one.st_ino == other.st_ino and other.st_size == 5000
    os.unlink('f')
    assert os.stat('g').st_nlink == 1 and len(read('g')) == 5000
    fails_with(errno.EEXIST, os.link, 'g', 'g')
    os.mkdir('d')
    fails_with(errno.EPERM, os.link, 'd', 'e')


def symlinks():
    for target in ['a', 'x' * 255, '/etc/passwd', 'é/' * 100, 'y' * 700]:
        os.symlink(target, 'l')
        assert os.readlink('l') == target
        assert os.lstat('l').st_size == len(target.encode())
        os.unlink('l')
    fails_with(errno.ENAMETOOLONG, os.symlink, 'z' * 3028, 'l')
    os.symlink('nowhere', 'dangling')
    fails_with(errno.ENOENT, read, 'dangling')


def xattrs():
    write('f', b'')
    for name in 'user.a', 'user.' + 'n' * 136, 'user.é':
        os.setxattr('f', name, b'value of ' + name.encode())
        assert os.getxattr('f', name) == b'value of ' + name.encode()
    assert sorted(n for n in os.listxattr('f') if not n.startswith('user.fsenc')) == sorted(
        ['user.a', 'user.' + 'n' * 136, 'user.é'])
    fails_with(errno.EEXIST, os.setxattr, 'f', 'user.a', b'', os.XATTR_CREATE)
    fails_with(errno.ENODATA, os.setxattr, 'f', 'user.b', b'', os.XATTR_REPLACE)
    os.removexattr('f', 'user.a')
    fails_with(errno.ENODATA, os.getxattr, 'f', 'user.a')
    fails_with(errno.EOPNOTSUPP, os.setxattr, 'f', 'trusted.a', b'x')
    fails_with(errno.EOPNOTSUPP, os.getxattr, 'f', 'security.capability')
    assert os.getxattr('.', 'user.fsenc.state') == b'open'


def unlinked_and_open():
    fd = os.open('f', os.O_RDWR | os.O_CREAT)
    os.write(fd, b'hello')
    os.unlink('f')
    assert os.listdir('.') == []
    os.pwrite(fd, b'J', 0)
    os.fsync(fd)
    os.fchmod(fd, 0o600)
    os.utime(fd, ns=(1, 2))
    s = os.fstat(fd)
    assert (s.st_size, s.st_nlink, stat.S_IMODE(s.st_mode), s.st_mtime_ns) == (5, 0, 0o600, 2)
    os.ftruncate(fd, 3)
    with open('/proc/self/fd/%d' % fd, 'rb') as again:
        assert again.read() == b'Jel'
    os.close(fd)


def renames():
    write('a', b'a')
    write('b', b'b')
    fails_with(errno.EEXIST, renameat2, 'a', 'b', 1)
    renameat2('a', 'b', 2)
    assert (read('a'), read('b')) == (b'b', b'a')
    os.rename('a', 'b')
    assert read('b') == b'b' and os.listdir('.') == ['b']
    os.makedirs('d/e')
    write('d/e/' + 'n' * 200, b'deep')
    os.rename('d', 'x' * 200)
    assert read('x' * 200 + '/e/' + 'n' * 200) == b'deep'
    fails_with(errno.EINVAL, os.rename, 'x' * 200, 'x' * 200 + '/e/in-itself')
    os.mkdir('full')
    write('full/f', b'')
    os.mkdir('empty')
    fails_with(errno.ENOTEMPTY, os.rename, 'empty', 'full')
    os.rename('full', 'empty')
    assert os.listdir('empty') == ['f']


def save_by_rename():
    write('document', b'before')
    for i in range(50):
        with open('.document.new', 'wb') as f:
            f.write(b'text %d' % i)
            os.fsync(f.fileno())
        os.rename('.document.new', 'document')
        assert read('document') == b'text %d' % i


def can_be_nameless():
    """Does the disk below have such files, and the kernel ask for them on a mount?"""
    try:
        share = os.getxattr('.', 'user.fsenc.share')
    except OSError:
        share = b'.'  # on the disk itself
    if tuple(int(n) for n in os.uname().release.split('.')[:2]) < (6, 2) and share != b'.':
        return False
    try:
        os.close(os.open(share, os.O_TMPFILE | os.O_RDWR))
    except OSError:
        return False
    return True


def nameless():
    if not can_be_nameless():
        fails_with(errno.EOPNOTSUPP, os.open, '.', os.O_TMPFILE | os.O_RDWR)
        return
    fd = os.open('.', os.O_TMPFILE | os.O_RDWR, 0o640)
    assert os.listdir('.') == [] and os.fstat(fd).st_nlink == 0
    os.write(fd, b'named later')
    os.fsync(fd)
    assert os.pread(fd, 100, 6) == b'later' and os.fstat(fd).st_size == 11
    assert libc.linkat(-100, b'/proc/self/fd/%d' % fd, -100, b'f', 0x400) == 0  # AT_SYMLINK_FOLLOW
    os.write(fd, b', and longer')
    os.fsync(fd)
    os.close(fd)
    assert read('f') == b'named later, and longer'
    assert os.stat('f').st_nlink == 1 and stat.S_IMODE(os.stat('f').st_mode) == 0o640
    os.rename('f', 'g')
    os.unlink('g')
    # what never gets a name leaves nothing behind
    fd = os.open('.', os.O_TMPFILE | os.O_RDWR | os.O_EXCL)
    os.write(fd, b'x' * 10000)
    assert libc.linkat(-100, b'/proc/self/fd/%d' % fd, -100, b'f', 0x400) != 0
    assert ctypes.get_errno() == errno.ENOENT
    os.close(fd)
    assert os.listdir('.') == []


def modes():
    os.umask(0)
    for mode in 0o000, 0o700, 0o755, 0o1777, 0o2770:
        os.mkdir('d', mode)
        os.chmod('d', mode)
        assert stat.S_IMODE(os.stat('d').st_mode) == mode, oct(mode)
        os.rmdir('d')
    fd = os.open('f', os.O_WRONLY | os.O_CREAT, 0o400)
    assert stat.S_IMODE(os.fstat(fd).st_mode) == 0o400
    os.write(fd, b'x')
    os.utime('f', ns=(123456789012345678, 987654321098765432))
    assert os.stat('f').st_mtime_ns == 987654321098765432


def as_nobody(work):
    """In a process that has no privilege; what it raised is raised here."""
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setresgid(65534, 65534, 65534)
            os.setresuid(65534, 65534, 65534)
            work()
            os._exit(0)
        except BaseException as failure:
            print(repr(failure), file=sys.stderr, flush=True)
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def mode_after(work, mode=0o6777):
    write('privileged', b'x' * 5000)
    os.chown('privileged', -1, 65534)
    os.chmod('privileged', mode)
    work()
    after = stat.S_IMODE(os.stat('privileged').st_mode)
    os.unlink('privileged')
    return oct(after)


def privileges():
    """Of root, with a mount that others may use: set-user-ID does not outlive what somebody else writes."""
    os.chmod('.', 0o777)

    def write_some(flags=os.O_WRONLY):
        fd = os.open('privileged', flags)
        os.pwrite(fd, b'y', 100)
        os.close(fd)

    def cut():
        fd = os.open('privileged', os.O_WRONLY)
        os.ftruncate(fd, 3)
        os.close(fd)

    changes = (write_some, lambda: write_some(os.O_WRONLY | os.O_APPEND), lambda: os.truncate('privileged', 9), cut,
               lambda: os.close(os.open('privileged', os.O_WRONLY | os.O_TRUNC)),
               lambda: os.close(os.open('privileged', os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)))
    for i, change in enumerate(changes):
        assert mode_after(lambda: as_nobody(change)) == '0o777', i
        assert mode_after(lambda: as_nobody(change), 0o2767) == '0o2767', i
        assert mode_after(change) == '0o6777', i
    assert mode_after(lambda: as_nobody(lambda: open('privileged').read())) == '0o6777'
    assert mode_after(lambda: os.chown('privileged', 65534, 65534)) == '0o777'
    as_nobody(lambda: os.close(os.open('theirs', os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o6755)))
    assert stat.S_IMODE(os.stat('theirs').st_mode) == 0o6755 & ~umask_of()


def umask_of():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def listing_while_removing():
    os.mkdir('d')
    for i in range(2000):
        write('d/%d' % i, b'')
    seen = set()
    with os.scandir('d') as entries:
        for i, entry in enumerate(entries):
            assert entry.name not in seen
            seen.add(entry.name)
            os.unlink('d/' + entry.name)
    assert len(seen) == 2000
    os.rmdir('d')


def directories():
    os.mkdir('d')
    write('d/f', b'')
    fails_with(errno.ENOTEMPTY, os.rmdir, 'd')
    fails_with(errno.ENOTDIR, os.rmdir, 'd/f')
    fails_with(errno.EISDIR, os.unlink, 'd')
    fails_with(errno.EEXIST, os.mkdir, 'd')
    fails_with(errno.ENOENT, os.mkdir, 'no/such')
    fails_with(errno.ENOTDIR, os.stat, 'd/f/x')
    shutil.rmtree('d')


def direct_io():
    fd = os.open('f', os.O_RDWR | os.O_CREAT | os.O_DIRECT)
    buffer = mmap.mmap(-1, 8192)
    buffer.write(b'd' * 8192)
    assert os.pwrite(fd, buffer, 0) == 8192
    assert os.fstat(fd).st_size == 8192
    assert read('f') == b'd' * 8192


def file_locks():
    write('f', b'x' * 100)
    fd = os.open('f', os.O_RDWR)
    fcntl.lockf(fd, fcntl.LOCK_EX, 10, 0)
    told, tell = os.pipe()
    child = os.fork()
    if child == 0:
        other = os.open('f', os.O_RDWR)
        try:
            fcntl.lockf(other, fcntl.LOCK_EX | fcntl.LOCK_NB, 10, 5)
            os._exit(1)
        except BlockingIOError:
            pass
        fcntl.lockf(other, fcntl.LOCK_EX | fcntl.LOCK_NB, 10, 20)
        signal.signal(signal.SIGALRM, lambda *_: (_ for _ in ()).throw(InterruptedError()))
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        try:
            fcntl.lockf(other, fcntl.LOCK_EX, 10, 5)
            os._exit(2)
        except InterruptedError:
            pass
        os.write(tell, b'.')
        fcntl.lockf(other, fcntl.LOCK_EX, 10, 5)  # until the parent lets go
        os._exit(0)
    fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, 90)
    os.close(tell)
    assert os.read(told, 1) == b'.', 'the other process did not get so far'
    os.close(fd)  # closing drops the locks of this process
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def flocks():
    write('f', b'')
    one, other = os.open('f', os.O_RDWR), os.open('f', os.O_RDWR)
    fcntl.flock(one, fcntl.LOCK_SH)
    fcntl.flock(other, fcntl.LOCK_SH | fcntl.LOCK_NB)
    fails_with(errno.EAGAIN, fcntl.flock, one, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(other)
    fcntl.flock(one, fcntl.LOCK_EX)  # waits: the kernel tells FUSE of a last close in its own time


class Handle(ctypes.Structure):
    _fields_ = [('size', ctypes.c_uint), ('type', ctypes.c_int), ('bytes', ctypes.c_ubyte * 128)]


def handle_of(path):
    handle, mount = Handle(128), ctypes.c_int()
    if libc.name_to_handle_at(-100, path.encode(), ctypes.byref(handle), ctypes.byref(mount), 0) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return handle


def open_handle(handle, flags):
    root = os.open('.', os.O_RDONLY)
    fd = libc.open_by_handle_at(root, ctypes.byref(handle), flags)
    code = ctypes.get_errno()
    os.close(root)
    if fd < 0:
        raise OSError(code, os.strerror(code))
    return fd


def handles():
    """What an NFS server does: it keeps handles, and opens them without a path. Needs root."""
    os.mkdir('d')
    write('d/f', b'by its handle')
    file, directory = handle_of('d/f'), handle_of('d')
    os.rename('d/f', 'd/g')
    fd = open_handle(file, os.O_RDWR)
    assert os.read(fd, 100) == b'by its handle'
    assert os.fstat(fd).st_ino == os.stat('d/g').st_ino
    os.close(fd)
    fd = open_handle(directory, os.O_RDONLY | os.O_DIRECTORY)
    assert os.listdir(fd) == ['g']
    assert os.stat('..', dir_fd=fd).st_ino == os.stat('.').st_ino
    os.close(fd)
    os.unlink('d/g')
    # The kernel tells FUSE of the last close in its own time, and until then the file is there.
    end = time.monotonic() + 20
    while True:
        try:
            os.close(open_handle(file, os.O_RDONLY))
        except OSError as error:
            assert error.errno == errno.ESTALE, error
            break
        assert time.monotonic() < end, 'a removed file opens by its handle'
        time.sleep(0.01)


def statistics():
    s = os.statvfs('.')
    assert s.f_namemax == 255 and s.f_blocks > 0


def main():
    check, directory = sys.argv[1:]
    os.chdir(directory)
    globals()[check]()


if __name__ == '__main__':
    main()
