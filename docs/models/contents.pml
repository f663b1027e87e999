/* contents.pml - several clients change one stored file: does the locking of fs/range.h and fs/content*.c hold?
 *
 * A file is a header (a seed, or none) and blocks of two records. What is written block by block is seen block by
 * block, and a block that is being written does not open for whoever reads meanwhile (measured: unlocked
 * readers see torn blocks). Its length follows from the physical size alone; only the last block is final.
 *
 * Each client does OPERATIONS operations of its choice:
 *   append     at the real end; a full last block is rewritten (no longer final) and another added
 *   overwrite  a block in place, the first or the last, which reads, changes and writes it
 *   truncate   to one record less, or to nothing, which takes the header away
 *   read       a block without a lock; what does not open is read again under a shared lock before it is damage
 *
 * At any moment somebody is taken out of the folder: whoever changes a file with an older seed then first gives it a
 * new one, and keeps the old in the header for the blocks that are still under it (MIXED).
 *
 * What is claimed (FORMAT.md, "Locks of our own"):
 *   - nothing that is read under a lock is damaged, and every block opens in the end
 *   - nothing is written under a seed that somebody taken out may know
 *   - with APPENDS_ONLY: every acknowledged append is there, once
 *   - nobody waits for ever (no invalid end state)
 *
 * A rule is taken out with -D: each must then be caught (docs/models/check.sh).
 *   NO_OWN_LOCKS       no ranges at all
 *   END_WITHOUT_LAST   growing takes the range behind the old last block only
 *   STALE_SIZE         the size is not read anew under the range
 *   STALE_HEADER       the header is not read anew under the range
 *   KERNEL_OFFSET      an append goes where the kernel believes the end to be
 *   NO_SECOND_READ     what does not open without a lock is called damage
 *   TWO_RANGES         a change that needs more keeps its range while it takes the larger one
 *   HEADER_UNLOCKED    the header of an empty file is written without taking everything
 *   TURN_UNLOCKED      a header is given its new seed under the range of the block alone
 *   NEVER_TURNED       a file keeps its seed after a removal
 *   OLD_SEED_LOST      a header that gets a new seed forgets the old one
 */

#ifndef CLIENTS
#define CLIENTS 2
#endif
#ifndef OPERATIONS
#define OPERATIONS 2
#endif

#define BLOCKS 3
#define RECORDS 6 /* two a block */
#define END BLOCKS /* the lock slot for "to the end" */
#define NOBODY 255
#define NO_SEED 0

/* -- the stored file ------------------------------------------------------------------- */

byte header = NO_SEED;
byte old_seed = NO_SEED; /* in a MIXED header */
bit header_is_new; /* its seed was made after the removal */
byte next_seed = 1;
bit removed; /* somebody was taken out: min_write has risen */
byte size = 0; /* in records: the physical size says it */
byte record[RECORDS];
byte seed[BLOCKS];
bit final[BLOCKS];
byte length[BLOCKS]; /* records sealed in it */
byte torn[BLOCKS]; /* writers in the middle of it */

/* -- ranges: a slot a block, and one for the end -------------------------------------- */

byte writer[BLOCKS + 1] = NOBODY;
byte readers[BLOCKS + 1];

/* -- what must be there in the end ------------------------------------------------------ */

byte acknowledged[RECORDS + 1]; /* appends, by their value */

#define blocks_of(records) (((records) + 1) / 2)
#define length_of(records, block) ((records) >= 2 * (block) + 2 -> 2 : ((records) > 2 * (block) -> (records) - 2 * (block) : 0))
#define is_last(records, block) (blocks_of(records) == (block) + 1)
#define opens(block, with, before, records) \
	(!torn[block] && (seed[block] == (with) || ((before) != NO_SEED && seed[block] == (before))) && length[block] == length_of(records, block) && \
	 final[block] == is_last(records, block))

