"""A wild life of a healthy share, which must verify clean at every moment.

healthy.py DIR STEPS [SEED]    prints the seed; FSENC_BIN names the fsenc

Four users at two mounts (and by commands) make folders, nested ones too, let each other in and take each other out,
rename and remove folders, and do to files all that programs do, in the background and all the time. Mounts are killed
and started again. Every few steps somebody verifies the share: the answer must be 0, and say nothing but what is
locked to him. At the end every file that is open to alice can be read.
"""
import ctypes, errno, json, os, random, signal, subprocess, sys, threading, time

FSENC = os.environ['FSENC_BIN']
NAMES = 'alice', 'bob', 'carol', 'dave'
libc = ctypes.CDLL(None, use_errno=True)
# What may happen to somebody whose folder is renamed, closed to him or killed under him; damage may not.
FAIR = {errno.ENOENT, errno.ENOKEY, errno.EACCES, errno.EXDEV, errno.EEXIST, errno.ENOTEMPTY, errno.ENOTCONN,
        errno.ESTALE, errno.ENOTDIR, errno.EISDIR, errno.EPERM, errno.ECONNABORTED, errno.ENODATA, errno.EBUSY,
        errno.ENODEV, errno.ETXTBSY, errno.EOPNOTSUPP}


def punch(fd, offset, length):
    if libc.fallocate(fd, 3, ctypes.c_long(offset), ctypes.c_long(length)) != 0:
        raise OSError(ctypes.get_errno(), 'fallocate')


