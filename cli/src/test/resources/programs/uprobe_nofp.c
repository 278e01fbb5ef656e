#include <unistd.h>

#define PROBED __attribute__((noinline, used, noclone))

PROBED int funcD(int x) { __asm__ volatile("" ::: "memory"); return x + 4; }
PROBED int funcC(int x) { volatile char pad[72]; pad[x & 7] = 1; return funcD(x) + pad[x & 7]; }
PROBED int funcB(int x) { volatile long pad[9]; pad[x & 7] = 2; return funcC(x) + (int)pad[x & 7]; }
PROBED int funcA(int x) { return funcB(x) * 3; }

int main(void) {
    int sum = 0;
    for (int i = 0; i < 100; i++) {
        sum += funcA(i) % 7;
        usleep(20000);
    }
    return sum == 0;
}
