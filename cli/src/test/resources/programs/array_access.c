#include <stdint.h>
#include <unistd.h>

struct A { int x[4]; uint8_t y[4]; };
struct B { int y[2][2]; };
struct C { int *z[4]; };
struct D { int x; int y[]; };

#define PROBED __attribute__((noinline, used, noclone))

PROBED int test_struct(struct A *a, struct B *b) { __asm__ volatile("" ::: "memory"); return a->x[0] + b->y[0][0]; }
PROBED int test_array(int *a) { __asm__ volatile("" ::: "memory"); return a[0]; }
PROBED int test_ptr_array(struct C *c) { __asm__ volatile("" ::: "memory"); return *c->z[0]; }
PROBED int test_arrays(struct A *a, struct A *b) { __asm__ volatile("" ::: "memory"); return a->x[0] + b->x[0]; }
PROBED int test_variable_array(struct D *d) { __asm__ volatile("" ::: "memory"); return d->y[0]; }

static struct { int x; int y[4]; } d = {4, {1, 2, 3, 4}};

int main(void) {
    struct A a = {{1, 2, 3, 4}, {0xaa, 0xbb, 0xcc, 0xdd}};
    struct A b = {{5, 6, 7, 8}, {1, 2, 3, 4}};
    struct B two = {{{5, 6}, {7, 8}}};
    struct C c = {{&a.x[0], &a.x[1], &a.x[2], &a.x[3]}};
    return test_struct(&a, &two) + test_array(a.x) + test_ptr_array(&c) + test_arrays(&a, &b)
            + test_variable_array((struct D *)&d) == 0;
}
