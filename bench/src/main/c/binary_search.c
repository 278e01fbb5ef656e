/* Binary search: 256 look-ups in a sorted table of 512 words that the program makes first. */
#include "program.h"

u64 program(u8 *memory, u64 length)
{
	u32 *table = (u32 *)memory;
	u64 found = 0;
	for (u32 i = 0; i < 512; i++)
		table[i] = i * 37 + 11;
	for (u32 probe = 0; probe < 256; probe++) {
		u32 wanted = probe * 74 + 11 + (probe & 1);
		u32 low = 0, high = 512;
		while (low < high) {
			u32 middle = (low + high) / 2;
			if (table[middle] < wanted)
				low = middle + 1;
			else
				high = middle;
		}
		if (low < 512 && table[low] == wanted)
			found += low;
	}
	return found;
}
