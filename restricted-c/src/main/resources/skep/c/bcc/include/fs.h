#ifndef READ
#define READ 0
#define WRITE 1
#endif
