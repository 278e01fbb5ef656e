#include <stdint.h>

struct C { uint32_t a; uint64_t b; };

__attribute__((noinline, used)) void clear(struct C *c, int size) { __asm__ volatile("" :: "r"(c), "r"(size) : "memory"); }

int main(void) {
    struct C c[10];
    for (int i = 0; i < 10; i++) {
        c[i].a = i;
        c[i].b = 100;
    }
    for (int i = 0; i < 10; i++) c[i].a = i;
    clear(c, 10);
    return 0;
}
