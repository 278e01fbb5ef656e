#include <unistd.h>

__attribute__((noinline, used)) int uprobeFunction1(int *n, char c) { return *n + c; }
__attribute__((noinline, used)) int spin(void) {
    int n = 13;
    int sum = uprobeFunction1(&n, 'x');
    usleep(10000);
    return sum;
}

int main(void) {
    int sum = 0;
    for (int i = 0; i < 200; i++) {
        sum += spin();
    }
    return sum == 0;
}
