/* tests/lib/stored_model.h - changes of a stored file, and what may be there when one was interrupted.
 *
 * A struct act is one change with all its arguments. act_do() does it through fs/content.h,
 * act_apply() to a model in memory. model_assert_between() says that a file is what an
 * interrupted act may leave: every byte reads, as it was before or as it will be.
 */
#ifndef FSENC_TESTS_LIB_STORED_MODEL_H
#define FSENC_TESTS_LIB_STORED_MODEL_H

#include "tests/lib/stored.h"

#define MODEL_MAX (6 << 20)

enum act_kind { ACT_WRITE, ACT_APPEND, ACT_TRUNCATE, ACT_PUNCH, ACT_ALLOCATE };

struct act {
	enum act_kind kind;
	int64_t offset;
	int64_t length;
	uint64_t seed;
};

struct model {
	int64_t size;
	uint8_t bytes[MODEL_MAX];
};

static inline enum fault act_do(const struct act *act, struct stored *file, struct why *why)
{
	static uint8_t bytes[1 << 20];

	switch (act->kind) {
	case ACT_WRITE:
	case ACT_APPEND:
		stored_fill(bytes, (size_t)act->length, act->seed);
		return content_write(file->content, file->fd, &file->terms, act->offset,
				     act->kind == ACT_APPEND, bytes, (size_t)act->length, why);
	case ACT_TRUNCATE:
		return content_truncate(file->content, file->fd, &file->terms, act->offset, why);
	case ACT_PUNCH:
		return content_allocate(file->content, file->fd, &file->terms,
					FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, act->offset, act->length,
					why);
	case ACT_ALLOCATE:
		return content_allocate(file->content, file->fd, &file->terms, 0, act->offset, act->length,
					why);
	}
	return FAULT_INVALID;
}

static inline void model_resize(struct model *model, int64_t size)
{
	if (size > model->size)
		memset(model->bytes + model->size, 0, (size_t)(size - model->size));
	model->size = size;
}

static inline void act_apply(const struct act *act, struct model *model)
{
	int64_t offset = act->kind == ACT_APPEND ? model->size : act->offset;

	switch (act->kind) {
	case ACT_WRITE:
	case ACT_APPEND:
		if (offset + act->length > model->size)
			model_resize(model, offset + act->length);
		stored_fill(model->bytes + offset, (size_t)act->length, act->seed);
		break;
	case ACT_TRUNCATE:
		model_resize(model, offset);
		break;
	case ACT_PUNCH:
		for (int64_t at = offset; at < offset + act->length && at < model->size; at++)
			model->bytes[at] = 0;
		break;
	case ACT_ALLOCATE:
		if (offset + act->length > model->size)
			model_resize(model, offset + act->length);
		break;
	}
}

static inline void assert_one_of(uint8_t byte, const struct model *old, const struct model *new, int64_t at)
{
	bool is_old = at < old->size && byte == old->bytes[at];
	bool is_new = at < new->size &&byte == new->bytes[at];
	if (!is_old && !is_new)
		fail_msg("byte %lld is neither the old nor the new one (sizes %lld, %lld)", (long long)at,
			 (long long)old->size, (long long)new->size);
}

/* What is there may be any mixture; a file that shrinks has one size or the other. Becomes *old. */
static inline void model_assert_between(const struct stored *file, struct model *old, const struct model *new)
{
	static uint8_t bytes[MODEL_MAX];
	AUTO(stored_done) struct stored fresh;
	stored_client(&fresh, file);
	int64_t size = (int64_t)stored_read_some(&fresh, 0, bytes, sizeof bytes);
	assert_int_equal(stored_plain(&fresh), size);
	assert_true(size >= (old->size < new->size ? old->size : new->size));
	assert_true(size <= (old->size > new->size ? old->size : new->size));
	if (new->size < old->size)
		assert_true(size == new->size || size == old->size);
	for (int64_t at = 0; at < size; at++)
		if (at >= old->size || bytes[at] != old->bytes[at])
			assert_one_of(bytes[at], old, new, at);
	old->size = size;
	memcpy(old->bytes, bytes, (size_t)size);
}

