# tests/bench/compare_work.py WORK MOUNT MEGABYTES FILES SOURCE - one workload of compare.sh; prints how much of it a
# second. Only the work itself is timed: not this program's start, not what before_WORK prepares.
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import time

MB = 1 << 20
work, mount, megabytes, files, source = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5]
big, tree, copy, base = (os.path.join(mount, name) for name in ('big', 'tree', 'copy', 'base'))
small = os.urandom(3000)
random.seed(7)
offsets = [random.randrange(megabytes * 256) * 4096 for _ in range(files * 3)]
paths = ['%s/%d/%d' % (tree, i // 100, i) for i in range(files)]


def seq_write():
    buffer = os.urandom(MB)
    fd = os.open(big, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for _ in range(megabytes):
        os.write(fd, buffer)
    os.fsync(fd)
    os.close(fd)
    return megabytes


def before_seq_write():
    if os.path.exists(big):
        os.unlink(big)


def before_seq_read():
    if not os.path.exists(big):
        seq_write()


def seq_read():
    buffer = bytearray(MB)
    fd = os.open(big, os.O_RDONLY)
    while os.readv(fd, [buffer]):
        pass
    os.close(fd)
    return megabytes


def rand_read():
    fd = os.open(big, os.O_RDONLY)
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_RANDOM)
    for offset in offsets:
        os.pread(fd, 4096, offset)
    os.close(fd)
    return len(offsets)


def rand_write():
    buffer = os.urandom(4096)
    fd = os.open(big, os.O_RDWR)
    for offset in offsets:
        os.pwrite(fd, buffer, offset)
    os.fsync(fd)
    os.close(fd)
    return len(offsets)


def before_create():
    if os.path.exists(tree):
        shutil.rmtree(tree)


def create():
    os.mkdir(tree)
    for i in range(0, files, 100):
        os.mkdir('%s/%d' % (tree, i // 100))
    for path in paths:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        os.write(fd, small)
        os.close(fd)
    return files


def before_stat():
    if not os.path.exists(paths[-1]):
        before_create()
        create()


def stat():
    for path in paths:
        os.stat(path)
    return files


def small_reads():
    for path in paths:
        fd = os.open(path, os.O_RDONLY)
        os.read(fd, 4096)
        os.close(fd)
    return files


def unlink():
    for path in paths:
        os.unlink(path)
    return files


def before_copy_tree():
    if os.path.exists(copy):
        shutil.rmtree(copy)


def copy_tree():
    subprocess.run(['cp', '-r', source, copy], check=True)
    return 1


def before_grep():
    if not os.path.exists(copy):
        copy_tree()


def grep():
    subprocess.run(['grep', '-r', 'no such words anywhere', copy], stdout=subprocess.DEVNULL)
    return 1


def git(*words):
    subprocess.run(('git', '-c', 'gc.auto=0') + words, cwd=copy, stdout=subprocess.DEVNULL, check=True)


def before_git_status():
    before_grep()
    if not os.path.exists(copy + '/.git'):
        git('init', '-q', '.')
        git('add', '.')


def git_status():
    git('status', '--short')
    return 1


def before_sqlite():
    if os.path.exists(base):
        os.unlink(base)


def sqlite():
    connection = sqlite3.connect(base)
    connection.execute('create table t (a integer primary key, b blob)')
    for _ in range(files // 20):
        with connection:
            connection.executemany('insert into t (b) values (?)', [(os.urandom(100),)] * 20)
    connection.close()
    return files // 20


before = {'rand_read': before_seq_read, 'rand_write': before_seq_read, 'small_reads': before_stat, 'unlink': before_stat}
if work.startswith('before_'):
    name = work[len('before_'):]
    before.get(name, globals().get(work))()
else:
    start = time.perf_counter()
    done = globals()[work]()
    print(done / (time.perf_counter() - start))
