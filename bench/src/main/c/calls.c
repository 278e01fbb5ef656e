/* Calls: small functions that are not inlined, in a loop. */
#include "program.h"

static __attribute__((noinline)) u64 mix(u64 a, u64 b)
{
	return (a ^ b >> 3) * 5 + b;
}

static __attribute__((noinline)) u64 step(u64 a, u64 b, u64 c)
{
	return mix(a, c) + mix(b, a);
}

u64 program(u8 *memory, u64 length)
{
	u64 a = 1, b = 2;
	for (u64 i = 0; i < 512; i++) {
		u64 next = step(a, b, i);
		a = b;
		b = next;
	}
	return a ^ b;
}
