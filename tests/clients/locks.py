"""Locks of applications, by several clients and many owners: locks.py CHECK MOUNT OTHER-MOUNT.

Both mounts show one share. It fails by an exception, with the difference in its words.
"""
import errno, fcntl, os, signal, struct, sys, time

F_OFD_GETLK, F_OFD_SETLK, F_OFD_SETLKW = 36, 37, 38


def refused(call, *arguments):
    try:
        call(*arguments)
    except OSError as error:
        assert error.errno in (errno.EAGAIN, errno.EACCES), error
        return True
    return False


def ofd(fd, kind, start, length, command=F_OFD_SETLK):
    """`struct flock` of 64-bit Linux."""
    return fcntl.fcntl(fd, command, struct.pack('hhqqi4x', kind, os.SEEK_SET, start, length, 0))


def opened(mount, name='locked'):
    return os.open(os.path.join(mount, name), os.O_RDWR | os.O_CREAT, 0o600)


def in_a_child(work):
    """Runs `work(say, hear)` in another process: a lock owner of its own. Its end is an exception here if it failed."""
    hear_child, say_parent = os.pipe()
    hear_parent, say_child = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(hear_child), os.close(say_child)
        try:
            work(lambda: os.write(say_parent, b'.'), lambda: os.read(hear_parent, 1))
            os._exit(0)
        except BaseException:
            sys.excepthook(*sys.exc_info())
            os._exit(1)
    os.close(say_parent), os.close(hear_parent)

    def ended():
        os.close(say_child)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, 'the other process failed'

    return lambda: os.read(hear_child, 1), lambda: os.write(say_child, b'.'), ended


def fcntl_locks(mount, other):
    """Owners of one client and of two exclude each other, range by range; closing drops."""
    here = opened(mount)
    fcntl.lockf(here, fcntl.LOCK_EX | fcntl.LOCK_NB, 100, 0)
    fcntl.lockf(here, fcntl.LOCK_SH | fcntl.LOCK_NB, 100, 200)
    for place in mount, other:
        def work(say, hear):
            there = opened(place)
            assert refused(fcntl.lockf, there, fcntl.LOCK_SH | fcntl.LOCK_NB, 1, 99), 'an exclusive range was shared'
            assert refused(fcntl.lockf, there, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, 200), 'a shared range was taken'
            fcntl.lockf(there, fcntl.LOCK_SH | fcntl.LOCK_NB, 100, 200)
            fcntl.lockf(there, fcntl.LOCK_EX | fcntl.LOCK_NB, 100, 100)
            os.close(there)
        in_a_child(work)[2]()
    other_fd = opened(other)
    assert os.fstat(other_fd).st_size == 0
    # The lock of this process is seen through the other mount, as another client's.
    assert refused(fcntl.lockf, other_fd, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, 0), 'the other client does not see the lock'
    os.close(opened(mount))  # closing any descriptor drops what the process holds of the file
    fcntl.lockf(other_fd, fcntl.LOCK_EX | fcntl.LOCK_NB, 300, 0)


def ofd_locks(mount, other):
    """Locks of open file descriptions: two in one process exclude each other, and end with the last close."""
    one, two, there = opened(mount), opened(mount), opened(other)
    ofd(one, fcntl.F_WRLCK, 0, 10)
    assert refused(ofd, two, fcntl.F_RDLCK, 5, 1) and refused(ofd, there, fcntl.F_RDLCK, 5, 1)
    kind = struct.unpack('hhqqi4x', ofd(there, fcntl.F_RDLCK, 0, 10, F_OFD_GETLK))[0]
    assert kind == fcntl.F_WRLCK, 'F_OFD_GETLK shows no lock'
    copy = os.dup(one)
    os.close(one)
    assert refused(ofd, there, fcntl.F_RDLCK, 5, 1), 'dropped although a duplicate is open'
    os.close(copy)
    until(lambda: not refused(ofd, there, fcntl.F_WRLCK, 0, 10))


def until(condition):
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, 'it never came true'
        time.sleep(0.01)


