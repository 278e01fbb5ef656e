/* A switch with many cases: a little machine with a stack and two registers runs the bytes of the memory. */
#include "program.h"

u64 program(u8 *memory, u64 length)
{
	u64 a = 1, b = 2, c = 3, d = 5;
	for (u64 i = 0; i < 1024; i++) {
		switch (memory[i] & 31) {
		case 0: a += b; break;
		case 1: a -= c; break;
		case 2: a ^= d; break;
		case 3: b += a; break;
		case 4: b = b << 1 | b >> 63; break;
		case 5: b -= d; break;
		case 6: c += 7; break;
		case 7: c ^= a; break;
		case 8: c *= 3; break;
		case 9: d += c; break;
		case 10: d ^= b; break;
		case 11: d = ~d; break;
		case 12: a = c; break;
		case 13: b = a & 0xffff; break;
		case 14: c = d >> 3; break;
		case 15: d = a + b; break;
		case 16: a++; break;
		case 17: b--; break;
		case 18: c = -c; break;
		case 19: d |= 1; break;
		case 20: a &= 0xffffffff; break;
		case 21: b ^= 0x5555; break;
		case 22: c += d; break;
		case 23: d -= a; break;
		case 24: a = a << 7 ^ a >> 9; break;
		case 25: b += i; break;
		default: d += 11; break;
		}
	}
	return a ^ b ^ c ^ d;
}
