/* Integer loops with byte stores: the sieve of Eratosthenes over the memory. */
#include "program.h"

u64 program(u8 *memory, u64 length)
{
	u64 limit = length < 2048 ? length : 2048, count = 0;
	for (u64 i = 0; i < limit; i++)
		memory[i] = 1;
	for (u64 i = 2; i < limit; i++) {
		if (!memory[i])
			continue;
		count++;
		for (u64 j = i * i; j < limit; j += i)
			memory[j] = 0;
	}
	return count;
}
