/* What every benchmark program sees: one function over a piece of memory, compiled for eBPF and for this machine. */
typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long long u64;

u64 program(u8 *memory, u64 length);
