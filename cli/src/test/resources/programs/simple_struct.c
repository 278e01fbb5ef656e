struct Foo { int m; int n; };

__attribute__((noinline, used)) int func(struct Foo *foo) { __asm__ volatile("" ::: "memory"); return foo->m; }

int main(void) {
    struct Foo foo = {2, 3};
    return func(&foo) == 0;
}
