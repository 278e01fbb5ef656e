struct Foo { unsigned int a : 4, b : 8, c : 3, d : 1, e : 16; };

__attribute__((noinline, used)) int func(struct Foo *foo) { __asm__ volatile("" ::: "memory"); return foo->a; }

int main(void) {
    struct Foo foo = {1, 2, 5, 0, 65535};
    return func(&foo) == 0;
}
