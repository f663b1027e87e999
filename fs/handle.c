#include "fs/handle.h"

#include <stddef.h>

#include "base/mutex.h"

void handles_init(struct handles *handles)
{
	mutex_init_brief(&handles->mutex);
	handles->first = NULL;
}

void handles_done(struct handles *handles)
{
	while (handles->first)
		handles->first->end(handles->first);
	(void)pthread_mutex_destroy(&handles->mutex);
}

void handle_add(struct handles *handles, struct handle *handle, void (*end)(struct handle *handle))
{
	handle->end = end;
	(void)pthread_mutex_lock(&handles->mutex);
	handle->next = handles->first;
	handle->link = &handles->first;
	if (handle->next)
		handle->next->link = &handle->next;
	handles->first = handle;
	(void)pthread_mutex_unlock(&handles->mutex);
}

void handle_drop(struct handles *handles, struct handle *handle)
{
	(void)pthread_mutex_lock(&handles->mutex);
	*handle->link = handle->next;
	if (handle->next)
		handle->next->link = handle->link;
	(void)pthread_mutex_unlock(&handles->mutex);
}
