#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

__attribute__((noinline, used)) int stub(int n) { __asm__ volatile("" ::: "memory"); return n; }

int main(void) {
    prctl(PR_SET_NAME, "parent-proc");
    if (fork() == 0) {
        prctl(PR_SET_NAME, "son-proc");
        stub(1);
        if (fork() == 0) {
            prctl(PR_SET_NAME, "grandson-proc");
            stub(2);
            return 0;
        }
        wait(0);
        return 0;
    }
    wait(0);
    return 0;
}