inline range_take(first, last) {
#ifndef NO_OWN_LOCKS
	atomic {
		(   ((first) > 0 || (last) < 0 || ((writer[0] == NOBODY || writer[0] == _pid) && readers[0] == 0))
		 && ((first) > 1 || (last) < 1 || ((writer[1] == NOBODY || writer[1] == _pid) && readers[1] == 0))
		 && ((first) > 2 || (last) < 2 || ((writer[2] == NOBODY || writer[2] == _pid) && readers[2] == 0))
		 && ((first) > 3 || (last) < 3 || ((writer[3] == NOBODY || writer[3] == _pid) && readers[3] == 0))) ->
		slot = first;
		do
		:: slot <= last -> writer[slot] = _pid; slot++
		:: else -> break
		od;
		slot = 0
	}
#endif
	skip
}

inline range_release() {
	d_step {
		slot = 0;
		do
		:: slot <= END ->
			if
			:: writer[slot] == _pid -> writer[slot] = NOBODY
			:: else
			fi;
			slot++
		:: else -> break
		od;
		slot = 0
	}
}

/* One block of a pwrite: while it is being written nobody can open it. */
inline block_write(block, with, count, ends) {
	/* The removal was seen under the range: what is written now is under a seed made since. */
	assert(!must_turn || header_is_new);
	atomic { torn[block]++ };
	atomic {
		torn[block]--;
		seed[block] = with;
		length[block] = count;
		final[block] = ends
	}
}

/* -- a client ---------------------------------------------------------------------------- */

