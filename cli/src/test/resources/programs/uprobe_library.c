#include <stdio.h>

int main(void) {
    FILE *file = fopen("/etc/passwd", "r");
    char bytes[16];
    return file == 0 || fread(bytes, 1, sizeof bytes, file) == 0;
}
