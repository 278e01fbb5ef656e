struct F { char s[8]; };

__attribute__((noinline, used)) int print(struct F *f) { __asm__ volatile("" ::: "memory"); return f->s[0]; }

int main(void) {
    struct F f = {"hello"};
    return print(&f) == 0;
}
