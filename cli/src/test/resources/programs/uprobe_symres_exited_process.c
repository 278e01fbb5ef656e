__attribute__((noinline, used)) int test(int n) { __asm__ volatile("" ::: "memory"); return n; }

int main(int argc, char **argv) { return test(argc) == 0; }
