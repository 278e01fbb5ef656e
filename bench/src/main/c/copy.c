/* Byte copies: the first half of the memory is copied over the second, byte by byte. */
#include "program.h"

u64 program(u8 *memory, u64 length)
{
	u64 half = length / 2;
	u8 *to = memory + half;
	for (u64 i = 0; i < half; i++)
		to[i] = memory[i];
	return to[half - 1];
}