def flocks(mount, other):
    """flock() excludes between handles and clients, upgrades, and ends with the handle."""
    one, two, there = opened(mount), opened(mount), opened(other)
    fcntl.flock(one, fcntl.LOCK_SH)
    fcntl.flock(two, fcntl.LOCK_SH | fcntl.LOCK_NB)
    fcntl.flock(there, fcntl.LOCK_SH | fcntl.LOCK_NB)
    assert refused(fcntl.flock, one, fcntl.LOCK_EX | fcntl.LOCK_NB)
    fcntl.flock(two, fcntl.LOCK_UN)
    os.close(there)
    until(lambda: not refused(fcntl.flock, one, fcntl.LOCK_EX | fcntl.LOCK_NB))
    there = opened(other)
    assert refused(fcntl.flock, there, fcntl.LOCK_SH | fcntl.LOCK_NB)
    os.close(one)
    until(lambda: not refused(fcntl.flock, there, fcntl.LOCK_EX | fcntl.LOCK_NB))


def waiting(mount, other):
    """Who waits in the other client gets the lock when it is free, or EINTR when interrupted."""
    here = opened(mount)
    fcntl.lockf(here, fcntl.LOCK_EX, 10, 0)

    def work(say, hear):
        there = opened(other)
        signal.signal(signal.SIGALRM, lambda *_: (_ for _ in ()).throw(InterruptedError()))
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        try:
            fcntl.lockf(there, fcntl.LOCK_EX, 10, 0)
            raise AssertionError('got a lock that somebody holds')
        except InterruptedError:
            pass
        say()
        fcntl.lockf(there, fcntl.LOCK_EX, 10, 0)
        assert os.pread(there, 5, 0) == b'fresh', 'what is read under the lock is stale'
    hear, say, ended = in_a_child(work)
    assert hear() == b'.'
    os.pwrite(here, b'fresh', 0)
    fcntl.lockf(here, fcntl.LOCK_UN, 10, 0)
    ended()


def killed_holder(mount, other):
    """The lock of a process that is killed goes with it."""
    def work(say, hear):
        there = opened(other)
        fcntl.lockf(there, fcntl.LOCK_EX, 10, 0)
        say()
        os.kill(os.getpid(), signal.SIGKILL)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        work(lambda: os.write(writer, b'.'), None)
    os.read(reader, 1)
    os.waitpid(child, 0)
    here = opened(mount)
    until(lambda: not refused(fcntl.lockf, here, fcntl.LOCK_EX | fcntl.LOCK_NB, 10, 0))


def many_owners(mount, other):
    """Forty owners in two clients count one number up, each under the lock: no step is lost."""
    fd = opened(mount)
    os.pwrite(fd, struct.pack('<q', 0), 5000)

    def work(place):
        there = opened(place)
        for _ in range(25):
            fcntl.lockf(there, fcntl.LOCK_EX, 8, 5000)
            number, = struct.unpack('<q', os.pread(there, 8, 5000))
            os.pwrite(there, struct.pack('<q', number + 1), 5000)
            fcntl.lockf(there, fcntl.LOCK_UN, 8, 5000)
    ends = [in_a_child(lambda say, hear, place=place: work(place))[2] for place in [mount, other] * 20]
    for ended in ends:
        ended()
    fcntl.lockf(fd, fcntl.LOCK_SH, 8, 5000)
    assert struct.unpack('<q', os.pread(fd, 8, 5000)) == (1000,), struct.unpack('<q', os.pread(fd, 8, 5000))


def rate(mount, seconds=1.0):
    """Files made, read and removed a second."""
    end, count = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        name = os.path.join(mount, 'rate-%d' % count)
        with open(name, 'wb') as f:
            f.write(b'x' * 3000)
        with open(name, 'rb') as f:
            assert len(f.read()) == 3000
        os.unlink(name)
        count += 1
    return count / seconds


