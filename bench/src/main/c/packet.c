/* What packet programs do: parses Ethernet, IPv4 and TCP headers at many places and sums the IPv4 header. */
#include "program.h"

u64 program(u8 *memory, u64 length)
{
	u64 verdicts = 0;
	for (u64 at = 0; at + 64 < 2048; at += 16) {
		u8 *packet = memory + at;
		u32 type = packet[12] << 8 | packet[13];
		u8 *ip = packet + 14;
		u32 header = (ip[0] & 15) * 4;
		u32 sum = 0;
		for (u32 i = 0; i < 20; i += 2)
			sum += ip[i] << 8 | ip[i + 1];
		while (sum >> 16)
			sum = (sum & 0xffff) + (sum >> 16);
		u32 port = ip[(header & 31) + 2] << 8 | ip[(header & 31) + 3];
		if (type < 0x600)
			verdicts += sum;
		else if (ip[9] & 4)
			verdicts ^= port * 3;
		else
			verdicts += port ^ sum;
	}
	return verdicts;
}