class User:
    def __init__(self, top, name):
        self.name, self.home = name, os.path.join(top, name)
        os.makedirs(self.home + '/run', 0o700)
        fd = os.open(self.home + '/pass', os.O_WRONLY | os.O_CREAT, 0o600)
        os.write(fd, b'the passphrase of %s\n' % name.encode())
        os.close(fd)
        self.environment = dict(
            os.environ, HOME=self.home, XDG_DATA_HOME=self.home + '/data', XDG_CONFIG_HOME=self.home + '/config',
            XDG_STATE_HOME=self.home + '/state', XDG_RUNTIME_DIR=self.home + '/run', FSENC_PASSFILE=self.home + '/pass')
        self.run('setup', '--name', name, '--kdf-mib', '64', '--quiet')
        self.mount = self.place = None

    def ask(self, *arguments):
        return subprocess.run([FSENC, *arguments], env=self.environment, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def run(self, *arguments):
        answer = self.ask(*arguments)
        assert answer.returncode == 0, (self.name, arguments, answer)
        return answer.stdout

    def know(self, other):
        path = os.path.join(self.home, other.name + '.cert')
        with open(path, 'w') as f:
            f.write(other.run('key', 'export'))
        self.run('key', 'import', path, '--trust', json.loads(other.run('key', 'show', '--json'))['fingerprint'], '--quiet')

    def mount_at(self, share, place):
        os.makedirs(place, exist_ok=True)
        self.place = place
        self.log = open(self.home + '/mount.log', 'a')
        self.mount = subprocess.Popen([FSENC, 'mount', '-f', share, place], env=self.environment,
                                      stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        for _ in range(1000):
            if os.path.ismount(place):
                return
            assert self.mount.poll() is None, open(self.log.name).read()[-2000:]
            time.sleep(0.01)
        raise AssertionError('not mounted')

    def unmount(self):
        subprocess.run(['fusermount3', '-u', '-z', self.place], check=True)
        assert self.mount.wait(30) == 0

    def kill(self, worker):
        self.mount.send_signal(signal.SIGKILL)
        self.mount.wait()
        # Not a moment earlier: it is killed in the middle of something.
        worker.hold()
        subprocess.run(['fusermount3', '-u', '-z', self.place], check=True)


class Worker(threading.Thread):
    """Programs at one mount: one operation after the other, until it is told to end."""

    def __init__(self, place, seed):
        super().__init__(daemon=True)
        self.place, self.random, self.going, self.wrong, self.done = place, random.Random(seed), True, None, 0
        self.free, self.idle = threading.Event(), threading.Event()
        self.free.set()

    def run(self):
        while self.going:
            if not self.free.is_set():
                self.idle.set()
                self.free.wait()
                self.idle.clear()
            try:
                self.step()
                self.done += 1
            except OSError as error:
                if error.errno not in FAIR:
                    self.wrong = error
                    return

    def hold(self):
        self.free.clear()
        while self.is_alive() and not self.idle.wait(0.1):
            pass

    def directory(self):
        found = self.place
        for _ in range(self.random.randrange(1, 4)):
            below = [e.name for e in os.scandir(found) if e.is_dir(follow_symlinks=False)]
            if not below:
                break
            found = os.path.join(found, self.random.choice(below))
        return found

    def name(self):
        size = self.random.choice((1, 2, 5, 60, 74, 150, 255))
        return (self.random.choice('abcdefgh') * 3 + 'x' * size)[:size]

    def path(self):
        return os.path.join(self.directory(), self.name())

    def step(self):
        getattr(self, self.random.choice(
            ('write', 'write', 'over', 'over', 'append', 'truncate', 'far', 'hole', 'make', 'unlink', 'rename', 'save',
             'hard', 'soft', 'attribute', 'sync', 'read')))()

    def size(self):
        return self.random.choice((0, 1, 100, 4095, 4096, 4097, 30000, 70000))

    def write(self):
        with open(self.path(), 'wb') as f:
            f.write(os.urandom(self.size()))

    def over(self):
        with open(self.path(), 'r+b', buffering=0) as f:
            f.seek(self.random.randrange(os.fstat(f.fileno()).st_size + 1))
            f.write(os.urandom(self.size()))

    def append(self):
        with open(self.path(), 'ab', buffering=0) as f:
            f.write(os.urandom(self.size()))

    def truncate(self):
        os.truncate(self.path(), self.size())

    def far(self):
        with open(self.path(), 'r+b', buffering=0) as f:
            f.seek(self.random.randrange(3000000))
            f.write(b'far off')

    def hole(self):
        with open(self.path(), 'r+b', buffering=0) as f:
            punch(f.fileno(), self.random.randrange(100000), self.random.randrange(1, 100000))

    def make(self):
        self.random.choice((os.mkdir, os.rmdir))(self.path())

    def unlink(self):
        os.unlink(self.path())

    def rename(self):
        directory = self.directory()
        os.rename(os.path.join(directory, self.name()), os.path.join(directory, self.name()))

    def save(self):
        directory, name = self.directory(), self.name()
        with open(os.path.join(directory, 'saving-' + str(id(self))), 'wb') as f:
            f.write(os.urandom(self.size()))
            f.flush()
            os.fsync(f.fileno())
        os.rename(f.name, os.path.join(directory, name))

    def hard(self):
        os.link(self.path(), self.path())

    def soft(self):
        os.symlink('to/' * self.random.randrange(1, 200), self.path())

    def attribute(self):
        path = self.path()
        if self.random.random() < 0.3:
            os.removexattr(path, 'user.tag')
        else:
            os.setxattr(path, 'user.tag', os.urandom(self.random.randrange(300)))

    def sync(self):
        fd = os.open(self.path(), os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def read(self):
        with open(self.path(), 'rb') as f:
            f.read()


class Life:
    def __init__(self, top, seed):
        self.top, self.random, self.seed = top, random.Random(seed), seed
        self.share = top + '/share'
        self.users = {name: User(top, name) for name in NAMES}
        for one in self.users.values():
            for other in self.users.values():
                if one is not other:
                    one.know(other)
        self.alice, self.bob = self.users['alice'], self.users['bob']
        self.alice.run('init', '--lobby', self.share)
        self.alice.mount_at(self.share, top + '/mnt-alice')
        self.bob.mount_at(self.share, top + '/mnt-bob')
        self.workers, self.made = [], 0
        self.folder(self.alice.place, 1)
        # From here on bob works, however soon he is taken out.
        end = time.monotonic() + 30
        while not self.state(self.bob.place + '/folder-1'):
            assert time.monotonic() < end, 'bob is not let in'
            time.sleep(0.05)
        for user in self.alice, self.bob:
            self.workers.append(Worker(user.place, self.random.random()))

    # Folders as alice sees them; what the workers rename meanwhile is not found, and that is all right.
    def folders(self):
        found = []
        for directory, below, _ in os.walk(self.alice.place):
            for name in below:
                path = os.path.join(directory, name)
                if name.startswith('folder-') and self.state(path):
                    found.append(path)
        return found

    def state(self, path):
        try:
            return os.getxattr(path, 'user.fsenc.state') == b'open'
        except OSError:
            return False

    def some(self):
        found = self.folders()
        return self.random.choice(found) if found else None

    def folder(self, above=None, share_it=0.8):
        above = above or self.random.choice([self.alice.place] + self.folders())
        self.made += 1
        path = '%s/folder-%d' % (above, self.made)
        try:
            os.mkdir(path)
        except OSError as error:
            assert error.errno in FAIR, error
            return
        answer = self.alice.ask('protect', path)
        # Whatever else may come in between: a folder is made whole or not at all.
        assert answer.returncode in (0, 1, 2, 13), answer
        if answer.returncode == 0 and self.random.random() < share_it:
            self.alice.ask('add-user', path, 'bob', '--role', 'writer')

    def let_in(self):
        who = self.random.choice(('bob', 'bob', 'carol', 'dave'))
        self.change('add-user', who, '--role', self.random.choice(('reader', 'writer', 'admin')))

    def take_out(self):
        self.change('remove-user', self.random.choice(('bob', 'carol', 'dave')), '--quiet')

    def role(self):
        self.change('set-role', self.random.choice(('bob', 'carol', 'dave')), self.random.choice(('reader', 'writer', 'admin')))

    # By its place on the share or through the mount; who is not in, or is in already, is told so.
    def change(self, verb, who, *more):
        path = self.some()
        if not path:
            return
        if self.random.random() < 0.5:
            try:
                path = os.path.join(self.share, os.fsdecode(os.getxattr(path, 'user.fsenc.stored')))
            except OSError:
                return
        answer = self.alice.ask(verb, path, who, *more)
        assert answer.returncode in (0, 1, 2, 13), answer

    def move_folder(self):
        path = self.some()
        if not path:
            return
        self.made += 1
        try:
            os.rename(path, '%s/folder-%d' % (os.path.dirname(path), self.made))
        except OSError as error:
            assert error.errno in FAIR, error

    def remove_folder(self):
        path = self.some()
        if path and self.random.random() < 0.3:
            subprocess.run(['rm', '-rf', path], stderr=subprocess.DEVNULL)

    def kill_a_mount(self):
        which = self.random.randrange(2)
        user, worker = (self.alice, self.bob)[which], self.workers[which]
        user.kill(worker)
        user.mount_at(self.share, user.place)
        worker.free.set()
        self.read_everything(user)

    def verify(self):
        user = self.users[self.random.choice(NAMES)]
        # What a file that is being written looks like, or a list that is being changed, is no business of ours here.
        answer = user.ask('verify', self.share, '--json')
        if answer.returncode != 0:
            sys.exit('seed %s: verify by %s says %d: %s %s' % (
                self.seed, user.name, answer.returncode, answer.stdout, answer.stderr))
        findings = [f for f in json.loads(answer.stdout)['findings'] if f['kind'] != 'locked']
        assert not findings, (self.seed, user.name, findings)

    # It may have become a file since we looked; the kernel knows for a second only what it was.
    def read_link(self, path):
        end = time.monotonic() + 5
        while os.path.islink(path):
            try:
                os.readlink(path)
                return True
            except OSError as error:
                if error.errno != errno.EINVAL or time.monotonic() > end:
                    raise
            time.sleep(0.01)
        return False

    def read_everything(self, user):
        for directory, _, files in os.walk(user.place):
            for name in files:
                path = os.path.join(directory, name)
                try:
                    if self.read_link(path):
                        continue
                    with open(path, 'rb') as f:
                        f.read()
                    os.listxattr(path)
                except OSError as error:
                    assert error.errno in FAIR, (self.seed, path, error)

    def live(self, steps):
        for worker in self.workers:
            worker.start()
        acts = (self.folder, self.let_in, self.let_in, self.take_out, self.take_out, self.role, self.move_folder,
                self.remove_folder, self.verify, self.verify, self.verify, self.kill_a_mount)
        for _ in range(steps):
            self.random.choice(acts)()
            for worker in self.workers:
                assert not worker.wrong, (self.seed, worker.place, worker.wrong)
        for worker in self.workers:
            worker.going = False
            worker.join(60)
            assert not worker.wrong, (self.seed, worker.place, worker.wrong)
        for name in NAMES * 2:
            self.verify()
        self.read_everything(self.alice)
        done = [worker.done for worker in self.workers]
        self.alice.unmount()
        self.bob.unmount()
        for _ in range(2):
            self.verify()
        print('%d and %d operations, %d folders made' % (*done, self.made))
        assert done[0] > steps and done[1] > 0, done


def main(top, steps, seed=None):
    seed = int(seed) if seed else random.SystemRandom().randrange(1 << 32)
    print('seed', seed, flush=True)
    life = Life(top, seed)
    try:
        life.live(int(steps))
    finally:
        for user in life.alice, life.bob:
            for worker in life.workers:
                worker.going = False
            if os.path.ismount(user.place):
                subprocess.run(['fusermount3', '-u', '-z', user.place])


if __name__ == '__main__':
    main(*sys.argv[1:])