proctype client(byte value) {
	byte done = 0;
	byte first, last; /* the range held */
	byte need_first, need_last; /* the range that the change turns out to need */
	byte seen = 0; /* size as this client last saw it */
	byte known = NO_SEED, known_old = NO_SEED; /* header, likewise */
	bit must_turn = 0;
	bit front = 0; /* overwrite the first block */
	byte what; /* 0 append, 1 overwrite, 2 truncate by one, 3 to nothing */
	byte slot = 0, at = 0, block = 0, count = 0;
	bit ends = 0;

	do
	:: done == OPERATIONS -> break
	:: done < OPERATIONS ->
#ifdef APPENDS_ONLY
		what = 0;
#else
		if
		:: what = 0
		:: what = 1; front = 0
		:: what = 1; front = 1
		:: what = 2
		:: what = 3
		:: goto reading
		fi;
#endif
		/* The guess: from what was last seen. A client that has seen nothing takes everything. */
		if
		:: seen == 0 || what == 3 -> first = 0; last = END
		:: seen > 0 && what == 0 -> first = (seen - 1) / 2; last = END
		:: seen > 0 && what == 1 -> first = (front -> 0 : (seen - 1) / 2); last = first
		:: seen > 0 && what == 2 -> first = (seen > 1 -> (seen - 2) / 2 : 0); last = END
		fi;
#ifdef END_WITHOUT_LAST
		if
		:: seen > 0 && what == 0 -> first = seen / 2
		:: else
		fi;
#endif
#ifdef HEADER_UNLOCKED
		if
		:: seen == 0 && what == 0 -> first = END; last = END
		:: else
		fi;
#endif
again:
		range_take(first, last);
#ifndef STALE_SIZE
		seen = size;
#else
		if
		:: seen == 0 -> seen = size
		:: else
		fi;
#endif
#ifdef STALE_HEADER
		if
		:: known == NO_SEED -> atomic { known = header; known_old = old_seed }
		:: else
		fi;
#else
		atomic {
			known = (seen == 0 -> NO_SEED : header);
			known_old = (seen == 0 -> NO_SEED : old_seed)
		};
#endif
		/* What is still MIXED goes on under its present seed. */
		atomic { must_turn = seen > 0 && removed && !header_is_new && known_old == NO_SEED };
		/* What the change needs, now that the size is certain. */
		if
		:: seen == 0 || what == 3 -> need_first = 0; need_last = END
		:: seen > 0 && what == 0 -> need_first = (seen - 1) / 2; need_last = END
		:: seen > 0 && what == 1 -> need_first = (front -> 0 : (seen - 1) / 2); need_last = need_first
		:: seen > 0 && what == 2 -> need_first = (seen > 1 -> (seen - 2) / 2 : 0); need_last = END
		fi;
#ifndef TURN_UNLOCKED
		if
		:: must_turn -> need_first = 0; need_last = END
		:: else
		fi;
#endif
#if !defined(END_WITHOUT_LAST) && !defined(HEADER_UNLOCKED)
		if
		:: need_first < first || need_last > last ->
#ifndef TWO_RANGES
			range_release();
#endif
			first = need_first;
			last = need_last;
			goto again
		:: else
		fi;
#endif
		if
#ifdef NEVER_TURNED
		:: false ->
#else
		:: must_turn && what != 3 ->
#endif
			atomic {
				known_old = known;
				known = next_seed;
				next_seed++
			};
#ifdef OLD_SEED_LOST
			known_old = NO_SEED;
#endif
			atomic { header = known; old_seed = known_old; header_is_new = 1 }
		:: else
		fi;
		if
		:: what == 0 && seen < RECORDS ->
			/* Append: the header goes out with the first block. */
			at = seen;
#ifdef KERNEL_OFFSET
			at = done;
			if
			:: at > seen -> at = seen
			:: else
			fi;
#endif
			if
			:: seen == 0 -> 
				atomic {
					known = next_seed;
					next_seed++;
					header = known;
					old_seed = NO_SEED;
					header_is_new = removed
				}
			:: else
			fi;
			block = at / 2;
			if
			:: (at & 1) == 0 && at > 0 && at == seen ->
				/* The old last block was full: first it stops being final. */
				block--;
				block_write(block, known, 2, 0);
				block++
			:: else
			fi;
			record[at] = value;
			if
			:: at == seen -> count = (at & 1) + 1; ends = 1
			:: else -> count = length_of(seen, block); ends = is_last(seen, block)
			fi;
			block_write(block, known, count, ends);
			if
			:: at == seen -> size = at + 1; seen = at + 1
			:: else
			fi;
			acknowledged[value]++
		:: what == 1 && seen > 0 ->
			/* Overwrite in place: the block is read, changed, written. */
			block = (front -> 0 : (seen - 1) / 2);
			assert(opens(block, known, known_old, seen));
			count = length_of(seen, block);
			ends = is_last(seen, block);
			block_write(block, known, count, ends)
		:: what == 2 && seen > 1 ->
			/* One record less: first the new last block, then the end behind it. */
			block = (seen - 2) / 2;
			seen--;
			count = length_of(seen, block);
			block_write(block, known, count, 1);
			size = seen
		:: (what == 3 && seen > 0) || (what == 2 && seen == 1) ->
			atomic { size = 0; header = NO_SEED; old_seed = NO_SEED; header_is_new = 0 };
			seen = 0;
			known = NO_SEED;
			known_old = NO_SEED
		:: else
		fi;
		range_release();
		done++;
		at = 0; block = 0; count = 0; ends = 0; first = 0; last = 0; need_first = 0; need_last = 0;
		must_turn = 0; front = 0;
		goto next;
reading:
		/* Without a lock: any block of the file as it seems to be. */
		seen = size;
		atomic { known = header; known_old = old_seed };
		if
		:: seen == 0
		:: seen > 0 ->
			if
			:: block = (seen - 1) / 2
			:: block = 0
			fi;
			if
			:: opens(block, known, known_old, seen)
			:: else ->
#ifdef NO_SECOND_READ
				assert(false)
#else
				/* Again, with size and header, while nobody changes this block. */
				atomic {
					writer[block] == NOBODY -> readers[block]++
				};
				seen = size;
				atomic { known = header; known_old = old_seed };
				if
				:: seen > 2 * block -> assert(opens(block, known, known_old, seen))
				:: else
				fi;
				readers[block]--
#endif
			fi
		fi;
		done++;
		block = 0;
next:
		skip
	od
}

init {
	byte i;
	byte n = 0;

	atomic {
		i = 0;
		do
		:: i < CLIENTS -> run client(i + 1); i++
		:: else -> break
		od
	}
#ifndef APPENDS_ONLY
	removed = 1;
#endif
	/* All have ended. */
	_nr_pr == 1;
	i = 0;
	do
	:: i < blocks_of(size) ->
		assert(opens(i, header, old_seed, size));
		i++
	:: else -> break
	od;
#ifdef APPENDS_ONLY
	assert(size == CLIENTS * OPERATIONS);
	i = 0;
	do
	:: i < size -> acknowledged[record[i]]--; i++
	:: else -> break
	od;
	i = 1;
	do
	:: i <= CLIENTS -> assert(acknowledged[i] == 0); i++
	:: else -> break
	od
#endif
}
