#include "fs/content_state.h"

/* ---- the end ---- */

static enum fault look_at_end(struct view *view, bool *ret_unclean, bool *ret_damaged, struct why *why)
{
	struct shape shape = view_shape(view);
	enum cell kind = CELL_REAL;
	enum fault fault = FAULT_NONE;

	if (shape.blocks)
		fault = view_judge(view, shape.blocks - 1, &kind, why);
	*ret_unclean = shape.stub > 0 || kind == CELL_UNCLEAN;
	*ret_damaged = kind == CELL_BAD;
	return fault;
}

enum fault content_is_unclean(struct content *content, int fd, const struct content_terms *terms,
			      bool *ret_unclean, struct why *why)
{
	AUTO(range_release) struct range held = RANGE_NONE;
	AUTO(view_done) struct view view = {.fd = -1};
	bool unclean = false;
	bool damaged = false;
	enum fault fault = range_take(&content->ranges, fd, RANGE_SHARED, 0, RANGE_END, &held, why);

	if (!fault)
		fault = view_take(&view, content, fd, terms, why);
	if (!fault)
		fault = look_at_end(&view, &unclean, &damaged, why);
	if (!fault && damaged)
		fault = block_damaged(why, view_shape(&view).blocks - 1);
	if (!fault)
		*ret_unclean = unclean;
	return fault;
}

/* ---- every block ---- */

struct verifying {
	struct view *view;
	struct content_report *report;
};

/* What did not open is looked at once more, while nobody changes it. */
static enum fault look_again(struct verifying *verifying, uint64_t index, struct why *why)
{
	AUTO(range_release) struct range held = RANGE_NONE;
	AUTO(view_done) struct view view = {.fd = -1};
	struct view *first = verifying->view;
	enum cell kind = CELL_BAD;
	enum fault fault = range_take(&first->content->ranges, first->fd, RANGE_SHARED, index, index, &held,
				      why);

	if (!fault)
		fault = view_take(&view, first->content, first->fd, first->terms, why);
	if (fault || index >= view_shape(&view).blocks)
		return fault;
	fault = view_judge(&view, index, &kind, why);
	if (!fault && kind == CELL_BAD)
		verifying->report->damaged++;
	return fault;
}

static enum fault check_cells(struct verifying *verifying, uint64_t first, uint64_t count, struct why *why)
{
	struct view *view = verifying->view;
	struct shape shape = view_shape(view);
	uint8_t *cell = view->scratch->stored;
	int64_t from = cell_at(shape.log2, first);
	int64_t to = cell_at(shape.log2, first + count);
	uint64_t bad[STEP_MAX / 4096];
	size_t bads = 0;

	if (to > view->stored)
		to = view->stored;
	enum fault fault = stored_read(view->fd, cell, (size_t)(to - from), from, why);
	bool shrank = fault == FAULT_DAMAGED;
	if (fault && !shrank)
		return fault;
	for (uint64_t index = first; index < first + count; index++) {
		size_t size = block_length(shape.size, shape.log2, index) + SEAL_OVERHEAD;
		bool final = block_is_last(&shape, index);
		if (shrank ||
		    cell_open(view->head, index, final, cell, size, view->scratch->spare) == CELL_BAD)
			bad[bads++] = index;
		cell += size;
	}
	fault = FAULT_NONE;
	for (size_t i = 0; !fault && i < bads; i++)
		fault = look_again(verifying, bad[i], why);
	return fault;
}

/* Holes may be huge: they are leapt over as far as the share knows them. */
static enum fault check_all(struct verifying *verifying, struct why *why)
{
	struct view *view = verifying->view;
	struct shape shape = view_shape(view);
	uint64_t most = STEP_MAX >> shape.log2;
	uint64_t index = 0;

	while (index < shape.blocks) {
		if (head_is_sparse(view->head)) {
			int64_t data = view_data_from(view, cell_at(shape.log2, index));
			uint64_t with_data = (uint64_t)(data - HEADER_SIZE) / cell_size(shape.log2);
			if (with_data > index)
				index = with_data < shape.blocks ? with_data : shape.blocks - 1;
		}
		uint64_t count = shape.blocks - index < most ? shape.blocks - index : most;
		enum fault fault = check_cells(verifying, index, count, why);
		if (fault)
			return fault;
		index += count;
	}
	return FAULT_NONE;
}

static enum fault verify(struct content *content, int fd, const struct content_terms *terms,
			 struct content_report *report, struct why *why)
{
	AUTO(view_done) struct view view = {.fd = -1};
	struct verifying verifying = {&view, report};
	{
		AUTO(range_release) struct range held = RANGE_NONE;
		bool damaged; /* counted below, with the others */
		enum fault fault = range_take(&content->ranges, fd, RANGE_SHARED, 0, RANGE_END, &held, why);
		if (!fault)
			fault = view_take(&view, content, fd, terms, why);
		if (!fault)
			fault = look_at_end(&view, &report->unclean, &damaged, why);
		if (fault || !view.head)
			return fault;
	}
	report->blocks = (int64_t)view_shape(&view).blocks;
	report->mixed = view.head->header.flags & HEADER_MIXED;
	report->generation = view.head->header.generation;
	report->seed_generation = view.head->header.seed_generation;
	return check_all(&verifying, why);
}

enum fault content_verify(int fd, const struct content_terms *terms, struct content_report *ret_report,
			  struct why *why)
{
	const struct content_options options = {.local = false};
	AUTO(content_free) struct content *content = NULL;
	struct content_report report = {.blocks = 0};
	enum fault fault = content_new(&options, &content, why);

	if (!fault)
		fault = verify(content, fd, terms, &report, why);
	if (!fault)
		*ret_report = report;
	return fault;
}
