/* What tracing programs do: the power-of-two bucket of each value is counted. */
#include "program.h"

static inline u32 log2_of(u64 value)
{
	u32 result = 0;
	if (value >> 32) { value >>= 32; result += 32; }
	if (value >> 16) { value >>= 16; result += 16; }
	if (value >> 8) { value >>= 8; result += 8; }
	if (value >> 4) { value >>= 4; result += 4; }
	if (value >> 2) { value >>= 2; result += 2; }
	return result + (value >> 1);
}

u64 program(u8 *memory, u64 length)
{
	u64 *values = (u64 *)memory;
	u64 *counts = (u64 *)(memory + 3072);
	for (u64 i = 0; i < 64; i++)
		counts[i] = 0;
	for (u64 i = 0; i < 384; i++)
		counts[log2_of(values[i] >> (i & 63))]++;
	u64 sum = 0;
	for (u64 i = 0; i < 64; i++)
		sum = sum * 31 + counts[i];
	return sum;
}
