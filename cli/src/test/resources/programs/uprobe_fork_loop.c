#include <unistd.h>

__attribute__((noinline, used)) int uprobeFunction1(int n) { __asm__ volatile("" ::: "memory"); return n; }

int main(void) {
    fork();
    for (int i = 0; i < 1000; i++) {
        uprobeFunction1(i);
        usleep(10000);
    }
    return 0;
}
