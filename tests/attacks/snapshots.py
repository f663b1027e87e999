"""What two copies of a share, taken at different times, tell beyond sizes and which blocks changed: nothing.

snapshots.py ONE OTHER    checks; prints what it has compared, and every repetition it finds

Written from docs/FORMAT.md alone. A nonce may come again only with the very same sealed bytes; header fields are
sealed under a nonce of zeros, so there the first 48 bytes (on which their keys depend) play the nonce's part.
"""
import os, sys

HEADER, BLOCK = 192, 4096 + 40
seen = {}
found = []


def sealed_once(kind, nonce, sealed, where):
    before = seen.setdefault((kind, nonce), (sealed, where))
    if before[0] != sealed:
        found.append('%s: one nonce, two contents: %s, %s' % (kind, before[1], where))


def regular_files(top):
    for directory, _, files in os.walk(top):
        for name in files:
            path = os.path.join(directory, name)
            if not name.endswith('.n') and (not name.startswith('.fsenc') or name.startswith('.fsenc-l-')):
                yield path, open(path, 'rb').read()


def cells(data):
    return [data[at:at + BLOCK] for at in range(HEADER, len(data), BLOCK)]


def check_file(path, data):
    sealed_once('header', data[:48], data[48:128], path)
    if data[7] & 2:
        sealed_once('old seed', data[:48], data[128:HEADER], path)
    for number, cell in enumerate(cells(data)):
        if any(cell):
            sealed_once('block', cell[:24], cell[24:], '%s, block %d' % (path, number))


# Among so few, no sixteen bytes come twice by chance.
def check_pieces(path, data, pieces):
    for number, cell in enumerate(cells(data)):
        for at in range(24, len(cell) - 16, 16):
            piece = cell[at:at + 16]
            where = '%s, block %d' % (path, number)
            if any(piece) and pieces.setdefault(piece, (where, at)) != (where, at):
                found.append('%s: 16 bytes stand in %s too' % (where, pieces[piece][0]))


# Were a key stream used twice, as for equal contents, equal bytes would stand at equal places.
def alike(one, other):
    return sum(a == b for a, b in zip(one[24:], other[24:]))


def main(one, other):
    before = {os.path.relpath(path, one): data for path, data in regular_files(one)}
    after = {os.path.relpath(path, other): data for path, data in regular_files(other)}
    rewritten = same = 0
    for top, files in (one, before), (other, after):
        pieces = {}
        for path, data in files.items():
            check_file(os.path.join(top, path), data)
            check_pieces(path, data, pieces)
    for path in before.keys() & after.keys():
        for number, (old, new) in enumerate(zip(cells(before[path]), cells(after[path]))):
            if old == new:
                same += 1
                continue
            rewritten += 1
            if len(old) == len(new) == BLOCK and alike(old, new) > 100:
                found.append('%s, block %d: %d bytes are as before' % (path, number, alike(old, new)))
    print('rewritten %d same %d' % (rewritten, same))
    print('\n'.join(found))
    return 1 if found else 0


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
