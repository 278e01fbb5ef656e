/* Times the native twin: driver MEMORY-FILE SECONDS; prints "minimum-ns median-ns result", in processor time. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "program.h"

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

static int order(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	static u8 contents[1 << 16], memory[1 << 16] __attribute__((aligned(64)));
	static double times[100000];
	FILE *file = fopen(argv[1], "rb");
	u64 length = fread(contents, 1, sizeof contents, file);
	double seconds = atof(argv[2]), end = now() + seconds * 1e9;
	long batch = 1;
	int count = 0;
	memcpy(memory, contents, length);
	u64 result = program(memory, length);
	while ((now() < end || count < 3) && count < 100000) {
		memcpy(memory, contents, length);
		double start = now();
		for (long i = 0; i < batch; i++)
			__asm__ volatile("" : : "r"(program(memory, length)) : "memory");
		double nanos = now() - start;
		if (nanos < 1e7) {
			batch *= 2;
			continue;
		}
		times[count++] = nanos / batch;
	}
	qsort(times, count, sizeof *times, order);
	printf("%.1f %.1f %llx\n", times[0], times[count / 2], result);
	return 0;
}