/* A change of any kind, near the edges of blocks as often as not. */
static inline struct act act_random(uint64_t *random, const struct model *model, int64_t block)
{
	int64_t most = MODEL_MAX - (1 << 20) - 1;
	struct act act = {.seed = stored_random(random)};
	act.length = 1 + (int64_t)(stored_random(random) %
				   (uint64_t)(stored_random(random) % 3 ? 3 * block : 1 << 20));
	act.offset = (int64_t)(stored_random(random) % (uint64_t)(model->size + 1));
	if (stored_random(random) % 4 == 0)
		act.offset -= act.offset % block;
	if (stored_random(random) % 8 == 0)
		act.offset = model->size + (int64_t)(stored_random(random) % (uint64_t)(2 << 20));
	if (act.offset > most)
		act.offset = most;
	switch (stored_random(random) % 8) {
	case 0:
		act.kind = ACT_TRUNCATE;
		break;
	case 1:
		act.kind = ACT_PUNCH;
		break;
	case 2:
		act.kind = model->size < most ? ACT_APPEND : ACT_WRITE;
		break;
	default:
		act.kind = ACT_WRITE;
	}
	return act;
}

/* ---- scenes: every kind of change once ---- */

#define SCENE_BLOCK 4096
static struct model old_model;
static struct model new_model;

/* A change, and the file it is made to. */
enum scene_twist { AS_IT_IS, ROTATED, CUT };

struct scene {
	const char *name;
	int64_t size; /* of the file before; -1: a small file with a hole of 2 MiB before its last block */
	struct act act;
	enum scene_twist twist;
};

