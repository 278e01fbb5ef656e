#include <stdint.h>

__attribute__((noinline, used)) int fn(uint16_t *values) { __asm__ volatile("" ::: "memory"); return values[0]; }

int main(void) {
    uint16_t values[] = {7, 1110, 9};
    return fn(values) == 0;
}
