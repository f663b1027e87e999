/* base/auto.h - cleanup bound to scope, and results that must be looked at.
 *
 * AUTO(free_fn) on a declaration calls free_fn when the variable leaves its scope, on
 * every path. Each type that wants it says once, next to its free function:
 *
 *     void secret_free(struct secret *secret);
 *     AUTO_POINTER(struct secret *, secret_free)
 *
 * and is then used as
 *
 *     AUTO(secret_free) struct secret *key = NULL;
 *     ...
 *     *ret_key = TAKE(key);            // hand over: the scope no longer owns it
 *
 * Values (not pointers) use AUTO_VALUE and a function that takes a pointer to the value.
 * Free functions accept NULL, so a variable that was never filled is no special case.
 */
#ifndef FSENC_BASE_AUTO_H
#define FSENC_BASE_AUTO_H

#include <stdlib.h>

#define AUTO(fn) __attribute__((cleanup(auto_##fn)))

#define AUTO_POINTER(type, fn) \
	static inline void auto_##fn(type *variable) \
	{ \
		fn(*variable); \
	} \
	struct auto_swallow_semicolon_##fn

#define AUTO_VALUE(type, fn) \
	static inline void auto_##fn(type *variable) \
	{ \
		fn(variable); \
	} \
	struct auto_swallow_semicolon_##fn

/* The value of `variable`, which forgets it: ownership moves to the caller's expression. */
#define TAKE(variable) \
	__extension__({ \
		__typeof__(variable) taken_ = (variable); \
		(variable) = NULL; \
		taken_; \
	})

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(format_at, first_at) __attribute__((format(printf, format_at, first_at)))

/* A plain heap pointer of any type: AUTO(free) char *text = NULL; */
static inline void auto_free(void *variable)
{
	free(*(void **)variable);
}

#endif
