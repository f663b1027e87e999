"""A directory becomes a folder while another client works in it, and whoever makes it one is killed at any moment.

becoming.py DIR ROUNDS lobby|folder [SEED]    prints the seed; FSENC_BIN names the fsenc

alice protects a directory through one mount and is killed; bob makes files, directories and attributes in it through
another, quicker than any look for `.fsenc`. Afterwards somebody comes by: a listing, a fresh mount, the same command
again, or a repair. Then everything that bob's programs were told is done must be there, in the folder or beside it,
with every byte, and the share must verify clean.
"""
import errno, json, os, random, subprocess, sys, threading, time
from healthy import FSENC, User

# What may happen to a program in the moment when its directory becomes another one.
FAIR = {errno.ENOENT, errno.ESTALE, errno.EXDEV, errno.ENOKEY, errno.EACCES, errno.EPERM}
LONG = 'a name that is so long that it is stored in a file of its own, which has to come along ' * 2


class Maker(threading.Thread):
    """Makes names in a directory until it is told to end; `made` says which of them have what contents."""

    def __init__(self, directory, lobby, seed):
        super().__init__(daemon=True)
        self.directory, self.lobby, self.random = directory, lobby, random.Random(seed)
        self.going, self.wrong, self.made, self.count = True, None, {}, 0
        self.slow, self.inside = [], None
        self.label = os.path.basename(directory)

    def run(self):
        while not self.wrong and (self.going or self.slow):
            try:
                self.step()
            except OSError as error:
                self.wrong = None if error.errno in FAIR else error
        if self.inside:
            os.close(self.inside[1])

    def name(self, below=''):
        self.count += 1
        name = '%s-%d' % (self.label, self.count)
        return os.path.join(below, name + (LONG if self.random.random() < 0.2 else ''))

    def step(self):
        if self.slow and (not self.going or len(self.slow) > 20):
            self.finish(self.slow.pop(0))
        elif self.random.random() < 0.01:
            os.listdir(self.directory) # which shows `.fsenc`: from here on it is a folder to this mount
        elif self.lobby:
            self.directories()
        else:
            self.random.choice((self.file, self.file, self.begin, self.directories, self.within))()

    def file(self, below=''):
        self.finish(self.open(self.name(below)))

    def open(self, name, within=None):
        path = os.path.join(self.directory, name) if within is None else os.path.basename(name)
        return name, os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644, dir_fd=within)

    # Opened now, written later: perhaps the directory has become a folder in between.
    def begin(self):
        self.slow.append(self.open(self.name()))

    # A program whose working directory this is does not notice where it goes.
    def within(self):
        if self.inside is None:
            name = self.name()
            os.mkdir(os.path.join(self.directory, name))
            self.made[name] = None
            self.inside = name, os.open(os.path.join(self.directory, name), os.O_RDONLY | os.O_DIRECTORY)
        name, fd = self.inside
        self.finish(self.open(self.name(name), fd))

    def finish(self, opened):
        name, fd = opened
        contents = os.urandom(self.random.choice((1, 100, 5000)))
        try:
            os.write(fd, contents)
        finally:
            os.close(fd)
        self.made[name] = contents

    def directories(self):
        name = self.name()
        os.mkdir(os.path.join(self.directory, name))
        self.made[name] = None
        if not self.lobby:
            self.file(name)
            if self.random.random() < 0.3:
                inner = self.name(name)
                os.mkdir(os.path.join(self.directory, inner))
                self.made[inner] = None
                self.file(inner)


