/* Division by constants: digit sums, and a conversion of nanoseconds to hours, minutes, seconds. */
#include "program.h"

u64 program(u8 *memory, u64 length)
{
	u64 *words = (u64 *)memory;
	u64 sum = 0;
	for (u64 i = 0; i < 64; i++) {
		u64 n = words[i];
		while (n) {
			sum += n % 10;
			n /= 10;
		}
		u64 seconds = words[i] / 1000000000;
		sum += seconds / 3600 % 24 + seconds / 60 % 60 + seconds % 60 + (u32)words[i] / 7;
	}
	return sum;
}
