/* Integer loops: the longest Collatz chain below a bound, and the sum of its steps. */
#include "program.h"

u64 program(u8 *memory, u64 length)
{
	u64 steps = 0, longest = 0;
	for (u64 start = 1; start < 300; start++) {
		u64 n = start, count = 0;
		while (n != 1) {
			n = n & 1 ? 3 * n + 1 : n >> 1;
			count++;
		}
		steps += count;
		if (count > longest)
			longest = count;
	}
	return steps << 16 | longest;
}
