#include <stdlib.h>
#include <unistd.h>

int GLOBAL_A = 0x55555555;
int GLOBAL_B = 0x88888888;
int GLOBAL_C = 0x33333333;
char GLOBAL_D = 8;

struct Foo { int a; char b[10]; int c[3]; union { int d; int e; }; int f; };
struct Bar { struct Foo *foos[2]; };

#define PROBED __attribute__((noinline, used))

static int values[] = {13};





/* Tests ask for the function below by the number of its line, 22. */

PROBED int *uprobeFunction1(int *n, char c) {
    *values += c - c;
    return n;
}

PROBED struct Foo *uprobeFunction2(struct Foo *foo1, struct Foo *foo2) {
    return foo1->a < foo2->a ? foo1 : foo2;
}

PROBED struct Foo *uprobeFunctionBar(struct Bar *bar) { return bar->foos[0]; }

/* Tests ask for lines 34, 36 and 39. */
PROBED int spin(void) {
    int n = 13;
    uprobeFunction1(&n, 'x');
    struct Foo foo1 = {123, "hello", {1, 2, 3}, {4}, 5};
    struct Foo foo2 = {456, "world", {4, 5, 6}, {7}, 8};
    uprobeFunction2(&foo1, &foo2);
    struct Bar bar = {{&foo1, &foo2}};
    return uprobeFunctionBar(&bar)->a;
}

int main(int argc, char **argv) {
    int rounds = argc > 1 ? atoi(argv[1]) : 200;
    usleep(100000);
    for (int i = 0; i < rounds; i++) {
        spin();
        usleep(20000);
    }
    return 0;
}
