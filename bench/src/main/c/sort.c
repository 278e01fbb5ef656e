/* Loads, stores and branches: insertion sort of 96 words, refilled each time. */
#include "program.h"

u64 program(u8 *memory, u64 length)
{
	u32 *words = (u32 *)memory;
	u32 seed = 12345;
	for (u64 i = 0; i < 96; i++) {
		seed = seed * 1103515245 + 12345;
		words[i] = seed >> 8;
	}
	for (u64 i = 1; i < 96; i++) {
		u32 value = words[i];
		u64 j = i;
		while (j > 0 && words[j - 1] > value) {
			words[j] = words[j - 1];
			j--;
		}
		words[j] = value;
	}
	return words[0] + words[48] + words[95];
}
