#include "fs/ring.h"

#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mutex.h"

#define RING_MAGIC "fsenc ring 1"
#define RING_SUFFIX ".ring"
#define RING_NAME_SIZE (ID_TEXT_SIZE + 40)
#define RING_KEPT_MAX (RING_SLOTS / 2)
#define RESERVE_STEP (64 * 1024)

/* As it lies in the mapped file. `used` is set last and cleared first: a process killed while it fills a
 * slot leaves one that is not used, and its write has then not begun. */
struct ring_slot {
	_Atomic uint32_t used;
	uint32_t kind;
	struct folder_id folder;
	struct file_id file;
	int64_t offset;
	int64_t old_size;
	int64_t new_size;
	uint64_t size;
	char path[RING_PATH_MAX];
	uint8_t bytes[RING_BYTES_MAX];
};

struct ring_file {
	_Alignas(4096) char magic[sizeof RING_MAGIC];
	_Alignas(4096) struct ring_slot slots[RING_SLOTS];
};
_Static_assert(ATOMIC_INT_LOCK_FREE == 2, "a lock in the mapping would outlive its holder");

enum slot_state { SLOT_IDLE, SLOT_BUSY, SLOT_KEPT };

struct ring {
	struct ring_file *file;
	int directory;
	int fd;
	char name[RING_NAME_SIZE];
	pthread_mutex_t mutex;
	pthread_cond_t idle;
	enum slot_state states[RING_SLOTS];
	size_t reserved[RING_SLOTS];
	bool warned;
};

static enum fault open_directory(const char *path, int *ret_directory, struct why *why)
{
	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		return why_system(why, "cannot make '%s'", path);
	*ret_directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*ret_directory < 0)
		return why_system(why, "cannot open '%s'", path);
	return FAULT_NONE;
}

