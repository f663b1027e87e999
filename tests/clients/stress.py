"""Several clients of one share at once, each through a mount of its own, with an oracle.

stress.py STORY ROUNDS TRUTH MOUNT... - one process a mount does ROUNDS rounds of STORY in it, and then everybody's
work is checked through every mount. TRUTH is a directory on the plain disk, where the processes say what they have done.

While TRUTH/down exists, somebody has killed the process of a mount and not mounted it again: an operation that fails
meanwhile is tried again, as nobody can promise more of a mount that is gone. At any other time a failure that the
story does not allow, above all EIO, is the end. TRUTH/killed says which mount was ever killed: what its client had not
been told to be done may be there or not, or in part.
"""
import errno, fcntl, hashlib, mmap, os, random, sqlite3, struct, sys, time

GONE = {errno.ENOTCONN, errno.ECONNABORTED, errno.EIO, errno.ENODEV, errno.EINVAL, errno.EBADF, errno.ESTALE, errno.ENOENT}
PATIENCE = 60.0


class Client:
    """What a process of this test knows: its number, its mount, and how to go on after a kill."""

    def __init__(self, number, mounts, truth, rounds):
        self.number, self.mount, self.mounts, self.truth, self.rounds = number, mounts[number], mounts, truth, rounds
        self.random = random.Random(number * 7919 + 1)

    def path(self, name):
        # Below a directory that the bare mount point does not have, so that nothing is ever written beside the mount.
        return os.path.join(self.mount, 'work', name)

    def kills(self):
        try:
            return os.path.getsize(os.path.join(self.truth, 'kills'))
        except FileNotFoundError:
            return 0

    def is_down(self):
        return os.path.exists(os.path.join(self.truth, 'down'))

    def was_killed(self, error):
        """May this failure be a kill's? Of an operation that is not tried again as it is."""
        return error.errno in GONE and (self.is_down() or self.kills() > 0)

    def close(self, fd):
        """A descriptor of a mount that was killed is closed all the same, but says so."""
        try:
            os.close(fd)
        except OSError as error:
            if not self.was_killed(error):
                raise

    def does(self, action, *arguments, allowed=()):
        """The action's result; tried again when a kill is the reason. An allowed errno gives None."""
        end = time.monotonic() + PATIENCE
        while True:
            kills, down = self.kills(), self.is_down()
            try:
                return action(*arguments)
            except OSError as error:
                if error.errno in allowed:
                    return None
                killed = down or self.is_down() or self.kills() != kills
                if error.errno not in GONE or not killed or time.monotonic() > end:
                    raise
            while self.is_down():
                time.sleep(0.01)


