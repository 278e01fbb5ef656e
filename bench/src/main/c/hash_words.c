/* Hashing word by word: multiplications, rotations and exclusive ors over 64-bit words. */
#include "program.h"

static inline u64 rotate(u64 value, int bits)
{
	return value << bits | value >> (64 - bits);
}

u64 program(u8 *memory, u64 length)
{
	u64 *words = (u64 *)memory;
	u64 a = 0x9e3779b97f4a7c15ull, b = 0xc2b2ae3d27d4eb4full;
	for (u64 i = 0; i + 1 < 512; i += 2) {
		a = rotate(a + words[i] * 0x9fb21c651e98df25ull, 31) ^ b;
		b = rotate(b ^ words[i + 1], 17) * 0xd6e8feb86659fd93ull;
		a ^= b >> 29;
	}
	return a ^ rotate(b, 32);
}
