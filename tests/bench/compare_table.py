# tests/bench/compare_table.py FILE... - the numbers that compare.sh keeps, as tables: a workload a row, a system a
# column, and in each field the median of the rounds' ratios against gocryptfs, the least and the greatest.
import collections
import statistics
import sys

BASE = 'gocryptfs'
value = {}
for path in sys.argv[1:]:
    with open(path) as file:
        for line in file:
            backing, turn, work, system, number = line.split()
            value.setdefault((backing, work), collections.OrderedDict()).setdefault(system, {})[turn] = float(number)


def field(samples, other):
    turns = [turn for turn in samples if turn in other]
    if not turns:
        return '-'
    ratios = [samples[turn] / other[turn] for turn in turns]
    return '%.2f (%.2f..%.2f)' % (statistics.median(ratios), min(ratios), max(ratios))


for backing in dict.fromkeys(backing for backing, _ in value):
    rows = {work: systems for (of, work), systems in value.items() if of == backing}
    names = list(dict.fromkeys(name for systems in rows.values() for name in systems))
    base = BASE if BASE in names else names[0]
    rounds = max(len(samples) for systems in rows.values() for samples in systems.values())
    print('%s: throughput against %s, median (least..greatest) of %d pairs' % (backing, base, rounds))
    print('%-12s %10s' % ('workload', base) + ''.join('%21s' % name for name in names if name != base))
    for work, systems in rows.items():
        if base not in systems:
            continue
        line = '%-12s %10.4g' % (work, statistics.median(systems[base].values()))
        print(line + ''.join('%21s' % field(systems.get(name, {}), systems[base]) for name in names if name != base))
