/* Bits: CRC-32 without a table. */
#include "program.h"

u64 program(u8 *memory, u64 length)
{
	u32 crc = 0xffffffff;
	for (u64 i = 0; i < 256; i++) {
		crc ^= memory[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
	}
	return ~crc;
}
