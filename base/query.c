#include "base/query.h"

#include <assert.h>
#include <stdlib.h>

static bool fill_integer(const struct column *column, const struct value *cell, void *place)
{
	if (cell->form != VALUE_FORM_INTEGER || cell->integer < column->least || cell->integer > column->most)
		return false;
	memcpy(place, &cell->integer, sizeof cell->integer);
	return true;
}

static bool fill_small(const struct column *column, const struct value *cell, void *place)
{
	uint32_t number = (uint32_t)cell->integer;
	bool flag = cell->integer != 0;

	assert(column->size == sizeof number || column->size == sizeof flag);
	assert(column->most <= UINT32_MAX && column->least >= 0);
	if (cell->form != VALUE_FORM_INTEGER || cell->integer < column->least || cell->integer > column->most)
		return false;
	if (column->size == sizeof number)
		memcpy(place, &number, sizeof number);
	else
		memcpy(place, &flag, sizeof flag);
	return true;
}

static bool fill_exact(const struct column *column, const struct value *cell, void *place)
{
	if (cell->form != VALUE_FORM_BLOB || cell->size != column->size)
		return false;
	memcpy(place, cell->data, column->size);
	return true;
}

static bool is_bytes(const struct value *cell)
{
	return cell->form == VALUE_FORM_BLOB || cell->form == VALUE_FORM_TEXT;
}

static bool fill_name(const struct column *column, const struct value *cell, char *place)
{
	if (!is_bytes(cell) || cell->size == 0 || cell->size >= column->size ||
	    memchr(cell->data, 0, cell->size))
		return false;
	memset(place, 0, column->size);
	memcpy(place, cell->data, cell->size);
	return true;
}

static enum fault fill_bytes(const struct column *column, const struct value *cell, struct bytes *place,
			     bool *ret_fits, struct why *why)
{
	if (!is_bytes(cell) ||
	    (column->form == COLUMN_WORDS && cell->size > 0 && memchr(cell->data, 0, cell->size))) {
		*ret_fits = false;
		return FAULT_NONE;
	}
	place->size = 0;
	*ret_fits = true;
	return bytes_append(place, cell->data, cell->size, why);
}

enum fault query_fill(const struct query *query, size_t at, const struct value *cell, bool *ret_fits,
		      struct why *why)
{
	const struct column *column = &query->columns[at];
	void *place = (uint8_t *)query->into + column->offset;

	switch (column->form) {
	case COLUMN_INTEGER:
		*ret_fits = fill_integer(column, cell, place);
		return FAULT_NONE;
	case COLUMN_SMALL:
		*ret_fits = fill_small(column, cell, place);
		return FAULT_NONE;
	case COLUMN_EXACT:
		*ret_fits = fill_exact(column, cell, place);
		return FAULT_NONE;
	case COLUMN_NAME:
		*ret_fits = fill_name(column, cell, place);
		return FAULT_NONE;
	case COLUMN_BYTES:
	case COLUMN_WORDS:
		return fill_bytes(column, cell, place, ret_fits, why);
	}
	abort();
}
