/* Division by variables: greatest common divisors of the words of the memory. */
#include "program.h"

u64 program(u8 *memory, u64 length)
{
	u32 *words = (u32 *)memory;
	u64 sum = 0;
	for (u64 i = 0; i + 1 < 128; i++) {
		u64 a = words[i] | 1, b = words[i + 1] | 1;
		while (b) {
			u64 rest = a % b;
			a = b;
			b = rest;
		}
		sum += a;
	}
	return sum;
}
