/* Map lookups: an array and a hash table of the kernel's kind, whose twins are an array and an open hash table in C. */
#include "program.h"

#define ENTRIES 1024
#define MASK 0x7fffffff

#ifdef __bpf__
#define SEC(n) __attribute__((section(n), used))
#define __uint(name, val) int (*name)[val]
#define __type(name, val) __typeof__(val) *name
struct { __uint(type, 2); __uint(max_entries, ENTRIES); __type(key, u32); __type(value, u64); } array SEC(".maps");
struct { __uint(type, 1); __uint(max_entries, ENTRIES); __type(key, u32); __type(value, u64); } hash SEC(".maps");
static void *(*map_lookup)(void *, const void *) = (void *)1;
static long (*map_update)(void *, const void *, const void *, u64) = (void *)2;
#define ARRAY_LOOKUP(key) map_lookup(&array, &key)
#define HASH_LOOKUP(key) map_lookup(&hash, &key)
#define HASH_INSERT(key, value) map_update(&hash, &key, &value, 0)
#else
static u64 array[ENTRIES];
static struct { u32 used, key; u64 value; } hash[2 * ENTRIES];

static u64 *array_lookup(const u32 *key)
{
	return *key < ENTRIES ? &array[*key] : 0;
}

static u32 slot_of(u32 key)
{
	u32 mixed = key * 0x9e3779b1;
	return (mixed ^ mixed >> 15) % (2 * ENTRIES);
}

static u64 *hash_lookup(const u32 *key)
{
	for (u32 at = slot_of(*key); hash[at].used; at = (at + 1) % (2 * ENTRIES))
		if (hash[at].key == *key)
			return &hash[at].value;
	return 0;
}

static void hash_insert(const u32 *key, const u64 *value)
{
	u32 at = slot_of(*key);
	while (hash[at].used && hash[at].key != *key)
		at = (at + 1) % (2 * ENTRIES);
	hash[at].used = 1;
	hash[at].key = *key;
	hash[at].value = *value;
}
#define ARRAY_LOOKUP(key) array_lookup(&key)
#define HASH_LOOKUP(key) hash_lookup(&key)
#define HASH_INSERT(key, value) hash_insert(&key, &value)
#endif

static inline __attribute__((always_inline)) u64 lookups(void)
{
	u64 sum = 0;
	for (u32 i = 0; i < 64; i++) {
		u32 key = i * 7;
		u64 one = i;
		HASH_INSERT(key, one);
	}
	for (u32 i = 0; i < 256; i++) {
		u32 key = i * 13 & ENTRIES - 1;
		u64 *value = ARRAY_LOOKUP(key);
		if (value)
			sum += *value + key;
	}
	for (u32 i = 0; i < 256; i++) {
		u32 key = i * 7 & 511;
		u64 *value = HASH_LOOKUP(key);
		if (value)
			sum += *value;
	}
	return sum & MASK;
}

#ifdef __bpf__
SEC("tc") int program_of_kernel(void *ctx)
{
	return lookups();
}
#else
u64 program(u8 *memory, u64 length)
{
	return lookups();
}
#endif