def twelve_waiters(mount, other):
    """Twelve parked locks, and the rest of the mount goes on. The ratio is printed; that it goes on at all is the test."""
    holder = opened(other)
    fcntl.lockf(holder, fcntl.LOCK_EX, 10, 0)
    ratios = []
    for _ in range(3):
        without = rate(mount)
        children = []
        for _ in range(12):
            child = os.fork()
            if child == 0:
                fcntl.lockf(opened(mount), fcntl.LOCK_EX, 10, 0)
                os._exit(0)
            children.append(child)
        until(lambda: all(in_lock(child) for child in children))
        ratios.append(rate(mount) / without)
        for child in children:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
    ratios.sort()
    print('with twelve waiting locks / without: %.2f (%.2f..%.2f)' % (ratios[1], ratios[0], ratios[2]))


BLOCKS = 1 << 62  # docs/FORMAT.md, Locks
BLOCKS_LAST = (1 << 62) + (1 << 61)


def stopped_client(mount, stored):
    """Somebody who has every block of sixteen files to himself, as a client that is stopped in the middle of writes,
    holds up who writes, reads anew and cuts those, and nobody else; then all of it is done."""
    names = ['held-%d' % n for n in range(16)]
    for name in names:
        with open(os.path.join(mount, name), 'wb') as f:
            f.write(b'before ')
    held = [os.open(os.path.join(stored, entry), os.O_RDWR) for entry in os.listdir(stored) if not entry.startswith('.fsenc')]
    assert len(held) == len(names)
    for fd in held:
        ofd(fd, fcntl.F_WRLCK, BLOCKS, BLOCKS_LAST - BLOCKS + 1)
    children = []
    for name in names[:-1] * 2 + names[-1:]:
        child = os.fork()
        if child == 0:
            fd = os.open(os.path.join(mount, name), os.O_WRONLY | os.O_APPEND)
            os.write(fd, b'after ')
            os._exit(0)
        children.append(child)
    until(lambda: all(in_call(child, WRITE) for child in children))
    start = time.monotonic()
    beside(mount, 'elsewhere')
    taken = time.monotonic() - start
    assert taken < 2, 'it took %.1f s' % taken
    assert all(in_call(child, WRITE) for child in children), 'somebody wrote what another client had'
    os.kill(children[-1], signal.SIGKILL)  # the only one at the last file: he need not wait
    os.waitpid(children.pop(), 0)
    for fd in held:
        ofd(fd, fcntl.F_UNLCK, BLOCKS, BLOCKS_LAST - BLOCKS + 1)
    for child in children:
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, 'a writer failed'
    for name in names:
        with open(os.path.join(mount, name), 'rb') as f:
            text = f.read()
        assert text == b'before ' + b'after ' * (2 if name != names[-1] else 0), (name, text)


def ends_beside_a_stopped_client(mount, stored, pid):
    """The mount ends while a write waits for a client that is stopped, and the write fails."""
    with open(os.path.join(mount, 'held'), 'wb') as f:
        f.write(b'before')
    entry, = (entry for entry in os.listdir(stored) if not entry.startswith('.fsenc'))
    held = os.open(os.path.join(stored, entry), os.O_RDWR)
    ofd(held, fcntl.F_WRLCK, BLOCKS, BLOCKS_LAST - BLOCKS + 1)
    child = os.fork()
    if child == 0:
        try:
            os.write(os.open(os.path.join(mount, 'held'), os.O_WRONLY), b'after')
        except OSError:
            os._exit(0)
        os._exit(1)
    until(lambda: in_call(child, WRITE))
    os.kill(int(pid), signal.SIGTERM)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, 'a write came through'


def beside(mount, name):
    """What others do meanwhile."""
    os.mkdir(os.path.join(mount, name))
    for n in range(100):
        path = os.path.join(mount, name, 'file-%d' % n)
        with open(path, 'wb') as f:
            f.write(b'x' * 5000)
        assert os.stat(path).st_size == 5000
        with open(path, 'ab') as f:
            f.write(b'y')
        with open(path, 'rb') as f:
            assert f.read() == b'x' * 5000 + b'y'
    assert len(os.listdir(os.path.join(mount, name))) == 100


WRITE, FCNTL = 1, 72  # on x86-64


def in_call(child, number):
    with open('/proc/%d/syscall' % child) as f:
        return f.read().startswith('%d ' % number)


def in_lock(child):
    return in_call(child, FCNTL)


if __name__ == '__main__':
    globals()[sys.argv[1]](*sys.argv[2:])
