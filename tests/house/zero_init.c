/* Does the compiler keep a copied struct whole with -ftrivial-auto-var-init=zero? GCC 12.2 clears the padding
 * that follows an array of structs at the array's start. Run by meson.build; 0: it does. */
#include <stdint.h>
#include <string.h>

struct element {
	uint8_t id[16];
	uint32_t index;
};
struct inner {
	uint32_t number;
	struct element elements[4];
	uint64_t aligned; /* four bytes of padding stand before it */
};
struct outer {
	struct inner inner;
	uint64_t count;
};

static __attribute__((noinline)) int is_whole(const struct outer *copy, const struct inner *from)
{
	return memcmp(copy->inner.elements, from->elements, sizeof from->elements) == 0;
}

static __attribute__((noinline)) int copies_whole(const struct inner *from)
{
	const struct outer copy = {.inner = *from, .count = from->number};

	return is_whole(&copy, from);
}

int main(void)
{
	struct inner from;

	memset(&from, 0x5a, sizeof from);
	return copies_whole(&from) ? 0 : 1;
}