def payload(client, sequence, size):
    """Bytes that say who wrote them, and show every change."""
    head = b'%d %d %d ' % (client, sequence, size)
    seed = hashlib.blake2b(head, digest_size=32).hexdigest().encode()
    return (head + seed * (size // len(seed) + 1))[:size]


def read_file(path):
    with open(path, 'rb', buffering=0) as f:
        return f.read()


def write_all(fd, data, offset=None):
    """One write(). Less than all of it is a failure, as of a mount that went away in the middle."""
    done = os.write(fd, data) if offset is None else os.pwrite(fd, data, offset)
    if done != len(data):
        raise OSError(errno.EIO, 'a short write')


# -- appends: no line lost, torn or doubled ---------------------------------------------------------


def line_of(client, sequence):
    size = random.Random(client * 1000003 + sequence).choice([40, 100, 700, 3000, 4095, 4096, 5000, 9000])
    return payload(client, sequence, size) + b'\n'


class Appends:
    def prepare(self, client):
        os.close(os.open(client.path('log'), os.O_CREAT | os.O_WRONLY, 0o600))

    def work(self, client):
        told = os.open(os.path.join(client.truth, 'told-%d' % client.number), os.O_CREAT | os.O_WRONLY | os.O_APPEND)
        fd = client.does(os.open, client.path('log'), os.O_WRONLY | os.O_APPEND)
        for sequence in range(client.rounds):
            if client.random.random() < 0.2:
                client.close(fd)
                fd = client.does(os.open, client.path('log'), os.O_WRONLY | os.O_APPEND)
            try:
                write_all(fd, line_of(client.number, sequence))
                os.write(told, b'+')
            except OSError as error:
                if not client.was_killed(error):
                    raise
                os.write(told, b'?')
                fd = client.does(os.open, client.path('log'), os.O_WRONLY | os.O_APPEND)

    def check(self, client, count):
        told = [read_file(os.path.join(client.truth, 'told-%d' % n)) for n in range(count)]
        doubtful = {(n, s) for n in range(count) for s, mark in enumerate(told[n]) if mark == ord('?')}
        seen = [[] for _ in range(count)]
        for line in client.does(read_file, client.path('log')).split(b'\n')[:-1]:
            line = self.without_torn(line, doubtful)
            who, sequence, size = (int(word) for word in line.split(b' ')[:3])
            assert line + b'\n' == line_of(who, sequence), 'a torn line of client %d: %r' % (who, line[:80])
            seen[who].append(sequence)
        for n in range(count):
            assert seen[n] == sorted(set(seen[n])), 'client %d: a line twice, or out of order' % n
            missing = {s for s, mark in enumerate(told[n]) if mark == ord('+')} - set(seen[n])
            assert not missing, 'client %d: lost lines %s' % (n, sorted(missing)[:10])

    @staticmethod
    def without_torn(line, doubtful):
        """A killed mount may have left the beginning of a line that nobody was told to be there."""
        for who, sequence in doubtful:
            torn = line_of(who, sequence)
            length = len(os.path.commonprefix([line, torn]))
            for cut in range(length, 0, -1):
                rest = line[cut:]
                try:
                    other, number = (int(word) for word in rest.split(b' ')[:2])
                except ValueError:
                    continue
                if rest + b'\n' == line_of(other, number):
                    return rest
        return line


# -- records under fcntl locks: every read under a lock sees the last write ----------------------------


class Locked:
    RECORDS = [(i * 5000, 300 + i * 1237 % 4700) for i in range(24)]  # offset, size: disjoint, across blocks

    def prepare(self, client):
        with open(client.path('records'), 'wb') as f:
            f.write(bytes(sum(self.RECORDS[-1])))
        with open(os.path.join(client.truth, 'last'), 'wb') as f:
            f.write(b''.join(struct.pack('<qqqq', -1, 0, -1, 0) for _ in self.RECORDS))

    def expected(self, last, index, size):
        client, sequence, pending_client, pending_sequence = struct.unpack_from('<qqqq', last, index * 32)
        values = [bytes(size) if client < 0 else payload(client, sequence, size)]
        if pending_client >= 0:
            values.append(payload(pending_client, pending_sequence, size))
        return values

    def round(self, client, fd, last, sequence):
        index = client.random.randrange(len(self.RECORDS))
        offset, size = self.RECORDS[index]
        fcntl.lockf(fd, fcntl.LOCK_EX, size, offset)
        try:
            found = os.pread(fd, size, offset)
            values = self.expected(last, index, size)
            if found not in values and not self.is_mixture(found, values):
                raise AssertionError('record %d under its lock: not the last write' % index)
            struct.pack_into('<qq', last, index * 32 + 16, client.number, sequence)
            write_all(fd, payload(client.number, sequence, size), offset)
            struct.pack_into('<qqqq', last, index * 32, client.number, sequence, -1, 0)
        finally:
            fcntl.lockf(fd, fcntl.LOCK_UN, size, offset)

    @staticmethod
    def is_mixture(found, values):
        """A write that was killed: some of it new, the rest as before, block by block."""
        return len(values) == 2 and len(found) == len(values[0]) and all(
            byte in pair for byte, pair in zip(found, zip(*values)))

    def work(self, client):
        with open(os.path.join(client.truth, 'last'), 'r+b') as f:
            last = mmap.mmap(f.fileno(), 0)
        fd = client.does(os.open, client.path('records'), os.O_RDWR)
        for sequence in range(client.rounds):
            try:
                self.round(client, fd, last, sequence)
            except OSError as error:
                if not client.was_killed(error):
                    raise
                client.does(os.stat, client.path('records'))
                fd = client.does(os.open, client.path('records'), os.O_RDWR)

    def check(self, client, count):
        last = read_file(os.path.join(client.truth, 'last'))
        data = client.does(read_file, client.path('records'))
        for index, (offset, size) in enumerate(self.RECORDS):
            values = self.expected(last, index, size)
            found = data[offset:offset + size]
            assert found in values or self.is_mixture(found, values), 'record %d is not as last written' % index


# -- stripes: neighbours in one block do not touch each other -------------------------------------------


class Stripes:
    SIZE, COUNT = 1000, 40

    def prepare(self, client):
        with open(client.path('stripes'), 'wb') as f:
            f.write(bytes(self.SIZE * self.COUNT * 8))

    def offset(self, client, index, clients):
        return (index * clients + client) * self.SIZE

    def work(self, client):
        fd = client.does(os.open, client.path('stripes'), os.O_RDWR)
        said = os.open(os.path.join(client.truth, 'stripes-%d' % client.number), os.O_CREAT | os.O_RDWR)
        os.ftruncate(said, self.COUNT * 16)
        for sequence in range(1, client.rounds + 1):
            index = client.random.randrange(self.COUNT)
            offset = self.offset(client.number, index, len(client.mounts))
            os.pwrite(said, struct.pack('<q', sequence), index * 16 + 8)
            try:
                write_all(fd, payload(client.number, sequence, self.SIZE), offset)
            except OSError as error:
                if not client.was_killed(error):
                    raise
                fd = self.again(client, payload(client.number, sequence, self.SIZE), offset)
            os.pwrite(said, struct.pack('<q', sequence), index * 16)

    @staticmethod
    def again(client, data, offset):
        """With a descriptor of the new mount, or of the one after that."""
        def once():
            fd = os.open(client.path('stripes'), os.O_RDWR)
            write_all(fd, data, offset)
            return fd
        return client.does(once)

    def check(self, client, count):
        data = client.does(read_file, client.path('stripes'))
        for n in range(count):
            said = read_file(os.path.join(client.truth, 'stripes-%d' % n))
            for index in range(self.COUNT):
                done, begun = struct.unpack_from('<qq', said, index * 16)
                offset = self.offset(n, index, count)
                found = data[offset:offset + self.SIZE]
                wanted = payload(n, done, self.SIZE) if done else bytes(self.SIZE)
                assert done == begun and found == wanted, 'stripe %d of client %d was changed by another' % (index, n)


# -- names: a storm in one directory; what a name leads to is whole -------------------------------------


class Names:
    POOL = ['name %d %s' % (i, 'x' * (i * 29 % 220)) for i in range(16)]
    LOST_RACE = (errno.ENOENT, errno.EEXIST, errno.ENOTEMPTY, errno.ESTALE)

    def prepare(self, client):
        os.mkdir(client.path('storm'))

    def make(self, client, sequence):
        """Always another file: the one of before has a second name if a kill took the answer of link() away."""
        own = client.path('storm/own-%d' % client.number)
        try:
            os.unlink(own)
        except FileNotFoundError:
            pass
        with open(own, 'xb', buffering=0) as f:
            f.write(payload(client.number, sequence, 100 + sequence % 9000))
        return own

    def replace(self, client, name, sequence):
        os.rename(self.make(client, sequence), name)

    def link(self, client, name, sequence):
        own = self.make(client, sequence)
        try:
            os.link(own, name)
        finally:
            os.unlink(own)

    def read(self, client, name, sequence):
        data = read_file(name)
        who, number, size = (int(word) for word in data.split(b' ')[:3])
        assert data == payload(who, number, size), 'a file that is not whole: %d of %d bytes, prefix %d' % (len(data), size, len(os.path.commonprefix([data, payload(who, number, size)])))

    def remove(self, client, name, sequence):
        os.unlink(name)

    def move(self, client, name, sequence):
        os.rename(name, client.path('storm/' + client.random.choice(self.POOL)))

    def directory(self, client, name, sequence):
        place = client.path('storm/directory')
        try:
            os.mkdir(place)
        finally:
            os.rmdir(place)

    def listing(self, client, name, sequence):
        names = os.listdir(client.path('storm'))
        assert len(names) == len(set(names)), 'a name twice in one listing'
        for found in names:
            assert found in self.POOL or found.startswith('own-') or found == 'directory', 'a foreign name: ' + found

    def work(self, client):
        for sequence in range(client.rounds):
            action = client.random.choice(
                [self.replace, self.replace, self.link, self.read, self.read, self.remove, self.move, self.directory,
                 self.listing])
            client.does(action, client, client.path('storm/' + client.random.choice(self.POOL)), sequence,
                        allowed=self.LOST_RACE)

    def check(self, client, count):
        listings = []
        for mount in client.mounts:
            client.mount = mount
            listings.append(sorted(client.does(os.listdir, client.path('storm'))))
            for name in listings[-1]:
                if not name.startswith('own-') and name != 'directory':
                    client.does(self.read, client, client.path('storm/' + name), 0)
        assert all(names == listings[0] for names in listings), 'clients see other names'


# -- saving by rename: a reader finds one whole version at every moment ---------------------------------


class Saves:
    def save(self, client, sequence):
        draft = client.path('.draft-%d' % client.number)
        with open(draft, 'wb', buffering=0) as f:
            f.write(payload(client.number, sequence, 50 + sequence * 613 % 20000))
            os.fsync(f.fileno())
        os.rename(draft, client.path('document'))

    def prepare(self, client):
        self.save(client, 0)

    def read(self, client):
        data = read_file(client.path('document'))
        who, number, size = (int(word) for word in data.split(b' ')[:3])
        assert data == payload(who, number, size), 'a version that is not whole: %d of %d bytes, prefix %d' % (len(data), size, len(os.path.commonprefix([data, payload(who, number, size)])))
        return who, number

    def work(self, client):
        for sequence in range(1, client.rounds + 1):
            if client.random.random() < 0.3:
                client.does(self.save, client, sequence)
            else:
                client.does(self.read, client)

    def check(self, client, count):
        versions = set()
        for mount in client.mounts:
            client.mount = mount
            versions.add(client.does(self.read, client))
        assert len(versions) == 1, 'clients see other versions: %s' % versions


# -- truncation against appending: records stay whole ------------------------------------------------------


class Truncations:
    SIZE = 64

    def prepare(self, client):
        os.close(os.open(client.path('shrinking'), os.O_CREAT | os.O_WRONLY, 0o600))

    def append(self, client, sequence):
        fd = os.open(client.path('shrinking'), os.O_WRONLY | os.O_APPEND)
        try:
            count = 1 + sequence % 130
            write_all(fd, b''.join(payload(client.number, sequence, self.SIZE) for _ in range(count)))
        finally:
            os.close(fd)

    def truncate(self, client, sequence):
        size = os.stat(client.path('shrinking')).st_size
        os.truncate(client.path('shrinking'), client.random.choice([0, size // 2, size]) // self.SIZE * self.SIZE)

    def work(self, client):
        for sequence in range(client.rounds):
            action = self.truncate if client.number == 0 and sequence % 3 == 0 else self.append
            client.does(action, client, sequence)

    def check(self, client, count):
        data = client.does(read_file, client.path('shrinking'))
        if client.kills() == 0:
            assert len(data) % self.SIZE == 0, 'a record was cut'
        for at in range(0, len(data) - self.SIZE + 1, self.SIZE):
            found = data[at:at + self.SIZE]
            # A truncation may have grown the file again over somebody else's: zeros, whole records of them.
            if found == bytes(self.SIZE) or client.kills():
                continue
            who, number = (int(word) for word in found.split(b' ')[:2])
            assert found == payload(who, number, self.SIZE), 'a record is not whole'


# -- a database with a rollback journal --------------------------------------------------------------------


class Database:
    def connect(self, client):
        database = sqlite3.connect(client.path('db'), timeout=120, isolation_level=None)
        database.execute('PRAGMA journal_mode=DELETE')
        return database

    def prepare(self, client):
        database = self.connect(client)
        database.execute('CREATE TABLE t (client INTEGER, n INTEGER, words TEXT)')
        database.close()

    def round(self, client, sequence):
        database = self.connect(client)
        try:
            database.execute('BEGIN IMMEDIATE')
            for n in range(5):
                database.execute('INSERT INTO t VALUES (?, ?, ?)', (client.number, sequence * 5 + n, 'x' * (n * 700)))
            if sequence % 4 == 3:
                database.execute('ROLLBACK')
            else:
                database.execute('COMMIT')
            if sequence % 10 == 0:
                assert database.execute('PRAGMA integrity_check').fetchone() == ('ok',)
        finally:
            database.close()

    def work(self, client):
        for sequence in range(client.rounds):
            self.round(client, sequence)

    def check(self, client, count):
        for mount in client.mounts:
            client.mount = mount
            database = self.connect(client)
            assert database.execute('PRAGMA integrity_check').fetchone() == ('ok',)
            kept = sum(1 for sequence in range(client.rounds) if sequence % 4 != 3) * 5
            for n in range(count):
                found = database.execute('SELECT count(*), count(DISTINCT n) FROM t WHERE client = ?', (n,)).fetchone()
                assert found == (kept, kept), 'client %d: %s rows instead of %d' % (n, found, kept)
            database.close()


STORIES = {'appends': Appends, 'locked': Locked, 'stripes': Stripes, 'names': Names, 'saves': Saves,
           'truncations': Truncations, 'database': Database}


def main():
    name, rounds, truth, mounts = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4:]
    story, children = STORIES[name](), []
    os.mkdir(os.path.join(mounts[0], 'work'))
    story.prepare(Client(0, mounts, truth, rounds))
    open(os.path.join(truth, 'begun'), 'w').close()
    for number in range(len(mounts)):
        child = os.fork()
        if child == 0:
            try:
                story.work(Client(number, mounts, truth, rounds))
                os._exit(0)
            except BaseException:
                sys.excepthook(*sys.exc_info())
                sys.stderr.write('client %d of %s\n' % (number, name))
                sys.stderr.flush()
                os._exit(1)
        children.append(child)
    failed = [number for number, child in enumerate(children) if os.waitpid(child, 0)[1] != 0]
    if failed:
        sys.exit('clients that failed: %s' % failed)
    open(os.path.join(truth, 'ended'), 'w').close()
    while os.path.exists(os.path.join(truth, 'down')):
        time.sleep(0.01)
    for number in range(len(mounts)):
        # What the kernel remembers of this client's mount is a second old at the most.
        time.sleep(1.1)
        story.check(Client(number, mounts, truth, rounds), len(mounts))


if __name__ == '__main__':
    main()