static const struct scene scenes[] = {
	{"in place, one block", 5 * SCENE_BLOCK, {ACT_WRITE, 2 * SCENE_BLOCK, SCENE_BLOCK, 1}, AS_IT_IS},
	{"in place, parts of two",
	 5 * SCENE_BLOCK,
	 {ACT_WRITE, 2 * SCENE_BLOCK + 1000, SCENE_BLOCK, 2},
	 AS_IT_IS},
	{"in place, many", 40 * SCENE_BLOCK, {ACT_WRITE, 3 * SCENE_BLOCK + 7, 20 * SCENE_BLOCK, 3}, AS_IT_IS},
	{"in place, in the last block",
	 4 * SCENE_BLOCK + 900,
	 {ACT_WRITE, 4 * SCENE_BLOCK + 100, 200, 4},
	 AS_IT_IS},
	{"longer within the last block", 4 * SCENE_BLOCK + 100, {ACT_APPEND, 0, 900, 5}, AS_IT_IS},
	{"longer by a block and more", 4 * SCENE_BLOCK + 100, {ACT_APPEND, 0, 2 * SCENE_BLOCK, 6}, AS_IT_IS},
	{"longer from a whole block on", 4 * SCENE_BLOCK, {ACT_APPEND, 0, 2 * SCENE_BLOCK, 7}, AS_IT_IS},
	{"longer from the middle",
	 4 * SCENE_BLOCK + 100,
	 {ACT_WRITE, SCENE_BLOCK + 5, 5 * SCENE_BLOCK, 8},
	 AS_IT_IS},
	{"longer over a gap",
	 2 * SCENE_BLOCK + 100,
	 {ACT_WRITE, 5 * SCENE_BLOCK + 30, 3 * SCENE_BLOCK, 9},
	 AS_IT_IS},
	{"longer over a gap in pieces", 100, {ACT_WRITE, (1 << 20) - 5, 2 * SCENE_BLOCK, 10}, AS_IT_IS},
	{"far off", 2 * SCENE_BLOCK + 100, {ACT_WRITE, 3 << 20, 2 * SCENE_BLOCK, 11}, AS_IT_IS},
	{"far off from nothing", 0, {ACT_WRITE, 3 << 20, 2 * SCENE_BLOCK, 12}, AS_IT_IS},
	{"the first bytes", 0, {ACT_WRITE, 0, 3 * SCENE_BLOCK + 1, 13}, AS_IT_IS},
	{"shorter to the middle of a block",
	 5 * SCENE_BLOCK,
	 {ACT_TRUNCATE, 2 * SCENE_BLOCK + 1000, 0, 14},
	 AS_IT_IS},
	{"shorter to a whole block", 5 * SCENE_BLOCK, {ACT_TRUNCATE, 2 * SCENE_BLOCK, 0, 15}, AS_IT_IS},
	{"shorter within the last block",
	 2 * SCENE_BLOCK + 900,
	 {ACT_TRUNCATE, 2 * SCENE_BLOCK + 10, 0, 16},
	 AS_IT_IS},
	{"emptied", 5 * SCENE_BLOCK, {ACT_TRUNCATE, 0, 0, 17}, AS_IT_IS},
	{"longer by truncate", 5 * SCENE_BLOCK + 9, {ACT_TRUNCATE, 9 * SCENE_BLOCK + 1, 0, 18}, AS_IT_IS},
	{"far longer by truncate", 5 * SCENE_BLOCK + 9, {ACT_TRUNCATE, 4 << 20, 0, 19}, AS_IT_IS},
	{"punched", 9 * SCENE_BLOCK + 9, {ACT_PUNCH, SCENE_BLOCK + 70, 5 * SCENE_BLOCK, 20}, AS_IT_IS},
	{"written into a hole", -1, {ACT_WRITE, 1 << 20, 3 * SCENE_BLOCK, 21}, AS_IT_IS},
	{"behind a hole", -1, {ACT_APPEND, 0, 3 * SCENE_BLOCK, 22}, AS_IT_IS},
	{"cut in a hole", -1, {ACT_TRUNCATE, 1 << 20, 0, 23}, AS_IT_IS},
	{"in place after a rotation",
	 5 * SCENE_BLOCK,
	 {ACT_WRITE, 2 * SCENE_BLOCK, SCENE_BLOCK, 24},
	 ROTATED},
	{"longer after a rotation", 5 * SCENE_BLOCK + 5, {ACT_APPEND, 0, SCENE_BLOCK, 25}, ROTATED},
	{"in place in a cut file", 6 * SCENE_BLOCK, {ACT_WRITE, 100, 2 * SCENE_BLOCK, 26}, CUT},
	{"in place at the end of a cut file", 6 * SCENE_BLOCK, {ACT_WRITE, 2 * SCENE_BLOCK + 7, 30, 27}, CUT},
	{"longer from a cut file", 6 * SCENE_BLOCK, {ACT_APPEND, 0, SCENE_BLOCK, 28}, CUT},
	{"shorter from a cut file", 6 * SCENE_BLOCK, {ACT_TRUNCATE, SCENE_BLOCK + 9, 0, 29}, CUT},
};

static inline void scene_prepare(struct stored *file, const struct scene *scene)
{
	static uint8_t bytes[64 * SCENE_BLOCK];
	old_model.size = 0;
	if (scene->size > 0) {
		stored_fill(bytes, (size_t)scene->size, 99);
		stored_write(file, 0, bytes, (size_t)scene->size);
		model_resize(&old_model, scene->size);
		memcpy(old_model.bytes, bytes, (size_t)scene->size);
	}
	if (scene->size < 0) {
		const struct act acts[] = {{ACT_WRITE, 0, 3 * SCENE_BLOCK, 98},
					   {ACT_WRITE, 2 << 20, 100, 97}};
		struct why why = WHY_NONE;
		for (int i = 0; i < 2; i++) {
			assert_works(act_do(&acts[i], file, &why));
			act_apply(&acts[i], &old_model);
		}
	}
	if (scene->twist == CUT) { /* by the storage: three blocks and a stub are left */
		assert_int_equal(ftruncate(file->fd, stored_at(file, 3) + 20), 0);
		model_resize(&old_model, 3LL << file->terms.block_log2);
		content_forget(file->content);
	}
	new_model = old_model;
	act_apply(&scene->act, &new_model);
	if (scene->twist == ROTATED)
		file->terms.generation = file->terms.min_write = 2;
}

#define SCENES (sizeof scenes / sizeof *scenes)

#endif
