#include <string.h>
#include <sys/mman.h>

int main(void) {
    unsigned char *at = mmap((void *)0x10000000, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
            MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    at[0] = 0xc3;
    for (int i = 0; i < 100; i++) {
        ((void (*)(void))at)();
    }
    return 0;
}