class Life:
    def __init__(self, top, kind, seed):
        self.top, self.lobby, self.random = top, kind == 'lobby', random.Random(seed)
        self.share, self.seed = top + '/share', seed
        self.alice, self.bob = User(top, 'alice'), User(top, 'bob')
        self.alice.know(self.bob)
        self.bob.know(self.alice)
        self.alice.run('init', self.share, *(['--lobby'] if self.lobby else []))
        if not self.lobby:
            self.alice.run('add-user', self.share, 'bob', '--role', 'admin')
        self.alice.mount_at(self.share, top + '/mnt-alice')
        self.bob.mount_at(self.share, top + '/mnt-bob')
        self.cut = self.tagged = 0

    # Killed so long after `.fsenc` is there, or after the start; none: let be.
    def protect(self, user, path, stored):
        after_start, delay = self.random.choice(((True, 0.3), (False, 0.01), (False, 0.1), (False, 1.3), (False, None)))
        with open(self.top + '/protect.log', 'w') as log:
            process = subprocess.Popen([FSENC, 'protect', path], env=user.environment, stdin=subprocess.DEVNULL,
                                       stdout=log, stderr=log)
            while not after_start and not os.path.exists(stored + '/.fsenc') and process.poll() is None:
                time.sleep(0.0005)
            try:
                process.wait(delay and self.random.uniform(0, delay))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        return process.returncode

    def verify(self, *more):
        answer = self.alice.ask('verify', self.share, '--json', *more)
        findings = json.loads(answer.stdout)['findings']
        return answer.returncode, [f for f in findings if f['kind'] not in ('locked', 'repaired')]

    # Each of these alone has to be enough. A mount does it by itself, soon after somebody has looked.
    def by_listing(self, path):
        self.soon_clean(lambda: os.listdir(path))

    def by_fresh_mount(self, path):
        self.alice.unmount()
        self.alice.mount_at(self.share, self.alice.place)
        self.soon_clean(lambda: os.listdir(path))

    def by_same_command(self, path):
        answer = self.alice.ask('protect', path)
        assert answer.returncode == 1 and 'already' in answer.stderr, answer

    def by_repair(self, path):
        status, findings = self.verify('--repair')
        assert status == 0, (self.seed, status, findings)

    def soon_clean(self, look):
        end = time.monotonic() + 60
        while True:
            look()
            status, findings = self.verify()
            if status == 0 and not findings:
                return
            assert time.monotonic() < end, (self.seed, status, findings)

    def find(self, directory, name):
        first, *rest = name.split('/')
        above = os.path.dirname(directory)
        for place in (os.path.join(directory, first), os.path.join(above, first)):
            path = os.path.join(place, *rest)
            if os.path.lexists(path):
                return path
        raise AssertionError('seed %s: %s is lost' % (self.seed, name))

    def check(self, directory, made):
        for name, contents in made.items():
            path = self.find(directory, name)
            if contents is None:
                assert os.path.isdir(path), (self.seed, path)
            else:
                with open(path, 'rb') as f:
                    found = f.read()
                assert found == contents, (self.seed, path, len(found), len(contents))

    # In a lobby, where names are in clear, only who is told can know.
    WAYS = 'by_listing', 'by_fresh_mount', 'by_same_command', 'by_repair'

    def round(self, number):
        directory = '%s/dir%d' % (self.alice.place, number)
        os.mkdir(directory)
        if not self.lobby:
            os.setxattr(directory, 'user.tag', b'%d' % number)
        maker = Maker('%s/dir%d' % (self.bob.place, number), self.lobby, self.random.random())
        tell = threading.Event()
        stored = os.path.join(self.share, os.fsdecode(os.getxattr(directory, 'user.fsenc.stored')))
        going = threading.Thread(target=self.makes_from_the_moment, args=(maker, stored, tell), daemon=True)
        going.start()
        ended = self.protect(self.alice, directory, stored)
        folder = os.path.exists(stored + '/.fsenc')
        tell.set()
        going.join()
        assert not maker.wrong, (self.seed, number, maker.wrong)
        self.cut += ended != 0 and folder
        if ended != 0 and folder:
            getattr(self, 'by_same_command' if self.lobby else self.random.choice(self.WAYS))(directory)
        status, findings = self.verify()
        assert status == 0 and not findings, (self.seed, number, ended, status, findings)
        for user in self.alice, self.bob:
            self.soon(lambda: self.check('%s/dir%d' % (user.place, number), maker.made))
        if not self.lobby:
            self.soon(lambda: self.has_tag(directory, number))
        return len(maker.made)

    # Between the look of bob's mount and its next one, whatever lies there by then.
    def makes_from_the_moment(self, maker, stored, tell):
        looks = 0
        while not tell.is_set() and not os.path.exists(stored + '/.fsenc'):
            looks += 1 # for a name that is not there a mount looks whether the directory is a folder by now
            assert not os.path.exists('%s/none-%d' % (maker.directory, looks))
        if os.path.exists(stored + '/.fsenc'):
            maker.start()
            time.sleep(self.random.uniform(0, 1.5))
            maker.going = False
            maker.join()

    def has_tag(self, directory, number):
        assert os.getxattr(directory, 'user.tag') == b'%d' % number

    # The kernel knows for a second only what was there before.
    def soon(self, look):
        end = time.monotonic() + 5
        while True:
            try:
                return look()
            except (AssertionError, OSError):
                if time.monotonic() > end:
                    raise
            time.sleep(0.05)


def main(top, rounds, kind, seed=None):
    seed = int(seed) if seed else random.SystemRandom().randrange(1 << 32)
    print('seed', seed, flush=True)
    life = Life(top, kind, seed)
    try:
        made = sum(life.round(number) for number in range(int(rounds)))
        life.alice.unmount()
        life.bob.unmount()
        status, findings = life.verify()
        assert status == 0 and not findings, (seed, status, findings)
        print('%d names made, %d makings cut off' % (made, life.cut))
        assert made > 0
    finally:
        for user in life.alice, life.bob:
            if user.place and os.path.ismount(user.place):
                subprocess.run(['fusermount3', '-u', '-z', user.place])


if __name__ == '__main__':
    main(*sys.argv[1:])
