int fun(int n) { return n + 1; }
