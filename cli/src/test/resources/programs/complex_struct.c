#include <stdint.h>

struct MyStruct { const char *a; char b[4]; uint8_t c[4]; int d[4]; uint16_t e[4]; uint64_t f[4]; };

__attribute__((noinline, used)) int func(struct MyStruct *s) { __asm__ volatile("" ::: "memory"); return s->d[0]; }

int main(void) {
    static const char touched[] = "\x09\x08\x07\x06";
    volatile char first = touched[0];
    (void)first;
    struct MyStruct s = {touched, {5, 4, 3, 2}, {1, 2, 3, 4}, {5, 6, 7, 8}, {9, 10, 11, 12}, {13, 14, 15, 16}};
    return func(&s) == 0;
}
