#include <unistd.h>

int main(void) {
    for (int i = 0; i < 3000; i++) {
        usleep(10000);
    }
    return 0;
}