static enum fault map_file(int fd, struct ring_file **ret_file, struct why *why)
{
	void *map = mmap(NULL, sizeof(struct ring_file), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return why_system(why, "cannot map a redo ring");
	*ret_file = map;
	return FAULT_NONE;
}

/* The lock says that the ring's process lives. Somebody who looks for rings of the dead may see the file
 * before it is locked and remove it: then another one is made. */
static enum fault create_locked(struct ring *ring, const struct share_id *share, struct why *why)
{
	char share_text[ID_TEXT_SIZE];
	share_id_text(share, share_text);
	for (;;) {
		(void)snprintf(ring->name, sizeof ring->name, "%s-%d-%08x" RING_SUFFIX, share_text,
			       (int)getpid(), randombytes_random());
		AUTO(file_close)
		int fd = openat(ring->directory, ring->name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		struct stat stat;
		if (fd < 0 || flock(fd, LOCK_EX) != 0 || fstat(fd, &stat) != 0)
			return why_system(why, "cannot make a redo ring");
		if (stat.st_nlink == 0)
			continue;
		ring->fd = fd;
		fd = -1;
		return FAULT_NONE;
	}
}

static enum fault prepare(struct ring *ring, struct why *why)
{
	if (ftruncate(ring->fd, sizeof(struct ring_file)) != 0)
		return why_system(why, "cannot make a redo ring");
	if (posix_fallocate(ring->fd, 0, sizeof ring->file->magic) != 0)
		return why_set(why, FAULT_FAILED, "there is no room for a redo ring");
	enum fault fault = map_file(ring->fd, &ring->file, why);
	if (!fault)
		memcpy(ring->file->magic, RING_MAGIC, sizeof RING_MAGIC);
	return fault;
}

enum fault ring_create(const char *directory, const struct share_id *share, struct ring **ret_ring,
		       struct why *why)
{
	AUTO(ring_close) struct ring *ring = calloc(1, sizeof *ring);
	if (!ring)
		return why_set(why, FAULT_MEMORY, "no memory for a redo ring");
	ring->directory = ring->fd = -1;
	mutex_init_brief(&ring->mutex);
	(void)pthread_cond_init(&ring->idle, NULL);
	enum fault fault = open_directory(directory, &ring->directory, why);
	if (!fault)
		fault = create_locked(ring, share, why);
	if (!fault)
		fault = prepare(ring, why);
	if (!fault)
		*ret_ring = TAKE(ring);
	return fault;
}

static bool any_used(const struct ring_file *file)
{
	for (unsigned i = 0; i < RING_SLOTS; i++)
		if (atomic_load_explicit(&file->slots[i].used, memory_order_acquire))
			return true;
	return false;
}

void ring_close(struct ring *ring)
{
	if (!ring)
		return;
	if (ring->fd >= 0 && !(ring->file && any_used(ring->file)))
		(void)unlinkat(ring->directory, ring->name, 0);
	if (ring->file)
		(void)munmap(ring->file, sizeof *ring->file);
	file_close(ring->fd);
	file_close(ring->directory);
	(void)pthread_cond_destroy(&ring->idle);
	(void)pthread_mutex_destroy(&ring->mutex);
	free(ring);
}

/* The lowest idle one, so that few pages are ever touched. */
static unsigned claim(struct ring *ring)
{
	unsigned index = 0;

	(void)pthread_mutex_lock(&ring->mutex);
	for (;;) {
		for (index = 0; index < RING_SLOTS; index++)
			if (ring->states[index] == SLOT_IDLE)
				break;
		if (index < RING_SLOTS)
			break;
		(void)pthread_cond_wait(&ring->idle, &ring->mutex);
	}
	ring->states[index] = SLOT_BUSY;
	(void)pthread_mutex_unlock(&ring->mutex);
	return index;
}

static void give_back(struct ring *ring, unsigned index)
{
	(void)pthread_mutex_lock(&ring->mutex);
	ring->states[index] = SLOT_IDLE;
	(void)pthread_cond_signal(&ring->idle);
	(void)pthread_mutex_unlock(&ring->mutex);
}

/* A store into a page that a full tmpfs cannot give is a SIGBUS: pages are reserved first. */
static bool reserve(struct ring *ring, unsigned index, size_t size)
{
	size_t wanted = offsetof(struct ring_slot, bytes) + size;

	if (wanted <= ring->reserved[index])
		return true;
	wanted += RESERVE_STEP - 1 - (wanted - 1) % RESERVE_STEP;
	if (wanted > sizeof(struct ring_slot))
		wanted = sizeof(struct ring_slot);
	off_t start = (off_t)(offsetof(struct ring_file, slots) + index * sizeof(struct ring_slot));
	if (posix_fallocate(ring->fd, start, (off_t)wanted) != 0)
		return false;
	ring->reserved[index] = wanted;
	return true;
}

static void warn_once(struct ring *ring)
{
	(void)pthread_mutex_lock(&ring->mutex);
	bool first = !ring->warned;
	ring->warned = true;
	(void)pthread_mutex_unlock(&ring->mutex);
	if (first)
		log_warning(
			"no room for the redo ring: a process killed in the middle of a write may tear a block");
}

static void fill(struct ring_slot *slot, const struct ring_entry *entry)
{
	slot->kind = entry->kind;
	slot->folder = entry->folder;
	slot->file = entry->file;
	slot->offset = entry->offset;
	slot->old_size = entry->old_size;
	slot->new_size = entry->new_size;
	slot->size = entry->size;
	(void)snprintf(slot->path, sizeof slot->path, "%s", entry->path);
	if (entry->size)
		memcpy(slot->bytes, entry->bytes, entry->size);
	/* A killed process has made the stores before this one: release keeps the compiler to that order. */
	atomic_store_explicit(&slot->used, 1, memory_order_release);
}

struct ring_slot *ring_put(struct ring *ring, const struct ring_entry *entry)
{
	assert(entry->size <= RING_BYTES_MAX && strlen(entry->path) < RING_PATH_MAX);
	unsigned index = claim(ring);
	if (!reserve(ring, index, entry->size)) {
		give_back(ring, index);
		warn_once(ring);
		return NULL;
	}
	fill(&ring->file->slots[index], entry);
	return &ring->file->slots[index];
}

void ring_free(struct ring *ring, struct ring_slot *slot)
{
	if (!slot)
		return;
	atomic_store_explicit(&slot->used, 0, memory_order_release);
	give_back(ring, (unsigned)(slot - ring->file->slots));
}

bool ring_keep(struct ring *ring, struct ring_slot *slot)
{
	unsigned kept = 0;

	(void)pthread_mutex_lock(&ring->mutex);
	for (unsigned i = 0; i < RING_SLOTS; i++)
		kept += ring->states[i] == SLOT_KEPT;
	bool room = kept < RING_KEPT_MAX;
	if (room)
		ring->states[slot - ring->file->slots] = SLOT_KEPT;
	(void)pthread_mutex_unlock(&ring->mutex);
	return room;
}

/* The file is the user's own, yet a crashed machine may have left half of it: nothing in it is believed. */
static bool slot_is_sound(const struct ring_slot *slot)
{
	return slot->kind <= RING_SHRINK && slot->size <= RING_BYTES_MAX && slot->offset >= 0 &&
	       slot->old_size >= 0 && slot->new_size >= 0 && memchr(slot->path, 0, sizeof slot->path);
}

static struct ring_entry entry_of(const struct ring_slot *slot)
{
	return (struct ring_entry){
		.kind = (enum ring_kind)slot->kind,
		.folder = slot->folder,
		.file = slot->file,
		.path = slot->path,
		.offset = slot->offset,
		.old_size = slot->old_size,
		.new_size = slot->new_size,
		.bytes = slot->bytes,
		.size = slot->size,
	};
}

struct left {
	bool (*each)(void *context, const struct ring_entry *entry);
	void *context;
};

static void go_through(struct ring_file *file, const struct left *left)
{
	for (unsigned i = 0; i < RING_SLOTS; i++) {
		struct ring_slot *slot = &file->slots[i];
		if (!atomic_load_explicit(&slot->used, memory_order_acquire))
			continue;
		const struct ring_entry entry = entry_of(slot);
		if (!slot_is_sound(slot) || left->each(left->context, &entry))
			atomic_store_explicit(&slot->used, 0, memory_order_release);
	}
}

/* True when nothing in it is needed any more. A ring without magic was never put to use. */
static bool dealt_with(struct ring_file *file, const struct left *left)
{
	static const char none[sizeof RING_MAGIC];

	if (memcmp(file->magic, none, sizeof none) == 0)
		return true;
	if (memcmp(file->magic, RING_MAGIC, sizeof RING_MAGIC) != 0)
		return false;
	go_through(file, left);
	return !any_used(file);
}

static enum fault take_over(int directory, const char *name, const struct left *left, struct why *why)
{
	AUTO(file_close) int fd = openat(directory, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	struct stat stat;
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) != 0 || fstat(fd, &stat) != 0)
		return FAULT_NONE; /* its process lives, or somebody else takes it over */
	if (stat.st_nlink == 0 || !S_ISREG(stat.st_mode))
		return FAULT_NONE;
	bool done = stat.st_size == 0;
	if (stat.st_size == sizeof(struct ring_file)) {
		struct ring_file *file = NULL;
		enum fault fault = map_file(fd, &file, why);
		if (fault)
			return fault;
		done = dealt_with(file, left);
		(void)munmap(file, sizeof *file);
	}
	if (done)
		(void)unlinkat(directory, name, 0);
	return FAULT_NONE;
}

static bool is_ring_of(const char *name, const struct share_id *share)
{
	char prefix[ID_TEXT_SIZE];
	share_id_text(share, prefix);
	size_t length = strlen(name);

	return length > strlen(prefix) + strlen(RING_SUFFIX) && strncmp(name, prefix, strlen(prefix)) == 0 &&
	       strcmp(name + length - strlen(RING_SUFFIX), RING_SUFFIX) == 0;
}

static void directory_close(DIR *directory)
{
	if (directory)
		(void)closedir(directory);
}
AUTO_POINTER(DIR *, directory_close);

enum fault ring_each_left(const char *directory, const struct share_id *share,
			  bool (*each)(void *context, const struct ring_entry *entry), void *context,
			  struct why *why)
{
	const struct left left = {each, context};
	AUTO(directory_close) DIR *list = opendir(directory);
	if (!list && errno == ENOENT)
		return FAULT_NONE;
	if (!list)
		return why_system(why, "cannot list '%s'", directory);
	for (struct dirent *found; (found = readdir(list));) {
		if (!is_ring_of(found->d_name, share))
			continue;
		enum fault fault = take_over(dirfd(list), found->d_name, &left, why);
		if (fault)
			return fault;
	}
	return FAULT_NONE;
}
